# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compiles: asked for, found again by their message, waited for, and explained when they fail."""

from __future__ import annotations

import time
import uuid

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import guards, settings, versions
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError, Unreachable
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.masking import mask
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.waiting import Waiter

LOST_AFTER = 8.0
ERROR_LINES = 5
ERROR_CHARACTERS = 4000
MESSAGE_CHARACTERS = 800
REPORT_KEYS = ("id", "requested", "started", "completed", "success", "version")
REMEDY_OFF = "Set the environment's setting server_compile to true (stagecraft.release.inmanta_settings)"


def no_result():
    """What a compile returns before it has a report."""
    return dict(version=None, status=None, released=None, report=None, stage=None, error=None, interrupted=False)


def check(client, environment):
    """Refuse what the server would accept and never run."""
    guards.refuse_halted(client, environment, "a compile would stay queued", no_result())
    if settings.read(client, environment).values.get("server_compile") is False:
        raise InputError("server_compile", False, "is the environment's setting: the server would skip the compile", REMEDY_OFF, **no_result())


class Compile:
    """One compile that was asked for.

    :param client: session with the server.
    :param environment: UUID.
    :param call: who asked, with the options of a wait.
    :param body: what is sent beside the metadata: ``update`` and ``reinstall``.
    :param message: shown in the compile reports; made unique here.
    """

    def __init__(self, client, environment, call, body, message, clock=time.monotonic, sleep=time.sleep):
        self._client = client
        self._environment = environment
        self._call = call
        self._message = "%s [stagecraft %s]" % (message, uuid.uuid4())
        self._body = dict(body, metadata=dict(type="stagecraft", message=self._message))
        self._clock = clock
        self._sleep = sleep
        self._report = None
        self._stored = None
        self._missing_since = None
        self._resent = False
        self._broken = False

    def request(self):
        """Ask for the compile; an answer that got lost is found out in the wait."""
        try:
            answer = self._client.post("/api/v1/notify/%s" % segment(self._environment), body=self._body)
        except (Unreachable, ApiError) as exc:
            if isinstance(exc, ApiError) and exc.status == 400 and "reinstall" in exc.server_message:
                raise InputError("reinstall", True, "is not something this release of the orchestrator can do",
                                 "Leave it out, or clear the environment first", **no_result()) from exc
            if isinstance(exc, ApiError) and exc.status not in (502, 503, 504):
                raise
            self._broken = True
            return
        warnings = (answer.get("metadata") or {}).get("warnings")
        if warnings:
            raise StagecraftError("The server did not take the compile: %s %s." % (" ".join(warnings), REMEDY_OFF), **no_result())

    def wait(self, completed=True):
        """Wait until the report is there, or the compile has ended.

        :param completed: wait for the end.
        :returns: the result, see :func:`no_result`.
        """
        waiter = Waiter(self._call, "compile", clock=self._clock, sleep=self._sleep)
        waiter.until(lambda: self._poll(completed), self._line, self._result, timed=True)
        return self._result()

    def _poll(self, completed):
        try:
            found = self._report or self._find()
            if found is None:
                return False, "sent, not queued yet"
            report = self._report = self._read(found)
            if report.get("completed") or not completed:
                self._stored = versions.find(self._client, self._environment, report["version"]) if report.get("version") else None
                return True, _outcome(report)
            return False, self._queued() if not report.get("started") else _running(report)
        except (Unreachable, ApiError):
            self._broken = True
            self._missing_since = None
            raise

    def _find(self):
        """The report with our message; a request that was lost on its way is sent again once."""
        reports = self._client.get("/api/v2/compilereport", self._environment, {"limit": 100})["data"]
        for report in reports:
            if (report.get("metadata") or {}).get("message") == self._message:
                return report
        now = self._clock()
        if self._missing_since is None:
            self._missing_since = now
        elif now - self._missing_since >= LOST_AFTER and not self._resent:
            self._resent = True
            self.request()
        return None

    def _read(self, report):
        return self._client.get("/api/v2/compilereport/%s" % segment(report["id"]), self._environment)["data"]

    def _queued(self):
        guards.refuse_halted(self._client, self._environment, "the compile stays queued until it is resumed", self._result())
        queue = self._client.get("/api/v1/compilequeue", self._environment)["queue"]
        ahead = [item["id"] for item in queue]
        position = ahead.index(self._report["id"]) if self._report["id"] in ahead else 0
        return "queued behind %d" % position if position else "queued"

    @staticmethod
    def _line(state):
        return "compile: %s" % state

    def _result(self):
        result = no_result()
        report = self._report
        if report is None:
            return result
        result["report"] = {key: report.get(key) for key in REPORT_KEYS}
        if not report.get("completed"):
            return result
        result["version"] = report.get("version")
        if self._stored:
            result.update(status=self._stored["status"], released=self._stored["released"])
        if not report.get("success"):
            stage = failed_stage(report)
            result["interrupted"] = stage is None or self._broken
            result["stage"] = (stage or {}).get("name")
            result["error"] = self._client.hide(failure_text(report, stage))
        return result


def _outcome(report):
    if not report.get("completed"):
        return "queued"
    if not report.get("success"):
        return "failed"
    return "done, v%s" % report.get("version")


def _running(report):
    stages = sorted(report.get("reports") or [], key=lambda stage: stage["started"])
    return stages[-1]["name"] if stages else "starting"


def failed_stage(report):
    """The first stage that failed by itself, or None: then the compile was killed, or the server stopped.

    A stage that was killed has no return code, or that of a signal.
    """
    stages = sorted(report.get("reports") or [], key=lambda stage: stage["started"])
    return next((stage for stage in stages if (stage.get("returncode") or 0) > 0), None)


def failure_text(report, stage):
    """Why a compile failed: the compiler's own errors with their place, else the end of what the stage printed.

    Never the stage's command line: it may hold a token.
    """
    errors = (report.get("compile_data") or {}).get("errors") or []
    if errors:
        text = "\n".join("%s%s" % (error["message"].strip(), _place(error.get("location"))) for error in errors)
    elif stage is None:
        text = "it was ended from outside: the server stopped, or the compiler was killed"
    else:
        stream = stage.get("errstream") or ""
        text = _last_exception(stream if stream.strip() else stage.get("outstream") or "it printed nothing")
    return mask(text)[-ERROR_CHARACTERS:].strip()


def _last_exception(text):
    """What a Python traceback at the end of ``text`` says, without its frames; other text as it is."""
    if "Traceback (most recent call last):" not in text:
        return text
    lines = text.rstrip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    after = frames[-1] + 1 if frames else 0
    while after < len(lines) and (lines[after].startswith("    ") or not lines[after].strip()):
        after += 1
    return "\n".join(lines[after:]) or text


def _place(location):
    if not location:
        return ""
    path = location["uri"].replace("file://", "", 1)
    # The server's own directory says nothing; below it the path is the one in the repository.
    path = path.split("/compiler/", 1)[-1]
    path = path[2:] if path.startswith("./") else path
    return " (%s:%d)" % (path, location["range"]["start"]["line"] + 1)


def explain(result):
    """The message of a compile that gave no version.

    :param result: what :meth:`Compile.wait` returned.
    """
    report = result["report"]
    if report["success"]:
        return ("compile: it succeeded without storing a version (report %s). Look at the model's output: nothing was exported, "
                "or the environment's project exports elsewhere." % report["id"])
    lines = [line.strip() for line in result["error"].splitlines() if line.strip()]
    where = "in stage '%s'" % result["stage"] if result["stage"] else "before a stage failed by itself"
    if result["interrupted"]:
        where += " while the server stopped"
    return ("compile: failed %s: %s. Mend that and compile again; the whole output is in compile report %s of the orchestrator."
            % (where, " ".join(lines[-ERROR_LINES:])[-MESSAGE_CHARACTERS:].rstrip("."), report["id"]))


def compile_model(client, environment, call):
    """Compile as the options of inmanta_compile ask.

    :returns: the result of a compile that stored a version, see :func:`no_result`.
    :raises StagecraftError: there is no version; details hold the same keys.
    """
    params = call.params
    body = dict(update=params["update"])
    if params["reinstall"]:
        # Releases up to 14 do not know it.
        body["reinstall"] = True
    left = params["retries_interrupted"]
    while True:
        compiling = Compile(client, environment, call, body, params["reason"])
        compiling.request()
        result = compiling.wait(completed=params["wait"])
        if not params["wait"]:
            return result
        if result["version"] is not None and result["report"]["success"]:
            return result
        if not result["interrupted"] or not left:
            raise StagecraftError(explain(result), **result)
        left -= 1
        call.progress("compile: interrupted, compiling again")

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dry runs: started, watched on the small list, read once, normalised."""

from __future__ import annotations

import time

from ansible_collections.stagecraft.release.plugins.module_utils.changes import normalise, table
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import guards
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError, NotFound, Unreachable
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.waiting import Waiter

# A dry run that the server's restart cut off stays where it is for good: no need to look at it for long.
STUCK_AFTER_RESTART = 30.0


def no_result():
    """What a dry run returns before it has an end; null says that nothing is known, never that nothing changes."""
    return dict(dryrun=None, changes=None, unchecked=None, counts=None, digest=None, total=None, stale=False, retriggered=False)


def check(client, environment, version):
    """Refuse what could not come to an end.

    :returns: the version's entry.
    """
    guards.refuse_halted(client, environment, "a dry run would check nothing", no_result())
    return guards.existing_version(client, environment, version, no_result())


class DryRun:
    """One dry run of a version.

    :param client: session with the server.
    :param environment: UUID.
    :param call: who asked, with the options of a wait and ``stuck_after``.
    :param version: the version, which exists.
    """

    def __init__(self, client, environment, call, version, clock=time.monotonic, sleep=time.sleep):
        self._client = client
        self._environment = environment
        self._call = call
        self._version = version
        self._path = "/api/v2/dryrun/%d" % version
        self._clock = clock
        self._sleep = sleep
        self._stuck_after = call.params["stuck_after"]
        self._id = None
        self._summary = None
        self._rows = None
        self._moved_at = None
        self._retriggered = False

    def run(self):
        """Start the dry run and wait for its end.

        :returns: the result, see :func:`no_result`, and ``diff``.
        """
        waiter = Waiter(self._call, "dry run of v%d" % self._version, clock=self._clock, sleep=self._sleep)
        waiter.until(self._poll, self._line, self.result)
        return self.result()

    def start(self):
        """Start the dry run; one whose answer got lost does no harm."""
        identity = self._client.post(self._path, self._environment).get("data")
        if not identity:
            raise Unreachable("POST %s: the server answered nothing: is it stopping?" % self._path)
        self._id = identity
        self._summary = None
        self._moved_at = self._clock()

    def result(self):
        """What is known by now."""
        result = no_result()
        result["retriggered"] = self._retriggered
        if self._id is not None:
            result["dryrun"] = describe(self._summary or {}, self._id, self._version)
        if self._rows is not None:
            result.update(evaluate(self._rows))
        return result

    def _poll(self):
        try:
            if self._id is None:
                self.start()
            summary = self._own()
            if summary["todo"] <= 0:
                self._rows = self._client.get("%s/%s" % (self._path, segment(self._id)), self._environment)["data"]["diff"]
                return True, summary
            self._watch(summary)
            return False, summary
        except NotFound as exc:
            raise InputError("version", self._version, "or its dry run was deleted while the dry run went on",
                             "Compile again and give the new version", **self.result()) from exc
        except (Unreachable, ApiError) as exc:
            if isinstance(exc, Unreachable) or exc.status >= 500:
                self._stuck_after = min(self._stuck_after, STUCK_AFTER_RESTART)
                self._moved_at = self._clock()
            raise

    def _own(self):
        for summary in self._client.get(self._path, self._environment)["data"]:
            if summary["id"] == self._id:
                if self._summary is None or summary["todo"] != self._summary["todo"]:
                    self._moved_at = self._clock()
                self._summary = summary
                return summary
        raise StagecraftError("version %d: its dry run %s is no longer there: the version was deleted, or cleaned up. Compile again."
                              % (self._version, self._id), **self.result())

    def _watch(self, summary):
        """Start a dry run that does not move once more; give up on the second."""
        if self._clock() - self._moved_at < self._stuck_after:
            return
        guards.refuse_halted(self._client, self._environment, "the dry run cannot go on", self.result())
        if self._retriggered:
            raise StagecraftError(
                "dry run of v%d: it stands still at %s for the second time. Look at the agents of the environment and the log of the "
                "orchestrator; raise 'stuck_after' (now %g s) where a single resource takes longer to check."
                % (self._version, progress(summary), self._stuck_after), **self.result())
        self.start()
        self._retriggered = True
        self._call.progress("dry run of v%d: stood still at %s, started again" % (self._version, progress(summary)))

    def _line(self, summary):
        return "dry run of v%d: %s" % (self._version, progress(summary))


def progress(summary):
    """How far a dry run is."""
    return "%d/%d checked" % (summary["total"] - max(summary["todo"], 0), summary["total"])


def describe(summary, identity, version):
    """A dry run by its id, version and date."""
    return dict(id=identity, version=version, date=summary.get("date"))


def evaluate(rows):
    """The rows of a diff as the module returns them.

    :param rows: the server's list ``diff``.
    """
    changes = normalise.normalise(rows)
    known = changes.as_dict()
    counts = dict(changes.counts(), unmodified=changes.unmodified)
    return dict(changes=known["changes"], unchecked=known["unchecked"], counts=counts, digest=changes.digest,
                total=changes.total, diff=table.diff(changes))


def newest(client, environment, version):
    """The newest complete dry run of a version, as a stale result; nothing known where there is none.

    Dry runs of some resources only are left out.
    """
    path = "/api/v2/dryrun/%d" % version
    done = [summary for summary in client.get(path, environment)["data"]
            if summary["todo"] <= 0 and summary.get("resource_filter") is None]
    if not done:
        return no_result()
    summary = max(done, key=lambda item: item["date"])
    rows = client.get("%s/%s" % (path, segment(summary["id"])), environment)["data"]["diff"]
    return dict(no_result(), dryrun=describe(summary, summary["id"], version), stale=True, **evaluate(rows))

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments: one version promoted, and watched until its resources have settled."""

from __future__ import annotations

import time

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import guards, paging, settings, versions
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import Conflict, NotFound
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.masking import mask
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.waiting import Waiter

BUSY = ("available", "deploying", "processing_events")
BAD = ("failed", "unavailable")
FAILED_SHOWN = 20
ERROR_CHARACTERS = 2000
# Resources are unavailable for some seconds while a newer server starts their handlers.
UNAVAILABLE_FOR = 15.0
SETTLED_FOR = 0.5
PUSH_AFTER = 10.0
LATER_VERSION = "Compile again and judge the new version"


def no_result(version):
    """What a deployment returns before it has begun."""
    return dict(version=version, status=None, counts=None, total=None, failed_resources=[], promoted=False, over_max_failed=False)


def check(client, environment, version):
    """Refuse what could not be deployed.

    :returns: the version as the server lists it.
    """
    guards.refuse_halted(client, environment, "nothing would be deployed until it is resumed", no_result(version))
    found = guards.existing_version(client, environment, version, no_result(version))
    refuse_superseded(client, environment, found, no_result(version))
    return found


def refuse_superseded(client, environment, found, result):
    """Raise where a newer version has taken the version's place."""
    if found["status"] in ("active", "candidate"):
        return
    newer = versions.summary(client, environment, 1)["active"]
    raise InputError("version", found["version"], "was superseded: it is %s, version %s is the active one" % (found["status"], newer),
                     LATER_VERSION, **dict(result, status=found["status"]))


class Deployment:
    """The deployment of one version.

    :param client: session with the server.
    :param environment: UUID.
    :param call: who asked, with the options of a wait and ``max_failed``.
    :param version: the version.
    """

    def __init__(self, client, environment, call, version, clock=time.monotonic, sleep=time.sleep):
        self._client = client
        self._environment = environment
        self._call = call
        self._version = version
        self._clock = clock
        self._sleep = sleep
        self._found = None
        self._counts = None
        self._total = None
        self._failed = []
        self._promoted = False
        self._asked = False
        self._pushed = False
        self._over = 0
        self._held = 0
        self._held_since = None
        self._gave_up = False

    def promote(self):
        """Promote the version where nobody has."""
        if self._find()["released"]:
            # An answer that got lost was a success.
            self._promoted = self._promoted or self._asked
            return
        self._asked = True
        try:
            self._client.post("/api/v2/desiredstate/%s/promote" % segment(self._version), self._environment)
        except Conflict as exc:
            # Somebody promoted it between our two requests, or a newer one: look which.
            self._asked = False
            if not self._find()["released"]:
                raise InputError("version", self._version, "cannot be promoted: %s" % exc.server_message, LATER_VERSION,
                                 **self.result()) from exc
        else:
            self._promoted = True
            self._find()

    def run(self):
        """Promote, and wait until the version is active and its resources have settled.

        :returns: the result, see :func:`no_result`.
        """
        waiter = Waiter(self._call, "v%d" % self._version, clock=self._clock, sleep=self._sleep)
        waiter.until(self._poll, self._line, self.result)
        return self.result()

    @property
    def changed(self):
        """Whether this call set the deployment off."""
        return self._promoted or self._pushed

    def result(self):
        """What is known by now."""
        status = self._found["status"] if self._found else None
        return dict(version=self._version, status=status, counts=self._counts, total=self._total,
                    failed_resources=self._failed, promoted=self._promoted, over_max_failed=self._gave_up)

    def read(self):
        """The result of a version without deploying it."""
        if self._find()["status"] == "active":
            self._count()
            self._failed = self._failures()
        return self.result()

    def _find(self):
        self._found = guards.existing_version(self._client, self._environment, self._version, self.result())
        refuse_superseded(self._client, self._environment, self._found, self.result())
        return self._found

    def _poll(self):
        self.promote()
        if self._found["status"] != "active":
            # Newer servers show the states of the version before until their scheduler has read the release.
            self._refuse_halted()
            return False, None
        if self._found["total"] == 0:
            self._counts, self._total = {}, 0
            return True, self._counts
        self._count()
        settled = self._total > 0 and not any(self._counts.get(state) for state in BUSY)
        if settled and self._held and self._for_good():
            # A version promoted meanwhile would have brought counts of its own.
            self._find()
            self._failed = self._failures()
            if self._too_many(BAD):
                self._give_up()
            return True, self._counts
        if self._held and not settled:
            self._refuse_halted()
            self._push()
        self._over = self._over + 1 if self._too_many(BAD[:1]) else 0
        if self._over > 1:
            self._failed = self._failures()
            self._give_up()
        return False, self._counts

    def _count(self):
        answer = self._client.get("/api/v2/resource", self._environment, {"limit": 1, "deploy_summary": "true"})
        summary = answer["metadata"]["deploy_summary"]
        counts = {state: number for state, number in sorted(summary["by_state"].items()) if number}
        if counts == self._counts:
            self._held += 1
        else:
            self._held, self._held_since = 0, self._clock()
        self._counts, self._total = counts, summary["total"]

    def _for_good(self):
        return self._clock() - self._held_since >= (UNAVAILABLE_FOR if self._counts.get("unavailable") else SETTLED_FOR)

    def _too_many(self, states):
        limit = self._call.params["max_failed"]
        return limit is not None and sum(self._counts.get(state, 0) for state in states) > limit

    def _give_up(self):
        limit = self._call.params["max_failed"]
        self._gave_up = True
        raise StagecraftError("%s. That is more than max_failed=%d allows%s. Stop the environment (stagecraft.release.inmanta_halt) "
                              "or abort the release." % (self._line(self._counts), limit, first(self._failed)), **self.result())

    def _push(self):
        """Older servers leave a version alone when push_on_auto_deploy is off: then do what a person would do."""
        still = self._counts.get("available") and not self._counts.get("deploying")
        if self._pushed or not still or self._clock() - self._held_since < PUSH_AFTER:
            return
        if settings.read(self._client, self._environment).values.get("push_on_auto_deploy") is False:
            self._client.post("/api/v1/deploy", self._environment, {"agent_trigger_method": "push_incremental_deploy"}, repeat=True)
            self._pushed = True
            self._call.progress("v%d: push_on_auto_deploy is off, the agents were told to deploy" % self._version)

    def _refuse_halted(self):
        guards.refuse_halted(self._client, self._environment, "v%d is not deployed any further" % self._version, self.result())

    def _failures(self):
        if not self._counts or not any(self._counts.get(state) for state in BAD):
            return []
        return failures(self._client, self._environment)

    def _line(self, counts):
        if counts is None:
            return "v%d: promoted, not taken up yet" % self._version
        return "v%d: %s" % (self._version, progress(counts, self._total))


def progress(counts, total):
    """The counts as one line: deployed, failed, what else there is, and what is left to do."""
    busy = sum(counts.get(state, 0) for state in BUSY)
    parts = ["%d/%d deployed" % (counts.get("deployed", 0), total), "%d failed" % counts.get("failed", 0)]
    parts += ["%d %s" % (number, state) for state, number in sorted(counts.items()) if state not in BUSY + ("deployed", "failed")]
    return ", ".join(parts + ["%d to go" % busy])


def failures(client, environment, agent=None):
    """The resources that failed, of one agent or of all, with the last error of each, as many as a person would read."""
    # The filter of the server for agents takes parts of a name, too.
    query = {"filter.status": list(BAD), "limit": FAILED_SHOWN if agent is None else paging.PAGE_SIZE}
    rows = [row for row in client.get("/api/v2/resource", environment, query)["data"] if agent is None or row["id_details"]["agent"] == agent]
    return [dict(resource=row["resource_id"], state=row["status"], error=_last_error(client, environment, row["resource_id"]))
            for row in rows[:FAILED_SHOWN]]


def _last_error(client, environment, resource):
    query = {"filter.minimal_log_level": "ERROR", "limit": 1, "sort": "timestamp.desc"}
    try:
        logs = client.get("/api/v2/resource/%s/logs" % segment(resource), environment, query)["data"]
    except NotFound:
        return None
    return client.hide(mask(_error_text(logs[0])))[:ERROR_CHARACTERS] if logs else None


def _error_text(log):
    exception = (log.get("kwargs") or {}).get("exception")
    text = log.get("msg") or ""
    return text if not exception or str(exception) in text else "%s: %s" % (text, exception)


def first(failed):
    """The first failed resource and the first line of its error; the rest is in the result."""
    if not failed:
        return ""
    one = failed[0]
    error = (one["error"] or one["state"]).strip().splitlines()[0]
    return "; the first is %s: %s" % (one["resource"], error.replace(one["resource"], "it")[:300])

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Force repair of one agent, and the wait for its end, which the server does not tell."""

from __future__ import annotations

import time

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import actions, agents, deploy, guards, paging
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import NotFound
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.waiting import Waiter

# What waits for another agent looks like what is about to be deployed; when nothing moves for so long, it waits.
STILL_FOR = 5.0
# A scheduler that is just starting drops what it is asked for, without a word.
ASK_AGAIN_AFTER = 15.0


def dependents(rows, inactive):
    """Ids of the resources that depend, over however many others, on a resource of the agents ``inactive``.

    :param rows: resources as the server lists them.
    """
    needed_by = {}
    for row in rows:
        for needed in row["requires"]:
            needed_by.setdefault(actions.split(needed)[0], []).append(row["resource_id"])
    found, todo = set(), [row["resource_id"] for row in rows if row["id_details"]["agent"] in inactive]
    while todo:
        for dependent in needed_by.get(todo.pop(), ()):
            if dependent not in found:
                found.add(dependent)
                todo.append(dependent)
    return found


class Repair:
    """The repair of one agent.

    :param client: session with the server.
    :param environment: UUID.
    :param call: who asked, with the options of a wait, ``agent``, ``version`` and ``max_failed``.
    """

    def __init__(self, client, environment, call, clock=time.monotonic, sleep=time.sleep):
        self._client = client
        self._environment = environment
        self._call = call
        self._agent = call.params["agent"]
        self._clock = clock
        self._sleep = sleep
        self._since = None
        self._blocked = set()
        self._counts, self._total, self._waiting, self._failed = {}, 0, [], []
        self._seen, self._seen_at, self._gave_up = None, 0.0, False

    def check(self):
        """Refuse what could not come to an end."""
        self._check_version()
        rows = self._rows()
        paused = {item["name"] for item in agents.listing(self._client, self._environment) if item["paused"]}
        if self._agent in paused:
            raise InputError("agent", self._agent, "is paused, so it would deploy nothing", "Unpause it first (stagecraft.release.inmanta_agent)",
                             **self.result())
        self._blocked = dependents(rows, paused)
        self._count(rows)
        if not self._total:
            raise InputError("agent", self._agent, "has no resource in version %d" % self._call.params["version"],
                             "Choose from: %s" % ", ".join(sorted({row["id_details"]["agent"] for row in rows})), **self.result())

    def start(self):
        """Ask for the repair.

        :returns: whether the server could reach the agent; up to release 14 one that was just started takes a moment.
        """
        since = self._since or self._call.params["since"] or self._client.moment()
        try:
            self._client.post("/api/v1/deploy", self._environment,
                              {"agent_trigger_method": "push_full_deploy", "agents": [self._agent]}, repeat=True)
        except NotFound:
            return False
        self._since = since
        return True

    def run(self):
        """Repair, and wait until the agent's resources have settled."""
        waiter = Waiter(self._call, "repair of %s" % self._agent, clock=self._clock, sleep=self._sleep)
        waiter.until(self._poll, self._line, self.result)

    def result(self):
        """What is known by now."""
        return dict(agent=self._agent, counts=self._counts, total=self._total, waiting=self._waiting, failed_resources=self._failed,
                    over_max_failed=self._gave_up)

    def _check_version(self):
        guards.refuse_halted(self._client, self._environment, "nothing would be deployed until it is resumed", self.result())
        version = self._call.params["version"]
        found = guards.existing_version(self._client, self._environment, version, self.result())
        if found["status"] != "active":
            raise InputError("version", version, "is not the active version but %s" % found["status"], "Give the active version", **self.result())

    def _rows(self):
        return paging.everything(self._client, "/api/v2/resource", self._environment)

    def _poll(self):
        if self._since is None and not self.start():
            self._check_version()
            return False, None
        # The record first: what ends between the two readings is then seen as unfinished, not as done.
        record = {item["resource"]: item["state"] for item in actions.deployed_since(self._client, self._environment, self._since)}
        mine = self._count(self._rows())
        left = [row["resource_id"] for row in mine if self._is_left(row, record)]
        self._waiting = [resource for resource in left if resource in self._blocked]
        busy = len(left) > len(self._waiting) or bool(self._counts.get("deploying"))
        now = dict(self._counts, left=len(left))
        if now != self._seen:
            self._seen, self._seen_at = now, self._clock()
        elif not busy:
            self._refuse_failures()
            if self._clock() - self._seen_at >= self._patience():
                self._check_version()
                self._failed = self._failures()
                return True, now
        if busy:
            if self._clock() - self._seen_at >= ASK_AGAIN_AFTER and not self._counts.get("deploying"):
                self.start()
                self._seen_at = self._clock()
            guards.refuse_halted(self._client, self._environment, "%s does not go on" % self._agent, self.result())
        return False, now

    def _is_left(self, row, record):
        """Whether the agent has not done with a resource: it is busy, or it shows an end from before the repair."""
        if row["status"] in deploy.BUSY:
            return True
        return row["status"] == "deployed" and record.get(row["resource_id"]) in (None, "deploying")

    def _count(self, rows):
        mine = [row for row in rows if row["id_details"]["agent"] == self._agent]
        self._total, self._counts = len(mine), {}
        for row in mine:
            self._counts[row["status"]] = self._counts.get(row["status"], 0) + 1
        return mine

    def _patience(self):
        return deploy.UNAVAILABLE_FOR if self._counts.get("unavailable") else STILL_FOR if self._waiting else deploy.SETTLED_FOR

    def _refuse_failures(self):
        limit = self._call.params["max_failed"]
        waited = self._clock() - self._seen_at >= self._patience()
        bad = self._counts.get("failed", 0) + (self._counts.get("unavailable", 0) if waited else 0)
        if limit is None or bad <= limit:
            return
        self._failed, self._gave_up = self._failures(), True
        raise StagecraftError("%s. That is more than max_failed=%d allows%s. Nothing more is activated."
                              % (self._line(self._counts), limit, deploy.first(self._failed)), **self.result())

    def _failures(self):
        if not any(self._counts.get(state) for state in deploy.BAD):
            return []
        return deploy.failures(self._client, self._environment, self._agent)

    def _line(self, now):
        if now is None:
            return "agent %s: not reached yet" % self._agent
        line = "agent %s: %s" % (self._agent, deploy.progress(self._counts, self._total))
        return "%s, %d wait for agents that are paused" % (line, len(self._waiting)) if self._waiting else line

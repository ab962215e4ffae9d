# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schedule and state of a rollout read once, at one instant; what the plugins and modules of the rollout decide with."""

from __future__ import annotations

import time
from dataclasses import replace

from ansible_collections.stagecraft.release.plugins.module_utils import controller_files, durable, rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import forecast, plan as plans, standing
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD, Decision
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.fleet import decide_fleet
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading

ARGUMENTS = dict(rollout_options.STATE_DIR, schedule=dict(type="path", required=True), now=dict(type="str"))


def instant(value):
    """An instant in whole seconds.

    :param value: a time in UTC such as ``2030-01-31 10:16``, seconds since 1970, or nothing for the clock.
    """
    text = str(value or "").strip()
    if not text:
        return int(time.time())
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else rollout_options.instant("now", text)


class Rollout:
    """What is declared and what is recorded at one instant, and what it means for every target.

    :param schedule: ``Schedule``.
    :param state: what ``store.reading.load`` gave.
    :param now: instant in seconds, UTC.
    :param assigned: by name of host the name of its ring, None where no ring takes it; all hosts, not only those of a limit.
    :param disabled: by name of host why it takes no release.
    :ivar decisions: by name of host, in the order of the rings.
    """

    def __init__(self, schedule, state, now, assigned, disabled=None):
        self.schedule, self.state, self.now = schedule, state, now
        self.targets = {name: state.target(name, ring) for name, ring in assigned.items()}
        for name, why in (disabled or {}).items():
            self.targets[name] = replace(self.targets[name], disabled=why)
        self.pins, self.progress = state.pins, state.progress(schedule, self.members())
        self.plan = self._compile()
        if state.problems:
            reason = "the state cannot be relied on, so nothing changes: %s" % "; ".join(state.problems)
            self.decisions = {name: Decision(HOLD, target.current, "state", reason) for name, target in self.targets.items()}
        else:
            self.decisions = decide_fleet(self.plan, self.targets.values(), self.pins)

    def members(self):
        """By name of ring, the names of its targets; one that no ring takes goes with the most cautious."""
        found = {ring.name: [] for ring in self.schedule.rings}
        for name, target in self.targets.items():
            found[self.schedule.ring(target.ring).name].append(name)
        return found

    def now_plan(self, reached):
        """A plan for a run that is under way.

        :param reached: whether a ring takes nothing newer than what the ring before it is recorded to run. When a run begins, what that ring comes to
            by the same run counts, too.
        """
        return self._compile(standing.reached(self.plan, self.targets.values()) if reached else None)

    def forecast(self, hours):
        """What every target would run now and in the hours after."""
        return forecast.forecast(self.now, hours, self.schedule, self.state.snapshots, self.state.marks, self.targets.values(), self.pins,
                                 self.state.stops, self.progress, self.state.approvals)

    def _compile(self, reached=None):
        state = self.state
        return plans.compile(self.now, self.schedule, state.snapshots, state.marks, state.stops, self.progress, state.approvals, reached=reached)


def load(params, rings, disabled=None):
    """Read what the options ``schedule``, ``state_dir`` and ``now`` name.

    :param rings: by name of ring the names of its targets; where it is empty, the targets that runs have recorded.
    :param disabled: by name of target why it takes no release.
    :raises StagecraftError: the schedule or the instant cannot be used. A state that cannot be read is no error: every target holds.
    """
    schedule, state = rollout_options.schedule(params["schedule"]), reading.load(params["state_dir"])
    assigned = {str(name): ring for ring, names in rings.items() for name in names} if rings else dict(state.rings)
    return Rollout(schedule, state, instant(params["now"]), assigned, {name: why for name, why in (disabled or {}).items() if why and name in assigned})


def put(path, text, check_mode):
    """Write a file that is not as it shall be, in one step.

    :returns: whether it was, or would be, written.
    """
    try:
        if controller_files.text(path) == text:
            return False
    except (OSError, ValueError):
        pass
    try:
        if not check_mode:
            durable.write(path, text.encode("utf-8"))
    except OSError as exc:
        raise InputError("dest", path, "cannot be written: %s" % exc.strerror, "Name a file in a directory that is there and that this user may write") from exc
    return True

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rollout as data for people and programs, with instants as texts. Pure."""

from __future__ import annotations

from collections import Counter

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import windows
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import utc

ISO = "%Y-%m-%dT%H:%M:%SZ"


def told(rollout):
    """Snapshots, kill switches, pins, approvals and rings.

    :param rollout: what was read and decided, with ``schedule``, ``state``, ``now``, ``targets``, ``pins``, ``decisions`` and ``members()``.
    """
    state = rollout.state
    marks = state.last_marks
    running = Counter(target.current for target in rollout.targets.values())
    return {
        "snapshots": [dict(_snapshot(snapshot, marks.get(snapshot.name)), targets=running[snapshot.name]) for snapshot in state.snapshots],
        "stops": [{"level": stop.level, "name": stop.name, "message": stop.message, "by": stop.by, "at": utc(stop.at, ISO) if stop.at else ""}
                  for stop in state.switches],
        "pins": [{"target": pin.target, "snapshot": pin.snapshot, "until": utc(pin.until, ISO), "by": pin.by, "why": pin.why, "emergency": pin.emergency}
                 for pin in rollout.pins.values() if pin.until > rollout.now],
        "approvals": {ring: sorted(names) for ring, names in state.approvals.items()},
        "rings": [_ring(rollout, ring, names) for ring, names in zip(rollout.schedule.rings, rollout.members().values())],
    }


def decision(found):
    """A decision with every candidate that was passed over."""
    return {"action": found.action, "release": found.release or "", "code": found.code, "reason": found.reason,
            "passed_over": [{"snapshot": passed.snapshot, "code": passed.code, "reason": passed.reason} for passed in found.passed_over]}


def _snapshot(snapshot, mark):
    return {"name": snapshot.name, "at": utc(snapshot.at, ISO), "commit": snapshot.commit, "barrier": snapshot.barrier, "dead_end": snapshot.dead_end,
            "mark": mark.state if mark else "", "by": mark.by if mark else "", "why": mark.why if mark else ""}


def _ring(rollout, ring, names):
    return {"name": ring.name, "targets": len(names), "closed": windows.closed(ring, rollout.now),
            "runs": dict(Counter(rollout.targets[name].current for name in names if rollout.targets[name].current)),
            "held": sum(rollout.decisions[name].action == HOLD for name in names)}

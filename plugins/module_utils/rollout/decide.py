# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one target does now. Thin, over a plan that is compiled once per run; decisions that depend on the same are made once. Pure.

In this order: a kill switch, a disabled target, a pin, a dead end, a closed window, a fix after ``badfwd``, the newest acceptable snapshot that the ring
is due. A target goes back only from a snapshot that is marked bad; a candidate that is older than what it runs is otherwise a hold.
"""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import forward
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan as plans
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD, RUN, Decision
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import span
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import BADFWD


def decide(plan, target, pin=None):
    """Decide for one target.

    :param plan: what ``plan.compile`` gave.
    :param target: a ``Target``.
    :param pin: the ``Pin`` of this target, or None; one that is expired has no effect.
    :return: a ``Decision``; it never raises on valid input.
    """
    candidates = plan.ring(target.ring)
    if plan.stops.any:
        reason = plan.stops.on(target, candidates.ring.name)
        if reason:
            return Decision(HOLD, target.current, "kill_switch", reason)
    if target.disabled:
        return Decision(HOLD, target.current, "disabled", "the target is disabled: %s" % target.disabled)
    if pin is not None and plan.now < pin.until:
        return _pinned(candidates, target, pin)
    current = target.current
    if current is not None and (plan.marks.refused(current) or current not in plan.by_name):
        key = current, target.ran, target.since
    else:
        key = current, target.ran & plan.telling, None
    found = candidates.decided.get(key)
    if found is None:
        found = candidates.decided[key] = _choose(candidates, target)
    return found


def decide_now(now, target, schedule, snapshots, marks=(), pins=None, stops=(), progress=None, approvals=None, closed=None, reached=None):
    """Decide for one target from the things themselves, as ``plan.compile`` takes them.

    :param pins: by name of target, its ``Pin``.
    """
    plan = plans.compile(now, schedule, snapshots, marks, stops, progress, approvals, closed, reached)
    return decide(plan, target, (pins or {}).get(target.name))


def _choose(candidates, target):
    """The decision for a target that nothing stops and nobody pinned. It depends on the ring and on what the target ran, never on its name."""
    plan, current = candidates.plan, target.current
    known = plan.by_name.get(current)
    if known and known.dead_end:
        return Decision(HOLD, current, "dead_end", "nothing leads out of %s but a pin: %s" % (current, known.dead_end))
    if candidates.closed:
        return Decision(HOLD, current, "window", "ring %s may not change now: %s" % (candidates.ring.name, candidates.closed))
    here = None if current is None else plan.place(current, target.since)
    free = current is None or plan.marks.refused(current)
    barrier = _barrier(plan, target, here)
    taken, passed = candidates.newest(barrier, target.ran, here if free else None)
    bad = forward.left_behind(plan, target, here)
    if bad and not (taken and _place(taken) > bad):
        found = _forward(candidates, current, bad, barrier)
        if found:
            return found
    if taken and (free or here and _place(taken) >= here):
        return _run(candidates, taken, passed, here, barrier)
    if free:
        what = "the target runs nothing yet" if current is None else "it stays on %s, though %s" % (current, plan.marks.objection(current)[1])
        return Decision(HOLD, current, "nothing_acceptable", "no snapshot is acceptable for ring %s: %s" % (candidates.ring.name, what), passed)
    if here is None:
        return Decision(HOLD, current, "unknown_current", "nothing tells how old %s is, which the target runs; a pin leads on" % current, passed)
    due = "%s, the newest that ring %s is due" % (taken.name, candidates.ring.name) if taken else "anything that ring %s is due" % candidates.ring.name
    return Decision(HOLD, current, "ahead", "%s is newer than %s; without a mark on it the target does not go back" % (current, due),
                    candidates.newer_than(here))


def _forward(candidates, current, bad, barrier):
    """The decision for a target that ran what is marked badfwd; None where it runs something else by now and there is no way forward yet."""
    found, passed = forward.fix(candidates, bad, barrier)
    if found:
        return Decision(RUN, found.name, "forward",
                        "it is the next acceptable snapshot after %s, which the target ran and which is marked badfwd" % bad[1], passed)
    if candidates.plan.marks.state(current) == BADFWD:
        return Decision(HOLD, current, "waiting_for_fix", "%s is marked badfwd, and no newer snapshot is acceptable for ring %s yet"
                        % (current, candidates.ring.name), passed)
    return None


def _run(candidates, taken, passed, here, barrier):
    name, ring, age = taken.name, candidates.ring.name, candidates.plan.now - taken.at
    if barrier and name == barrier.name:
        return Decision(RUN, name, "barrier", "every target passes through it: %s" % barrier.barrier, passed)
    gap = candidates.gap(taken)
    reason = "it is the newest acceptable snapshot that ring %s is due, %s old%s%s" % (
        ring, span(age), "; none was taken in the %s after it" % span(gap) if gap else "",
        "; nothing within the %s that the schedule looks back is acceptable" % span(candidates.plan.schedule.history)
        if age > candidates.plan.schedule.history else "")
    if here and _place(taken) < here:
        return Decision(RUN, name, "back", "the target goes back from %s, which is marked %s: %s"
                        % (here[1], candidates.plan.marks.state(here[1]), reason), passed)
    return Decision(RUN, name, "due", reason, passed)


def _pinned(candidates, target, pin):
    """The decision for a pinned target. Barriers and windows hold for it unless the pin is an emergency's."""
    plan, current = candidates.plan, target.current
    told = "%s%s" % (" by %s" % pin.by if pin.by else "", ": %s" % pin.why if pin.why else "")
    snapshot = plan.by_name.get(pin.snapshot)
    if snapshot is None:
        return Decision(HOLD, current, "pin_missing", "the target is pinned to %s%s, which is not there" % (pin.snapshot, told))
    if not pin.emergency:
        if plan.marks.refused(snapshot.name):
            return Decision(HOLD, current, "pin_bad", "the target is pinned to %s%s, but %s; only an emergency pin leads to it"
                            % (snapshot.name, told, plan.marks.objection(snapshot.name)[1]))
        if candidates.closed:
            return Decision(HOLD, current, "window", "ring %s may not change now: %s; the target is pinned to %s%s"
                            % (candidates.ring.name, candidates.closed, snapshot.name, told))
        barrier = _barrier(plan, target, None if current is None else plan.place(current, target.since))
        if barrier and _place(barrier) < _place(snapshot):
            return Decision(RUN, barrier.name, "barrier", "the target is pinned to %s%s, and passes through this first: %s"
                            % (snapshot.name, told, barrier.barrier))
    return Decision(RUN, snapshot.name, "pinned", "the target is pinned to it%s" % told)


def _barrier(plan, target, here):
    """The oldest barrier that a target has not passed through and that is newer than what it runs; None where there is none."""
    for barrier in plan.barriers:
        if barrier.name not in target.ran and barrier.name != target.current and (here is None or _place(barrier) > here):
            return barrier
    return None


def _place(snapshot):
    return snapshot.at, snapshot.name

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every schedule, whatever marks, gaps, windows, pins and stops there are."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rollout_samples import DAY, HOUR, named
from rollout_worlds import HOURS, marks, schedules, snapshots, worlds

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import fleet, plan
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decide import decide
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD, RUN, Decision, PassedOver
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Pin, Stop, Target
from tests.bench import reference

BOUNDED = settings(max_examples=60, derandomize=True, deadline=None, database=None,
                   suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])
ON_BAD = {"kill_switch", "disabled", "window", "dead_end", "waiting_for_fix", "nothing_acceptable", "pin_missing", "pin_bad"}


@BOUNDED
@given(worlds(pinned=True))
def test_nobody_is_sent_to_a_bad_snapshot_nor_left_on_one_without_need(world):
    for step in world.live().steps:
        for target in step.before:
            decision = step.decisions[target.name]
            if decision.action == RUN:
                assert not step.plan.marks.refused(decision.release)
            elif decision.release is not None and step.plan.marks.refused(decision.release):
                assert decision.code in ON_BAD
                if decision.code == "nothing_acceptable":
                    assert {passed.snapshot for passed in decision.passed_over} == set(step.plan.by_name)


@BOUNDED
@given(worlds())
def test_nobody_goes_back_from_what_is_not_marked(world):
    for step in world.live().steps:
        for target, decision, snapshot in step.moves():
            if target.current is not None and snapshot.at < step.plan.by_name[target.current].at:
                assert step.plan.marks.refused(target.current), (target, decision)
                assert decision.code in ("back", "barrier", "forward")


@BOUNDED
@given(worlds(pinned=True))
def test_no_ring_overtakes_the_one_before(world):
    for step in world.live().steps:
        order = [ring.name for ring in step.plan.schedule.rings]
        newest = {}
        for target in step.after:
            ring = target.ring or order[-1]
            newest[ring] = max(newest.get(ring, -1), step.plan.by_name[target.current].at if target.current else -1)
        for target, decision, snapshot in step.moves():
            before = [newest[ring] for ring in order[:order.index(target.ring or order[-1])] if ring in newest]
            back = target.current is not None and snapshot.at < step.plan.by_name[target.current].at
            pinned = decision.code == "pinned" or "pinned" in decision.reason
            approved = decision.code == "forward" and any(
                mark.approved for name, mark in step.plan.marks.last.items() if name in target.ran and mark.state == "badfwd")
            if before and not (back or pinned or approved):
                assert snapshot.at <= before[-1], (target, decision)


@BOUNDED
@given(worlds(pinned=True, stopped=True))
def test_nothing_changes_while_a_kill_switch_is_on(world):
    last = world.schedule.rings[-1].name
    for step in world.live().steps:
        on = [stop for stop in world.stops if stop.at <= step.now]
        for target, after in zip(step.before, step.after):
            if any(stop.level == "fleet" or stop.name in (target.ring or last, target.name) for stop in on):
                assert after.current == target.current
                assert step.decisions[target.name].code == "kill_switch"


@BOUNDED
@given(worlds())
def test_without_anything_new_a_fleet_comes_to_rest(world):
    """Decided again at the same instant, with all else equal, the same targets hold or stay: no flapping, and no more than one way back."""
    step = world.live().steps[-1]
    targets = step.after
    for _round in range(len(step.plan.snapshots) + 1):
        known = plan.compile(step.now, world.schedule, step.plan.snapshots, world.marks, approvals=world.approvals,
                             progress={ring.name: {snapshot.name: 0 for snapshot in step.plan.snapshots} for ring in world.schedule.rings})
        decisions = fleet.decide_fleet(known, targets)
        moved = [target for target in targets if decisions[target.name].release != target.current]
        if not moved:
            return
        targets = [Target(target.name, target.ring, decisions[target.name].release, target.ran | {decisions[target.name].release} - {None},
                          target.disabled) for target in targets]
    pytest.fail("still moving: %s" % moved)


NAMES = st.sampled_from([named(hour) for hour in range(-6, HOURS)] + ["v1", "", "20140230-0000", "99991231-2300", "trunk"])
TARGETS = st.builds(Target, st.sampled_from(("a", "b")), st.sampled_from(("one", "two", "four", "gone", "", None)), st.none() | NAMES,
                    st.frozensets(NAMES, max_size=6), st.sampled_from(("", "", "", "broken")), st.none() | st.integers(DAY - 9 * HOUR, DAY + HOURS * HOUR))
PINS = st.none() | st.builds(Pin, st.just("a"), NAMES, st.integers(DAY, DAY + HOURS * HOUR), emergency=st.booleans())
STOPS = st.lists(st.builds(Stop, st.sampled_from(("fleet", "ring", "host", "moon")), st.sampled_from(("one", "gone", "a", ""))), max_size=1)


@settings(BOUNDED, max_examples=200)
@given(st.data())
def test_every_decision_is_whole_and_the_one_that_the_reference_makes(data):
    schedule, there = data.draw(schedules()), data.draw(snapshots())
    told, target, pin, stops = data.draw(marks(there)), data.draw(TARGETS), data.draw(PINS), data.draw(STOPS)
    now = DAY + data.draw(st.integers(-8 * 60, HOURS * 60)) * 60
    approvals = {ring.name: data.draw(st.sets(NAMES)) for ring in schedule.rings}
    progress = {ring.name: {name: now - data.draw(st.integers(-1, 5)) * HOUR for name in data.draw(st.sets(NAMES))} for ring in schedule.rings}
    reached = data.draw(st.dictionaries(st.sampled_from(("one", "two")), st.none() | st.just(DAY)))
    known = plan.compile(now, schedule, there, told, stops, progress, approvals, None, reached)
    decision = decide(known, target, pin)
    assert isinstance(decision, Decision) and decision.code and decision.reason
    assert all(isinstance(passed, PassedOver) and passed.code and passed.reason and passed.snapshot != (decision.release if decision.action == RUN else "")
               for passed in decision.passed_over)
    assert decision.release == target.current if decision.action == HOLD else decision.release in known.by_name
    assert decide(known, target, pin) == decision
    if not any(ring.soak for ring in schedule.rings) and not reached and (target.current is None or target.current in known.by_name):
        assert (decision.action, decision.release, decision.code) == reference.decide(now, target, schedule, there, told, pin, stops, approvals)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a target runs now: one rule after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rollout_samples import DAY, HOUR, SEED, clock, host, marked, named, taken, told

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import decide, naming, plan
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule, Soak
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Mark, Pin, Snapshot, Stop, Target

NOW = clock("10:20")
ALL = taken(0, 10)


def at(target, now=NOW, schedule=SEED, snapshots=ALL, marks=(), **more):
    """Decide for one target."""
    return decide.decide_now(now, target, schedule, snapshots, marks, **more)


def codes(decision):
    """Why candidates were passed over, by hour."""
    return [(passed.snapshot[-4:], passed.code) for passed in decision.passed_over]


def rings(*rings_):
    """A schedule of these rings."""
    return Schedule(tuple(rings_))


@pytest.mark.parametrize("ring,hour", [
    ("dev", "1000"), ("qa", "0900"), ("stg", "0800"), ("prod-a", "0700"), ("prod", "0600"), (None, "0600"), ("gone", "0600")])
def test_the_newest_that_the_ring_is_due(ring, hour):
    decision = at(Target("h", ring))
    assert told(decision) == ("run", hour, "due")
    assert all(code == "too_young" for _hour, code in codes(decision))
    assert len(decision.passed_over) == 10 - int(hour[:2])


def test_what_a_target_runs_already_stays_its_release():
    assert told(at(host("qa", 9))) == ("run", "0900", "due")


def test_a_missing_hour_is_stepped_over_and_told():
    decision = at(Target("h", "dev"), snapshots=taken(0, 7))
    assert told(decision) == ("run", "0700", "due")
    assert "3 h 20 min old; none was taken in the 3 h after it" in decision.reason
    assert "none was taken" not in at(Target("h", "dev")).reason
    assert "none was taken" not in at(Target("h", "dev"), snapshots=[Snapshot("v1", clock("03:00"))]).reason


def test_nothing_is_an_error():
    assert told(at(Target("h", "dev"), snapshots=[])) == ("hold", None, "nothing_acceptable")
    assert told(at(Target("h", "stg"), snapshots=taken(10, 10))) == ("hold", None, "nothing_acceptable")
    decision = at(host("qa", 9), marks=marked("bad", *range(11)))
    assert told(decision) == ("hold", "0900", "nothing_acceptable")
    assert "though it is marked bad" in decision.reason
    assert len(decision.passed_over) == 11


def test_the_only_good_one_counts_however_old_it_is():
    decision = at(host("dev", 10), snapshots=[Snapshot("old", DAY - 40 * 24 * HOUR), *ALL], marks=marked("bad", *range(11)))
    assert told(decision) == ("run", "old", "back")
    assert "nothing within the 3 d that the schedule looks back is acceptable" in decision.reason


def test_bad_goes_back_and_says_why():
    decision = at(host("dev", 10), marks=marked("bad", 9, 10, by="anna", why="ntp broken"))
    assert told(decision) == ("run", "0800", "back")
    assert [(passed.snapshot[-4:], passed.code, passed.reason) for passed in decision.passed_over] == [
        ("1000", "bad", "it is marked bad by anna: ntp broken"), ("0900", "bad", "it is marked bad by anna: ntp broken")]


@pytest.mark.parametrize("state", ["BAD", "", "broken"])
def test_a_state_that_is_not_known_counts_as_bad(state):
    decision = at(host("dev", 10), marks=marked(state, 10))
    assert told(decision) == ("run", "0900", "back")
    assert codes(decision) == [("1000", "unknown_mark")]


def test_the_last_mark_counts():
    assert told(at(host("dev", 9), marks=[*marked("bad", 10), *marked("good", 10, at="10:16")])) == ("run", "1000", "due")
    assert told(at(host("dev", 9), marks=[*marked("good", 10), *marked("bad", 10, at="10:16")])) == ("run", "0900", "due")


def test_nobody_goes_back_without_a_mark_on_what_he_runs():
    assert told(at(host("qa", 10))) == ("hold", "1000", "ahead")
    decision = at(host("dev", 9), snapshots=ALL, marks=marked("bad", 8, 10))
    assert told(decision) == ("hold", "0900", "ahead")
    assert codes(decision) == [("1000", "bad")]


def test_going_back_to_what_the_target_ran_needs_no_approval_again():
    schedule = rings(Ring("dev", approval=True))
    known = {"approvals": {"dev": {named(10)}}}
    assert told(at(host("dev", 10, ran=(8,)), schedule=schedule, marks=marked("bad", 10), **known)) == ("run", "0800", "back")
    assert told(at(host("dev", 10), schedule=schedule, marks=marked("bad", 10), **known)) == ("hold", "1000", "nothing_acceptable")


# badfwd

def test_badfwd_waits_for_the_fix_and_goes_no_further_than_the_ring_before():
    marks = marked("badfwd", 8, 9, 10)
    waiting = at(host("stg", 8), marks=marks)
    assert told(waiting) == ("hold", "0800", "waiting_for_fix")
    assert codes(waiting) == [("0900", "badfwd"), ("1000", "badfwd")]
    young = at(host("stg", 8), clock("11:20"), snapshots=taken(0, 11), marks=marks)
    assert told(young) == ("hold", "0800", "waiting_for_fix")
    assert codes(young)[-1] == ("1100", "too_young")
    assert told(at(host("stg", 8), clock("12:00"), snapshots=taken(0, 12), marks=marks)) == ("run", "1100", "forward")
    assert told(at(host("qa", 9), clock("11:00"), snapshots=taken(0, 11), marks=marks)) == ("run", "1100", "forward")


def test_badfwd_moves_only_who_ran_it():
    marks = marked("badfwd", 8)
    assert told(at(host("stg", 7), marks=marks)) == ("run", "0700", "due")
    assert told(at(host("stg", 8), marks=marks)) == ("run", "0900", "forward")
    # It went back by a mark of bad, and what it ran before that is still there.
    assert told(at(host("stg", 7, ran=(8,)), marks=marks)) == ("run", "0900", "forward")
    assert told(at(host("stg", 9, ran=(8,)), marks=marks)) == ("hold", "0900", "ahead")


@pytest.mark.parametrize("forward_delay,approved,expected", [
    (None, "", "hold"), (0, "", "run"), (3 * HOUR, "", "hold"), (None, "anna", "run"), (3 * HOUR, "anna", "run")])
def test_the_cap_of_the_ring_and_who_lifts_it(forward_delay, approved, expected):
    schedule = Schedule((*SEED.rings[:4], replace(SEED.rings[4], forward_delay=forward_delay)))
    decision = at(host("prod", 6), schedule=schedule, marks=marked("badfwd", *range(6, 10), approved=approved))
    assert decision.action == expected


def test_an_approval_lifts_the_pace_but_not_what_is_asked_of_a_snapshot():
    schedule = rings(Ring("dev"), Ring("prod", 4 * HOUR, require_good=True))
    marks = marked("badfwd", 6, approved="anna")
    assert told(at(host("prod", 6), schedule=schedule, marks=marks)) == ("hold", "0600", "waiting_for_fix")
    assert told(at(host("prod", 6), schedule=schedule, marks=[*marks, *marked("good", 9)])) == ("run", "0900", "forward")


def test_bad_after_badfwd_goes_back_until_there_is_a_way_forward():
    marks = [*marked("badfwd", 8, 9), *marked("bad", 10)]
    assert told(at(host("dev", 10, ran=(7, 8, 9)), marks=marks)) == ("run", "0700", "back")
    assert told(at(host("dev", 7, ran=(8, 9, 10)), clock("11:00"), snapshots=taken(0, 11), marks=marks)) == ("run", "1100", "due")


# what rings ask

def test_only_good_ones():
    schedule = rings(Ring("dev"), Ring("prod", require_good=True))
    decision = at(Target("h", "prod"), schedule=schedule, marks=marked("good", 8))
    assert told(decision) == ("run", "0800", "due")
    assert codes(decision) == [("1000", "not_good"), ("0900", "not_good")]
    assert told(at(Target("h", "dev"), schedule=schedule, marks=marked("good", 8))) == ("run", "1000", "due")


def test_only_approved_ones():
    schedule = rings(Ring("dev"), Ring("prod", approval=True))
    decision = at(Target("h", "prod"), schedule=schedule, approvals={"prod": {named(9)}})
    assert told(decision) == ("run", "0900", "due")
    assert codes(decision) == [("1000", "no_approval")]
    assert told(at(Target("h", "prod"), schedule=schedule)) == ("hold", None, "nothing_acceptable")


def test_a_soak_counts_from_success_in_the_ring_before():
    schedule = rings(Ring("dev"), Ring("prod", soak=Soak(0.9, HOUR)))
    progress = {"dev": {named(8): clock("08:30"), named(9): clock("09:21"), named(10): clock("10:10")}}
    decision = at(Target("h", "prod"), schedule=schedule, progress=progress)
    assert told(decision) == ("run", "0800", "due")
    assert [passed.reason for passed in decision.passed_over] == [
        "it has worked in 90 % of ring dev for 10 min, ring prod waits for 1 h", "it has worked in 90 % of ring dev for 59 min, ring prod waits for 1 h"]
    assert told(at(Target("h", "prod"), clock("10:21"), schedule, progress=progress)) == ("run", "0900", "due")
    assert {code for _hour, code in codes(at(Target("h", "prod"), schedule=schedule))} == {"soak"}


def test_a_ring_asks_what_those_before_it_ask():
    schedule = rings(Ring("dev", 2 * HOUR), Ring("qa", approval=True), Ring("prod", require_good=True))
    known = {"approvals": {"qa": {named(7), named(8), named(9)}}, "marks": marked("good", 6, 7, 9)}
    assert codes(at(Target("h", "prod"), schedule=schedule, **known)) == [("1000", "too_young"), ("0900", "too_young"), ("0800", "not_good")]
    assert told(at(Target("h", "prod"), schedule=schedule, **known)) == ("run", "0700", "due")
    assert told(at(Target("h", "prod"), schedule=schedule, marks=known["marks"])) == ("hold", None, "nothing_acceptable")


# barriers and dead ends

def test_a_barrier_comes_first_and_barriers_in_order():
    snapshots = taken(0, 10, h4={"barrier": "new database"}, h6={"barrier": "new protocol"})
    first = at(host("dev", 2), snapshots=snapshots)
    assert told(first) == ("run", "0400", "barrier") and "new database" in first.reason
    assert codes(first)[0] == ("1000", "barrier")
    assert told(at(host("dev", 4), snapshots=snapshots)) == ("run", "0600", "barrier")
    assert told(at(host("dev", 6, ran=(4,)), snapshots=snapshots)) == ("run", "1000", "due")
    assert told(at(Target("h", "dev"), snapshots=snapshots)) == ("run", "0400", "barrier")
    # What is newer than a barrier is never left for it.
    assert told(at(host("dev", 8), snapshots=snapshots)) == ("run", "1000", "due")


def test_nobody_passes_a_barrier_that_his_ring_does_not_take_yet():
    schedule = rings(Ring("prod", approval=True))
    snapshots = taken(0, 10, h4={"barrier": "new database"})
    assert told(at(host("prod", 2), schedule=schedule, snapshots=snapshots, approvals={"prod": {named(3), named(9)}})) == ("run", "0300", "due")


def test_a_barrier_that_is_bad_binds_nobody():
    snapshots = taken(0, 10, h4={"barrier": "new database"})
    assert told(at(host("dev", 2), snapshots=snapshots, marks=marked("bad", 4))) == ("run", "1000", "due")


def test_a_dead_end_is_not_left_and_not_entered_but_by_a_pin():
    snapshots = taken(0, 10, h9={"dead_end": "the old protocol ends here"}, h10={"dead_end": "as well"})
    stuck = at(host("dev", 9), snapshots=snapshots)
    assert told(stuck) == ("hold", "0900", "dead_end") and "the old protocol ends here" in stuck.reason
    assert told(at(host("dev", 9), snapshots=snapshots, pins={"dev1": Pin("dev1", named(8), NOW + 1)})) == ("run", "0800", "pinned")
    around = at(host("dev", 7), snapshots=snapshots)
    assert told(around) == ("run", "0800", "due")
    assert codes(around) == [("1000", "dead_end"), ("0900", "dead_end")]


# pins

def pinned(hour, target=None, until=NOW + 1, marks=(), snapshots=ALL, closed=None, stops=(), **more):
    """Decide for a pinned target of ring qa that runs 0900."""
    target = target or host("qa", 9)
    pin = Pin(target.name, named(hour), until, "anna", "ticket 7", **more)
    return at(target, snapshots=snapshots, marks=marks, pins={target.name: pin}, closed=closed, stops=stops)


def test_a_pin_leads_to_its_snapshot_until_it_expires():
    decision = pinned(3)
    assert told(decision) == ("run", "0300", "pinned") and decision.reason == "the target is pinned to it by anna: ticket 7"
    assert told(pinned(10)) == ("run", "1000", "pinned")
    assert told(pinned(3, until=NOW)) == ("run", "0900", "due")


def test_a_pin_to_what_is_not_there_or_is_bad_holds():
    gone = pinned(20)
    assert told(gone) == ("hold", "0900", "pin_missing") and "ticket 7" in gone.reason
    bad = pinned(8, marks=marked("bad", 8))
    assert told(bad) == ("hold", "0900", "pin_bad") and "only an emergency pin" in bad.reason
    assert told(pinned(8, marks=marked("bad", 8), emergency=True)) == ("run", "0800", "pinned")


def test_a_pin_waits_for_a_window_and_passes_barriers_unless_it_is_an_emergency():
    def shut(_ring, _now):
        return "frozen until Monday"
    snapshots = taken(0, 10, h10={"barrier": "new database"}, h9={"barrier": "x"})
    assert told(pinned(8, closed=shut)) == ("hold", "0900", "window")
    assert told(pinned(8, closed=shut, emergency=True)) == ("run", "0800", "pinned")
    assert told(pinned(10, target=host("qa", 7), snapshots=snapshots)) == ("run", "0900", "barrier")
    assert told(pinned(10, target=host("qa", 7), snapshots=snapshots, emergency=True)) == ("run", "1000", "pinned")


# stops, windows, disabled targets

@pytest.mark.parametrize("stop,held", [
    (Stop("fleet"), True), (Stop("ring", "qa"), True), (Stop("host", "qa1"), True), (Stop("galaxy", "qa9"), True),
    (Stop("ring", "dev"), False), (Stop("host", "qa2"), False)])
def test_a_kill_switch_beats_everything(stop, held):
    decision = pinned(3, stops=[replace(stop, message="stop it", by="anna")], emergency=True)
    assert told(decision) == (("hold", "0900", "kill_switch") if held else ("run", "0300", "pinned"))
    assert not held or "thrown by anna: stop it" in decision.reason


def test_the_kill_switch_of_a_ring_that_the_schedule_does_not_know_stops_its_targets():
    assert told(at(host("gone", 5), stops=[Stop("ring", "gone")])) == ("hold", "0500", "kill_switch")
    assert told(at(host("gone", 5), stops=[Stop("ring", "prod")])) == ("hold", "0500", "kill_switch")


def test_a_closed_window_holds_even_what_is_marked():
    decision = at(host("dev", 10), marks=marked("bad", 10), closed=lambda ring, now: "night of %s at %d" % (ring.name, now))
    assert told(decision) == ("hold", "1000", "window")
    assert "night of dev at %d" % NOW in decision.reason


def test_a_disabled_target_holds_with_its_reason():
    decision = at(host("dev", 9, disabled="disk is full"))
    assert told(decision) == ("hold", "0900", "disabled") and "disk is full" in decision.reason


# what a target runs is not there

def test_what_is_gone_is_compared_by_its_name_or_by_when_it_came():
    snapshots = taken(5, 10)
    assert told(at(host("dev", 3), snapshots=snapshots)) == ("run", "1000", "due")
    assert told(at(host("prod", 9), snapshots=taken(0, 8))) == ("hold", "0900", "ahead")
    unknown = Target("h", "dev", "v1", frozenset(["v1"]))
    decision = at(unknown, snapshots=snapshots)
    assert told(decision) == ("hold", "v1", "unknown_current") and "a pin leads on" in decision.reason
    assert told(at(replace(unknown, since=clock("09:59")), snapshots=snapshots)) == ("run", "1000", "due")
    assert told(at(replace(unknown, since=clock("10:01")), snapshots=snapshots)) == ("hold", "v1", "ahead")
    assert told(at(unknown, snapshots=snapshots, marks=[Mark("v1", "bad")])) == ("run", "1000", "due")


def test_a_plan_says_the_same_for_equal_targets_and_decides_once():
    known = plan.compile(NOW, SEED, ALL, marked("bad", 8))
    first, second = (decide.decide(known, Target(name, "qa", named(9), frozenset([named(9), named(hour)]))) for name, hour in (("a", 1), ("b", 2)))
    assert first is second
    assert decide.decide(known, Target("c", "qa", named(8), frozenset([named(8)]))).code == "due"
    assert naming.instant(first.release) == clock("09:00")


def test_a_plan_tells_targets_apart_by_all_they_ran_where_it_matters():
    known = plan.compile(NOW, rings(Ring("dev", approval=True)), ALL, marked("bad", 9))
    releases = [decide.decide(known, host("dev", 9, ran=(hour,))).release for hour in (6, 7, 6)]
    assert releases == [named(6), named(7), named(6)]
    known = plan.compile(NOW, SEED, ALL, ())
    assert [decide.decide(known, Target("h", "dev", "v1", frozenset(), since=since)).code
            for since in (clock("09:30"), clock("10:10"), None)] == ["due", "ahead", "unknown_current"]

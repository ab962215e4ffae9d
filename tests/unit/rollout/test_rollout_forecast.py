# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to come: as if each run succeeded and nothing else happened."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan as plans
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD, RUN
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.fleet import decide_fleet
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.forecast import forecast, moments
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule, Soak
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import HOST, Pin, Stop, Target
from tests.unit.rollout.rollout_samples import HOUR, SEED, clock, host, marked, named, taken

FLEET = [host("dev", 10), host("qa", 9), host("stg", 8), host("prod-a", 7), host("prod", 6)]


def hours(row):
    """The hour of what a row runs at each moment, with = where it holds."""
    return [decision.release[-4:] + ("=" if decision.action == HOLD else "") for decision in row.decisions]


def test_the_moments_are_now_and_full_hours():
    assert moments(clock("10:16"), 2) == (clock("10:16"), clock("11:00"), clock("12:00"))
    assert moments(clock("10:00"), 1) == (clock("10:00"), clock("11:00"))


def test_a_change_goes_through_the_rings_and_a_mark_keeps_it_out():
    before = forecast(clock("10:16"), 5, SEED, taken(0, 10), [], FLEET)
    assert [row.ring for row in before.rows] == ["dev", "qa", "stg", "prod-a", "prod"]
    assert hours(before.rows[4]) == ["0600", "0700", "0800", "0900", "1000", "1000"]
    assert before.rows[4].starts == (False, True, True, True, True, False)
    after = forecast(clock("10:16"), 5, SEED, taken(0, 10), marked("bad", 8, 9, 10), FLEET)
    assert hours(after.rows[0]) == ["0700"] * 6 and after.rows[0].starts == (True,) + (False,) * 5
    assert hours(after.rows[4]) == ["0600", "0700", "0700", "0700", "0700", "0700"]


def test_what_concerns_one_target_makes_a_row_of_its_own():
    fleet = [Target("web%d" % number, "prod", named(6), frozenset({named(6)})) for number in range(5)]
    pins = {"web3": Pin("web3", named(5), clock("12:30"), "bob", "a test")}
    found = forecast(clock("10:16"), 3, SEED, taken(0, 10), [], fleet, pins, [Stop(HOST, "web1")])
    assert [(row.targets, hours(row)) for row in found.rows] == [
        (("web0", "web2", "web4"), ["0600", "0700", "0800", "0900"]),
        (("web1",), ["0600=", "0600=", "0600=", "0600="]),
        (("web3",), ["0500", "0500", "0500", "0900"])]


def test_a_soak_is_counted_from_when_the_share_would_have_it():
    schedule = Schedule((Ring("one"), Ring("two", soak=Soak(0.5, 2 * HOUR)), Ring("three", soak=Soak(1.0, HOUR))))
    fleet = [Target("a", "one", named(9), frozenset({named(9)})), Target("b", "two", named(9), frozenset({named(9)})),
             Target("c", "three", named(9), frozenset({named(9)}))]
    found = forecast(clock("10:00"), 6, schedule, taken(9, 10), [], fleet)
    assert hours(found.rows[0]) == ["1000"] * 7
    assert [row.starts.index(True) for row in found.rows] == [0, 2, 3]


def test_it_says_what_the_decisions_of_each_hour_would_be():
    snapshots, marks = taken(0, 10), marked("badfwd", 8) + marked("bad", 3)
    fleet = [replace(host(ring, current), name="%s-%d" % (ring, current)) for ring in ("dev", "qa", "stg", "prod-a", "prod") for current in (3, 6, 8, 9)]
    found = forecast(clock("10:16"), 12, SEED, snapshots, marks, fleet)
    told = {name: row.decisions for row in found.rows for name in row.targets}
    assert set(told) == {target.name for target in fleet}
    for number, moment in enumerate(found.moments):
        decisions = decide_fleet(plans.compile(moment, SEED, snapshots, marks), fleet)
        assert {name: decisions[number] for name, decisions in told.items()} == decisions
        fleet = [replace(target, current=decisions[target.name].release, ran=target.ran | {decisions[target.name].release})
                 if decisions[target.name].action == RUN else target for target in fleet]


def test_targets_that_no_ring_takes_go_with_the_most_cautious_and_no_targets_make_no_rows():
    found = forecast(clock("10:16"), 1, SEED, taken(0, 10), [], [Target("lost", None), Target("found", "prod")])
    assert [(row.ring, row.targets) for row in found.rows] == [("prod", ("found", "lost"))]
    assert forecast(clock("10:16"), 1, SEED, taken(0, 10), [], []).rows == ()

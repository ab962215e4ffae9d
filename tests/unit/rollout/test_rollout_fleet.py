# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions of a fleet: no ring overtakes the one before it, whatever keeps that one back."""

from __future__ import annotations

import pytest
from rollout_samples import SEED, clock, host, marked, named, taken, told

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import decide, fleet, plan
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Pin, Stop, Target

NOW = clock("10:20")


def fresh(closed=(), stops=(), marks=()):
    """A plan of now, with these rings closed."""
    return plan.compile(NOW, SEED, taken(0, 10), marks, stops, closed=lambda ring, now: "night" if ring.name in closed else "")


def decided(known, *targets, pins=None):
    """Decisions in short, by name."""
    return {name: told(decision) for name, decision in fleet.decide_fleet(known, targets, pins).items()}


@pytest.mark.parametrize("closed,stops,disabled", [(("dev",), (), ""), ((), [Stop("ring", "dev")], ""), ((), [Stop("host", "dev1")], ""), ((), (), "broken")])
def test_a_ring_waits_for_one_that_is_kept_back(closed, stops, disabled):
    found = fleet.decide_fleet(fresh(closed, stops), [host("qa", 6), host("dev", 7, disabled=disabled), host("stg", 6)])
    assert told(found["qa1"]) == ("run", "0700", "due")
    assert [(passed.snapshot[-4:], passed.code, passed.reason) for passed in found["qa1"].passed_over] == [
        ("1000", "too_young", "it is 20 min old, ring qa takes what is at least 1 h old"),
        ("0900", "ring_before", "no target of ring dev has come to it"), ("0800", "ring_before", "no target of ring dev has come to it")]
    assert told(found["stg1"]) == ("run", "0700", "due")


def test_what_the_ring_before_comes_to_in_the_same_run_counts():
    assert decided(fresh(), Target("dev1", "dev"), Target("qa1", "qa")) == {"dev1": ("run", "1000", "due"), "qa1": ("run", "0900", "due")}
    assert decided(fresh(("dev",)), Target("dev1", "dev"), Target("qa1", "qa"))["qa1"] == ("hold", None, "nothing_acceptable")


def test_one_target_of_the_ring_before_is_enough_and_a_ring_without_targets_is_passed():
    assert decided(fresh(("dev",)), host("dev", 3), Target("dev2", "dev", named(9)), host("qa", 3))["qa1"] == ("run", "0900", "due")
    assert decided(fresh(("dev",)), host("dev", 7), host("stg", 3))["stg1"] == ("run", "0700", "due")
    assert decided(fresh(("dev",)), host("stg", 3))["stg1"] == ("run", "0800", "due")


def test_a_pin_and_an_approved_badfwd_go_past_the_ring_before():
    pin = {"qa1": Pin("qa1", named(10), NOW + 60)}
    assert decided(fresh(("dev",)), host("dev", 7), host("qa", 6), pins=pin)["qa1"] == ("run", "1000", "pinned")
    assert decided(fresh(("dev",), marks=marked("badfwd", 8)), host("dev", 8), host("qa", 8))["qa1"] == ("hold", "0800", "waiting_for_fix")
    assert decided(fresh(("dev",), marks=marked("badfwd", 8, approved="anna")), host("dev", 8), host("qa", 8))["qa1"] == ("run", "0900", "forward")


def test_the_plan_says_the_same_about_one_target_afterwards():
    known = fresh(("dev",))
    first = fleet.decide_fleet(known, [host("dev", 7), host("qa", 6)])["qa1"]
    assert known.reached == {"dev": clock("07:00"), "qa": clock("07:00")}
    assert decide.decide(known, host("qa", 6)) is first
    alone = plan.compile(NOW, SEED, taken(0, 10), (), reached=known.reached)
    assert told(decide.decide(alone, host("qa", 6))) == told(first)


def test_decisions_come_in_rollout_order_and_strays_are_the_last_ring():
    targets = [Target("b", None), Target("a", "gone"), host("prod", 3), host("dev", 3), host("qa", 3)]
    assert list(decided(fresh(), *targets)) == ["dev1", "qa1", "b", "a", "prod1"]
    assert decided(fresh(), *targets)["b"] == ("run", "0600", "due")

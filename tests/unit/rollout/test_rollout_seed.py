# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seed's scenario hour by hour: a bad change at 0800, noticed at 10:00, marked at 10:15, fixed in 1100."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rollout_samples import HOUR, RINGS, SEED, clock, marked, taken

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import fleet, plan
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import RUN
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import FLEET, Stop, Target

# With bad: what the original does, at the same times.
BAD = {
    "08:30": ("0800", "0700", "0600", "0500", "0400"),
    "10:14": ("1000", "0900", "0800", "0700", "0600"),
    "10:16": ("0700", "0700", "0700", "0700", "0600"),
    "11:05": ("1100", "0700", "0700", "0700", "0700"),
    "12:30": ("1200", "1100", "0700", "0700", "0700"),
    "13:30": ("1300", "1200", "1100", "0700", "0700"),
    "14:00": ("1400", "1300", "1200", "1100", "0700"),
    "15:00": ("1500", "1400", "1300", "1200", "1100"),
}
# With badfwd the original refuses dev, qa and stg until there is a fix, then sends 1100 to all rings at once, also to those that never ran the bad
# change. Here those that ran it stay on it until the fix is as old as the ring before asks, and the others go on as if nothing were.
BADFWD = {
    "08:30": ("0800", "0700", "0600", "0500", "0400"),
    "10:14": ("1000", "0900", "0800", "0700", "0600"),
    "10:16": ("1000", "0900", "0800", "0700", "0600"),
    "11:05": ("1100", "1100", "0800", "0700", "0700"),
    "12:30": ("1200", "1100", "1100", "0700", "0700"),
    "13:30": ("1300", "1200", "1100", "0700", "0700"),
    "14:00": ("1400", "1300", "1200", "1100", "0700"),
    "15:00": ("1500", "1400", "1300", "1200", "1100"),
}
# Somebody approved the way forward: the three that ran the bad change get the fix at once, and no other.
APPROVED = dict(BADFWD, **{"11:05": ("1100", "1100", "1100", "0700", "0700")})
MINUTES = ("00", "05", "14", "16", "30", "50")


def day(marks, stopped=None):
    """Live through a day, deciding several times each hour.

    :param stopped: the times between which the kill switch of the fleet is on.
    :return: by time, the release of each ring; and by time, the codes of the decisions.
    """
    targets = {ring: Target(ring, ring) for ring in RINGS}
    releases, codes = {}, {}
    for hour in range(4, 16):
        for minute in MINUTES:
            time = "%02d:%s" % (hour, minute)
            now = clock(time)
            stops = [Stop(FLEET, message="look at ntp")] if stopped and stopped[0] <= time < stopped[1] else []
            known = plan.compile(now, SEED, taken(-2, hour), [mark for mark in marks if mark.at <= now], stops)
            decisions = fleet.decide_fleet(known, targets.values())
            for ring, decision in decisions.items():
                if decision.action == RUN:
                    targets[ring] = replace(targets[ring], current=decision.release, ran=targets[ring].ran | {decision.release})
            releases[time] = tuple(targets[ring].current[-4:] for ring in RINGS)
            codes[time] = tuple(decisions[ring].code for ring in RINGS)
    return releases, codes


@pytest.mark.parametrize("state,approved,expected", [("bad", "", BAD), ("badfwd", "", BADFWD), ("badfwd", "anna", APPROVED)])
def test_every_ring_runs_what_the_table_says(state, approved, expected):
    releases, _codes = day(marked(state, 8, 9, 10, approved=approved))
    assert {time: releases[time] for time in expected} == expected


@pytest.mark.parametrize("state", ["bad", "badfwd"])
def test_nobody_goes_back_and_forth(state):
    releases, _codes = day(marked(state, 8, 9, 10))
    rows = list(releases.values())
    for ring in range(len(RINGS)):
        steps = [(before[ring], after[ring]) for before, after in zip(rows, rows[1:]) if after[ring] != before[ring]]
        back = [step for step in steps if step[1] < step[0]]
        assert len(back) <= (1 if state == "bad" else 0)


def test_who_waits_for_the_fix_is_told_so():
    _releases, codes = day(marked("badfwd", 8, 9, 10))
    assert codes["10:16"] == ("waiting_for_fix", "waiting_for_fix", "waiting_for_fix", "due", "due")
    assert codes["11:00"] == ("due", "forward", "waiting_for_fix", "due", "due")


@pytest.mark.parametrize("state", ["bad", "badfwd"])
def test_the_kill_switch_stops_everything_in_between(state):
    releases, codes = day(marked(state, 8, 9, 10), stopped=("10:05", "11:05"))
    assert {releases[time] for time in releases if "10:05" <= time < "11:05"} == {releases["10:00"]}
    assert {code for time in codes if "10:05" <= time < "11:05" for code in codes[time]} == {"kill_switch"}
    expected = BAD if state == "bad" else BADFWD
    assert releases["11:05"] == expected["11:05"]
    assert releases["15:00"] == expected["15:00"]


def test_mixed_marks_do_not_make_a_ring_flap():
    """0800 bad, 0900 badfwd, 1000 bad: the original sends stg to 0700, 1100, 0700 and 1100 in successive hours."""
    releases, _codes = day([*marked("bad", 8), *marked("badfwd", 9), *marked("bad", 10)])
    stg = [row[2] for time, row in releases.items() if time >= "10:16"]
    assert stg[0] == "0700" and stg == sorted(stg)


def test_one_hour_is_the_same_however_often_it_is_decided():
    releases, _codes = day(marked("bad", 8, 9, 10))
    for hour in range(4, 16):
        rows = {releases["%02d:%s" % (hour, minute)] for minute in MINUTES}
        assert len(rows) == (2 if hour == 10 else 1)


def test_the_clock_that_goes_back_an_hour_moves_nobody():
    now = clock("10:30")
    targets = [Target(ring, ring, name, frozenset([name])) for ring, name in zip(RINGS, [snapshot.name for snapshot in reversed(taken(6, 10))])]
    decisions = fleet.decide_fleet(plan.compile(now - HOUR, SEED, taken(-2, 10), []), targets)
    assert {target.name: decisions[target.name].release for target in targets} == {target.name: target.current for target in targets}
    assert {decision.code for decision in decisions.values()} == {"ahead"}

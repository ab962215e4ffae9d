# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks: the last one counts, and those made together close what lies between them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rollout_samples import SEED, clock, host, marked, named, taken, told

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decide import decide_now
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import Marks

ALL = taken(6, 10)


def shut(marks):
    """The hours that an incident closes."""
    return sorted(int(name[-4:-2]) for name in Marks(marks, ALL).closed)


def test_what_lies_between_two_bad_ones_of_one_incident_is_closed():
    assert shut(marked("bad", 7, 9)) == [8]
    assert Marks(marked("bad", 7, 9), ALL).objection(named(8)) == (
        "incident", "it lies in the range that was marked bad together with %s, which still is" % named(9))


@pytest.mark.parametrize("second,closed", [("10:15", [8]), ("11:15", [8]), ("11:16", [])])
def test_marks_within_an_hour_are_one_incident(second, closed):
    assert shut([*marked("bad", 7), *marked("badfwd", 9, at=second)]) == closed


def test_marks_without_an_instant_stand_for_themselves():
    assert shut([replace(mark, at=0) for mark in marked("bad", 7, 9)]) == []


@pytest.mark.parametrize("at,closed", [("10:14", [8]), ("10:15", []), ("10:20", [])])
def test_one_in_between_is_opened_by_a_good_mark_that_is_not_older(at, closed):
    good = marked("good", 8, at=at)
    marks = sorted([*marked("bad", 7, 9), *good], key=lambda mark: mark.at)
    assert shut(marks) == closed


@pytest.mark.parametrize("hour", [7, 8, 9])
def test_lifting_one_mark_of_several_opens_nothing(hour):
    marks = marked("bad", 7, 8, 9)
    assert shut([*marks, *marked("good", hour, at="12:00")]) == [hour]
    assert shut([*marks, *marked("good", hour, at="12:00", approved="anna")]) == []
    assert shut([*marks, *marked("good", 7, 8, 9, at="12:00")]) == []


def test_a_mark_that_is_taken_back_is_lifted_as_a_good_one_is():
    marks = marked("bad", 7, 8, 9)
    assert shut([*marks, *marked("none", 9, at="12:00")]) == shut([*marks, *marked("none", 9, at="12:00", approved="anna")]) == [9]
    assert shut([*marks, *marked("none", 7, 8, 9, at="12:00")]) == []
    assert shut([*marked("bad", 7, 9), *marked("none", 8, at="12:00")]) == [8]
    assert told(decide_now(clock("10:20"), host("dev", 9), SEED, ALL, [*marked("bad", 10), *marked("none", 10, at="10:16")])) == ("run", "1000", "due")


def test_a_mark_about_what_is_gone_closes_nothing():
    assert shut(marked("bad", 1, 9)) == []


def test_a_rollback_holds():
    """0700 to 1000 without 0800 are marked; whoever went back goes neither to 0800 nor to 1000 when its mark alone is lifted."""
    marks = marked("bad", 7, 9, 10)
    back = decide_now(clock("10:20"), host("dev", 10, ran=(6, 7, 8, 9)), SEED, ALL, marks)
    assert told(back) == ("run", "0600", "back")
    assert [(passed.snapshot[-4:], passed.code) for passed in back.passed_over] == [("1000", "bad"), ("0900", "bad"), ("0800", "incident"), ("0700", "bad")]
    lifted = [*marks, *marked("good", 10, at="10:40")]
    after = decide_now(clock("10:50"), host("dev", 6, ran=(7, 8, 9, 10)), SEED, ALL, lifted)
    assert told(after) == ("run", "0600", "due")
    assert after.passed_over[0].code == "incident"
    assert told(decide_now(clock("11:00"), host("dev", 6, ran=(7, 8, 9, 10)), SEED, taken(6, 11), lifted)) == ("run", "1100", "due")


def test_who_runs_one_in_between_stays():
    assert told(decide_now(clock("10:20"), host("stg", 8), SEED, ALL, marked("bad", 7, 9))) == ("hold", "0800", "ahead")

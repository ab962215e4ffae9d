# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a share of a ring had a snapshot with success."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.progress import derive
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule, Soak


def schedule(share):
    """Two rings, of which the second waits for a share of the first."""
    return Schedule((Ring("dev"), Ring("prod", soak=Soak(share, 3600))))


def ok(snapshot, at):
    """A run that worked."""
    return {"snapshot": snapshot, "at": at, "ok": True}


def failed(snapshot, at):
    """A run that did not."""
    return dict(ok(snapshot, at), ok=False)


FOUR = {"dev": ["a", "b", "c", "d"]}


@pytest.mark.parametrize(("share", "expected"), [(0.01, 10), (0.25, 10), (0.26, 20), (0.5, 20), (0.75, 30), (0.76, None), (1.0, None)])
def test_the_share_counts_those_too_that_ran_nothing(share, expected):
    runs = {"a": [ok("s", 20)], "b": [ok("s", 10)], "c": [ok("s", 30)]}
    assert derive(schedule(share), FOUR, runs) == {"dev": {"s": expected} if expected else {}}


def test_a_share_that_is_no_binary_number_is_met_exactly():
    names = [str(number) for number in range(10)]
    assert derive(schedule(0.7), {"dev": names}, {name: [ok("s", 5)] for name in names[:7]}) == {"dev": {"s": 5}}


def test_the_last_run_of_a_snapshot_counts_and_the_first_of_those_that_worked():
    runs = {"a": [ok("s", 10), ok("t", 20), ok("s", 30)], "b": [failed("s", 5), ok("s", 15)], "c": [ok("s", 10), failed("s", 40)], "d": [failed("t", 1)]}
    assert derive(schedule(0.5), FOUR, runs) == {"dev": {"s": 15}} and derive(schedule(0.25), FOUR, runs) == {"dev": {"s": 10, "t": 20}}


def test_targets_of_other_rings_do_not_count():
    assert derive(schedule(1.0), {"dev": ["a"], "prod": ["b"]}, {"a": [], "b": [ok("s", 1)], "gone": [ok("s", 1)]}) == {"dev": {}}


def test_an_empty_ring_has_reached_nothing_and_no_soak_asks_for_nothing():
    assert derive(schedule(1.0), {}, {}) == {"dev": {}}
    assert derive(Schedule((Ring("dev"), Ring("prod"))), FOUR, {"a": [ok("s", 1)]}) == {}

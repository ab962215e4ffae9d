# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which snapshots are kept."""

from __future__ import annotations

from rollout_samples import DAY, HOUR, SEED, clock, marked, named, taken

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.retention import Retention, sort_out
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Snapshot

NOW = clock("10:20")
TIGHT = Retention(age=0, count=0)


def kept(snapshots, retention=TIGHT, marks=(), **more):
    """Reasons by hour, of those that are kept."""
    reasons = sort_out(plan.compile(NOW, SEED, snapshots, marks), retention, **more)
    assert list(reasons) == [snapshot.name for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.at)]
    return {name[-4:]: reason for name, reason in reasons.items() if reason}


def test_the_newest_good_one_of_each_ring_stays():
    assert kept(taken(0, 10)) == {"1000": "the newest good one of ring dev", "0900": "the newest good one of ring qa",
                                  "0800": "the newest good one of ring stg", "0700": "the newest good one of ring prod-a",
                                  "0600": "the newest good one of ring prod"}
    assert kept(taken(0, 10), marks=marked("bad", *range(4, 11))) == {"0300": "the newest good one of ring dev"}


def test_one_that_no_ring_is_due_yet_stays_too():
    assert kept([Snapshot(named(10), clock("10:25"))]) == {"1000": "the newest good one of ring dev"}


def test_what_is_in_use_or_pinned_stays():
    assert kept(taken(0, 10), in_use=[named(1)], pinned=[named(2), "gone"]).items() >= {("0100", "in use"), ("0200", "pinned")}


def test_age_and_count_each_keep_what_the_other_would_not():
    assert set(kept(taken(0, 10), Retention(age=9 * HOUR, count=0))) == {"%02d00" % hour for hour in range(2, 11)}
    assert set(kept(taken(0, 10), Retention(age=0, count=7))) == {"%02d00" % hour for hour in range(4, 11)}
    on_the_second = Snapshot("edge", NOW - HOUR * 9)
    assert "edge" in sort_out(plan.compile(NOW, SEED, [on_the_second, *taken(8, 10)], ()), Retention(age=9 * HOUR, count=0))
    assert kept([on_the_second, *taken(3, 10)], Retention(age=9 * HOUR, count=0))["edge"] == "young"
    assert "edge" not in kept([on_the_second, *taken(3, 10)], Retention(age=9 * HOUR - 1, count=0))


def test_after_a_long_outage_no_ring_is_left_with_nothing():
    """The first run after four days without snapshots: the original removes every one that is older."""
    old = [Snapshot("d%d" % hour, DAY - 100 * HOUR + hour * HOUR) for hour in range(4)]
    assert kept([*old, *taken(10, 10)], Retention(age=72 * HOUR, count=0)) == {
        "d3": "the newest good one of ring qa", "1000": "the newest good one of ring dev"}


def test_a_barrier_stays_unless_it_is_bad():
    barrier = taken(0, 10, h1={"barrier": "new database"})
    assert kept(barrier)["0100"] == "every target passes through it"
    assert "0100" not in kept(barrier, marks=marked("bad", 1))

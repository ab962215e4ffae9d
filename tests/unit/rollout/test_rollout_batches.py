# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes of batches."""

from __future__ import annotations

from itertools import accumulate

import pytest
from ansible.playbook.play import Play
from ansible.utils.helpers import pct_to_int
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import batches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring

DECLARED = [("100%",), ("1",), ("1", "10%", "50%"), ("5",), ("1", "2", "30%"), ("34%",), ("1%", "100%"), ("7", "3")]


@pytest.mark.parametrize("value, count, expected", [
    (0, 10, 0), (3, 2, 3), ("3", 10, 3), ("25%", 10, 2), ("29%", 100, 29), ("10%", 5, 0), ("100%", 7, 7), ("0%", 7, 0), ("57%", 100, 57)])
def test_numbers(value, count, expected):
    assert batches.number(value, count) == expected


@pytest.mark.parametrize("declared, count, expected", [
    (("100%",), 7, [7]), (("100%",), 0, []), (("1",), 3, [1, 1, 1]), (("1", "10%", "50%"), 20, [1, 2, 10, 7]), (("1", "10%"), 5, [1, 1, 1, 1, 1]),
    (("5",), 3, [3]), (("10%",), 25, [2] * 12 + [1]), (("1", "2", "30%"), 10, [1, 2, 3, 3, 1])])
def test_sizes(declared, count, expected):
    assert batches.sizes(declared, count) == expected


@pytest.mark.parametrize("declared", DECLARED)
def test_sizes_are_those_of_serial(declared):
    """The same as ansible-core makes of the list, for every number of hosts where its floating point does not get in the way."""
    for count in range(1, 60):
        left, expected = count, []
        while left:
            given = declared[min(len(expected), len(declared) - 1)]
            expected.append(min(left, pct_to_int(given if given.endswith("%") else int(given), count)))
            left -= expected[-1]
        assert batches.sizes(declared, count) == expected


@pytest.mark.parametrize("counts", [[3, 10, 20], [0, 5, 0], [0, 0, 0], [1, 1, 1], [100, 1, 37]])
@pytest.mark.parametrize("declared", DECLARED)
def test_no_batch_holds_two_rings(counts, declared):
    rings = [Ring("dev"), Ring("qa", batches=("2", "50%")), Ring("prod", batches=declared)]
    serial = batches.serial(zip(rings, counts))
    assert set(accumulate(counts)) - {0} <= set(accumulate(serial))
    assert sum(serial) == sum(counts) and all(isinstance(size, int) and size > 0 for size in serial)
    assert Play.load({"hosts": "all", "serial": serial}).serial == serial


def test_how_many_may_fail():
    assert [batches.may_fail(Ring("a", max_unavailable=value), 50) for value in (0, 3, "5%", "100%")] == [0, 3, 2, 50]

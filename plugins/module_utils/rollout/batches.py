# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes of batches. Pure."""

from __future__ import annotations


def number(value, count):
    """A number, or a percentage of ``count`` rounded down.

    :param value: an int, or a text such as ``3`` or ``25%``.
    """
    text = str(value)
    return int(text[:-1]) * count // 100 if text.endswith("%") else int(text)


def sizes(batches, count):
    """The sizes of the batches of one ring, as Ansible's ``serial`` makes them.

    :param batches: numbers and percentages of ``count``, in order; the last one is repeated. A percentage is one target at least.
    :param count: number of targets that take part, after ``--limit``.
    :return: a list of numbers over 0 with the sum ``count``.
    """
    found, left = [], count
    while left > 0:
        size = min(left, max(1, number(batches[min(len(found), len(batches) - 1)], count)))
        found.append(size)
        left -= size
    return found


def serial(rings):
    """The ``serial`` of a play over several rings whose hosts come in the order of the rings: no batch holds hosts of two rings.

    :param rings: pairs of a ``Ring`` and the number of its hosts that take part, in order.
    :return: a list of numbers; empty where no host takes part.
    """
    return [size for ring, count in rings for size in sizes(ring.batches, count)]


def may_fail(ring, count):
    """How many of the ``count`` targets of a ring that take part may fail before the rollout stops."""
    return number(ring.max_unavailable, count)

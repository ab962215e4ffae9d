# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names in the words of tables and pictures. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import last
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import instant, utc
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import GOOD

NOTHING = "-"


def short_names(names):
    """Names in short: the hour where all are of one day, day and hour where all are named after hours, else what they do not have in common.

    :returns: dict of name to short name, each of which is of one name.
    """
    names = sorted(set(names))
    hours = [instant(name) for name in names]
    if names and None not in hours:
        form = "%H%M" if len({utc(hour, "%Y%m%d") for hour in hours}) == 1 else "%d-%H%M"
        told = {name: utc(hour, form) for name, hour in zip(names, hours)}
        if len(set(told.values())) == len(names):
            return told
    cut = _common(names)
    return {name: name[cut:] for name in names}


def refused(forecast, marks):
    """Names of the snapshots that are passed over for their mark."""
    bad = {name for name, mark in last(marks).items() if mark.state != GOOD}
    return {passed.snapshot for row in forecast.rows for decision in row.decisions for passed in decision.passed_over if passed.snapshot in bad}


def heads(forecast):
    """The name of each row: its ring, with the first target where the ring has more than one row."""
    rings = [row.ring for row in forecast.rows]
    return [row.ring if rings.count(row.ring) == 1 else "%s/%s" % (row.ring, row.targets[0]) for row in forecast.rows]


def holds(forecast):
    """Why targets hold: each kind of reason once for each row, with the first moment that has it."""
    told = []
    for row, head in zip(forecast.rows, heads(forecast)):
        seen = set()
        for moment, decision in zip(forecast.moments, row.decisions):
            if decision.action == HOLD and decision.code not in seen:
                seen.add(decision.code)
                told.append("%s holds from %s: %s" % (head, utc(moment), decision.reason))
    return told


def _common(names):
    """How much of the beginning is the same, to the end of a word."""
    if len(names) < 2:
        return 0
    first, last = names[0], names[-1]
    length = next((number for number, pair in enumerate(zip(first, last)) if pair[0] != pair[1]), min(len(first), len(last)))
    return max(first.rfind(mark, 0, length) for mark in "-_./") + 1

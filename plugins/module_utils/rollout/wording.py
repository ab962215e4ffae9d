# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and instants in the words of tables and pictures. Pure."""

from __future__ import annotations

import datetime
import re

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import GOOD

_HOURLY = re.compile(r"(?:.*\D)?(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)\Z")
NOTHING = "-"


def utc(instant, form="%Y-%m-%d %H:%M"):
    """An instant as people read it, in UTC."""
    return datetime.datetime.fromtimestamp(instant, datetime.timezone.utc).strftime(form)


def short_names(names):
    """Names in short: the hour where all are of one day, day and hour where all are named after hours, else what they do not have in common.

    :returns: dict of name to short name, each of which is of one name.
    """
    names = sorted(set(names))
    found = [_HOURLY.match(name) for name in names]
    if names and all(found):
        days = {match.group(1, 2, 3) for match in found}
        told = {name: "".join(match.group(4, 5)) if len(days) == 1 else "%s-%s%s" % match.group(3, 4, 5) for name, match in zip(names, found)}
        if len(set(told.values())) == len(names):
            return told
    cut = _common(names)
    return {name: name[cut:] for name in names}


def refused(forecast, marks):
    """Names of the snapshots that are passed over for their mark."""
    bad = {mark.snapshot: mark.state for mark in marks}
    return {passed.snapshot for row in forecast.rows for decision in row.decisions for passed in decision.passed_over
            if bad.get(passed.snapshot, GOOD) != GOOD}


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

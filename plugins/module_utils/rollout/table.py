# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to come as lines of text. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import last
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import utc
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.wording import NOTHING, heads, holds, refused, short_names

KEY = "* the target starts on it then, = it holds what it has, %s it has none"


def lines(forecast, marks=()):
    """One line for each hour, one column for each row of the forecast, and below why targets hold.

    :param forecast: see ``forecast.py``.
    :param marks: of ``Mark``, in the order of time.
    """
    names = {decision.release for row in forecast.rows for decision in row.decisions if decision.release}
    short = short_names(names | refused(forecast, marks))
    grid = [["UTC"] + heads(forecast), [""] + ["%d target%s" % (len(row.targets), "" if len(row.targets) == 1 else "s") for row in forecast.rows]]
    grid += _folded([[utc(moment)] + [_cell(row.decisions[number], row.starts[number], short) for row in forecast.rows]
                     for number, moment in enumerate(forecast.moments)])
    widths = [max(len(line[column]) for line in grid) for column in range(len(grid[0]))]
    told = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in grid]
    return told + ["", KEY % NOTHING] + _short_for_long(short) + _marked(marks, short) + holds(forecast)


def _folded(lines):
    """Hours in which nothing begins and nothing ends, but the last of them, become one line."""
    told = []
    for number, line in enumerate(lines):
        same = number and line[1:] == [cell.replace(" *", "") for cell in lines[number - 1][1:]]
        if not same:
            told.append(line)
        elif number == len(lines) - 1 or lines[number + 1][1:] != line[1:]:
            told.append(["to %s" % line[0]] + ["the same"] + [""] * (len(line) - 2))
    return told


def _cell(decision, starts, short):
    name = short.get(decision.release, NOTHING)
    return "%s%s" % (name, " *" if starts else " =" if decision.action == HOLD else "")


def _short_for_long(short):
    return ["%s is %s" % (told, name) for name, told in sorted(short.items()) if told != name]


def _marked(marks, short):
    return ["%s is marked %s%s" % (short[name], mark.state, ": %s" % " ".join(mark.why.split()) if mark.why else "")
            for name, mark in sorted(last(marks).items()) if name in short]

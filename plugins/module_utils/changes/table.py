# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes as text for people. Resource ids and values come from the orchestrator: they can never forge a line."""

from __future__ import annotations

import difflib
import unicodedata

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import canonical

WIDTH = 160
_VALUE_WIDTH = 56
_NAME_WIDTH = 28
_ATTRIBUTES = 12
_MORE = "..."


def table(changes, unexpected_keys, limit=50):
    """The changes as lines, unexpected ones (``!``) first; what was not checked is always unexpected.

    :param changes: a ``Changes``.
    :param unexpected_keys: the resources of unexpected changes; a dict gives a reason for each.
    :param limit: how many resources are shown; the last line counts the others.
    """
    reasons = unexpected_keys if isinstance(unexpected_keys, dict) else {}
    rows = [(change["resource"] not in unexpected_keys, change) for change in changes.changes]
    rows += [(False, row) for row in changes.unchecked]
    rows.sort(key=lambda row: (row[0], row[1]["resource"]))
    lines = []
    for expected, row in rows[:limit]:
        lines.extend(_row(row, " " if expected else "!", reasons.get(row["resource"])))
    cut = rows[limit:]
    counts = changes.counts()
    last = "%d added, %d modified, %d removed, %d unchecked; %d unexpected" % (
        counts["added"], counts["modified"], counts["removed"], counts["unchecked"],
        sum(1 for expected, _row_ in rows if not expected))
    if cut:
        last += "; %d more not shown here, %d of them unexpected" % (
            len(cut), sum(1 for expected, _row_ in cut if not expected))
    return lines + [last]


def diff(changes):
    """Before and after for Ansible's ``--diff``.

    :param changes: a ``Changes``.
    """
    sides = ([], [])
    for change in changes.changes:
        absent = {"added": 0, "removed": 1}.get(change["action"])
        for side, lines in enumerate(sides):
            if side == absent:
                continue
            lines.append(visible(change["resource"]))
            for name, pair in change["attributes"].items():
                lines.extend(_attribute_lines(visible(name), pair[side]))
    sides[1].extend("%s: not checked (%s)" % (visible(row["resource"]), visible(row["reason"]))
                    for row in changes.unchecked)
    before, after = ["".join(line + "\n" for line in lines) for lines in sides]
    return {"before": before, "after": after, "before_header": "present state", "after_header": "after deployment"}


def unified(sides):
    """The lines of what :func:`diff` returned, as Ansible displays a diff.

    :param sides: before, after and their headers.
    """
    return list(difflib.unified_diff(sides["before"].splitlines(), sides["after"].splitlines(), sides["before_header"], sides["after_header"],
                                     lineterm="", n=10))


def visible(text):
    """Text with everything escaped that a terminal or a log would not show as one ordinary character.

    :param text: any text from outside.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def shorten(text, width):
    """Text of at most this many columns, the middle left out.

    :param text: visible text.
    :param width: number of columns, 8 or more.
    """
    if columns(text) <= width:
        return text
    head = _fitting(text, (width - len(_MORE)) // 2)
    tail = _fitting(text[::-1], width - len(_MORE) - columns(head))
    return head + _MORE + tail[::-1]


def columns(text):
    """Columns of a terminal that visible text takes."""
    return len(text) if text.isascii() else sum(_columns(char) for char in text)


def _columns(char):
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _fitting(text, width):
    """The longest start of a text that fits."""
    used = 0
    for index, char in enumerate(text):
        used += _columns(char)
        if used > width:
            return text[:index]
    return text


def _row(row, mark, reason):
    """The lines of one resource."""
    prefix = "%s %-9s " % (mark, row.get("action", "unchecked"))
    yield prefix + shorten(visible(row["resource"]), WIDTH - len(prefix))
    reason = row.get("reason") or reason
    if reason:
        yield "%14s%s" % ("", shorten("(%s)" % visible(reason), WIDTH - 14))
    attributes = list(row.get("attributes", {}).items())
    for name, pair in attributes[:_ATTRIBUTES]:
        before, after = _pair(*pair)
        yield "%14s%s: %s -> %s" % ("", shorten(visible(name), _NAME_WIDTH), before, after)
    if len(attributes) > _ATTRIBUTES:
        yield "%14sand %d more attributes" % ("", len(attributes) - _ATTRIBUTES)


def _pair(before, after):
    """Both values, each short enough, in a way that shows where they differ."""
    texts = [_value(before), _value(after)]
    start = 0
    if max(columns(text) for text in texts) > _VALUE_WIDTH:
        # Two long values that begin alike would look the same: begin a little before the first difference.
        common = next((index for index, (one, two) in enumerate(zip(*texts)) if one != two), min(map(len, texts)))
        start = max(0, common - 12)
    return [_excerpt(text, start) for text in texts]


def _excerpt(text, start):
    if start:
        text = _MORE + text[start:]
    if columns(text) <= _VALUE_WIDTH:
        return text
    return _fitting(text, _VALUE_WIDTH - len(_MORE)) + _MORE


def _value(value):
    """A value as JSON that keeps readable letters; texts are quoted, so that values never run into each other."""
    if isinstance(value, str):
        return visible('"%s"' % value.replace("\\", "\\\\").replace('"', '\\"'))
    return canonical(value)


def _attribute_lines(name, value):
    """The lines of one attribute in a diff; a text of several lines keeps them, each behind a bar."""
    if not isinstance(value, str) or "\n" not in value:
        return ["  %s: %s" % (name, _value(value))]
    return ["  %s:" % name] + ["    | %s" % visible(line) for line in value.split("\n")]

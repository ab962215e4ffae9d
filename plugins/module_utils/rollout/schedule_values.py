# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of values that a schedule has: durations, numbers, percentages, names, instants. Pure."""

from __future__ import annotations

import datetime
import re
from fractions import Fraction

from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

DAY = 86400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
_DURATION = re.compile(r"(?:\d{1,6}[smhdw])+\Z", re.ASCII)
_PERCENT = re.compile(r"\d{1,3}(?:\.\d{1,6})?%\Z", re.ASCII)
_NUMBER = re.compile(r"(\d{1,7})(%?)\Z", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z", re.ASCII)
_EXAMPLES = "Write a number with s, m, h, d or w, such as 90m, 1h, 1h30m or 2d"


def duration(entry, least=0):
    """A duration in seconds.

    :param least: the shortest that is taken, in seconds.
    """
    text = entry.text(_EXAMPLES)
    if text != "0" and not _DURATION.match(text):
        entry.refuse("is not a duration", _EXAMPLES)
    seconds = sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([smhdw])", text))
    if seconds < least:
        entry.refuse("is too short", "Write %s or more" % spelt(least))
    if seconds > 3660 * DAY:
        entry.refuse("is too long", "Write ten years or less")
    return seconds


def spelt(seconds):
    """A duration as it would be written, in as few units as possible."""
    if not seconds:
        return "0"
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _UNITS[unit])
        if count:
            parts.append("%d%s" % (count, unit))
    return "".join(parts)


def share(entry):
    """A percentage as a number over 0 and at most 1."""
    remedy = "Write a percentage over 0% and up to 100%, such as 25%"
    text = entry.text(remedy)
    value = Fraction(text[:-1]) / 100 if _PERCENT.match(text) else 0
    if not 0 < value <= 1:
        entry.refuse("is not such a percentage", remedy)
    return float(value)


def number_or_percent(entry, least):
    """A whole number, or a whole percentage as a text such as ``25%``.

    :param least: the smallest number that is taken.
    """
    remedy = "Write a whole number from %d on, or a whole percentage up to 100%%, such as 3 or 25%%" % least
    match = _NUMBER.match(entry.text(remedy))
    if not match or int(match.group(1)) < least or match.group(2) and int(match.group(1)) > 100:
        entry.refuse("is neither a number nor a percentage that can be used here", remedy)
    return match.group(0) if match.group(2) else int(match.group(1))


def whole(entry, least, greatest):
    """A whole number."""
    remedy = "Write a whole number from %d to %d" % (least, greatest)
    text = entry.text(remedy)
    if not re.match(r"\d{1,9}\Z", text, re.ASCII) or not least <= int(text) <= greatest:
        entry.refuse("is not a number that can be used here", remedy)
    return int(text)


def name(entry):
    """The name of a ring."""
    remedy = "Write letters, digits, _ and -, with a letter or digit first, 63 at most"
    text = entry.text(remedy)
    if not _NAME.match(text):
        entry.refuse("is no name of a ring", remedy)
    return text


def variable(entry):
    """The name of a host variable."""
    remedy = "Write the name of a host variable, such as datacenter"
    text = entry.text(remedy)
    if not (text.isidentifier() and text.isascii()):
        entry.refuse("is no name of a variable", remedy)
    return text


def texts(entry, remedy):
    """A list of different texts, or one text, as a tuple."""
    found = []
    for item in entry.items_or_one(remedy):
        text = item.text(remedy)
        if text in found:
            item.refuse("stands twice", "Keep one of them")
        found.append(text)
    return tuple(found)


def zone(entry):
    """A time zone."""
    text = entry.text("Write a name such as Europe/Brussels or UTC")
    return moments.UTC if text == "UTC" else moments.zone(text, entry.field)


def edge(entry, here, last):
    """The instant of a time, or of the start of a day.

    :param here: the time zone of what has no offset.
    :param last: whether a day is meant to its end.
    """
    remedy = "Write a day or a day with a time, such as 2030-12-24 or 2030-12-24 18:00"
    text = entry.text(remedy)
    try:
        when = moments.moment_or_day(text, here, entry.field)
    except InputError as exc:
        # Its clocks skip it or show it twice; what to do then is in that message.
        if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text):
            raise
        raise InputError(entry.field, text, "is neither a day nor a time", remedy) from exc
    try:
        if not isinstance(when, datetime.datetime):
            when = moments.at(when + datetime.timedelta(days=1 if last else 0), datetime.time(), here)
        return int(when.timestamp())
    except OverflowError:
        return entry.refuse("is out of the range of dates", remedy)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release record: who answers for a release, when it may run, and whom was told when. Pure.

What is not there is judged later; what is there and cannot be understood is an error.
"""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.people import workdays

TEXTS = ("release", "crew_chief", "driver", "change_ticket", "summary")
KEYS = TEXTS + ("window", "notices", "working_days", "holidays")
WINDOW_KEYS = ("start", "end", "time_zone")
NOTICE_KEYS = ("name", "lead_working_days", "sent")
LENGTH = 500
LEAD_LIMIT = 250
REMEDY = "Write a mapping with the keys %s, see the guide on people and notices" % ", ".join(KEYS)


class Window:
    """When the release may run.

    :ivar start: in UTC, and ``end``: None where it is not given.
    :ivar zone: the time zone, None where it is not given; then there is no ``start`` or ``end`` either.
    """

    def __init__(self, start=None, end=None, zone=None):
        self.start = start
        self.end = end
        self.zone = zone

    def missing(self):
        """Names of what is not given."""
        return [name for name, value in (("start", self.start), ("end", self.end), ("time_zone", self.zone)) if value is None]

    def text(self):
        """The window in one line; empty where something is missing."""
        if self.missing():
            return ""
        return "%s to %s %s" % (moments.shown(self.start, self.zone), moments.shown(self.end, self.zone), self.zone.key)


class Record:
    """A release record. Make one by :func:`parse`.

    :ivar texts: ``{key: text}`` for those of TEXTS that are given.
    :ivar window: a :class:`Window`, or None.
    :ivar notices: ``[{name, lead_working_days, sent}]``, or None; ``sent`` is a moment in UTC, a day, or None.
    :ivar calendar: the working days.
    """

    def __init__(self, texts, window, notices, calendar):
        self.texts = texts
        self.window = window
        self.notices = notices
        self.calendar = calendar

    def as_dict(self):
        """What people read of it: the texts, and the window with its times as ISO 8601."""
        window = self.window or Window()
        times = {name: moments.text(when, window.zone) for name, when in (("start", window.start), ("end", window.end)) if when}
        if window.zone:
            times["time_zone"] = window.zone.key
        return dict(self.texts, window=dict(times, text=window.text()) if times else {})


def parse(data, source, working_days=workdays.DEFAULT, holidays=()):
    """Check a release record.

    :param data: the mapping.
    :param source: where it comes from, for messages.
    :param working_days: the weekdays of a record that names none.
    :param holidays: days besides those that the record names.
    """
    field = _fields(source)
    _check_keys(data, field, "", KEYS)
    texts = {key: _text(data[key], field(key)) for key in TEXTS if _given(data, key)}
    week = workdays.parse_week(data["working_days"], field("working_days")) if _given(data, "working_days") else workdays.parse_week(
        working_days, "working_days")
    free = workdays.parse_holidays(holidays, "holidays")
    if _given(data, "holidays"):
        free |= workdays.parse_holidays(data["holidays"], field("holidays"))
    window = _window(data["window"], field) if _given(data, "window") else None
    notices = None
    if data.get("notices") is not None:
        notices = _notices(data["notices"], window, field)
    return Record(texts, window, notices, workdays.Calendar(week, free))


def _fields(source):
    return lambda place: "%s: %s" % (source, place)


def _given(data, key):
    """An empty value is a field that nobody has filled in yet."""
    value = data.get(key)
    return value is not None and not (isinstance(value, str) and not value.strip())


def _check_keys(data, field, place, keys):
    if not isinstance(data, dict):
        raise InputError(field(place or "the record"), data, "is not a mapping", REMEDY if not place else "Write the keys %s" % ", ".join(keys))
    for key in data:
        if key not in keys:
            raise InputError(field("%s%s" % (place + "." if place else "", key)), data[key], "belongs to no such field",
                             "Use the keys %s" % ", ".join(keys))


def _text(value, field):
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InputError(field, value, "is not a text", "Write a text, in quotes where YAML would read something else")
    value = value.strip()
    if len(value) > LENGTH or any(not letter.isprintable() for letter in value):
        raise InputError(field, value[:80], "is not one line of at most %d characters" % LENGTH, "Write it shorter and on one line")
    return value


def _window(data, field):
    _check_keys(data, field, "window", WINDOW_KEYS)
    if not _given(data, "time_zone"):
        return Window()
    zone = moments.zone(data["time_zone"], field("window.time_zone"))
    start, end = (moments.moment(data[key], zone, field("window.%s" % key)) if _given(data, key) else None for key in ("start", "end"))
    if start and end and end <= start:
        raise InputError(field("window.end"), str(data["end"]), "is not after the start, %s" % moments.shown(start, zone),
                         "Correct one of the two; past midnight the end has the next day's date")
    return Window(start, end, zone)


def _notices(data, window, field):
    if not isinstance(data, list):
        raise InputError(field("notices"), data, "is not a list", "Write a list of notices, or notices: [] where nobody needs one")
    return [_notice(item, "notices[%d]" % number, window, field) for number, item in enumerate(data)]


def _notice(data, place, window, field):
    _check_keys(data, field, place, NOTICE_KEYS)
    if not _given(data, "name"):
        raise InputError(field(place + ".name"), data.get("name"), "is no name", "Say which notice it is, such as mail to the users")
    lead = data.get("lead_working_days")
    if isinstance(lead, bool) or not isinstance(lead, int) or not 0 <= lead <= LEAD_LIMIT:
        raise InputError(field(place + ".lead_working_days"), lead, "is not a whole number from 0 to %d" % LEAD_LIMIT,
                         "Write how many working days before the window the notice must be sent")
    sent = None
    if _given(data, "sent"):
        zone = window.zone if window and window.zone else moments.UTC
        sent = moments.moment_or_day(data["sent"], zone, field(place + ".sent"))
    return {"name": _text(data["name"], field(place + ".name")), "lead_working_days": lead, "sent": sent}

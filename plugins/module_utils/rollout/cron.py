# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expressions of cron with five fields, by the clocks of a time zone. Pure."""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Name, least value, greatest value, names of the values from the least one on.
_FIELDS = (("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day of the month", 1, 31, ()), ("month", 1, 12, MONTHS), ("day of the week", 0, 7, WEEKDAYS))
_PART = re.compile(r"(?:(?P<all>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d{1,3}))?\Z", re.ASCII)
_REMEDY = "Write five fields: minute, hour, day of the month, month and day of the week, such as '0 8 * * mon-fri'"
_UTC = datetime.timezone.utc
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=_UTC)
# The furthest that clocks were put back since 1970 is three hours.
_BACK = datetime.timedelta(hours=4)


@dataclass(frozen=True)
class Cron:
    """When something begins, to the minute.

    :param text: the expression.
    :param times: sorted tuple of (hour, minute).
    :param either: whether a day of the month or of the week is enough; else both have to match.
    """

    text: str
    times: tuple
    days: frozenset
    months: frozenset
    weekdays: frozenset
    either: bool

    def on(self, date):
        """Whether the expression matches that day."""
        if date.month not in self.months:
            return False
        day, weekday = date.day in self.days, date.isoweekday() % 7 in self.weekdays
        return day or weekday if self.either else day and weekday

    def before(self, now, zone, earliest):
        """The last instant at which it began, up to and with ``now``, and not before ``earliest``; None where there is none.

        :param zone: the time zone whose clocks it goes by.
        """
        # What the clocks show at an earlier instant can be later, where they were put back in between.
        last = _clock(now, zone) + _BACK
        first = (_clock(earliest, zone) - _BACK).date()
        date = last.date()
        while date >= first:
            if self.on(date):
                for hour, minute in reversed(self.times):
                    if (date, hour, minute) <= (last.date(), last.hour, last.minute):
                        at = instant(datetime.datetime(date.year, date.month, date.day, hour, minute), zone)
                        if at <= now:
                            return at if at >= earliest else None
            date -= datetime.timedelta(days=1)
        return None

    def after(self, now, zone, latest):
        """The instants later than ``now`` and up to ``latest`` at which it begins, in order.

        :return: a generator.
        """
        shown = _clock(now, zone) - _BACK
        date, end = shown.date(), (_clock(latest, zone) + _BACK).date()
        floor = (date, shown.hour, shown.minute)
        while date <= end:
            if self.on(date):
                for hour, minute in self.times:
                    if (date, hour, minute) < floor:
                        continue
                    at = instant(datetime.datetime(date.year, date.month, date.day, hour, minute), zone)
                    if at > latest:
                        return
                    if at > now:
                        yield at
                        now = at
            date += datetime.timedelta(days=1)


def parse(text, field):
    """Read an expression.

    Lists, ranges, steps and the English names of months and weekdays are known. As in cron, a day matches when either of its two fields
    does, unless one of them begins with ``*``: then both have to.

    :param field: the key that holds it, for messages.
    :return: ``Cron``.
    """
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise InputError(field, text, "has %d field%s, not five" % (len(parts), "" if len(parts) == 1 else "s"), _REMEDY)
    try:
        minutes, hours, days, months, weekdays = [_values(part, *known) for part, known in zip(parts, _FIELDS)]
    except ValueError as exc:
        raise InputError(field, text, "is no expression of cron: %s" % exc, _REMEDY) from exc
    weekdays = {number % 7 for number in weekdays}
    either = not (parts[2].startswith("*") or parts[4].startswith("*"))
    # 2000 is a leap year.
    if not either and not any(day <= calendar.monthrange(2000, month)[1] for day in days for month in months):
        raise InputError(field, text, "names a day that no year has", _REMEDY)
    times = tuple((hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
    return Cron(" ".join(parts), times, frozenset(days), frozenset(months), frozenset(weekdays), either)


def instant(naive, zone):
    """When the clocks of a zone show a time, in seconds since 1970.

    :param naive: a datetime without a zone. Where the clocks show it twice, the first counts. Where they skip it, the first instant after it.
    """
    at = _seconds(naive.replace(tzinfo=zone, fold=0))
    if _clock(at, zone) == naive:
        return at
    # The later offset leads to an instant before the clocks are put forward, the earlier one to an instant after it.
    low, high = _seconds(naive.replace(tzinfo=zone, fold=1)), at
    offset = _offset(high, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(middle, zone) == offset else (middle, high)
    return high


def _clock(at, zone):
    """What the clocks of a zone show, without the zone."""
    return (_EPOCH + datetime.timedelta(seconds=at)).astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(at, zone):
    return (_EPOCH + datetime.timedelta(seconds=at)).astimezone(zone).utcoffset()


def _seconds(when):
    return (when - _EPOCH) // datetime.timedelta(seconds=1)


def _values(text, name, least, greatest, names):
    found = set()
    for part in text.split(","):
        match = _PART.match(part)
        if not match:
            raise ValueError("%r in the %s" % (part, name))
        step = int(match.group("step") or 1)
        if not step:
            raise ValueError("%r in the %s has a step of 0" % (part, name))
        first, last = least, min(greatest, 6) if names is WEEKDAYS else greatest
        if not match.group("all"):
            first = _value(match.group("first"), name, least, greatest, names)
            if match.group("last"):
                last = _value(match.group("last"), name, least, greatest, names)
                # Sunday is 0, and 7 where it ends the week.
                last = 7 if first and match.group("last").lower() == "sun" else last
            elif not match.group("step"):
                last = first
        if first > last:
            raise ValueError("%r in the %s runs backwards" % (part, name))
        found.update(range(first, last + 1, step))
    return found


def _value(text, name, least, greatest, names):
    if text.lower() in names:
        return names.index(text.lower()) + least
    if not re.match(r"\d{1,2}\Z", text, re.ASCII) or not least <= int(text) <= greatest:
        raise ValueError("%r is no %s, which is %d to %d%s" % (text, name, least, greatest, " or %s to %s" % (names[0], names[-1]) if names else ""))
    return int(text)

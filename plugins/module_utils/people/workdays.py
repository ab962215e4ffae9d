# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Working days: weekends and holidays do not count. Pure."""

from __future__ import annotations

import datetime

from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DEFAULT = WEEK[:5]


class Calendar:
    """Which days are working days.

    :param weekdays: numbers of weekdays, Monday is 0.
    :param holidays: dates.
    """

    def __init__(self, weekdays, holidays=()):
        self.weekdays = frozenset(weekdays)
        self.holidays = frozenset(holidays)

    def works(self, day):
        """Whether it is a working day."""
        return day.weekday() in self.weekdays and day not in self.holidays

    def back(self, day, count):
        """The day that is ``count`` working days before ``day``; 0 is the day itself, whatever it is."""
        while count:
            day -= datetime.timedelta(days=1)
            count -= self.works(day)
        return day


def parse_week(value, field):
    """Numbers of weekdays, from their English names or the first three letters."""
    remedy = "Write a list such as [monday, tuesday, wednesday, thursday, friday]"
    if not isinstance(value, (list, tuple)) or not value:
        raise InputError(field, value, "is not a list with at least one weekday", remedy)
    return {_weekday(name, "%s[%d]" % (field, number), remedy) for number, name in enumerate(value)}


def parse_holidays(value, field):
    """Dates."""
    if not isinstance(value, (list, tuple)):
        raise InputError(field, value, "is not a list of days", "Write a list such as [2030-12-25, 2030-12-26]")
    return {moments.day(item, "%s[%d]" % (field, number)) for number, item in enumerate(value)}


def _weekday(name, field, remedy):
    for number, known in enumerate(WEEK):
        if isinstance(name, str) and name.strip().lower() in (known, known[:3]):
            return number
    raise InputError(field, name, "is not a weekday", remedy)

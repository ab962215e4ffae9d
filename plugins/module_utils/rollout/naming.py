# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of snapshots after the hour that they were taken in, and ages as people read them. Instants are whole seconds since 1970 in UTC. Pure."""

from __future__ import annotations

import calendar
import datetime
import re

HOUR, DAY = 3600, 86400
_HOURLY = re.compile(r"(?P<prefix>.*?)(\d{4})(\d\d)(\d\d)-(\d\d)00\Z", re.DOTALL)


def hour_of(at):
    """The beginning of the hour, in UTC, that an instant lies in."""
    return at - at % HOUR


def hourly(at, prefix=""):
    """The name of the snapshot of that hour.

    :param at: an instant in it.
    :param prefix: what the name begins with.
    :return: such as ``20140211-0700``, always in UTC: local clocks show an hour twice, and skip one.
    """
    return prefix + utc(at, "%Y%m%d-%H00")


def instant(name, prefix=None):
    """The instant that a name stands for.

    :param prefix: what the name must begin with; None: anything.
    :return: the beginning of its hour, or None where the name is not that of an hour that there is.
    """
    match = _HOURLY.match(name)
    if not match or prefix is not None and match.group("prefix") != prefix:
        return None
    try:
        when = datetime.datetime(*(int(part) for part in match.group(2, 3, 4, 5)))
    except ValueError:
        return None
    return calendar.timegm(when.timetuple())


def utc(at, form="%Y-%m-%d %H:%M"):
    """An instant in a form of ``strftime``, in UTC."""
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(form)


def text(at):
    """An instant as people read it, in UTC and to the minute."""
    return utc(at) + " UTC"


def span(seconds):
    """A number of seconds as people read it, such as ``2 h 30 min``: no more than its two greatest parts."""
    parts = []
    for unit, length in (("d", DAY), ("h", HOUR), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append("%d %s" % (count, unit))
        if parts and (len(parts) == 2 or not count):
            break
    return " ".join(parts) or "0 s"

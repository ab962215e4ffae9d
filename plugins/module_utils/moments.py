# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as people write them, in a time zone. Every room may use it. Pure."""

from __future__ import annotations

import datetime
import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

try:
    import zoneinfo
except ImportError:  # before Python 3.9
    zoneinfo = None

UTC = datetime.timezone.utc
SHOWN = "%Y-%m-%d %H:%M"
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?\Z")
_REMEDY = "Write the day and the time, such as 2030-01-31 22:00, in the window's time zone"


def zone(name, field):
    """The time zone of that name.

    :param field: the key that holds the name, for messages.
    """
    remedy = "Write a name of the IANA database, such as Europe/Brussels, America/Phoenix or UTC; the database itself comes with tzdata"
    if not isinstance(name, str):
        raise InputError(field, name, "is not a name of a time zone", remedy)
    if zoneinfo is None:
        raise StagecraftError("%s: time zones need Python 3.9 or newer. Run Ansible with that." % field)
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:  # a name that leads out of the database, or to a directory of it
        if not zoneinfo.available_timezones():
            raise InputError(field, name, "cannot be looked up: this machine has no database of time zones",
                             "Install the package tzdata of the system, or the Python package tzdata where Ansible runs") from exc
        raise InputError(field, name, "is not a time zone that is known here", remedy) from exc


def moment(value, here, field):
    """A time, in UTC.

    :param value: text, or a datetime where YAML made one of it; without an offset it is the time in that zone.
    :param here: the time zone.
    :param field: the key that holds it, for messages.
    """
    when = value
    if isinstance(value, str) and _TIME.match(value.strip()):
        try:
            when = datetime.datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            pass
    if not isinstance(when, datetime.datetime):
        raise InputError(field, value, "is not a day with a time", _REMEDY)
    try:
        return when.astimezone(UTC) if when.tzinfo else _local(when, here, field, value).astimezone(UTC)
    except OverflowError as exc:
        raise InputError(field, value, "is out of the range of dates", _REMEDY) from exc


def day(value, field):
    """A day, as text or where YAML made a date of it."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    try:
        if isinstance(value, str) and _DAY.match(value.strip()):
            return datetime.date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise InputError(field, value, "is not a day", "Write it as 2030-01-31")


def moment_or_day(value, here, field):
    """A time in UTC, or a day where no time is given."""
    if isinstance(value, datetime.datetime) or not (isinstance(value, datetime.date) or isinstance(value, str) and _DAY.match(value.strip())):
        return moment(value, here, field)
    return day(value, field)


def at(date, time, here):
    """The moment, in UTC, when the clocks of that zone show this; where they are put back over it, the earlier one."""
    return datetime.datetime.combine(date, time.replace(tzinfo=None, fold=0), here).astimezone(UTC)


def shown(when, here):
    """A moment, or a day, as people read it."""
    return when.astimezone(here).strftime(SHOWN) if isinstance(when, datetime.datetime) else when.isoformat()


def text(when, here):
    """A moment, or a day, as ISO 8601."""
    return when.astimezone(here).isoformat(timespec="minutes") if isinstance(when, datetime.datetime) else when.isoformat()


def _local(naive, here, field, value):
    """A time of that zone; one that clocks skip or show twice is not told from another."""
    first, second = naive.replace(tzinfo=here, fold=0), naive.replace(tzinfo=here, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(here).replace(tzinfo=None, fold=0) == naive.replace(fold=0):
        raise InputError(field, value, "is shown twice by the clocks of %s, which are put back then" % here.key,
                         "Add the offset: %s or %s" % (first.isoformat(timespec="minutes"), second.isoformat(timespec="minutes")))
    raise InputError(field, value, "is skipped by the clocks of %s, which are put forward then" % here.key, "Choose another time")

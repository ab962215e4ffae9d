# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compatibility with etch: times as its scripts read them, and which snapshots its script makes and removes. Pure."""

from __future__ import annotations

import datetime
import re

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming

UTC = datetime.timezone.utc
_NAME = re.compile(r"etchautotag-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)\Z", re.ASCII)


def local_instant(year, month, day, hour, minute, zone):
    """The instant of a local time as etch reads it: day 30 or 31 of a shorter month rolls over, and hour 24 is the next midnight.

    :param zone: a time zone; where its clocks show the time twice, the first one.
    :return: an instant, or None where the time is impossible.
    """
    if not (1 <= month <= 12 and 1 <= day <= 31 and minute <= 59 and (hour <= 23 or hour == 24 and minute == 0)):
        return None
    try:
        local = datetime.datetime(max(year, 1), month, 1) + datetime.timedelta(days=day - 1, hours=hour, minutes=minute)
        return int(local.replace(tzinfo=zone).timestamp())
    except OverflowError:
        return None


def snapshot(now, zone, names):
    """What the script makes and removes, where its source is there.

    :param now: an instant.
    :param zone: the time zone of the server.
    :param names: what lies beside each other in ``tags/``.
    :return: the name that is made (None where it is there), the names that are removed, and those whose date is impossible, which etch fails at.
    """
    made = "etchautotag-" + datetime.datetime.fromtimestamp(now, zone).strftime("%Y%m%d-%H00")
    removed, impossible = [], []
    for name in sorted(names):
        match = _NAME.match(name)
        if match:
            at = local_instant(*(int(part) for part in match.groups()), zone)
            if at is None:
                impossible.append(name)
            elif at < now - 72 * naming.HOUR:
                removed.append(name)
    return None if made in names else made, removed, impossible

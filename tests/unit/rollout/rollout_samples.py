# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of decisions share: the seed's five rings, snapshots by the hour of one day, and short ways to marks and targets."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Mark, Snapshot, Target

HOUR = 3600
DAY = naming.instant("20140211-0000")
RINGS = ("dev", "qa", "stg", "prod-a", "prod")
SEED = Schedule(tuple(Ring(name, hours * HOUR) for hours, name in enumerate(RINGS)))


def clock(text):
    """The instant of a time of that day, such as ``10:15``."""
    hours, minutes = text.split(":")
    return DAY + int(hours) * HOUR + int(minutes) * 60


def named(hour):
    """The name of the snapshot of an hour of that day, such as 7 or ``0700``."""
    return naming.hourly(DAY + (int(hour) // 100 if isinstance(hour, str) else hour) * HOUR)


def taken(first, last, without=(), **said):
    """Snapshots of the hours from the first to the last.

    :param said: such as ``h8={"barrier": "why"}`` for the one of 0800.
    """
    return [Snapshot(named(hour), DAY + hour * HOUR, **said.get("h%d" % hour, {})) for hour in range(first, last + 1) if hour not in without]


def marked(state, *hours, at="10:15", **more):
    """A mark for each of those snapshots, made by one command."""
    return [Mark(named(hour), state, clock(at), **more) for hour in hours]


def host(ring, current=None, ran=(), **more):
    """A target that runs the snapshot of an hour, and ran those of others."""
    names = frozenset(named(hour) for hour in (*ran, *([] if current is None else [current])))
    return Target("%s1" % ring, ring, None if current is None else named(current), names, **more)


def told(decision):
    """A decision in short: action, the hour of the release, code."""
    return decision.action, decision.release and decision.release[-4:], decision.code

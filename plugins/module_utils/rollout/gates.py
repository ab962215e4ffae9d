# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each ring asks of a snapshot: how old it is, how long it worked in the ring before, whether it is marked good or approved. Pure.

A ring asks all that the rings before it ask, so what it is due is never newer than what they are due, whatever order their delays are in.
"""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import span
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import GOOD


def pace(now, schedule, index, snapshot, progress):
    """Why a ring does not take a snapshot yet.

    :param index: the place of the ring in the schedule.
    :param progress: by ring and snapshot, the instant when the declared share of the ring had come to it with success.
    :return: code and reason, or None.
    """
    for place in range(index, -1, -1):
        ring = schedule.rings[place]
        found = age(now, ring.name, ring.delay, snapshot)
        if not found and ring.soak and place:
            found = _soak(now, ring, schedule.rings[place - 1].name, snapshot, progress)
        if found:
            return found
    return None


def forward_pace(now, schedule, index, snapshot, progress):
    """The same for a snapshot that ``badfwd`` brings: what the cap of the ring says, or where it has none, what the ring before asks."""
    ring = schedule.rings[index]
    if ring.forward_delay is not None:
        return age(now, ring.name, ring.forward_delay, snapshot)
    return pace(now, schedule, index - 1, snapshot, progress) if index else age(now, ring.name, 0, snapshot)


def demands(schedule, index, snapshot, marks, approvals):
    """What a ring misses in a snapshot, however old it is.

    :return: code and reason, or None.
    """
    for ring in schedule.rings[index::-1]:
        if ring.require_good and marks.state(snapshot.name) != GOOD:
            return "not_good", "ring %s takes only what is marked good" % ring.name
        if ring.approval and snapshot.name not in approvals.get(ring.name, ()):
            return "no_approval", "nobody approved it for ring %s" % ring.name
    return None


def age(now, ring, delay, snapshot):
    """Why a snapshot is too young for a ring: code and reason, or None."""
    seconds = now - snapshot.at
    if seconds < 0:
        return "too_young", "it is of an instant that lies %s ahead" % span(-seconds)
    if seconds < delay:
        return "too_young", "it is %s old, ring %s takes what is at least %s old" % (span(seconds), ring, span(delay))
    return None


def _soak(now, ring, before, snapshot, progress):
    since = progress.get(before, {}).get(snapshot.name)
    asked = "%g %% of ring %s" % (ring.soak.share * 100, before)
    if since is None:
        return "soak", "it has not worked in %s yet, which ring %s waits for" % (asked, ring.name)
    if now - since < ring.soak.seconds:
        return "soak", "it has worked in %s for %s, ring %s waits for %s" % (asked, span(max(0, now - since)), ring.name, span(ring.soak.seconds))
    return None

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which snapshots are kept, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Retention:
    """What a site keeps beside what is needed.

    :param age: seconds; what is not older is kept.
    :param count: so many of the newest are kept, however old.
    """

    age: int = 72 * 3600
    count: int = 24


def sort_out(plan, retention, in_use=(), pinned=()):
    """Find the reason to keep each snapshot.

    :param plan: the ``Plan`` of now, with all snapshots.
    :param retention: a :class:`Retention`.
    :param in_use: names of snapshots that targets run, or are about to.
    :param pinned: names of snapshots that pins which have not expired lead to.
    :return: dict of name to reason, oldest first; an empty reason where the snapshot may go.
    """
    in_use, pinned = set(in_use), set(pinned)
    newest = {snapshot.name for snapshot in plan.snapshots[max(0, len(plan.snapshots) - retention.count):]}
    due = _newest_good(plan)
    reasons = {}
    for snapshot in plan.snapshots:
        name = snapshot.name
        if name in in_use:
            reason = "in use"
        elif name in pinned:
            reason = "pinned"
        elif name in due:
            reason = "the newest good one of ring %s" % due[name]
        elif name in newest:
            reason = "one of the newest %d" % retention.count
        elif plan.now - snapshot.at <= retention.age:
            reason = "young"
        elif snapshot.barrier and not plan.marks.refused(name):
            reason = "every target passes through it"
        else:
            reason = ""
        reasons[name] = reason
    return reasons


def _newest_good(plan):
    """By name of snapshot, the ring whose targets would go to it: the newest acceptable one that it is due, and the newest that no mark keeps it from."""
    found = {}
    for ring in plan.schedule.rings:
        candidates = plan.ring(ring.name)
        for snapshot in (candidates.newest()[0], candidates.newest_acceptable()):
            if snapshot:
                found.setdefault(snapshot.name, ring.name)
    return found

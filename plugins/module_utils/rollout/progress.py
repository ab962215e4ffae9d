# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a share of a ring had a snapshot with success. Pure."""

from __future__ import annotations

import math


def derive(schedule, members, runs):
    """The progress that soaks are counted from.

    :param schedule: whose soaks say which share of the ring before is needed.
    :param members: ``{ring name: names of its targets}``, those too that ran nothing yet.
    :param runs: ``{target: [{snapshot, at, ok}]}``, oldest first.
    :returns: ``{ring name: {snapshot name: instant}}``. A target whose last run of a snapshot failed does not have it, and an empty ring has none.
    """
    found = {}
    for ring, share in shares(schedule).items():
        names, instants = set(members.get(ring, ())), {}
        least = needed(share, len(names))
        for name in names:
            for snapshot, at in worked(runs.get(name, ())).items():
                instants.setdefault(snapshot, []).append(at)
        found[ring] = {snapshot: sorted(ats)[least - 1] for snapshot, ats in instants.items() if len(ats) >= least}
    return found


def shares(schedule):
    """By name of each ring that a soak counts from, the share of it that the ring after it asks for."""
    return {ring.name: following.soak.share for ring, following in zip(schedule.rings, schedule.rings[1:]) if following.soak}


def needed(share, count):
    """How many targets a share of so many is: at least one."""
    return max(1, math.ceil(share * count - 1e-9))


def worked(runs):
    """The snapshots that work on a target, each with the instant since when.

    :param runs: ``[{snapshot, at, ok}]``, oldest first.
    """
    since = {}
    for run in runs:
        if not run["ok"]:
            since.pop(run["snapshot"], None)
        else:
            since.setdefault(run["snapshot"], run["at"])
    return since

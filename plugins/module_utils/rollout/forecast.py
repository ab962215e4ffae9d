# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each target would run in the hours to come, if nothing else happened: no new snapshot, mark, pin or approval, and every run succeeds. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan as plans
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import RUN
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.fleet import decide_fleet
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import HOUR, hour_of
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.progress import needed, shares
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import HOST


@dataclass(frozen=True)
class Row:
    """Targets of a ring that do the same at every moment.

    :param targets: their names, sorted.
    :param decisions: one for each moment.
    :param starts: for each moment, whether the target goes to another release then.
    """

    ring: str
    targets: tuple
    decisions: tuple
    starts: tuple


@dataclass(frozen=True)
class Forecast:
    """What is to come.

    :param moments: instants in UTC, the first is now, the others are full hours.
    :param rows: in the order of the rings, the largest of a ring first.
    """

    moments: tuple
    rows: tuple


def moments(now, hours):
    """Now, and the full hours after it."""
    return (now,) + tuple(hour_of(now) + number * HOUR for number in range(1, hours + 1))


def forecast(now, hours, schedule, snapshots, marks, targets, pins=None, stops=(), progress=None, approvals=None):
    """Decide at each moment, and let each target run what was decided before the next.

    :param now: instant in seconds, UTC.
    :param hours: how many full hours after it.
    :param targets: of ``Target``.
    :param pins: by name of target.
    :param progress: by ring and snapshot, the instant when a share of the ring had it.
    """
    pins, stops, snapshots = pins or {}, list(stops), list(snapshots)
    apart = set(pins) | {stop.name for stop in stops if stop.level == HOST}
    groups = _alike(schedule, targets, apart, {snapshot.name for snapshot in snapshots})
    reached = {ring: dict(found) for ring, found in (progress or {}).items()}
    at = moments(now, hours)
    for moment in at:
        plan = plans.compile(moment, schedule, snapshots, marks, stops, reached, approvals)
        decisions = decide_fleet(plan, [group.target for group in groups], pins)
        for group in groups:
            group.follow(decisions[group.target.name])
        for ring, share in shares(schedule).items():
            _note(reached.setdefault(ring, {}), [group for group in groups if group.ring == ring], share, moment)
    return Forecast(at, _rows(schedule, groups))


class _Group:
    """Targets that no decision can tell apart, as one of them."""

    def __init__(self, ring, target):
        self.ring, self.target, self.names, self.told = ring, target, [], []
        self.worked = {target.current} - {None}

    def follow(self, decision):
        """Do what was decided."""
        starts = decision.action == RUN and decision.release != self.target.current
        self.told.append((decision, starts))
        if starts:
            self.target = replace(self.target, current=decision.release, ran=self.target.ran | {decision.release})
            self.worked.add(decision.release)


def _alike(schedule, targets, apart, known):
    """Targets in groups: a fleet has few of them. What concerns one host alone keeps it apart."""
    groups = {}
    for target in targets:
        since = None if target.current in known else target.since
        key = (target.ring, target.current, target.ran, target.disabled, since, target.name if target.name in apart else None)
        if key not in groups:
            groups[key] = _Group(schedule.ring(target.ring).name, target)
        groups[key].names.append(target.name)
    return list(groups.values())


def _note(reached, groups, share, moment):
    """Note which snapshots the share of a ring has for the first time."""
    least = needed(share, sum(len(group.names) for group in groups))
    for snapshot in set().union(*(group.worked for group in groups)):
        if sum(len(group.names) for group in groups if snapshot in group.worked) >= least:
            reached.setdefault(snapshot, moment)


def _rows(schedule, groups):
    """Groups that turn out to do the same become one row."""
    merged = {}
    for group in groups:
        key = (group.ring, tuple((decision.action, decision.release, decision.code, starts) for decision, starts in group.told))
        merged.setdefault(key, (tuple(zip(*group.told)), []))[1].extend(group.names)
    order = {ring.name: number for number, ring in enumerate(schedule.rings)}
    rows = [Row(key[0], tuple(sorted(names)), *told) for key, (told, names) in merged.items()]
    return tuple(sorted(rows, key=lambda row: (order[row.ring], -len(row.targets), row.targets)))

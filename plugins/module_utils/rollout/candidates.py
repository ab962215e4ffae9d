# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The candidates of a ring: every snapshot with what keeps the ring from it. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import gates, naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import PassedOver


class Candidates:
    """What a plan has for one ring.

    :ivar ring: the ``Ring``.
    :ivar closed: why its windows and freezes keep it from changing, or empty.
    :ivar rows: newest first, each a snapshot, what keeps the ring from it (``PassedOver`` or None) and whether that is about the snapshot itself:
        a mark or a dead end.
    :ivar decided: decisions by what they depend on.
    """

    def __init__(self, plan, index):
        self.plan, self.index, self.ring = plan, index, plan.schedule.rings[index]
        self.closed = plan.closed(self.ring, plan.now)
        self.decided = {}
        self.rows = [self._row(snapshot) for snapshot in reversed(plan.snapshots)]
        self._first = next((number for number, row in enumerate(self.rows) if not row[1]), len(self.rows))
        self._passed = tuple(row[1] for row in self.rows[:self._first])
        self._forward = {}

    def newest(self, barrier=None, ran=frozenset(), before=None):
        """The newest snapshot that is due.

        :param barrier: one that has to be run before any that is newer, or None.
        :param ran: what the target ran: it may go back to that, whatever the ring has come to ask since.
        :param before: the place in time that ``ran`` counts for, exclusive.
        :return: a ``Snapshot`` or None, and those passed over.
        """
        if not barrier and not before:
            return (self.rows[self._first][0] if self._first < len(self.rows) else None), self._passed
        passed = []
        for snapshot, objection, itself in self.rows:
            place = snapshot.at, snapshot.name
            if objection and not itself and before and place < before and snapshot.name in ran:
                objection = None
            if not objection and barrier:
                objection = behind(barrier, snapshot)
            if not objection:
                return snapshot, tuple(passed)
            passed.append(objection)
        return None, tuple(passed)

    def newest_acceptable(self):
        """The newest snapshot that no mark and no dead end keeps targets from, whether it is due or not; None where there is none."""
        return next((snapshot for snapshot, _objection, itself in self.rows if not itself), None)

    def forward(self, approved):
        """Every snapshot with what keeps ``badfwd`` from bringing it: oldest first, a snapshot and ``PassedOver`` or None.

        :param approved: whether somebody approved to go past what the ring before runs.
        """
        if approved not in self._forward:
            self._forward[approved] = [(snapshot, self._forward_objection(snapshot, approved)) for snapshot in self.plan.snapshots]
        return self._forward[approved]

    def newer_than(self, place):
        """What keeps the ring from each snapshot that is newer than a place in time."""
        return tuple(objection for snapshot, objection, _itself in self.rows if objection and (snapshot.at, snapshot.name) > place)

    def gap(self, snapshot):
        """How long, in seconds, there was no snapshot between one that is named after an hour and what the ring is due; 0 where none is missing."""
        due = self.plan.now - self.ring.delay
        at = naming.instant(snapshot.name)
        if at is None or any(at < other.at <= due for other in self.plan.snapshots):
            return 0
        return max(0, naming.hour_of(due) - at)

    def _row(self, snapshot):
        found = _itself(self.plan.marks, snapshot)
        if found:
            return snapshot, PassedOver(snapshot.name, *found), True
        plan = self.plan
        found = (gates.pace(plan.now, plan.schedule, self.index, snapshot, plan.progress)
                 or gates.demands(plan.schedule, self.index, snapshot, plan.marks, plan.approvals) or self._limit(snapshot))
        return snapshot, PassedOver(snapshot.name, *found) if found else None, False

    def _forward_objection(self, snapshot, approved):
        plan = self.plan
        found = _itself(plan.marks, snapshot) or gates.demands(plan.schedule, self.index, snapshot, plan.marks, plan.approvals)
        if not found and approved:
            found = gates.age(plan.now, self.ring.name, 0, snapshot)
        elif not found:
            found = gates.forward_pace(plan.now, plan.schedule, self.index, snapshot, plan.progress) or self._limit(snapshot)
        return PassedOver(snapshot.name, *found) if found else None

    def _limit(self, snapshot):
        """Why the nearest ring before that has targets keeps this one from a snapshot: code and reason, or None."""
        for ring in reversed(self.plan.schedule.rings[:self.index]):
            if ring.name in self.plan.reached:
                reached = self.plan.reached[ring.name]
                if reached is None or snapshot.at > reached:
                    return "ring_before", "no target of ring %s has come to it" % ring.name
                return None
        return None


def behind(barrier, snapshot):
    """What a barrier makes of a snapshot: ``PassedOver`` where it is newer, None otherwise."""
    if (snapshot.at, snapshot.name) <= (barrier.at, barrier.name):
        return None
    return PassedOver(snapshot.name, "barrier", "%s comes first: %s" % (barrier.name, barrier.barrier))


def _itself(marks, snapshot):
    if snapshot.dead_end and not marks.refused(snapshot.name):
        return "dead_end", "nothing leads out of it: %s" % snapshot.dead_end
    return marks.objection(snapshot.name)

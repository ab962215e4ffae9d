# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is the same for all targets of a run, worked out once: the marks, the kill switches and, for each ring, its candidates. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming, windows
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.candidates import Candidates
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import Marks
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.stops import Stops


def compile(now, schedule, snapshots, marks, stops=(), progress=None, approvals=None, closed=None, reached=None):
    """Make the plan of a run.

    :param now: the instant of the run.
    :param schedule: a ``Schedule`` with at least one ring.
    :param snapshots: iterable of ``Snapshot``, those that are there and complete.
    :param marks: iterable of ``Mark`` in time order; the last one about a snapshot counts.
    :param stops: iterable of ``Stop``.
    :param progress: by ring and snapshot, the instant when the declared share of the ring had come to it with success.
    :param approvals: by ring, a set of names of snapshots.
    :param closed: function of ring and instant: why the ring may not change, or an empty text; ``windows.closed`` by itself.
    :param reached: by ring that has targets, the instant of the newest snapshot that one of them runs, or None where they run none. A ring takes nothing
        newer than the ring before it has reached. ``fleet.decide_fleet`` finds it out; without it each ring goes by its own clock.
    :return: :class:`Plan`.
    """
    return Plan(now, schedule, snapshots, marks, stops, progress or {}, approvals or {}, closed or windows.closed, reached or {})


class Plan:
    """Make one by :func:`compile`.

    :ivar snapshots: oldest first.
    :ivar telling: names of the snapshots that it matters for to have run them: bad ones and barriers.
    """

    def __init__(self, now, schedule, snapshots, marks, stops, progress, approvals, closed, reached):
        self.now, self.schedule, self.stops = now, schedule, Stops(stops)
        self.progress, self.approvals, self.closed, self.reached = progress, approvals, closed, dict(reached)
        self.snapshots = sorted(snapshots, key=lambda snapshot: (snapshot.at, snapshot.name))
        self.by_name = {snapshot.name: snapshot for snapshot in self.snapshots}
        self.marks = Marks(marks, self.snapshots)
        self.barriers = [snapshot for snapshot in self.snapshots
                         if snapshot.barrier and not snapshot.dead_end and not self.marks.objection(snapshot.name)]
        self.telling = {name for name in self.marks.last if self.marks.refused(name)} | {snapshot.name for snapshot in self.barriers}
        self._indexes = {ring.name: index for index, ring in enumerate(schedule.rings)}
        self._rings = {}

    def ring(self, name):
        """What the plan has for a ring; for a name that the schedule does not know, the last ring, the most cautious.

        :return: :class:`Candidates`.
        """
        index = self._indexes.get(name, len(self.schedule.rings) - 1)
        if index not in self._rings:
            self._rings[index] = Candidates(self, index)
        return self._rings[index]

    def place(self, name, since=None):
        """Where a snapshot stands in time, to be compared with others.

        :param name: also one that is not there any more.
        :param since: when a target began to run it: nothing newer than that can be older than it.
        :return: instant and name, or None where nothing tells it.
        """
        found = self.by_name.get(name)
        at = found.at if found else naming.instant(name)
        if at is None:
            at = since
        return None if at is None else (at, name)

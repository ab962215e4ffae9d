# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a rollout, as it was read. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import marks, progress
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import APPROVALS, MARKS, PINS
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import FLEET, Stop, Target


@dataclass
class State:
    """What decisions are made of.

    :param directory: the state directory.
    :param problems: why the state cannot be relied on, one sentence each; every target holds while there is one.
    :param broken: the parts that the problems are about.
    :param described: by name of snapshot, everything that is known of it.
    :param journals: by kind, the records, oldest first.
    :param switches: the kill switches that are on, of ``Stop``.
    :param targets: by name of target, its runs ``{snapshot, at, ok}``, oldest first; only where something changed.
    :param rings: by name of target, the ring that it was in at its last run.
    :param damaged: by name of target, why its record cannot be used; only this target holds.
    :param last_valid: ``{at, digest, counts, state}`` as it was recorded last, for people and for the pull side; None where there is none.
    """

    directory: str
    problems: list = field(default_factory=list)
    broken: set = field(default_factory=set)
    described: dict = field(default_factory=dict)
    journals: dict = field(default_factory=dict)
    switches: list = field(default_factory=list)
    targets: dict = field(default_factory=dict)
    rings: dict = field(default_factory=dict)
    damaged: dict = field(default_factory=dict)
    last_valid: dict | None = None

    @property
    def snapshots(self):
        """The complete snapshots, of ``Snapshot``, oldest first."""
        return sorted((records.snapshot(record) for record in self.described.values()), key=lambda snapshot: (snapshot.at, snapshot.name))

    @property
    def marks(self):
        """Every mark that was made, of ``Mark``, in that order."""
        return [records.mark(record) for record in self.journals.get(MARKS, ())]

    @property
    def last_marks(self):
        """By name of snapshot, the mark that counts."""
        return marks.last(self.marks)

    @property
    def pins(self):
        """By name of target, its ``Pin``, over or not."""
        return {record["target"]: records.pin(record) for record in self.last(PINS, "target") if record["present"]}

    @property
    def approvals(self):
        """By name of ring, the names of the snapshots that were approved for it."""
        found = {}
        for record in self.last(APPROVALS, "ring", "snapshot"):
            if record["present"]:
                found.setdefault(record["ring"], set()).add(record["snapshot"])
        return found

    @property
    def stops(self):
        """What stops changes: the kill switches, and one for the fleet where the state cannot be relied on."""
        if not self.problems:
            return list(self.switches)
        return [Stop(FLEET, message="the state cannot be relied on: %s" % "; ".join(self.problems))] + self.switches

    def target(self, name, ring):
        """A target as ``Target``: it runs what it ran with success last, and whatever was begun on it counts as run.

        :param ring: name of its ring by the schedule, None where no ring takes it.
        """
        runs = self.targets.get(name, ())
        last = next((run for run in reversed(runs) if run["ok"]), {})
        return Target(name, ring, last.get("snapshot"), frozenset(run["snapshot"] for run in runs), self.damaged.get(name, ""), last.get("at"))

    def progress(self, schedule, members):
        """When the share of each ring that soaks ask for had each snapshot, see ``progress.derive``.

        :param members: ``{ring name: names of its targets}``.
        """
        return progress.derive(schedule, members, self.targets)

    def running(self, names):
        """The targets that have one of these snapshots now, sorted."""
        wanted = set(names)
        return sorted(name for name, runs in self.targets.items() if runs and wanted & _has(runs))

    def document(self):
        """Everything but the targets, as it is published and kept."""
        return {"snapshots": [self.described[name] for name in sorted(self.described)], "kill_switches": [vars(stop) for stop in self.switches],
                **{kind: self.journals.get(kind, []) for kind in (MARKS, PINS, APPROVALS)}}

    def last(self, kind, *keys):
        """The last record about each thing.

        :param kind: one of ``JOURNALS``.
        :param keys: the fields that say what a record is about.
        """
        last = {}
        for record in self.journals.get(kind, ()):
            key = tuple(record[name] for name in keys)
            last.pop(key, None)
            last[key] = record
        return list(last.values())


def _has(runs):
    """The snapshots that a target may have: the last one that was begun, and the last one that worked."""
    return {runs[-1]["snapshot"], *next(([run["snapshot"]] for run in reversed(runs) if run["ok"]), ())}

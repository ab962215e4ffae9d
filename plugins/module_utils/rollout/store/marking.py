# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is recorded when somebody marks, pins or approves a snapshot, and what is refused. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import Marks
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import APPROVALS
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import BAD, BADFWD, GOOD, NONE, Pin


def known(state, field, name):
    """Refuse a snapshot that is not there."""
    if name not in state.described:
        newest = ", ".join(snapshot.name for snapshot in state.snapshots[-5:]) or "none"
        raise InputError(field, name, "is no snapshot that is there", "Give the name of one (the newest: %s)" % newest)


def marks(state, names, mark, at, by, why, approved="", **cause):
    """The records of a mark of some snapshots; none for those that have it already.

    :param mark: ``good``, ``bad``, ``badfwd`` or ``none``.
    :param cause: ``commit`` and ``fix``, where the snapshots were found by them.
    :raises InputError: a snapshot is not there, or something is missing.
    """
    if mark in (BAD, BADFWD) and not why:
        raise InputError("why", why, "is empty", "Say what is wrong with the snapshot: everybody who is held back reads it")
    if approved and mark not in (BADFWD, GOOD):
        raise InputError("approved", approved, "goes with badfwd and good only", "Leave it out")
    found, present = [], state.last_marks
    for name in names:
        known(state, "snapshots", name)
        last = present.get(name)
        there = (last.state, last.why, last.approved) if last else (NONE, "", "")
        wanted = (mark, why, approved) if mark != NONE else (NONE, "", "")
        if there != wanted:
            found.append({"snapshot": name, "state": mark, "at": at, "by": by, "why": why, "approved": approved,
                          **{key: value for key, value in cause.items() if value}})
    return found


def pins(state, targets, snapshot, until, at, by, why, emergency=False):
    """The records of a pin of some targets; none for those that have it already.

    :param until: the instant from which it has no effect.
    :raises InputError: the snapshot is not there or marked bad, or the time is over.
    """
    known(state, "snapshot", snapshot)
    if until <= at:
        raise InputError("expires", naming.text(until), "is over", "Give a time to come, in UTC where it has no offset")
    objection = Marks(state.marks, state.snapshots).objection(snapshot)
    if objection and not emergency:
        raise InputError("snapshot", snapshot, "cannot be pinned to: %s" % objection[1],
                         "Pin to another one; an emergency pin goes to this one, on record")
    present = state.pins
    return [{"target": target, "snapshot": snapshot, "until": until, "at": at, "by": by, "why": why, "emergency": emergency, "present": True}
            for target in targets if not _same_pin(present.get(target), Pin(target, snapshot, until, "", why, emergency))]


def unpins(state, targets, at, by, why):
    """The records that take pins away; none for targets that have none."""
    present = state.pins
    return [{"target": target, "snapshot": present[target].snapshot, "until": present[target].until, "at": at, "by": by, "why": why,
             "emergency": present[target].emergency, "present": False} for target in targets if target in present]


def approvals(state, ring, snapshot, present, at, by, why):
    """The record of an approval, or of taking it back; none where it is so already.

    :raises InputError: the snapshot is not there or marked bad.
    """
    if present:
        known(state, "snapshot", snapshot)
        objection = Marks(state.marks, state.snapshots).objection(snapshot)
        if objection:
            raise InputError("snapshot", snapshot, "cannot be approved: %s" % objection[1], "Approve another one")
    if (snapshot in state.approvals.get(ring, ())) == present:
        return []
    return [{"ring": ring, "snapshot": snapshot, "present": present, "at": at, "by": by, "why": why}]


def newest_approval(state, ring, snapshot):
    """The record of an approval that counts, None where there is none."""
    found = [record for record in state.journals.get(APPROVALS, ()) if (record["ring"], record["snapshot"]) == (ring, snapshot)]
    return found[-1] if found and found[-1]["present"] else None


def _same_pin(one, other):
    return one is not None and (one.snapshot, one.until, one.why, one.emergency) == (other.snapshot, other.until, other.why, other.emergency)

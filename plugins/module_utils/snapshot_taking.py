# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots of a git repository: what is taken, what is refused, and what goes again."""

from __future__ import annotations

import os
import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.mirror import Mirror
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import Marks
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.retention import Retention
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import keeping, reading, records
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.state import State
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import BAD, BADFWD

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}\Z")


class Source:
    """What a snapshot is taken from.

    :param repository: address, possibly with credentials.
    :param ref: branch, tag or full commit id.
    :param timeout: seconds that each call of git may take.
    :param max_age: seconds; an older newest commit is refused. None: any age.
    :param accept_rewritten: take a history that the last snapshot's commit is not part of.
    """

    def __init__(self, repository, ref, timeout=120, max_age=None, accept_rewritten=False):
        self.repository = repository
        self.ref = ref
        self.timeout = timeout
        self.max_age = max_age
        self.accept_rewritten = accept_rewritten


def check_name(field, name):
    """Refuse what cannot name a snapshot."""
    if not NAME.match(name or "") or name.endswith((".", ".lock", ".json")) or ".." in name:
        raise InputError(field, name, "cannot name a snapshot",
                         "Use up to 128 letters, digits, '.', '_', '+' and '-', with a letter or digit first, no two dots and no end in .json or .lock")
    return name


class Ready:
    """A snapshot that only needs to be put in place, or the one that is there.

    :param name: its name.
    :param message: what was done, as a sentence.
    :param record: what is known of the new one; None where one is there.
    :param place: the directory with its content; None in check mode.
    """

    def __init__(self, name, message, record=None, place=None):
        self.name = name
        self.message = message
        self.record = record
        self.place = place

    def finish(self, store, notes):
        """Put it in place.

        :param store: the state directory, held.
        :param notes: ``{barrier, dead_end}``: reasons; None leaves those of a snapshot that is there.
        :returns: the name, whether anything changed, and a message.
        """
        store.need("snapshots", "marks")
        notes = {key: value for key, value in notes.items() if value is not None}
        if not self.record:
            return _noted(store, self.name, notes, self.message)
        record = dict(self.record, **notes)
        if store.check_mode:
            store.state.described[self.name] = record
            return self.name, True, self.message
        with Mirror(store.layout.repository) as mirror:
            mirror.keep(self.name, record["commit"])
            keeping.publish(store, self.place, record)
            said = _inherit(store, self.name, record["taken_at"], record["taken_by"]) or _suspect(store, mirror, self.name)
        return self.name, True, self.message + said


def prepare(layout, source, now, by, name=None, prefix="", only_changed=False, check_mode=False):
    """Fetch and unpack what a snapshot is made of, unless it is there. Only who takes snapshots waits for that.

    :param layout: of the state directory, in which nobody else takes snapshots meanwhile.
    :param now: the instant; without ``name`` the snapshot is named after its hour.
    :param by: who takes it.
    :param only_changed: take none of a commit that the newest snapshot of the same ref has.
    :returns: :class:`Ready`.
    """
    hour = naming.hour_of(now)
    wanted = check_name("name" if name else "prefix", name or naming.hourly(now, prefix))
    state = reading.load(layout.directory, targets=False) if os.path.isdir(layout.directory) else State(layout.directory)
    if "snapshots" in state.broken:
        raise StagecraftError("state_dir: no snapshot was taken, for the state in %s cannot be relied on: %s." % (layout.directory, "; ".join(state.problems)))
    there = state.described.get(wanted)
    if not name:
        late = _late(state, hour, prefix)
        if there:
            return Ready(wanted, "%s is there since %s; the first one of an hour stays%s" % (wanted, naming.text(there["taken_at"]), late and ". " + late))
        if late:
            raise InputError("name", wanted, "was not taken: %s" % late, "Set the clock right, or wait until it is past that hour")
    with Mirror(None if check_mode else layout.repository, source.repository, source.timeout) as mirror:
        commit = _commit(state, mirror, source, now)
        if there:
            _same(there, wanted, commit)
            return Ready(wanted, "%s is there since %s, from the same commit" % (wanted, naming.text(there["taken_at"])))
        before = _newest(state, source.ref)
        if only_changed and before and before["commit"] == commit:
            return Ready(before["name"], "nothing was committed to %s since %s" % (source.ref, before["name"]))
        record = {"schema": records.SCHEMA, "name": wanted, "at": now if name else hour, "commit": commit, "digest": "", "files": mirror.files(commit),
                  "repository": mirror.repository.shown, "ref": source.ref, "taken_at": now, "taken_by": by, "barrier": "", "dead_end": ""}
        place = None if check_mode or not record["files"] else _unpack(layout, mirror, record)
    if not record["files"]:
        raise InputError("ref", source.ref, "is empty: commit %s holds no files" % commit[:12], "Give the branch that the configuration is on")
    return Ready(wanted, "%s was taken from commit %s of %s" % (wanted, commit[:12], source.ref), record, place)


def prune(store, schedule, now, keep_age, keep_count):
    """Take away the snapshots that are not needed any more.

    :returns: their names, and a reason where nothing was looked at.
    """
    state = store.state
    if state.problems or state.damaged:
        return [], "; ".join(state.problems + ["%s: %s" % item for item in sorted(state.damaged.items())])
    reasons = keeping.needed(state, schedule, now, Retention(keep_age, keep_count))
    gone = [name for name, reason in reasons.items() if not reason]
    _remove(store, gone)
    return gone, ""


def remove(store, name, schedule, now):
    """Take one snapshot away.

    :returns: whether it was there.
    :raises InputError: it is needed.
    """
    check_name("name", name)
    store.need(*sorted(store.state.broken))
    if name not in store.state.described:
        return False
    if store.state.damaged:
        raise StagecraftError("name: %s was kept: what these targets run is not known: %s. Correct their records, or remove them after looking at them."
                              % (name, ", ".join(sorted(store.state.damaged))))
    reason = keeping.needed(store.state, schedule, now, Retention(-1, 0))[name]
    if reason:
        raise InputError("name", name, "is needed and was kept: %s" % reason, "Bring the targets to another snapshot first, or let the pin go")
    _remove(store, [name])
    return True


def _late(state, hour, prefix):
    """Why the hour cannot be the newest one: the clock was put back."""
    newest = max((record["at"] for record in state.described.values() if naming.instant(record["name"], prefix) is not None), default=hour)
    if newest <= hour:
        return ""
    return "The clock shows the hour of %s, and there is a snapshot of %s: it was put back" % (naming.text(hour), naming.text(newest))


def _newest(state, ref):
    found = [record for record in state.described.values() if record["ref"] == ref]
    return max(found, key=lambda record: (record["taken_at"], record["at"]), default=None)


def _commit(state, mirror, source, now):
    """The commit to take; refused when it is not the next one of a living history."""
    commit = mirror.bring(source.ref).commit
    age = now - mirror.committed(commit)
    if source.max_age is not None and age > source.max_age:
        raise InputError("ref", source.ref, "is stale: its newest commit %s is %s old" % (commit[:12], naming.span(age)),
                         "Find out why nothing reaches %s, or raise 'max_age' (%s)" % (mirror.repository.shown, naming.span(source.max_age)))
    before = _newest(state, source.ref)
    if before and not source.accept_rewritten and not mirror.follows(before["commit"], commit):
        raise InputError("ref", source.ref, "was rewritten: its history has not got %s any more, which snapshot %s was made from"
                         % (before["commit"][:12], before["name"]), "Find out who pushed by force; 'accept_rewritten: true' takes it nevertheless")
    return commit


def _same(there, name, commit):
    if there["commit"] != commit:
        raise InputError("name", name, "is there already, with other content: it was made from commit %s, and this is %s" % (there["commit"][:12], commit[:12]),
                         "Give a new name; a snapshot never changes")


def _noted(store, name, notes, message):
    """Note barrier and dead end of a snapshot that is there."""
    record = store.state.described[name]
    new = {key: value for key, value in notes.items() if value != record[key]}
    if new:
        keeping.describe(store, dict(record, **new))
        message += "; noted: %s" % ", ".join("%s %s" % (key, value or "no more") for key, value in sorted(new.items()))
    return name, bool(new), message


def _unpack(layout, mirror, record):
    archive = os.path.join(layout.new, "archive.tar")
    mirror.archive(record["commit"], archive)
    place, record["digest"], record["files"] = keeping.unpack(layout, archive, record["name"])
    os.unlink(archive)
    mirror.tidy()
    return place


def _inherit(store, name, now, by):
    """Mark a snapshot whose content is that of one that is marked bad: a new name does not make it better."""
    state = store.state
    digest = state.described[name]["digest"]
    marks = Marks(state.marks, state.snapshots)
    same = [other for other in state.described if other != name and digest and state.described[other]["digest"] == digest and marks.refused(other)]
    if not same:
        return ""
    mark = marks.last[max(same, key=lambda other: state.described[other]["at"])]
    why = "its content is that of %s, which %s marked %s: %s" % (mark.snapshot, mark.by or "somebody", mark.state, mark.why)
    store.add("marks", [{"snapshot": name, "state": mark.state, "at": now, "by": by, "why": why, "approved": ""}])
    return "; it is marked %s: %s" % (mark.state, why)


def _suspect(store, mirror, name):
    """A word about a commit that other snapshots were marked bad for, where this one has it too."""
    state = store.state
    for mark in state.last("marks", "snapshot"):
        if mark.get("commit") and mark["state"] in (BAD, BADFWD) and mark["snapshot"] in state.described:
            fix = mirror.commit(mark["fix"], "fix") if mark.get("fix") else None
            if name in mirror.containing(mark["commit"], fix):
                return "; it holds commit %s, which %s was marked %s for: mark it too unless it holds the fix" % (
                    mark["commit"][:12], mark["snapshot"], mark["state"])
    return ""


def _remove(store, names):
    keeping.remove(store, names)
    if names and not store.check_mode and os.path.isdir(store.layout.repository):
        with Mirror(store.layout.repository) as mirror:
            for name in names:
                mirror.forget(name)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which snapshots are needed, and putting them in place and taking them away so that none is ever there by half."""

from __future__ import annotations

import json
import os
import shutil

from ansible_collections.stagecraft.release.plugins.module_utils import durable
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan as plans, retention
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import content
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.recording import failing


def needed(state, schedule, now, keep):
    """Why each snapshot is kept.

    :param keep: a ``Retention``.
    :returns: ``{name: reason}``, oldest first; an empty reason where it may go.
    """
    members = {}
    for name, ring in state.rings.items():
        members.setdefault(ring, []).append(name)
    plan = plans.compile(now, schedule, state.snapshots, state.marks, progress=state.progress(schedule, members), approvals=state.approvals)
    pinned = {pin.snapshot for pin in state.pins.values() if pin.until > now}
    return retention.sort_out(plan, keep, in_use(state), pinned)


def in_use(state):
    """The snapshots that targets have, began, or would go back to."""
    found = set()
    for runs in state.targets.values():
        worked = list(dict.fromkeys(run["snapshot"] for run in reversed(runs) if run["ok"]))
        found.update(worked[:2], [run["snapshot"] for run in runs[-1:]])
    return found


def unpack(layout, archive, name):
    """Unpack an archive, and prove that what is on the disk is what the archive holds.

    :returns: the new directory, its digest, and how many files it has.
    """
    place = os.path.join(layout.new, name)
    with failing(place):
        expected = content.unpack(archive, place)
        durable.sync(place, content.paths(place))
        found = content.listing(place)
    if found != expected:
        raise StagecraftError("snapshot: %s holds %d files after unpacking and is not what the repository has (%d files). Nothing was kept; "
                              "look at the file system and run again." % (place, len(found), len(expected)))
    return place, content.digest(found), len(found)


def publish(store, place, record):
    """Make an unpacked snapshot one that is there.

    :param place: its directory, below ``.new``.
    :param record: what is known of it.
    """
    layout, name = store.layout, record["name"]
    with failing(layout.content(name)):
        if os.path.lexists(layout.content(name)):  # without a description it is what a killed run left
            _put_away(layout, layout.content(name))
        os.rename(place, layout.content(name))
        durable.sync_one(layout.snapshots)
    describe(store, record)


def describe(store, record):
    """Write what is known of a snapshot."""
    store.state.described[record["name"]] = record
    if not store.check_mode:
        store.put(store.layout.description(record["name"]), json.dumps(record, sort_keys=True, indent=1, ensure_ascii=False) + "\n")
        store.keep_valid()


def remove(store, names):
    """Take snapshots away."""
    layout = store.layout
    for name in names:
        del store.state.described[name]
        if not store.check_mode:
            with failing(layout.content(name)):
                os.unlink(layout.description(name))
                durable.sync_one(layout.snapshots)
                _put_away(layout, layout.content(name))
    if names and not store.check_mode:
        store.keep_valid()


def leftovers(layout):
    """What killed runs left among the snapshots: contents that nothing describes."""
    return [base for base in sorted(os.listdir(layout.snapshots))
            if os.path.isdir(layout.content(base)) and not os.path.lexists(layout.description(base))]


def sweep(store):
    """Take away what killed runs left among the snapshots."""
    if store.check_mode or "snapshots" in store.state.broken:
        return
    for base in leftovers(store.layout):
        with failing(store.layout.content(base)):
            _put_away(store.layout, store.layout.content(base))


def _put_away(layout, path):
    old = os.path.join(layout.work, "old-" + os.path.basename(path))
    if os.path.lexists(old):
        shutil.rmtree(old)
    os.rename(path, old)
    shutil.rmtree(old)

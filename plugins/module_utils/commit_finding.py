# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which snapshots hold a commit."""

from __future__ import annotations

import os

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.mirror import Mirror


def find(store, field, value):
    """The snapshots that hold a commit and not yet its fix.

    :param store: the state directory, held.
    :param field: the option: ``commit`` or ``range``.
    :param value: an id, or with ``range`` two of them, ``BAD..FIX``.
    :returns: names oldest first, the full id of the commit, and that of the fix (empty where there is none, or where no snapshot can have it).
    """
    store.need("snapshots")
    first, dots, last = value.partition("..") if field == "range" else (value, "", "")
    if field == "range" and not (dots and first and last):
        raise InputError(field, value, "is not a range", "Write the id of the bad commit, two dots and the id of its fix")
    if not os.path.isdir(store.layout.repository):
        raise InputError(field, value, "cannot be looked up: no snapshot was taken in %s yet" % store.layout.directory, "Give the names of snapshots")
    with Mirror(store.layout.repository, change=False) as mirror:
        commit = mirror.commit(first, field)
        fix = mirror.commit(last, field) if last else None
        if commit and fix and not mirror.is_ancestor(commit, fix):
            raise InputError(field, value, "is no range: the first commit is not in the history of the second", "Give the bad commit first, then its fix")
        found = set(mirror.containing(commit, fix)) & set(store.state.described) if commit else set()
    if not found:
        raise InputError(field, value, "is in no snapshot that is there",
                         "Look at the id with git log; a commit is found from the first snapshot on that has it")
    return [snapshot.name for snapshot in store.state.snapshots if snapshot.name in found], commit, fix or ""

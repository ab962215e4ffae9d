# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases of a store: what one still lacks, how it becomes complete, and which ones are taken away.

A release that was never complete is made under a name that nobody looks at and renamed when all of it is on the disk. A complete one only
ever gains files, so whoever reads it meanwhile always finds what its marker says.
"""

from __future__ import annotations

import concurrent.futures
import errno
import json
import os
import shutil
import tempfile
import time

from ansible_collections.stagecraft.release.plugins.module_utils import durable
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import checking, manifest, paths, store as storing
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError


class Plan:
    """What has to be done to have a release.

    :ivar staged: the :class:`Staged` that is there now.
    :ivar grows: it is complete with this manifest, and only gains files.
    :ivar sets: and ``platforms``: what it is complete for afterwards.
    :ivar entries: of that selection.
    :ivar unlinked: the entries whose files are not in place.
    :ivar damaged: files are gone of what the marker speaks of.
    :ivar missing: one entry for each content that has to be fetched.
    """

    def __init__(self, store, wanted, sets, platforms, replace):
        self.store = store
        self.wanted = wanted
        document = wanted.document
        store.check(document["project"])
        self.staged = storing.Staged(store.view(document["project"], document["release"]))
        if self.staged.text is not None and self.staged.text != wanted.text and not replace:
            raise _conflict(self.staged, wanted)
        self.grows = bool(self.staged.marker) and self.staged.text == wanted.text
        before = self._complete() if self.grows else []
        marker = self.staged.marker if self.grows else None
        manifest.select(document, sets, platforms)  # names a set that is not there as it was given
        self.sets = _union(sets, marker["sets"]) if marker else sorted(set(sets))
        self.platforms = _union(platforms, marker["platforms"]) if marker else sorted(set(platforms))
        self.entries = manifest.select(document, self.sets, self.platforms)
        self.marks = not marker or (self.sets, self.platforms) != (sorted(marker["sets"]), sorted(marker["platforms"]))
        complete = {entry["path"] for entry in before}
        self.unlinked = _not_in_place(self.staged.path, self.entries, complete)
        self.damaged = any(entry["path"] in complete for entry in self.unlinked)
        self.missing = _missing(store, _contents(self.unlinked))

    def _complete(self):
        """The entries that the marker speaks of; it is not a marker when it speaks of others."""
        try:
            return manifest.select(self.wanted.document, self.staged.marker["sets"], self.staged.marker["platforms"])
        except InputError:
            self.grows = False
            return []

    def changes(self):
        """Whether anything has to be done."""
        return bool(self.unlinked or self.marks or self.documents())

    def documents(self):
        """The release's own documents that have to be written."""
        wanted = {name: self.wanted.documents[name] for name in paths.SIGNATURES if name in self.wanted.documents}
        wanted[paths.MANIFEST] = self.wanted.text
        wanted[paths.SUMS] = manifest.sums(self.wanted.document)
        if not self.grows:
            return wanted
        return {name: data for name, data in wanted.items() if storing.read(os.path.join(self.staged.path, name), manifest.TEXT_LIMIT) != data}

    def publish(self, now):
        """Make the release complete; every content is in the store.

        :param now: the time, as text.
        """
        marker = dict(manifest=self.wanted.digest, sets=self.sets, platforms=self.platforms, files=len(self.entries),
                      bytes=sum(entry["size"] for entry in self.entries), at=now)
        text = (json.dumps(marker, sort_keys=True) + "\n").encode("utf-8")
        with storing.failing("write", self.staged.path):
            if self.grows:
                if self.damaged:
                    os.unlink(os.path.join(self.staged.path, paths.MARKER))
                self._fill(self.staged.path, self.unlinked)
                if self.marks or self.unlinked:
                    self._mark(self.staged.path, text)
                return
            new = tempfile.mkdtemp(dir=self.store.work)
            try:
                os.chmod(new, 0o755)
                self._fill(new, self.entries)
                self._mark(new, text)
                self._take_place(new)
            except OSError:
                shutil.rmtree(new, ignore_errors=True)
                raise

    def _fill(self, view, entries):
        """Link files and write documents, and bring them to the disk with the contents that they are links to."""
        touched = {view}
        for directory in sorted({os.path.dirname(entry["path"]) for entry in entries}):
            path = view
            for part in directory.split("/") if directory else ():
                path = os.path.join(path, part)
                storing.make_directory(path)
                touched.update((path, os.path.dirname(path)))
        spare = os.path.join(self.store.work, "link")
        for entry in entries:
            _link(self.store.object(entry["sha256"]), os.path.join(view, entry["path"]), spare)
        for name, data in sorted(self.documents().items()):
            durable.write(os.path.join(view, name), data, sync_now=False)
            touched.add(os.path.join(view, name))
        for entry in entries:
            path = self.store.object(entry["sha256"])
            touched.update((path, os.path.dirname(path)))
        if entries:
            touched.add(os.path.join(self.store.root, storing.OBJECTS))
        durable.sync(self.store.root, touched)

    @staticmethod
    def _mark(view, text):
        durable.write(os.path.join(view, paths.MARKER), text)
        durable.sync_one(view)

    def _take_place(self, new):
        view, old = self.staged.path, os.path.join(self.store.work, "old")
        if self.staged.there:
            os.rename(view, old)
        try:
            os.rename(new, view)
        except OSError:
            if self.staged.there:
                os.rename(old, view)
            raise
        # The names above are new as well when this is the first release.
        for path in (os.path.dirname(view), os.path.join(self.store.root, storing.RELEASES), self.store.root):
            durable.sync_one(path)
        if self.staged.there:
            storing.remove(old)


def surplus(store, project, release, keep, keep_releases):
    """The releases of a project that retention takes away, oldest first.

    The newest ``keep`` stay, this one among them, and those that are named. What is not complete counts as older than all that is.
    """
    if not keep:
        return []
    ages = []
    for name in storing.names(os.path.join(store.root, storing.RELEASES, project)):
        staged = storing.Staged(store.view(project, name))
        ages.append(((name == release, staged.marker["at"] if staged.marker else ""), name))
    if release not in [name for _age, name in ages]:
        ages.append(((True, ""), release))
    # This one sorts last.
    return [name for _age, name in sorted(ages)[:-keep] if name not in keep_releases]


def take_away(store, project, releases):
    """Remove releases, each at once for whoever looks at it."""
    for name in releases:
        view, old = store.view(project, name), os.path.join(store.work, "old")
        with storing.failing("remove", view):
            os.rename(view, old)
            storing.remove(old)


def sweep(store):
    """Remove the contents that no release is a link to."""
    root = os.path.join(store.root, storing.OBJECTS)
    with storing.failing("remove", root), os.scandir(root) as shelves:
        for shelf in shelves:
            if not shelf.is_dir(follow_symlinks=False):
                continue
            with os.scandir(shelf.path) as scan:
                for item in scan:
                    if item.is_file(follow_symlinks=False) and item.stat(follow_symlinks=False).st_nlink == 1:
                        os.unlink(item.path)


def _contents(entries):
    """One entry for each content."""
    found = {}
    for entry in entries:
        other = found.setdefault(entry["sha256"], entry)
        if other["size"] != entry["size"]:
            raise InputError("manifest: artifact %s: size" % entry["path"], entry["size"], "is not the size %d of %s, which has the same sha256"
                             % (other["size"], other["path"]), manifest.MAKE_AGAIN)
    return list(found.values())


def _not_in_place(view, entries, complete):
    """The entries without a file of their size in a view."""
    for directory in sorted({os.path.dirname(path) for path in complete}):
        path = view
        for part in directory.split("/") if directory else ():
            path = os.path.join(path, part)
            storing.is_directory(path)
    return [entry for entry in entries if entry["path"] not in complete or storing.size_of(os.path.join(view, entry["path"])) != entry["size"]]


def _missing(store, entries):
    """The entries whose contents the store lacks. What no complete release vouches for is read and compared."""
    for shelf in sorted({entry["sha256"][:2] for entry in entries}):
        storing.is_directory(os.path.join(store.root, storing.OBJECTS, shelf))
    there = {entry["sha256"]: entry for entry in entries if storing.size_of(store.object(entry["sha256"])) == entry["size"]}
    unproved = [there[sha256] for sha256 in sorted(set(there) - storing.vouched(store, there))] if there else []
    with concurrent.futures.ThreadPoolExecutor(checking.THREADS) as pool:
        for entry, fits in zip(unproved, pool.map(lambda entry: _has(store.object(entry["sha256"]), entry["sha256"]), unproved)):
            if not fits:
                del there[entry["sha256"]]
    return [entry for entry in entries if entry["sha256"] not in there]


def _has(path, sha256):
    with storing.failing("read", path), open(path, "rb", buffering=0) as handle:
        return checking.sha256(handle)[0] == sha256


def _link(source, target, spare):
    """Put a file in place, over what is there."""
    try:
        os.link(source, target, follow_symlinks=False)
        return
    except OSError as exc:
        if exc.errno not in (errno.EEXIST, errno.EMLINK):
            raise
        if exc.errno == errno.EEXIST and storing.same_file(source, target):
            return
    try:
        os.link(source, spare, follow_symlinks=False)
    except OSError as exc:
        if exc.errno != errno.EMLINK:
            raise
        # As many names as a file can have: many artifacts with the same content.
        shutil.copyfile(source, spare)
        os.chmod(spare, 0o644)
    os.replace(spare, target)


def _union(one, other):
    """Names of either; none at all means all of them."""
    return sorted(set(one) | set(other)) if one and other else []


def _conflict(staged, wanted):
    document = wanted.document
    told = "%s: release %s of %s was staged before with another manifest (%s, now %s)" % (
        staged.path, document["release"], document["project"], manifest.digest(staged.text), wanted.digest)
    try:
        difference = _first_difference(manifest.parse(staged.text, staged.path)["artifacts"], document["artifacts"])
    except StagecraftError:
        difference = "the manifest that is there cannot be read"
    return StagecraftError("%s: %s. A release does not change under its name: give the changed one a new name, or set 'replace' if this is meant."
                           % (told, difference))


def _first_difference(before, after):
    old, new = ({entry["path"]: entry for entry in entries} for entries in (before, after))
    for path in sorted(set(old) | set(new)):
        if path not in new:
            return "artifact %s is no longer in it" % path
        if path not in old:
            return "artifact %s is new in it" % path
        if old[path] != new[path]:
            key = sorted(key for key in set(old[path]) | set(new[path]) if old[path].get(key) != new[path].get(key))
            name = "sha256" if "sha256" in key else key[0]
            return "artifact %s has the %s %s, before %s" % (path, name, new[path].get(name), old[path].get(name))
    return "the artifacts are the same, but what it says of the release is not"


def utc(now):
    """A time as markers hold it."""
    return time.strftime(manifest.TIME, time.gmtime(now))

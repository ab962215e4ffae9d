# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store of a host: artifacts by their content, and releases that are views of them.

``objects/ab/SHA256`` holds each content once. ``releases/PROJECT/RELEASE`` looks like a release directory; its files are hard links to
objects, and its marker says that it is complete and on the disk. ``.parts`` holds what is still being fetched and ``.work`` what is being
made or taken away; neither is ever part of a release.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
import time

from ansible_collections.stagecraft.release.plugins.module_utils import locking
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest, paths
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

OBJECTS, RELEASES, PARTS, WORK, LOCK = "objects", "releases", ".parts", ".work", ".lock"
# Unfinished parts of a release that nobody fetched on with for so long are taken away.
PART_AGE = 7 * 86400
LINK = "Put the directory itself there, or give the store's real path"


class Store:
    """One store.

    :param root: its absolute path. The directories above it may be links, it may not.
    """

    def __init__(self, root):
        if not root or not root.startswith("/"):
            raise InputError("store", root, "is not an absolute path", "Give a path that begins with '/'")
        self.root = os.path.normpath(root)
        self.parts = os.path.join(self.root, PARTS)
        self.work = os.path.join(self.root, WORK)

    def object(self, sha256):
        """The path of a content."""
        return os.path.join(self.root, OBJECTS, sha256[:2], sha256)

    def part(self, sha256):
        """The path of a content that is still being fetched."""
        return os.path.join(self.parts, sha256 + ".part")

    def view(self, project, release):
        """The path of a release."""
        return os.path.join(self.root, RELEASES, project, release)

    def check(self, project=None):
        """Refuse a store whose own directories are links or something else."""
        own = [self.root] + [os.path.join(self.root, name) for name in (OBJECTS, RELEASES, PARTS, WORK)]
        if project:
            own.append(os.path.join(self.root, RELEASES, project))
        for path in own:
            is_directory(path)

    def prepare(self, project):
        """Make the directories, and take away what interrupted runs left in them."""
        with failing("make", self.root):
            for name, mode in ((OBJECTS, 0o755), (RELEASES, 0o755), (os.path.join(RELEASES, project), 0o755), (PARTS, 0o700), (WORK, 0o700)):
                make_directory(os.path.join(self.root, name), mode)
            for name in os.listdir(self.work):
                remove(os.path.join(self.work, name))
            for name in os.listdir(self.parts):
                path = os.path.join(self.parts, name)
                if os.lstat(path).st_mtime < time.time() - PART_AGE:
                    os.unlink(path)

    @contextlib.contextmanager
    def exclusive(self, timeout):
        """Let no other run change the store meanwhile."""
        path = os.path.join(self.root, LOCK)
        with failing("write", path):
            _make_with_parents(self.root)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            _lock(descriptor, self.root, timeout)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
            yield
        finally:
            os.close(descriptor)

    def make_shelves(self, digests):
        """Make the directories of some contents."""
        for shelf in sorted({sha256[:2] for sha256 in digests}):
            path = os.path.join(self.root, OBJECTS, shelf)
            is_directory(path)
            with failing("make", path):
                make_directory(path)

    def room(self):
        """Bytes and files that may still be written, None for files where the file system does not count them; and its block size."""
        path = self.root
        while not os.path.isdir(path):
            path = os.path.dirname(path)
        free = os.statvfs(path)
        return free.f_bavail * free.f_frsize, free.f_favail if free.f_files else None, free.f_frsize

    def check_room(self, entries, reserve, links):
        """Refuse to begin what would not fit.

        :param entries: whose contents are to come.
        :param reserve: bytes that must stay free.
        :param links: names of files to come besides them.
        """
        free, files, block = self.room()
        needed = sum(-(-entry["size"] // block) * block for entry in entries)
        for entry in entries:
            with contextlib.suppress(OSError):
                needed -= min(os.lstat(self.part(entry["sha256"])).st_blocks * 512, entry["size"])
        if entries and needed + reserve > free:
            raise InputError("store", self.root, "has %d bytes free; %d are needed for %d artifacts, and %d are to stay free"
                             % (free, needed, len(entries), reserve), "Free space there, lower 'keep' or 'reserve', or give another store")
        # A link needs no inode; its directories do, and there are never more of them than links.
        if entries and files is not None and len(entries) + min(links, 1000) > files:
            raise InputError("store", self.root, "can hold %d more files; %d are needed" % (files, len(entries)),
                             "Remove small files from that file system, or give another store")


class Staged:
    """What a store has of one release.

    :ivar path: the view.
    :ivar text: the bytes of its manifest, None when there is none.
    :ivar marker: what its marker says, None when the release is not complete.
    """

    def __init__(self, path):
        self.path = path
        self.there = is_directory(path)
        self.text = read(os.path.join(path, paths.MANIFEST), manifest.TEXT_LIMIT) if self.there else None
        self.marker = _marker(read(os.path.join(path, paths.MARKER), 1024 * 1024)) if self.there else None
        if self.marker and (self.text is None or self.marker["manifest"] != manifest.digest(self.text)):
            self.marker = None

    def selected(self):
        """The entries that are complete here."""
        if not self.marker:
            return []
        document = manifest.parse(self.text, os.path.join(self.path, paths.MANIFEST))
        return manifest.select(document, self.marker["sets"], self.marker["platforms"])


def vouched(store, digests):
    """Which contents a complete release has proved: those whose file in it is the object itself.

    :param digests: the contents to look for.
    :returns: a set.
    """
    found, wanted = set(), set(digests)
    for project in names(os.path.join(store.root, RELEASES)):
        for release in names(os.path.join(store.root, RELEASES, project)):
            if wanted <= found:
                return found
            try:
                staged = Staged(store.view(project, release))
                entries = staged.selected()
            except StagecraftError:
                continue
            for entry in entries:
                if entry["sha256"] in wanted and same_file(store.object(entry["sha256"]), os.path.join(staged.path, entry["path"])):
                    found.add(entry["sha256"])
    return found


def size_of(path, field="store"):
    """The size of a regular file of the store, None where it is not there.

    :raises StagecraftError: it is a link or something else.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise StagecraftError("%s: %s lies below something that is not a directory. Move that away." % (field, path)) from None
    if stat.S_ISREG(found.st_mode):
        return found.st_size
    raise StagecraftError("%s: %s is %s, not a regular file. Nothing was read or written through it; remove it after looking at it."
                          % (field, path, "a symbolic link" if stat.S_ISLNK(found.st_mode) else "something else"))


def is_directory(path):
    """Whether a directory is there; a link or something else is refused."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise InputError("store", path, "lies below something that is not a directory", "Move that away, or give another store") from None
    except OSError as exc:
        raise InputError("store", path, "cannot be looked at: %s" % exc.strerror, "Use 'become: true', or a store of this user's") from exc
    if stat.S_ISLNK(mode):
        raise InputError("store", path, "is a symbolic link, and may lead out of the store", LINK)
    if not stat.S_ISDIR(mode):
        raise InputError("store", path, "is not a directory", "Move it away, or give another store")
    return True


def make_directory(path, mode=0o755):
    """Make one directory, with this mode whatever the umask; one that is there stays as it is."""
    try:
        os.mkdir(path, mode)
        os.chmod(path, mode)
    except FileExistsError:
        is_directory(path)


def _make_with_parents(path):
    if not os.path.isdir(path):
        _make_with_parents(os.path.dirname(path))
        make_directory(path)


@contextlib.contextmanager
def failing(verb, path):
    """Turn an error of the operating system into one that says what to do."""
    try:
        yield
    except OSError as exc:
        raise _failure(verb, path, exc) from exc


def _failure(verb, path, exc):
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StagecraftError("%s: no space is left there (%s). Free some space on that file system and run again; releases that were "
                               "staged before are unchanged." % (path, exc.strerror))
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StagecraftError("%s: may not be written by this user (%s). Use 'become: true', or give a store of this user's." % (path, exc.strerror))
    return StagecraftError("%s: could not %s it: %s. Look at the path and its file system." % (path, verb, exc.strerror or exc))


def _lock(descriptor, root, timeout):
    if not locking.lock(descriptor, timeout):
        holder = os.pread(descriptor, 20, 0).strip().decode("ascii", "replace")
        raise InputError("store", root, "is in use by another run (process %s on this host) and was so for %g s" % (holder or "unknown", timeout),
                         "Wait until it has ended, and run again")


def read(path, limit):
    """The bytes of a file of the store; None when it is not there or cannot be one of ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            return None
        raise _failure("read", path, exc) from exc
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as handle:
        data = handle.read(limit + 1)
    return data if len(data) <= limit else None


def _marker(data):
    """What a marker says; None when it is not there or damaged, for then the release is not complete."""
    try:
        marker = json.loads((data or b"").decode("utf-8"))
        texts = [marker["manifest"], marker["at"]] + marker["sets"] + marker["platforms"]
        whole = isinstance(marker["sets"], list) and isinstance(marker["platforms"], list) and all(isinstance(text, str) for text in texts)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return marker if whole else None


def same_file(first, second):
    """Whether two paths are names of one file."""
    try:
        one, other = os.lstat(first), os.lstat(second)
    except OSError:
        return False
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def names(directory):
    """The directories in one of the store's directories that can be a project or a release."""
    try:
        with os.scandir(directory) as scan:
            return sorted(item.name for item in scan if paths.NAME.match(item.name) and item.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)

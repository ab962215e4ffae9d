# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories turned into the entries of a manifest."""

from __future__ import annotations

import concurrent.futures
import os
import stat

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import checking, kinds, manifest, paths
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

CONVENTION = (("wheels", "wheel"), ("packages", "package"), ("git", "git"), ("images", "image"), ("rootfs", "rootfs"), ("files", "file"))
REMOVE = "Take it out of the release directory, or put a file in its place"


def conventional(root):
    """The conventional directories that a release directory has."""
    return [dict(path=path, kind=kind) for path, kind in CONVENTION if os.path.isdir(os.path.join(root, path))]


def describe(root, directories):
    """The entries of all files in some directories of a release directory, sorted by path.

    :param root: the release directory.
    :param directories: each with ``path`` and ``kind``, and ``platform``, ``sets`` and ``origin`` where they are not the usual ones.
    :raises InputError: a file that a manifest refuses; the message names it.
    """
    _check_directories(directories)
    found = [(path, directory) for directory in directories for path in _files(root, directory["path"])]
    if len(found) > manifest.ENTRY_LIMIT:
        raise InputError("directories", len(found), "is more than the %d files that a manifest may have" % manifest.ENTRY_LIMIT,
                         "Pack many small files into an archive, or split the release")
    with concurrent.futures.ThreadPoolExecutor(checking.THREADS) as pool:
        entries = list(pool.map(lambda item: _entry(root, *item), found))
    return sorted(entries, key=lambda entry: entry["path"])


def stray(root, directories):
    """Names in a release directory that no directory covers and that are not the manifest's own."""
    covered = {directory["path"].split("/")[0] for directory in directories} | set(paths.OWN)
    return sorted(name for name in os.listdir(root) if name not in covered)


def _check_directories(directories):
    names = []
    for directory in directories:
        paths.check(directory["path"], "directories: path")
        for other in names:
            if (directory["path"] + "/").startswith(other + "/") or (other + "/").startswith(directory["path"] + "/"):
                raise InputError("directories", directory["path"], "overlaps with %r, so its files would be there twice" % other,
                                 "Give directories that do not hold each other")
        names.append(directory["path"])


def _files(root, path):
    """The paths of all files below a directory; links and what is neither file nor directory are refused."""
    try:
        if os.path.islink(os.path.join(root, path)):
            raise InputError("directories", path, "is a symbolic link", REMOVE)
        with os.scandir(os.path.join(root, path)) as scan:
            items = sorted(scan, key=lambda item: item.name)
    except OSError as exc:
        raise InputError("directories", path, "cannot be read as a directory: %s" % exc.strerror,
                         "Give a directory of the release directory") from exc
    for item in items:
        below = "%s/%s" % (path, item.name)
        problem = paths.problem_of(below)
        if problem:
            raise InputError("directories: file", ascii(below)[1:-1], problem, "Rename the file")
        mode = item.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield from _files(root, below)
        elif stat.S_ISREG(mode):
            yield below
        else:
            raise InputError("directories: file", below, "is a symbolic link" if stat.S_ISLNK(mode) else "is neither a file nor a directory", REMOVE)


def _entry(root, path, directory):
    kind = kinds.kind_of(directory["kind"], path)
    try:
        with os.fdopen(paths.open_below(root, path), "rb") as handle:
            sha256, size = checking.sha256(handle)
            mode = os.fstat(handle.fileno()).st_mode
            handle.seek(0)
            own = kinds.READERS[kind](path, handle, mode)
    except InputError:
        raise
    except StagecraftError as exc:
        raise InputError("directories: file", path, exc.message, REMOVE) from exc
    except OSError as exc:
        raise InputError("directories: file", path, "cannot be read: %s" % exc.strerror, "Let the user who builds read it") from exc
    return dict(own, path=path, kind=kind, size=size, sha256=sha256, platform=directory.get("platform") or manifest.ANY,
                origin=directory.get("origin") or "", sets=sorted(set(directory.get("sets") or ["default"])))

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and directories that must be on the disk before something is said about them."""

from __future__ import annotations

import ctypes
import os

# From here on one sync of the whole file system is cheaper than one for each file: 500 files took a twentieth of the time.
MANY = 8
# Flag of sync_file_range: start writing what is not written yet.
WRITE = 2


def _functions():
    """What the C library has that the standard library has not; nothing on other platforms."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError):
        return {}
    return {name: getattr(library, name) for name in ("syncfs", "sync_file_range") if hasattr(library, name)}


_FUNCTIONS = _functions()


def sync(root, paths):
    """Bring files and directories of one file system to the disk.

    :param root: a directory of that file system.
    :param paths: what must be there: files, and the directories that hold their names.
    :raises OSError: it could not be written.
    """
    if len(paths) >= MANY and _sync_filesystem(root):
        return
    for path in paths:
        sync_one(path)


def sync_one(path):
    """Bring one file or directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_filesystem(root):
    """Sync all of a file system; False where the platform has no way to."""
    syncfs = _FUNCTIONS.get("syncfs")
    if syncfs is None:
        return False
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), root)
    finally:
        os.close(descriptor)
    return True


def write(path, data, sync_now=True, temporary=None):
    """Put a file in place in one step, readable by all. The directory that holds its name is left to the caller.

    :param temporary: where it is written first, on the same file system; beside ``path`` by default.
    :raises OSError: nothing was put in place.
    """
    temporary = temporary or path + ".new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(data)
        handle.flush()
        os.fchmod(descriptor, 0o644)
        if sync_now:
            os.fsync(descriptor)
    os.replace(temporary, path)


def begin(descriptor, offset, count):
    """Ask the disk to begin with a part of a file, and do not wait for it. What cannot be asked is left to the sync."""
    function = _FUNCTIONS.get("sync_file_range")
    if function is not None:
        function(descriptor, ctypes.c_longlong(offset), ctypes.c_longlong(count), ctypes.c_uint(WRITE))

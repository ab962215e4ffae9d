# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files held against what a manifest says of them."""

from __future__ import annotations

import concurrent.futures
import hashlib
import os

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import paths
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

CHUNK = 1024 * 1024
THREADS = 4


def differing(directory, entries, full):
    """The artifacts that are not in a directory as their entries say.

    :param directory: the release directory.
    :param entries: of a checked manifest.
    :param full: read the files and compare their digests, not only their presence and size.
    :returns: list of ``{path, problem, sha256}`` in the order of the entries; the digest is the wanted one.
    """
    if not os.path.isdir(directory):
        raise InputError("sources", directory, "is not a directory on this host", "Give the release directory that holds the artifacts")
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        problems = pool.map(lambda entry: _problem(directory, entry, full), entries)
        return [dict(path=entry["path"], problem=problem, sha256=entry["sha256"]) for entry, problem in zip(entries, problems) if problem]


def _problem(directory, entry, full):
    try:
        descriptor = paths.open_below(directory, entry["path"])
    except StagecraftError as exc:
        return exc.message
    with os.fdopen(descriptor, "rb", buffering=0) as handle:
        size = os.fstat(descriptor).st_size
        if size != entry["size"]:
            return "has %d bytes, not %d" % (size, entry["size"])
        if not full:
            return None
        try:
            found = sha256(handle)[0]
        except OSError as exc:
            return "cannot be read: %s" % exc.strerror
    return None if found == entry["sha256"] else "has the sha256 %s, not %s" % (found, entry["sha256"])


def sha256(handle):
    """The digest of an open file from here to its end, and how many bytes that is."""
    hasher, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
    while True:
        count = handle.readinto(buffer)
        if not count:
            return hasher.hexdigest(), size
        hasher.update(buffer[:count])
        size += count


def told(problems):
    """What differs, in a sentence: the first artifacts by name, the others by number."""
    named = ["%s %s" % (one["path"], one["problem"]) for one in problems[:5]]
    rest = len(problems) - len(named)
    return "; ".join(named) + ("; and %d more" % rest if rest > 0 else "")

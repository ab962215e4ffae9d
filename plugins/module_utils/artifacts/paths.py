# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that lead to files: the one check of an artifact's path, the names of projects and releases, and opening below a directory."""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

MANIFEST = "manifest.json"
SIGNATURES = ("manifest.json.sig", "manifest.json.gpg")
SUMS = "SHA256SUMS"
MARKER = ".complete"
OWN = (MANIFEST, SUMS, MARKER) + SIGNATURES
PATH_LIMIT = 1024
PART_LIMIT = 255
NAME_LIMIT = 128
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
# Control and formatting characters, halves of characters, line and paragraph separators: none of them shows what the name is.
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
REMEDY = "Give a path relative to the release directory, with '/' between its parts"


def check(path, field):
    """Refuse what is not a safe relative path of an artifact.

    :param path: the path as it stands in a manifest.
    :param field: the key that holds it, for messages.
    :raises InputError: it could name something else than a file of its own below the release directory.
    """
    problem = problem_of(path)
    if problem:
        raise InputError(field, shown(path), problem, REMEDY)


def problem_of(path):
    """What is wrong with the path of an artifact, read after the path; None when nothing is."""
    if not isinstance(path, str):
        return "is not a text"
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is an absolute path"
    if unseen(path):
        return "holds a control character or one that does not show"
    if "\\" in path:
        return "holds a backslash"
    parts = path.split("/")
    if ".." in parts:
        return "leads out of the release directory by '..'"
    if "" in parts or "." in parts:
        return "has an empty part or a part '.'"
    if len(path.encode("utf-8")) > PATH_LIMIT or any(len(part.encode("utf-8")) > PART_LIMIT for part in parts):
        return "is longer than %d bytes, or has a part longer than %d" % (PATH_LIMIT, PART_LIMIT)
    if parts[0] in OWN:
        return "is a name that the manifest keeps for itself"
    return None


def check_name(name, field):
    """Refuse a name of a project, release, set or platform that cannot be one directory's name everywhere."""
    if not isinstance(name, str) or not NAME.match(name) or len(name) > NAME_LIMIT:
        raise InputError(field, shown(name), "is not a name of letters, digits, '.', '_' and '-' that begins with a letter, a digit or '_'",
                         "Give a name of at most %d of these characters" % NAME_LIMIT)


def unseen(text):
    """Whether ``text`` holds a character that does not show."""
    return not (text.isascii() and text.isprintable()) and any(unicodedata.category(character) in UNSEEN for character in text)


def shown(value):
    """``value`` in a length that fits into a message."""
    if isinstance(value, str) and len(value) > 200:
        return value[:200] + "…"
    return value if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__


class Missing(StagecraftError):
    """A file that is not there."""


def open_below(directory, path):
    """Open a regular file below a directory for reading, without following a link on the way.

    :param directory: the directory, which may be reached by links.
    :param path: a checked relative path.
    :returns: a file descriptor.
    :raises Missing: it is not there.
    :raises StagecraftError: it is no regular file, a link, or cannot be read; the message begins with a verb.
    """
    parts = path.split("/")
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            descriptor = _step(descriptor, part, os.O_DIRECTORY)
        descriptor = _step(descriptor, parts[-1], os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StagecraftError("is not a regular file")
    except OSError as exc:
        os.close(descriptor)
        if exc.errno == errno.ENOENT:
            raise Missing("is missing") from exc
        if exc.errno in (errno.ELOOP, errno.ENOTDIR):
            raise StagecraftError("is a symbolic link, or lies behind one or below a file") from exc
        raise StagecraftError("cannot be read: %s" % exc.strerror) from exc
    except StagecraftError:
        os.close(descriptor)
        raise
    return descriptor


def _step(descriptor, part, flag):
    further = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flag, dir_fd=descriptor)
    os.close(descriptor)
    return further

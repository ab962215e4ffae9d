# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kill switches. Whatever is at the path of one is on: a file of any content, a directory, a link that leads nowhere.

They need neither the lock nor any other part of the state, so that they work when nothing else does.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pwd
import stat

from ansible_collections.stagecraft.release.plugins.module_utils import durable
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import Layout, named
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import FLEET, HOST, RING, Stop

LIMIT = 64 * 1024
# A file system that is full still takes a link of so many bytes: it needs no block of its own.
SHORT = 59
ON, OFF = "engaged", "released"


def read(state_dir):
    """The kill switches that are on.

    :returns: list of ``Stop``. What cannot be looked at is on for the fleet.
    """
    layout = Layout(state_dir)
    top, found = layout.kill_switch, []
    try:
        if _at(top) is None:
            return []
        if not os.path.isdir(top):
            return [_stop(FLEET, "", top)]
        if _at(layout.switch(FLEET)) is not None:
            found.append(_stop(FLEET, "", layout.switch(FLEET)))
        for level in (RING, HOST):
            folder = os.path.join(top, level + "s")
            if _at(folder) is None:
                continue
            if not os.path.isdir(folder):
                found.append(_stop(FLEET, "", folder))
                continue
            found += [_stop(level, named(base), os.path.join(folder, base)) for base in sorted(os.listdir(folder))]
    except OSError as exc:
        found.append(Stop(FLEET, message="%s cannot be looked at (%s), so it counts as on" % (exc.filename or top, exc.strerror)))
    return found


def find(state_dir, level, name):
    """The kill switch at exactly this place, or None."""
    return look(Layout(state_dir).switch(level, name), level, name)


def look(path, level=HOST, name=""):
    """What is at a path, as a kill switch, or None."""
    try:
        return None if _at(path) is None else _stop(level, name, path)
    except OSError as exc:
        return Stop(level, name, "%s cannot be looked at (%s), so it counts as on" % (path, exc.strerror))


def differs(state_dir, there, level, name, message):
    """Whether throwing a switch would change anything: it is off, or it is a file with another message.

    :param there: what :func:`find` found.
    """
    path = Layout(state_dir).switch(level, name)
    return there is None or there.message != message and os.path.isfile(path) and not os.path.islink(path)


def place(level, name):
    """What a kill switch stops, for people."""
    return "the fleet" if level == FLEET else "%s %s" % (level, name)


def told(stop):
    """A kill switch that is on, for people."""
    return "%s (by %s since %s: %s)" % (place(stop.level, stop.name), stop.by or "?", naming.text(stop.at), stop.message or "no message")


def engage(state_dir, level, name, message, by, at):
    """Throw a kill switch.

    :param message: why, for everybody who is stopped.
    :returns: a warning, empty where all went well.
    """
    layout = Layout(state_dir)
    path, temporary = layout.switch(level, name), os.path.join(layout.directory, ".kill_switch.%d" % os.getpid())
    try:
        for folder in (layout.kill_switch, os.path.dirname(path)):
            if _at(folder) is None:
                os.mkdir(folder)
                os.chmod(folder, 0o755)
        there = _at(path)
        if there is None or stat.S_ISREG(there.st_mode):
            data = records.line({"message": message, "by": by, "at": at}).encode("utf-8")
            durable.write(path, data, temporary=temporary)
            durable.sync_one(os.path.dirname(path))
    except OSError as exc:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return _in_need(layout, path, message, exc)
    return _log(layout, {"switch": ON, "level": level, "name": name, "message": message, "by": by, "at": at})


def release(state_dir, level, name, why, by, at):
    """Take a kill switch off.

    :returns: a warning, empty where all went well.
    :raises StagecraftError: it is still on; the message says what is there.
    """
    layout = Layout(state_dir)
    path = layout.switch(level, name)
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            os.rmdir(path)
        elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            os.unlink(path)
        else:
            raise InputError("state_dir", path, "is neither a file, a link nor a directory and was left alone, so the kill switch is still on",
                             "Look at it and remove it by hand")
        durable.sync_one(os.path.dirname(path))
    except FileNotFoundError:
        return ""
    except NotADirectoryError as exc:
        raise InputError("state_dir", layout.kill_switch, "has something in it that is no directory where one is expected; it counts as on for the fleet",
                         "Look at it and remove it by hand") from exc
    except OSError as exc:
        if exc.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise InputError("state_dir", path, "is a directory with something in it and was left alone, so the kill switch is still on",
                             "Look at what it holds and remove it by hand") from exc
        raise _failure(path, exc, "is still on") from exc
    return _log(layout, {"switch": OFF, "level": level, "name": name, "message": why, "by": by, "at": at})


def _at(path):
    """What is at a path itself, None where nothing is. Unlike ``lexists``, what may not be seen is an error."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _quietly(path):
    try:
        return _at(path)
    except OSError as exc:
        return exc


def _stop(level, name, path):
    """What is at a path, as a kill switch. An operator may have made it with any tool."""
    there = os.lstat(path)
    owner, at = there.st_uid, max(0, int(there.st_mtime))
    with contextlib.suppress(KeyError):
        owner = pwd.getpwuid(there.st_uid).pw_name
    message, by = "", str(owner)
    if stat.S_ISLNK(there.st_mode) and not os.path.exists(path):
        message = os.readlink(path)
    elif os.path.isdir(path):
        message = "(a directory is at %s)" % path
    elif os.path.isfile(path):
        message, by, at = _said(path, by, at)
    return Stop(level, name, message, by, at)


def _said(path, by, at):
    try:
        with open(path, "rb") as handle:
            text = handle.read(LIMIT).decode("utf-8", "replace").strip()
    except OSError as exc:
        return "(%s cannot be read: %s)" % (path, exc.strerror), by, at
    try:
        said = json.loads(text)
        if isinstance(said, dict) and isinstance(said["message"], str):
            return said["message"], str(said.get("by") or by), said["at"] if isinstance(said.get("at"), int) else at
    except (ValueError, KeyError, RecursionError):
        pass
    return text, by, at


def _in_need(layout, path, message, cause):
    """Throw the switch where no file can be written."""
    if _quietly(path) is not None or any(stop.level == FLEET for stop in read(layout.directory)):
        return "its message could not be written (%s); what was there counts as on" % cause.strerror
    short = message.replace("\0", " ").encode("utf-8")[:SHORT].decode("utf-8", "ignore")
    try:
        os.symlink(short, path)
    except OSError:
        raise _failure(path, cause) from cause
    return "no file could be written (%s), so the kill switch is a link with the beginning of the message; it is on" % cause.strerror


def _failure(path, exc, state="is NOT on"):
    return StagecraftError("kill switch: %s could not be changed (%s): it %s. Make the place writable for this user, or do it there by hand."
                           % (path, exc.strerror or exc, state))


def _log(layout, record):
    """Keep who did what and when. What stops a fleet does not depend on it."""
    try:
        descriptor = os.open(layout.kill_switch_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, records.line(record).encode("utf-8"))
        finally:
            os.close(descriptor)
    except OSError as exc:
        return "%s could not be written (%s): who did this is not kept" % (layout.kill_switch_log, exc.strerror)
    return ""

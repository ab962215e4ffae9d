# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing to the state directory: under its lock, and either whole or not at all. Journals are replaced, never appended to, so no writer leaves half a line."""

from __future__ import annotations

import contextlib
import errno
import getpass
import json
import os
import shutil
import socket
import time

from ansible_collections.stagecraft.release.plugins.module_utils import durable, locking
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading, records
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import JOURNALS, Layout

TIMEOUT = 30
RUNS = 200


def user():
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


@contextlib.contextmanager
def opened(state_dir, purpose, timeout=TIMEOUT, check_mode=False, create=False, targets=True, warn=None):
    """Hold the state directory.

    :param purpose: what for, told to those who wait.
    :param timeout: seconds to wait for another process.
    :param check_mode: write nothing, and do not wait either.
    :param create: make the directory where it is not there.
    :param targets: read what targets ran, too; or the names of those to read.
    :param warn: called with what went wrong after everything was recorded.
    :returns: context manager with a :class:`Store`.
    :raises StagecraftError: another process has it; the message names it.
    """
    layout = _layout(state_dir, create)
    if check_mode:
        yield Store(layout, True, targets, warn)
        return
    with _locked(layout, layout.lock, layout.work, purpose, timeout):
        yield Store(layout, False, targets, warn)


@contextlib.contextmanager
def taking(state_dir, purpose, timeout=TIMEOUT, check_mode=False, create=False):
    """Be the only one who takes or removes snapshots, while others may still mark, pin and record. The parameters are those of :func:`opened`.

    :returns: context manager with a :class:`Layout`, whose ``new`` is empty.
    """
    layout = _layout(state_dir, create)
    if check_mode:
        yield layout
        return
    with _locked(layout, layout.taking_lock, layout.new, purpose, timeout):
        yield layout


def _layout(state_dir, create):
    layout = Layout(state_dir)
    if not create and not os.path.isdir(layout.directory):
        raise InputError("state_dir", state_dir, "is not there", "Give the state directory of the rollout; rollout_snapshot makes a new one")
    return layout


@contextlib.contextmanager
def _locked(layout, path, room, purpose, timeout):
    """Hold a lock of the state directory.

    :param path: the lock's file.
    :param room: the directory for what is not complete, emptied before and after.
    """
    with failing(layout.directory):
        for folder in (layout.directory, layout.snapshots, layout.targets, room):
            make_directory(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not locking.lock(descriptor, timeout):
            holder = os.pread(descriptor, 1000, 0).decode("utf-8", "replace").strip()
            raise StagecraftError("state_dir: %s is held by %s, and was so for the %g s that this run waited. Wait until that has ended, and run again."
                                  % (layout.directory, holder or "another process", timeout))
        with contextlib.suppress(OSError):  # on a full disk nobody is told who holds it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, ("%s@%s (process %d): %s" % (user(), socket.gethostname(), os.getpid(), purpose)).encode("utf-8"), 0)
        _clean(room)
        try:
            yield
        finally:
            _clean(room)
    finally:
        os.close(descriptor)


class Store:
    """The state directory while it is held.

    :ivar state: what was in it when it was opened, and what was added since.
    """

    def __init__(self, layout, check_mode, targets, warn=None):
        self.layout = layout
        self.check_mode = check_mode
        self._warn = warn or (lambda text: None)
        self.state = reading.load(layout.directory, targets)

    def need(self, *parts):
        """Refuse to go on where these parts of the state cannot be relied on."""
        wrong = [part for part in parts if part in self.state.broken]
        if wrong:
            raise StagecraftError("state_dir: nothing was recorded, for the state in %s cannot be relied on: %s." % (self.layout.directory,
                                  "; ".join(self.state.problems)), problems=self.state.problems)

    def add(self, kind, entries):
        """Add records.

        :param kind: one of ``JOURNALS``.
        :param entries: dicts with every field of the kind.
        """
        self.need(kind)
        if not entries:
            return
        lines = [records.line(entry) for entry in entries]
        for text in lines:
            records.parse(kind, text)
        self.state.journals[kind] = self.state.journals[kind] + list(entries)
        if not self.check_mode:
            whole = "".join([records.line(entry) for entry in self.state.journals[kind]])
            self.put(self.layout.journal(kind), whole)
            self.keep_valid()

    def ran(self, names, snapshot, ok, at, ring="", by=""):
        """Record what targets ran. Of the same again, the first time is kept.

        :param names: of the targets.
        :param ok: whether it worked.
        :param ring: the ring that they are in.
        :param by: who brought it there.
        :returns: the names whose record changed.
        """
        state, changed = self.state, []
        for name in names:
            if name in state.damaged:
                raise StagecraftError("target: %r was not recorded: %s. Correct that file, or remove it after looking at it." % (name, state.damaged[name]))
            runs, before = state.targets.get(name, []), state.rings.get(name, "")
            last = runs[-1] if runs else None
            if last and (last["snapshot"], last["ok"]) == (snapshot, ok) and (ring or before) == before:
                continue
            if not last or (last["snapshot"], last["ok"]) != (snapshot, ok):
                runs = (runs + [{"snapshot": snapshot, "ok": ok, "at": at, "by": by}])[-RUNS:]
            state.targets[name], state.rings[name] = runs, ring or before
            changed.append(name)
        if changed and not self.check_mode:
            self._put_targets(changed)
        return changed

    def forget(self, names):
        """Take away what is known of targets that there are no more.

        :returns: the names that were known.
        """
        known = [name for name in names if name in self.state.targets or name in self.state.damaged]
        for name in known:
            for part in (self.state.targets, self.state.rings, self.state.damaged):
                part.pop(name, None)
            if not self.check_mode:
                with failing(self.layout.target(name)):
                    os.unlink(self.layout.target(name))
                    durable.sync_one(self.layout.targets)
        return known

    def put(self, path, text):
        """Put a file in place in one step that survives a crash; the old one stays where that cannot be done."""
        with failing(path):
            self._write(path, text)
            durable.sync_one(os.path.dirname(path))

    def keep_valid(self):
        """Keep a copy of the state, if it can be relied on."""
        state = self.state
        if state.problems:
            return
        document = state.document()
        copy = {"schema": records.SCHEMA, "at": int(time.time()), "digest": reading.digest(document), "state": document,
                "counts": {kind: len(state.journals.get(kind, ())) for kind in JOURNALS}}
        try:
            self.put(self.layout.last_valid, json.dumps(copy, sort_keys=True, ensure_ascii=False) + "\n")
        except StagecraftError as exc:  # what was recorded before it counts
            self._warn("Everything was recorded; only the copy of the state was not: %s" % exc.message)

    def _write(self, path, text):
        temporary = os.path.join(self.layout.work, "file")
        try:
            durable.write(path, text.encode("utf-8"), temporary=temporary)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def _put_targets(self, names):
        state = self.state
        with failing(self.layout.targets):
            for name in names:
                self._write(self.layout.target(name), records.line(
                    {"schema": records.SCHEMA, "target": name, "ring": state.rings[name], "runs": state.targets[name]}))
            durable.sync_one(self.layout.targets)


@contextlib.contextmanager
def failing(path):
    """Turn an error of the operating system into one that says what to do."""
    try:
        yield
    except OSError as exc:
        raise StagecraftError("%s: could not be written (%s), and what was there is unchanged. %s and run again." % (
            path, exc.strerror or exc, _REMEDIES.get(exc.errno, "Look at the path and its file system"))) from exc


_REMEDIES = {errno.ENOSPC: "Free some space on that file system", errno.EDQUOT: "Free some space on that file system",
             errno.EACCES: "Run as a user who may write there", errno.EPERM: "Run as a user who may write there",
             errno.EROFS: "Make the file system writable"}


def make_directory(path):
    """Make a directory and those above it, readable by all whatever the umask."""
    if not os.path.isdir(path):
        if not os.path.isdir(os.path.dirname(path)):
            make_directory(os.path.dirname(path))
        os.mkdir(path)
        os.chmod(path, 0o755)


def _clean(room):
    """Take away what is not complete: left by a run that was killed, or by this one."""
    for name in os.listdir(room):
        path = os.path.join(room, name)
        with contextlib.suppress(OSError):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

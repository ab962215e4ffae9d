# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where state is kept: named documents in files of a host, or in parameters of an environment.

Both backends have ``read``, ``write``, ``delete``, ``journal``, ``journal_lines``, ``exclusive``, ``describe`` and ``settle``: the
seconds that a written lock must stand before it counts, 0 where writers exclude each other.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import gzip
import os
import re
import stat

from ansible_collections.stagecraft.release.plugins.module_utils import locking
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

FACTS = "facts"
NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
PACKED = "gzip+base64:"
PACK_ABOVE = 256 * 1024
PARAMETER_LIMIT = 1000000
PARAMETER_JOURNAL_LINES = 500


def check_name(name, field="name"):
    """``name``, if it can be part of a document's name.

    :param field: the option that held it.
    """
    if not NAME.match(str(name)) or str(name).strip(".") == "":
        raise InputError(field, name, "cannot name a document", "Use letters, digits, '.', '_' and '-' only")
    return str(name)


class FileBackend:
    """Documents in files. The document ``facts`` is where Ansible looks for local facts.

    :param facts_path: file of the stage facts.
    :param journal_path: file that gets one line for each write.
    :param directory: directory of the other documents.
    :param journal_bytes: size from which the journal is put aside, with ``journal_keep`` old ones kept.
    :param before_write: called before each write; it raises when the run must stop.
    """

    settle = 0.0

    def __init__(self, facts_path="/etc/ansible/facts.d/stagecraft.fact", journal_path="/var/log/stagecraft/journal.jsonl",
                 directory="/var/lib/stagecraft", journal_bytes=10 * 1024 * 1024, journal_keep=5, lock_timeout=30.0,
                 before_write=None):
        for field, path in (("facts_path", facts_path), ("journal_path", journal_path), ("state_directory", directory)):
            check_path(field, path)
        self.facts_path = facts_path
        self.journal_path = journal_path
        self.directory = directory
        self._journal_bytes = journal_bytes
        self._journal_keep = journal_keep
        self._lock_timeout = lock_timeout
        self._before_write = before_write or (lambda: None)

    def describe(self, name=FACTS):
        """Where a document is, for messages."""
        return self.path(name)

    def path(self, name):
        """The file of a document."""
        if name == FACTS:
            return self.facts_path
        return os.path.join(self.directory, "%s.json" % check_name(name))

    def read(self, name):
        """The text of a document, or None where there is none.

        :raises StagecraftError: something is there that cannot be read.
        """
        path = self.path(name)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            if os.path.islink(path):
                raise unusable(path, "dangling") from None
            return None
        except OSError as exc:
            raise _failure("read", path, exc) from exc
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise unusable(path, "directory" if os.path.isdir(path) else "special")
            with open(handle, "rb", closefd=False) as stream:
                return stream.read().decode("utf-8")
        except UnicodeDecodeError as exc:
            raise StagecraftError("%s: is not UTF-8 text. Move it away after looking at it." % path) from exc
        except OSError as exc:
            raise _failure("read", path, exc) from exc
        finally:
            os.close(handle)

    def write(self, name, text, private=False):
        """Replace a document in one step that survives a crash.

        :param private: only the owner may read it.
        """
        self._before_write()
        path = self.path(name)
        if os.path.islink(path) and not os.path.exists(path):
            raise unusable(path, "dangling")
        if os.path.exists(path) and not os.path.isfile(path):
            raise unusable(path, "directory" if os.path.isdir(path) else "special")
        path = os.path.realpath(path)
        folder, base = os.path.split(path)
        _make_directory(folder)
        # One name for all writers: what a killed one leaves is taken away by the next. It does not end in .fact.
        temporary = os.path.join(folder, ".%s.tmp" % base)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            _write_file(temporary, text.encode("utf-8"), 0o600 if private else 0o644)
            os.rename(temporary, path)
            _sync_directory(folder)
        except OSError as exc:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise _failure("write", path, exc) from exc

    def delete(self, name):
        """Remove a document; nothing happens where there is none."""
        self._before_write()
        path = self.path(name)
        try:
            os.unlink(path)
            _sync_directory(os.path.dirname(path))
        except FileNotFoundError:
            pass
        except OSError as exc:
            raise _failure("remove", path, exc) from exc

    def journal(self, line):
        """Append one line to the journal, which is put aside when it has grown too large."""
        _make_directory(os.path.dirname(self.journal_path))
        data = line.encode("utf-8") + b"\n"
        try:
            handle = self._open_journal()
            try:
                size = os.fstat(handle).st_size
                if size and size + len(data) > self._journal_bytes:
                    self._rotate()
                    # Those who wait for the old file's lock look again; this one made the new file.
                    os.close(handle)
                    handle = self._open_journal()
                    size = os.fstat(handle).st_size
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    data = b"\n" + data  # a writer was killed in the middle of its line
                _write_all(handle, data)
            finally:
                os.close(handle)
        except OSError as exc:
            raise _failure("write", self.journal_path, exc) from exc

    def journal_lines(self):
        """The lines of the journal, oldest first, with those that were put aside."""
        lines = []
        for path in ["%s.%d" % (self.journal_path, number) for number in range(self._journal_keep, 0, -1)] + [self.journal_path]:
            try:
                with open(path, encoding="utf-8", errors="replace") as stream:
                    lines.extend(stream)
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise _failure("read", path, exc) from exc
        return lines

    def _open_journal(self):
        """The journal's file, open and locked, and still the one at the path."""
        while True:
            handle = os.open(self.journal_path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                _lock(handle, self.journal_path, self._lock_timeout)
                mine, there = os.fstat(handle), os.stat(self.journal_path)
            except FileNotFoundError:
                os.close(handle)
                continue
            except BaseException:
                os.close(handle)
                raise
            if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
                return handle
            os.close(handle)

    def _rotate(self):
        for number in range(self._journal_keep, 1, -1):
            with contextlib.suppress(FileNotFoundError):
                os.rename("%s.%d" % (self.journal_path, number - 1), "%s.%d" % (self.journal_path, number))
        os.rename(self.journal_path, "%s.1" % self.journal_path)

    @contextlib.contextmanager
    def exclusive(self):
        """Let no other process of this host write the documents meanwhile."""
        _make_directory(self.directory)
        path = os.path.join(self.directory, ".lock")
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise _failure("write", path, exc) from exc
        try:
            _lock(handle, path, self._lock_timeout)
            yield
        finally:
            os.close(handle)


class ParameterBackend:
    """Documents in an orchestrator: parameters of one environment, which every controller sees.

    :param store: has ``get(name)`` (None where absent), ``put(name, value)`` and ``delete(name)``.
    :param prefix: what the parameters' names begin with.
    :param settle: seconds that a lock must stand, see :mod:`lock`.
    """

    def __init__(self, store, prefix="stagecraft", settle=0.5):
        self.settle = settle
        self._store = store
        self._prefix = prefix

    def describe(self, name=FACTS):
        """Where a document is, for messages."""
        return "parameter %s of the environment" % self._key(name)

    def read(self, name):
        """The text of a document, or None where there is none."""
        value = self._store.get(self._key(name))
        if value is None or not value.startswith(PACKED):
            return value
        try:
            return unpack(value[len(PACKED):])
        except (OSError, EOFError, ValueError) as exc:
            raise StagecraftError("%s: is damaged: it cannot be unpacked (%s). Remove the parameter after looking at it."
                                  % (self.describe(name), exc)) from exc

    def write(self, name, text, private=False):
        """Replace a document. ``private`` is the server's business: who may read the environment sees it."""
        value = text
        if len(text.encode("utf-8")) > PACK_ABOVE:
            value = PACKED + pack(text)
        size = len(value.encode("utf-8"))
        if size > PARAMETER_LIMIT:
            raise StagecraftError(
                "%s: %d bytes after compression are more than a parameter holds (%d). Use backend: file for this target, "
                "or keep less in this document." % (self.describe(name), size, PARAMETER_LIMIT))
        self._store.put(self._key(name), value)

    def delete(self, name):
        """Remove a document; nothing happens where there is none."""
        self._store.delete(self._key(name))

    def journal(self, line):
        """Append one line; the newest lines are kept."""
        lines = self.journal_lines() + [line]
        self.write("journal", "".join("%s\n" % kept for kept in lines[-PARAMETER_JOURNAL_LINES:]))

    def journal_lines(self):
        """The lines of the journal, oldest first."""
        return (self.read("journal") or "").splitlines()

    @contextlib.contextmanager
    def exclusive(self):
        """Nothing: the server has no compare-and-set to build it on.

        One writer at a time is what the unit's lock is for; who writes without holding it may lose a write.
        """
        yield

    def _key(self, name):
        return "%s.%s" % (self._prefix, check_name(name))


def pack(text):
    """``text`` as gzip and base64; equal texts give equal results."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), mtime=0)).decode("ascii")


def unpack(text):
    """The text that :func:`pack` was given."""
    data = base64.b64decode(text, validate=True)
    if not data:
        raise ValueError("it is empty")
    return gzip.decompress(data).decode("utf-8")


def check_path(field, path):
    """``path``, if it is absolute: the gate reads as another user than the one who writes, so ``~`` would be two places."""
    if not str(path or "").startswith("/") or "\n" in path:
        raise InputError(field, path, "is not an absolute path", "Give a path that begins with '/'")
    return path


def unusable(path, kind):
    """The error for a path at which something is that is not a readable file.

    :param kind: unreadable, directory, dangling, special or notdir.
    """
    problem, remedy = {
        "unreadable": ("cannot be read by this user", "Make it and its directories readable, or connect as another user"),
        "directory": ("is a directory, not a file", "Move it away, or set another path"),
        "dangling": ("is a link to a file that is not there",
                     "Restore the file, or remove the link to start afresh: completed stages would run again"),
        "special": ("is not a regular file", "Move it away, or set another path"),
        "notdir": ("lies below something that is not a directory", "Move that away, or set another path"),
    }[kind]
    return StagecraftError("%s: %s. %s." % (path, problem, remedy))


def _failure(verb, path, exc):
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StagecraftError("%s: no space is left to write it (%s). Free some space on that file system and run again; "
                               "the document that was there is unchanged." % (path, exc.strerror))
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and verb != "read":
        return StagecraftError("%s: may not be written by this user (%s). Use 'become: true', or set facts_path, journal_path "
                               "and state_directory to places where the user may write." % (path, exc.strerror))
    kind = {errno.EACCES: "unreadable", errno.EPERM: "unreadable", errno.ENOTDIR: "notdir", errno.EISDIR: "directory",
            errno.ELOOP: "dangling", errno.ENXIO: "special"}.get(exc.errno)
    if kind:
        return unusable(path, kind)
    return StagecraftError("%s: could not %s it: %s. Look at the path and its file system." % (path, verb, exc.strerror or exc))


def _lock(handle, path, timeout):
    if not locking.lock(handle, timeout):
        raise StagecraftError("%s: another process has held it for %g s. Look for a hanging process that has it open (fuser)."
                              % (path, timeout))


def _make_directory(folder):
    """Make a directory and its parents, readable by all whatever the umask."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        try:
            os.mkdir(path)
            os.chmod(path, 0o755)
        except FileExistsError:
            if not os.path.isdir(path):
                raise unusable(path, "notdir" if not os.path.islink(path) else "dangling") from None
        except OSError as exc:
            raise _failure("make", path, exc) from exc


def _write_file(path, data, mode):
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _write_all(handle, data)
        os.fchmod(handle, mode)
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle, data):
    while data:
        data = data[os.write(handle, data):]


def _sync_directory(folder):
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as exc:
        if exc.errno != errno.EINVAL:  # a file system that cannot
            raise
    finally:
        os.close(handle)

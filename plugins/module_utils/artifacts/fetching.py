# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents brought into a store: several at a time, each from the first place that has it, counted and hashed while it is written."""

from __future__ import annotations

import collections
import errno
import hashlib
import os
import threading
import time

from ansible_collections.stagecraft.release.plugins.module_utils import durable
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts.places import Broken, Refused
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

CHUNK = 512 * 1024
# So much is hashed and written at once.
GATHER = 128 * 1024
# A place that brings less than this in its timeout stands still, even where it never falls silent.
LEAST = 1024
# An attempt that brought so much was worth it, and the next one counts as the first.
PROGRESS = 1024 * 1024
# From here on the disk is kept busy while more arrives, so that little is left for the sync at the end.
WRITE_BACK = 8 * 1024 * 1024
PAUSE, LONGEST_PAUSE = 0.2, 5.0
FULL = (errno.ENOSPC, errno.EDQUOT)


class Outcome:
    """What became of a fetch.

    :ivar counts: contents by the name of the place they came from.
    :ivar bytes: that were fetched.
    :ivar left: how many contents an interrupted run had left whole.
    :ivar problems: ``(entry, text)`` of what no place had.
    :ivar passed_over: by place, ``(how many, the first text)`` of what it did not have as it should be, and another had.
    """

    def __init__(self):
        self.counts = collections.Counter()
        self.bytes = 0
        self.left = 0
        self.problems = []
        self.passed_over = {}

    def note(self, entry, place, reasons):
        """An artifact came."""
        self.counts[place.name] += 1
        self.bytes += entry["size"]
        for name, reason in reasons:
            count, first = self.passed_over.get(name, (0, "artifact %s: %s" % (entry["path"], reason)))
            self.passed_over[name] = (count + 1, first)


class Limit:
    """A bandwidth that all threads share.

    :param rate: bytes a second, 0 for as many as there are.
    """

    def __init__(self, rate, clock=time.monotonic):
        self.chunk = max(4096, min(CHUNK, rate // 10)) if rate else CHUNK
        self._rate = rate
        self._clock = clock
        self._free = 0.0
        self._lock = threading.Lock()

    def wait(self, count, stop):
        """Wait as long as ``count`` bytes take; returns the seconds."""
        if not self._rate:
            return 0.0
        with self._lock:
            now = self._clock()
            self._free = max(self._free, now) + count / self._rate
            delay = self._free - now
        stop.wait(delay)
        return delay


class Part:
    """A content that is being fetched, in a file of its own that an interrupted run leaves to the next.

    :ivar mixed: some of it came from an earlier run or another place than the rest.
    """

    def __init__(self, store, entry):
        self.entry = entry
        self.size = 0
        self.mixed = False
        self._path = store.part(entry["sha256"])
        self._final = store.object(entry["sha256"])
        self._hasher = hashlib.sha256()
        self._waiting = []
        self._written = 0
        self._flushed = 0
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        if os.fstat(self._descriptor).st_size:
            self._take_up()

    def _take_up(self):
        """Go on from what is there."""
        while True:
            data = os.read(self._descriptor, CHUNK)
            if not data:
                break
            self._hasher.update(data)
            self._written += len(data)
        self.size = self._written
        if self.size > self.entry["size"]:
            self.reset()

    def reset(self):
        """Begin again."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._waiting = []
        self.size, self._written, self._flushed, self.mixed, self._hasher = 0, 0, 0, False, hashlib.sha256()

    def write(self, data):
        """Add bytes."""
        self._waiting.append(data)
        self.size += len(data)
        if self.size - self._written >= GATHER:
            self._flush()

    def _flush(self):
        """Hash and write what was added; in few calls, for the threads get in each other's way at each of them."""
        if not self._waiting:
            return
        data = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        self._waiting = []
        self._hasher.update(data)
        done = os.write(self._descriptor, data)
        while done < len(data):
            done += os.write(self._descriptor, data[done:])
        self._written += len(data)
        if self._written - self._flushed >= WRITE_BACK:
            durable.begin(self._descriptor, self._flushed, self._written - self._flushed)
            self._flushed = self._written

    def left(self):
        """How many bytes are still to come."""
        return self.entry["size"] - self.size

    def found(self):
        """The digest of what is there."""
        self._flush()
        return self._hasher.hexdigest()

    def finish(self):
        """Make it an object of the store."""
        os.fchmod(self._descriptor, 0o644)
        self.close()
        os.replace(self._path, self._final)

    def close(self):
        """Leave it as it is."""
        if self._descriptor is None:
            return
        try:
            self._flush()
        finally:
            os.close(self._descriptor)
            self._descriptor = None

    def discard(self):
        """Remove it."""
        self._waiting = []
        self.close()
        os.unlink(self._path)


class Fetch:
    """One fetch of some contents.

    :param store: the :class:`Store` that they go to; its shelves are made.
    :param places: the places in the order in which they are asked.
    :param timeout: seconds in which a place must bring something.
    """

    def __init__(self, store, places, parallel=8, bandwidth=0, retries=2, timeout=30.0):
        self._store = store
        self._places = places
        self._parallel = parallel
        self._limit = Limit(bandwidth)
        self._retries = retries
        self._timeout = timeout
        self._stop = threading.Event()
        self._lock = threading.Lock()
        # What ended it all, and with which artifact.
        self._fatal, self._fatal_entry = None, None

    def run(self, entries):
        """Bring the contents of ``entries``.

        :returns: the :class:`Outcome`.
        :raises StagecraftError: the store cannot take them.
        """
        outcome = Outcome()
        if not self._places:
            outcome.problems = [(entry, "no source is left") for entry in entries]
            return outcome
        # The large ones first: then none of them is left alone at the end.
        queue = collections.deque(sorted(entries, key=lambda entry: -entry["size"]))
        threads = [threading.Thread(target=self._work, args=(queue, outcome), daemon=True) for _number in range(min(self._parallel, len(queue)))]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self._stop.set()
            for place in self._places:
                place.close()
        if self._fatal:
            raise self._unwritable(entries)
        if sum(outcome.counts.values()) + outcome.left + len(outcome.problems) != len(entries):
            raise StagecraftError("store: %r: some artifacts were neither fetched nor refused. Run again." % self._store.root)
        return outcome

    def _work(self, queue, outcome):
        entry = None
        try:
            while not self._stop.is_set():
                try:
                    entry = queue.popleft()
                except IndexError:
                    return
                self._bring(entry, outcome)
        except BaseException as exc:  # told by the thread that waits for this one
            with self._lock:
                if self._fatal is None:
                    self._fatal, self._fatal_entry = exc, entry
            self._stop.set()

    def _bring(self, entry, outcome):
        """One content from the first place that has it."""
        part, reasons = Part(self._store, entry), []
        try:
            if part.size and not part.left():
                if part.found() == entry["sha256"]:
                    part.finish()
                    with self._lock:
                        outcome.left += 1
                    return
                part.reset()
            for place in self._places:
                reason = self._from(place, entry, part)
                if reason is None:
                    part.finish()
                    with self._lock:
                        outcome.note(entry, place, reasons)
                    return
                if self._stop.is_set():
                    if getattr(self._fatal, "errno", None) in FULL:
                        part.discard()
                    return
                reasons.append((place.name, reason))
            with self._lock:
                outcome.problems.append((entry, "; ".join("%s %s" % one for one in reasons)))
            if not part.size:
                part.discard()
        except OSError as exc:
            if exc.errno in FULL:
                part.discard()
            raise
        finally:
            part.close()

    def _from(self, place, entry, part):
        """Fetch the rest of a part; returns None, or why this place could not bring it."""
        attempt = 0
        part.mixed = part.size > 0
        while True:
            if place.gone is not None:
                return place.gone
            begun = part.size
            try:
                body = place.open(entry, part.size)
                self._copy(body, part)
            except Refused as exc:
                return str(exc)
            except Broken as exc:
                if part.size - begun >= PROGRESS:
                    attempt = 0
                    place.worked()
                place.failed(str(exc))
                attempt += 1
                if attempt > self._retries or self._stop.wait(min(PAUSE * 2 ** attempt, LONGEST_PAUSE)):
                    return str(exc)
                continue
            found = part.found()
            if found == entry["sha256"]:
                place.worked()
                return None
            # What was there before may have been wrong: then all of it is fetched from here.
            mixed = part.mixed
            part.reset()
            if not mixed:
                return "has the sha256 %s there, not %s" % (found, entry["sha256"])

    def _copy(self, body, part):
        """Write what a place gives, and no more than the artifact's size."""
        whole = False
        try:
            if body.start != part.size:
                part.reset()
            if body.size is not None and body.size != part.left():
                raise Refused("has %d bytes there, not %d" % (body.start + body.size, part.entry["size"]))
            began, here = time.monotonic(), 0
            while True:
                # One more than is left shows what is too long; where the size was said, that is known.
                count = part.left() + (1 if body.size is None else 0)
                data = body.read(min(count, self._limit.chunk)) if count else b""
                if not data:
                    break
                if len(data) > part.left():
                    part.reset()
                    raise Refused("has more than %d bytes there" % part.entry["size"])
                part.write(data)
                here += len(data)
                began += self._limit.wait(len(data), self._stop)
                if self._stop.is_set():
                    raise Broken("was stopped")
                if here >= LEAST:
                    began, here = time.monotonic(), 0
                elif time.monotonic() - began > self._timeout and part.left():
                    raise Broken("sent %d bytes in %g s" % (here, self._timeout))
            if part.left():
                raise Broken("ended after %d of %d bytes" % (part.size, part.entry["size"]))
            whole = True
        finally:
            body.close(whole)

    def _unwritable(self, entries):
        """The error for what the store could not take."""
        if not isinstance(self._fatal, OSError):
            return self._fatal
        if self._fatal.errno not in FULL:
            return StagecraftError("store: %r cannot be written for artifact %s: %s. Look at that path and its file system."
                                   % (self._fatal.filename or self._store.root, self._fatal_entry["path"], self._fatal.strerror))
        left = [entry for entry in entries if not os.path.exists(self._store.object(entry["sha256"]))]
        problem = "became full with artifact %s (%s): %d bytes are free, and %d bytes of %d artifacts are still to come" % (
            self._fatal_entry["path"], self._fatal.strerror, self._store.room()[0], sum(entry["size"] for entry in left), len(left))
        return InputError("store", self._store.root, problem, "Free space there and run again: what was fetched is kept")

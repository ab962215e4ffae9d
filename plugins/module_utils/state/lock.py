# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time for each unit and target.

A holder is ``{run, target, controller, pid, started, user, since, renewed, lease, purpose}``, kept in the document ``lock-<unit>``. It holds
the lock for ``lease`` seconds from ``renewed`` on, or until its process is known to be gone.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import check_name

LEASE = 90
ATTEMPTS = 15
PAUSE = 2.0
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
KEYS = ("run", "target", "controller", "pid", "started", "user", "since", "renewed", "lease", "purpose")


def document(unit):
    """Name of the document that holds a unit's lock."""
    return "lock-%s" % check_name(unit, "unit")


def utc(seconds):
    """A time as text."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(FORMAT)


def parse(text, source):
    """The holder that a lock document names, or None.

    :raises StagecraftError: the document is damaged.
    """
    if text is None:
        return None
    try:
        holder = json.loads(text)
        datetime.strptime(holder["renewed"], FORMAT)
        return dict(holder, run=str(holder["run"]), lease=int(holder["lease"]))
    except (ValueError, TypeError, KeyError) as exc:
        raise StagecraftError("%s: is not a lock of this collection (%s). If no run is at work on the unit, remove it with "
                              "stagecraft.release.stages_lock, state: broken." % (source, exc)) from exc


def read(backend, unit):
    """The holder of a unit's lock, or None."""
    name = document(unit)
    return parse(backend.read(name), backend.describe(name))


def ends(holder):
    """When the lease ends, in seconds since 1970."""
    renewed = datetime.strptime(holder["renewed"], FORMAT).replace(tzinfo=timezone.utc)
    return (renewed + timedelta(seconds=holder["lease"])).timestamp()


def stale(holder, now, alive):
    """Whether another run may take the lock over.

    :param alive: function of a holder: False when its process is known to be gone.
    """
    return now >= ends(holder) or not alive(holder)


def same_run(one, other):
    """Whether two holders are the same run on the same target; a holder without a target is on any."""
    return one["run"] == other["run"] and not twins(one, other)


def twins(one, other):
    """Whether two targets of one run mean the same unit in the same place."""
    targets = {holder.get("target") for holder in (one, other)} - {None}
    return one["run"] == other["run"] and len(targets) > 1


def acquire(backend, unit, holder, now, alive, sleep=time.sleep, clock=time.monotonic):
    """Take the lock, or renew it where this run has it already.

    :param holder: who asks: run, target, controller, pid, started, user, lease, purpose.
    :param now: seconds since 1970 by the clock of the machine that keeps the lock's times.
    :param alive: function of a holder: False when its process is known to be gone.
    :returns: the holder as written.
    :raises StagecraftError: another run has it; ``lock`` in the details is that run.
    """
    with backend.exclusive():
        for attempt in range(ATTEMPTS):
            begun = clock()
            present = read(backend, unit)
            own = present is not None and same_run(present, holder)
            if present is not None and not own and (twins(present, holder) or not stale(present, now, alive)):
                raise _held(unit, present, holder)
            record = _record(holder, now, present if own else None)
            backend.write(document(unit), _text(record))
            if not backend.settle or (own and now < ends(present)):
                return record
            # Without compare-and-set: whoever still stands after all who saw it free have written, has it. A write that
            # took longer than the others wait may have hit one who had it already: it does not count, and the one who
            # was hit stops at its next renewal.
            slow = clock() - begun >= backend.settle
            sleep(backend.settle)
            there = read(backend, unit)
            if there is not None and not same_run(there, holder):
                raise _held(unit, there, holder)
            if there is not None and not slow:
                return record
            if there is not None:
                backend.delete(document(unit))
            sleep(min(backend.settle * (attempt + 1), PAUSE))
    raise StagecraftError("lock of %s: %s answers too slowly to take the lock safely (%d attempts). Look at the load of the server "
                          "and run again." % (unit, backend.describe(document(unit)), ATTEMPTS), lock=None)


def renew(backend, unit, holder, now, alive, sleep=time.sleep, clock=time.monotonic):
    """Go on holding the lock.

    :raises StagecraftError: this run does not hold it any more and must stop.
    """
    present = read(backend, unit)
    if present is None:
        raise StagecraftError("lock of %s: this run (%s) does not hold it any more: it was broken or released. Stop; nothing else is "
                              "changed by this run. Run again." % (unit, holder["run"]), lock=None)
    if twins(present, holder):
        raise _held(unit, present, holder)
    if not same_run(present, holder):
        raise StagecraftError("lock of %s: taken over by %s: stop. Nothing else is changed by this run (%s)."
                              % (unit, who(present), holder["run"]), lock=present)
    return acquire(backend, unit, holder, now, alive, sleep, clock)


def release(backend, unit, holder):
    """Give the lock back.

    :returns: True when it was this run's; the lock of another run is left alone.
    """
    with backend.exclusive():
        present = read(backend, unit)
        if present is None or not same_run(present, holder):
            return False
        backend.delete(document(unit))
        return True


def break_(backend, unit):
    """Take the lock away from whoever has it, damaged or not.

    :returns: whether there was one, and its holder (None where that cannot be read).
    """
    name = document(unit)
    with backend.exclusive():
        text = backend.read(name)
        try:
            holder = parse(text, backend.describe(name))
        except StagecraftError:
            holder = None
        backend.delete(name)
        return text is not None, holder


def check(backend, unit, holder, now, alive):
    """Refuse a write by a run that is not the one that holds the lock; a unit without a lock is free.

    :param holder: who writes: run and target.
    :raises StagecraftError: another run holds it.
    """
    present = read(backend, unit)
    if present is not None and not same_run(present, holder) and (twins(present, holder) or not stale(present, now, alive)):
        raise _held(unit, present, holder)


def who(holder):
    """A holder, for messages."""
    return "%s@%s (process %s, run %s)" % (holder.get("user") or "?", holder.get("controller") or "?", holder.get("pid"), holder["run"])


def _held(unit, holder, asks):
    if twins(holder, asks):
        return StagecraftError(
            "unit %s: is declared twice: %s and %s of this run both mean it, and %s works on it. One unit in one place is one target: "
            "keep one of these hosts in the inventory, or use --limit." % (unit, holder["target"], asks["target"], holder["target"]), lock=holder)
    purpose = " for %s" % holder["purpose"] if holder.get("purpose") else ""
    return StagecraftError(
        "lock of %s: held by %s%s since %s; its lease ends at %s unless it is renewed. Wait for that run, or, if you know it to be "
        "dead, break the lock with stagecraft.release.stages_lock, state: broken."
        % (unit, who(holder), purpose, holder.get("since", "?"), utc(ends(holder))), lock=holder)


def _record(holder, now, own):
    """What is written; ``own`` is what this run has written before."""
    record = {key: holder.get(key) for key in KEYS}
    record.update(since=utc(now), renewed=utc(now), lease=int(holder.get("lease") or LEASE))
    if own:
        record.update(since=own.get("since") or utc(now), purpose=record["purpose"] or own.get("purpose"))
    return record


def _text(record):
    return json.dumps(record, indent=1, sort_keys=True) + "\n"

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a target runs now, decided for each host alone from the things themselves: the rules as they are told, with nothing shared and nothing kept.

The peer of the bench, and the second opinion of the unit tests. It knows no soak, no windows and no ring that waits for what another has reached.
"""

from __future__ import annotations

RUN, HOLD = "run", "hold"
FINE = ("good", "none")


def decide(now, target, schedule, snapshots, marks, pin=None, stops=(), approvals=None):
    """Action, release and code for one target."""
    names = [ring.name for ring in schedule.rings]
    index = names.index(target.ring) if target.ring in names else len(names) - 1
    rings = schedule.rings[:index + 1]
    mine = {"ring": (names[index], target.ring), "host": (target.name,)}
    if any(stop.level not in mine or stop.name in mine[stop.level] for stop in stops):
        return HOLD, target.current, "kill_switch"
    if target.disabled:
        return HOLD, target.current, "disabled"
    ordered = sorted(snapshots, key=lambda snapshot: (snapshot.at, snapshot.name))
    last = {mark.snapshot: mark for mark in marks}
    shut = _shut(ordered, list(marks), last)
    by_name = {snapshot.name: snapshot for snapshot in ordered}
    current = by_name.get(target.current)
    ran = set(target.ran) | ({target.current} if current else set())
    barriers = [snapshot for snapshot in ordered if snapshot.barrier and not snapshot.dead_end and snapshot.name not in shut
                and snapshot.name not in ran and (current is None or _key(snapshot) > _key(current))]
    limit = _key(barriers[0]) if barriers else None
    if pin is not None and now < pin.until:
        return _pinned(target, pin, by_name, last, barriers[0] if barriers else None)
    if current is not None and current.dead_end:
        return HOLD, target.current, "dead_end"

    def usable(snapshot):
        return not snapshot.dead_end and snapshot.name not in shut and (limit is None or _key(snapshot) <= limit)

    def wanted(snapshot):
        return all((not ring.require_good or snapshot.name in last and last[snapshot.name].state == "good")
                   and (not ring.approval or snapshot.name in (approvals or {}).get(ring.name, ())) for ring in rings)

    def old(snapshot, delays):
        return now - snapshot.at >= max(delays)

    refused = _bad(target.current, last)
    due = None
    for snapshot in reversed(ordered):
        again = refused and current is not None and snapshot.name in target.ran and _key(snapshot) < _key(current)
        if usable(snapshot) and (again or wanted(snapshot) and old(snapshot, [ring.delay for ring in rings])):
            due = snapshot
            break
    dirty = [by_name[name] for name in ran if name in by_name and name in last and last[name].state == "badfwd"]
    dirty = max(dirty, key=_key, default=None)
    if dirty and current and _key(current) > _key(dirty) and not refused:
        dirty = None
    if dirty and not (due and _key(due) > _key(dirty)):
        cap = [0] if last[dirty.name].approved else [rings[-1].forward_delay] if rings[-1].forward_delay is not None else [
            0, *(ring.delay for ring in rings[:-1])]
        for snapshot in ordered:
            if _key(snapshot) > _key(dirty) and usable(snapshot) and wanted(snapshot) and old(snapshot, cap):
                return RUN, snapshot.name, "forward"
        if target.current in last and last[target.current].state == "badfwd":
            return HOLD, target.current, "waiting_for_fix"
    if due and (current is None or refused or _key(due) >= _key(current)):
        if barriers and due is barriers[0]:
            return RUN, due.name, "barrier"
        return RUN, due.name, "back" if current and _key(due) < _key(current) else "due"
    return HOLD, target.current, "nothing_acceptable" if current is None or refused else "ahead"


def _pinned(target, pin, by_name, last, barrier):
    if pin.snapshot not in by_name:
        return HOLD, target.current, "pin_missing"
    if not pin.emergency:
        if _bad(pin.snapshot, last):
            return HOLD, target.current, "pin_bad"
        if barrier and _key(barrier) < _key(by_name[pin.snapshot]):
            return RUN, barrier.name, "barrier"
    return RUN, pin.snapshot, "pinned"


def _shut(ordered, marks, last):
    """Names of snapshots that marks keep targets from: bad ones, and what an incident closes."""
    place = {snapshot.name: _key(snapshot) for snapshot in ordered}
    shut = {name for name in place if _bad(name, last)}
    told = sorted((mark for mark in marks if mark.state not in FINE and mark.at and mark.snapshot in place), key=lambda mark: mark.at)
    for number, mark in enumerate(told):
        if number and mark.at - told[number - 1].at <= 3600:
            continue
        end = number
        while end + 1 < len(told) and told[end + 1].at - told[end].at <= 3600:
            end += 1
        named = {other.snapshot for other in told[number:end + 1]}
        if not any(_bad(name, last) for name in named):
            continue
        low, high = min(place[name] for name in named), max(place[name] for name in named)
        for name in place:
            good = name in last and last[name].state == "good" and (last[name].approved if name in named else last[name].at >= told[end].at)
            if low <= place[name] <= high and not good:
                shut.add(name)
    return shut


def _bad(name, last):
    return name in last and last[name].state not in FINE


def _key(snapshot):
    return snapshot.at, snapshot.name

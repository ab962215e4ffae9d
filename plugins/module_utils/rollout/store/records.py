# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one record of the state says. Whatever is not exactly that is refused, for nothing may be decided by half a record. Pure."""

from __future__ import annotations

import json

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import APPROVALS, MARKS, PINS
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import STATES, Mark, Pin, Snapshot

SCHEMA = 1
_TEXT, _INSTANT, _FLAG = "a text", "a number of seconds since 1970", "true or false"
_FIELDS = {
    MARKS: (("snapshot", _TEXT), ("state", _TEXT), ("at", _INSTANT), ("by", _TEXT), ("why", _TEXT), ("approved", _TEXT)),
    PINS: (("target", _TEXT), ("snapshot", _TEXT), ("until", _INSTANT), ("at", _INSTANT), ("by", _TEXT), ("why", _TEXT), ("emergency", _FLAG),
           ("present", _FLAG)),
    APPROVALS: (("ring", _TEXT), ("snapshot", _TEXT), ("at", _INSTANT), ("by", _TEXT), ("why", _TEXT), ("present", _FLAG)),
    "snapshot": (("name", _TEXT), ("at", _INSTANT), ("commit", _TEXT), ("digest", _TEXT), ("files", _INSTANT), ("barrier", _TEXT), ("dead_end", _TEXT),
                 ("repository", _TEXT), ("ref", _TEXT), ("taken_at", _INSTANT), ("taken_by", _TEXT)),
    "target": (("target", _TEXT), ("ring", _TEXT)),
}
_NAMES = ("snapshot", "target", "ring", "name")


def line(record):
    """A record as one line of text."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False) + "\n"


def parse(kind, text):
    """A record from its text.

    :param kind: one of ``JOURNALS``, ``snapshot`` or ``target``.
    :returns: a dict that has every field of the kind.
    :raises ValueError: it is not such a record; the message says why.
    """
    try:
        # A fleet has so many targets that only what people write is looked at for keys that stand twice.
        record = json.loads(text, object_pairs_hook=None if kind == "target" else once)
    except RecursionError:
        raise ValueError("is not JSON") from None
    _check(kind, record)
    if kind == MARKS and record["state"] not in STATES:
        raise ValueError("has the unknown state %r (known: %s)" % (record["state"], ", ".join(STATES)))
    if kind == "target":
        _check_runs(record.get("runs"))
    return record


def mark(record):
    """A ``Mark``."""
    return Mark(record["snapshot"], record["state"], record["at"], record["by"], record["why"], record["approved"])


def pin(record):
    """A ``Pin``."""
    return Pin(record["target"], record["snapshot"], record["until"], record["by"], record["why"], record["emergency"])


def snapshot(record):
    """A ``Snapshot``."""
    return Snapshot(record["name"], record["at"], record["commit"], record["digest"], record["barrier"], record["dead_end"])


def once(pairs):
    """The object of JSON that has these keys and values.

    :raises ValueError: a key stands twice.
    """
    if len({key for key, value in pairs}) < len(pairs):
        raise ValueError("has a key twice")
    return dict(pairs)


def is_instant(value):
    """Whether it is a whole number of seconds since 1970."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _check_runs(runs):
    try:
        for run in runs:
            if not (isinstance(run["snapshot"], str) and run["snapshot"] and is_instant(run["at"]) and isinstance(run["ok"], bool)):
                raise ValueError("has the run %r, which is none" % run)
    except (TypeError, KeyError) as exc:
        raise ValueError("has no list of runs") from exc


def _check(kind, record):
    if not isinstance(record, dict):
        raise ValueError("is not an object of keys and values")
    for key, what in _FIELDS[kind]:
        if key not in record:
            raise ValueError("has no %r" % key)
        value = record[key]
        good = {_TEXT: isinstance(value, str), _FLAG: isinstance(value, bool), _INSTANT: is_instant(value)}[what]
        if not good or key in _NAMES and not value and not (kind == "target" and key == "ring"):
            raise ValueError("has %r as %r, which is not %s" % (value, key, what if not good else "a name"))

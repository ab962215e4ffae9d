# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Vectors of etch, in the words of this collection: the schedule of the seed, and what a vector does not say.

Assumed, since a vector has no history: until now the target ran what its ring was due, hour by hour, as far as there was a snapshot (where only good
ones count, one that is marked good), and the marks were made just now, each for itself. A static tag, and one that the client asks for, is a pin.
"""

from __future__ import annotations

import base64

import vectors  # first: it lets the collection be imported
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import etch, etch_marks, naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decide import decide_now
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import FLEET, GOOD, Mark, Pin, Snapshot, Stop, Target

RINGS = ("dev", "qa", "stg", "prod-a", "prod")
GROUPS = {"dev": "dev", "int": "dev", "qa": "qa", "stg": "stg", "prod": "prod"}
EVER = 1 << 40


def schedule(only_good: bool = False) -> Schedule:
    """The five rings, an hour apart."""
    return Schedule(tuple(Ring(name, hours * naming.HOUR, require_good=only_good) for hours, name in enumerate(RINGS)))


def snapshots(names: list[str]) -> list[Snapshot]:
    """Those entries of ``tags/`` that are snapshots; names are read in UTC."""
    found = ((name, naming.instant(name, etch.PREFIX)) for name in names)
    return [Snapshot(name, at) for name, at in found if at is not None]


def ring(node: dict) -> str | None:
    """The ring of a host, of several the most cautious; None where the inventory does not know it."""
    if not node.get("known", True):
        return None
    found = {GROUPS[group] for group in node.get("groups") or () if group in GROUPS}
    if node.get("hour3"):
        found = found - {"prod"} | {"prod-a"}
    return max(found, key=RINGS.index, default=None)


def marks(given: dict, strict: bool) -> list[Mark]:
    """The marks of a vector.

    :raises InputError: they cannot be read, or ``strict`` and there is one that etch would pass over.
    """
    if given.get("tagstate_is_dir"):
        raise InputError("tagstate", "tagstate", "is a directory", "Put a file there")
    text = given.get("tagstate_text")
    if given.get("tagstate_text_b64") is not None:
        try:
            text = base64.b64decode(given["tagstate_text_b64"]).decode("utf-8")
        except UnicodeDecodeError as exc:
            raise InputError("tagstate", "tagstate", "is not UTF-8: %s" % exc, "Save it as UTF-8") from exc
    if text is None:
        text = "".join("%s %s\n" % pair for pair in (given.get("tagstate") or {}).items())
    return etch_marks.parse(text, strict)


def decide(vector: dict):
    """What the collection decides, as a ``Decision``.

    :raises InputError: it refuses the marks, and then holds every target with the last valid ones.
    """
    given, now = vector["input"], vectors.instant(vector["input"]["now"])
    said, only_good = marks(given, True), given.get("variant") == "needgood"
    there, rings = snapshots(given["tags"]), schedule(only_good)
    mine, state = rings.ring(ring(given["node"])), {mark.snapshot: mark.state for mark in said}
    ran = [snapshot.name for snapshot in sorted(there, key=lambda snapshot: snapshot.at)
           if snapshot.at <= now - mine.delay and (not only_good or state.get(snapshot.name) == GOOD)]
    target = Target(given["node"]["name"], mine.name, ran[-1] if ran else None, frozenset(ran))
    tag = given.get("client_tag") or given.get("static_tag")
    name = tag[len(etch.TAGS):] if tag and tag.startswith(etch.TAGS) else tag
    pins = {target.name: Pin(target.name, name, EVER, why="static tag %r" % tag)} if tag else {}
    stops = [] if given.get("killswitch") is None else [Stop(FLEET)]
    return decide_now(now, target, rings, there, said, pins, stops)

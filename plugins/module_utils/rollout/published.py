# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document by which hosts find their own release: one file, the state of the rollout as JSON with its signature below. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import schedule_text
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Schedule
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import JOURNALS
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.state import State
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Stop

KIND, SCHEMA = "stagecraft.release rollout", 1
FILE = "rollout.signed"
LIMIT = 64 * 1024 * 1024
# No JSON text has such a line: its strings hold no line breaks.
SEAL = b"\n-----BEGIN SSH SIGNATURE-----\n"
# What a copy of the state needs of a snapshot's repository: nothing, and its address may hold a password.
_PRIVATE = {"repository": "", "ref": ""}
_STOP = {"level", "name", "message", "by", "at"}


@dataclass(frozen=True)
class Document:
    """A published state.

    :param serial: a number that only grows.
    :param made_at: the instant that the state was as it says.
    :param rings: by name of host the name of its ring.
    :param progress: as ``plan.compile`` takes it.
    :param reached: as ``plan.compile`` takes it, for the rings of which it is recorded what their targets ran.
    :param digest: of the text that was signed.
    """

    name: str
    serial: int
    made_at: int
    schedule: Schedule
    state: State
    rings: dict
    progress: dict
    reached: dict
    digest: str


def make(name, text, state, rings, progress, reached):
    """What is published, all but its serial and time.

    :param text: of the schedule.
    :param state: a ``State``; where it cannot be relied on, its stop of the fleet is published with it.
    :param rings: ``{ring name: names of its hosts}``.
    """
    whole = state.document()
    return dict({kind: whole[kind] for kind in JOURNALS}, kind=KIND, schema=SCHEMA, name=name, schedule={"text": text, "digest": digest(text.encode())},
                snapshots=[dict(record, **_PRIVATE) for record in whole["snapshots"]], kill_switches=[vars(stop) for stop in state.stops],
                hosts={host: ring for ring, hosts in rings.items() for host in hosts}, progress=progress, reached=reached)


def serialise(content, serial, made_at):
    """The bytes that are signed; the same content gives the same bytes."""
    text = json.dumps(dict(content, serial=serial, made_at=made_at), sort_keys=True, indent=1)
    return text.encode("ascii") + b"\n"


def digest(data):
    """The digest of bytes, ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def seal(text, signature):
    """The file of a document and its signature."""
    return text[:-1] + SEAL + signature.partition(SEAL[1:])[2]


def unseal(data, where):
    """The text and the signature of a file.

    :raises StagecraftError: it is not such a file, or not all of it.
    """
    text, mark, signature = data.partition(SEAL)
    if not mark or not data.isascii() or not signature.rstrip().endswith(b"-----END SSH SIGNATURE-----"):
        raise StagecraftError("%s: has no whole signature at its end, so it is cut off or another file. Check the address, or publish the state again." % where)
    return text + b"\n", SEAL[1:] + signature


def content(text, where):
    """What the text of a document says, with every part of its form.

    :raises StagecraftError: it is none, or of a form that this release of the collection does not know.
    """
    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=records.once)
        if not isinstance(found, dict) or found.get("kind") != KIND:
            raise ValueError("is not the state of a rollout")
        if found.get("schema") != SCHEMA:
            raise ValueError("has the schema %r, and this release of the collection knows %d" % (found.get("schema"), SCHEMA))
        _check(found)
    except (ValueError, RecursionError) as exc:
        said = "is not JSON" if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError, RecursionError)) else exc
        raise StagecraftError("%s: %s. Publish the state again with the same release of the collection as the host has." % (where, said)) from exc
    return found


def document(text, where):
    """A ``Document`` from the text that was signed.

    :raises StagecraftError: as :func:`content`, or its schedule cannot be used.
    """
    found = content(text, where)
    try:
        schedule = schedule_text.parse(found["schedule"]["text"], "%s: schedule" % where)
    except InputError as exc:
        raise StagecraftError(exc.message) from exc
    return Document(found["name"], found["serial"], found["made_at"], schedule, _state(found), found["hosts"], found["progress"], found["reached"],
                    digest(text))


def _state(found):
    described = {record["name"]: record for record in found["snapshots"]}
    return State("", described=described, journals={kind: found[kind] for kind in JOURNALS}, switches=[Stop(**stop) for stop in found["kill_switches"]])


def _check(found):
    for kind in JOURNALS + ("snapshots", "kill_switches"):
        if not isinstance(found.get(kind), list):
            raise ValueError("has no list %s" % kind)
    for kind in JOURNALS:
        for record in found[kind]:
            _record(kind, record)
    for record in found["snapshots"]:
        _record("snapshot", record)
    for stop in found["kill_switches"]:
        if not isinstance(stop, dict) or set(stop) != _STOP or not records.is_instant(stop["at"]) or not _texts(stop[key] for key in _STOP - {"at"}):
            raise ValueError("has a kill switch that is none: %r" % (stop,))
    schedule = found.get("schedule")
    if not isinstance(schedule, dict) or not isinstance(schedule.get("text"), str) or schedule.get("digest") != digest(schedule["text"].encode()):
        raise ValueError("has no schedule that fits its digest")
    for key in ("serial", "made_at"):
        if not records.is_instant(found.get(key)):
            raise ValueError("has %r as its %s" % (found.get(key), key))
    hosts, progress, reached = (found.get(key) for key in ("hosts", "progress", "reached"))
    good = [isinstance(found.get("name"), str), isinstance(hosts, dict) and _texts(hosts.values()),
            isinstance(progress, dict) and all(isinstance(ats, dict) and all(records.is_instant(at) for at in ats.values()) for ats in progress.values()),
            isinstance(reached, dict) and all(at is None or records.is_instant(at) for at in reached.values())]
    if not all(good):
        raise ValueError("lacks one of name, hosts, progress and reached")


def _record(kind, record):
    try:
        records.parse(kind, records.line(record))
    except ValueError as exc:
        raise ValueError("has a record in %s that %s" % (kind, exc)) from exc


def _texts(values):
    return all(isinstance(value, str) for value in values)

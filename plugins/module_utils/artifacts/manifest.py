# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a release: its schema, read, checked and written; what of it a host needs.

A manifest is believed only after its signature was checked. It is checked here all the same as if anybody had written it.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import paths
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

MANIFEST = paths.MANIFEST
SIGNATURES = paths.SIGNATURES
SUMS = paths.SUMS
MARKER = paths.MARKER

SCHEMA = 1
ENTRY_LIMIT = 50000
TEXT_LIMIT = 64 * 1024 * 1024
SIZE_LIMIT = 1 << 40
SERIAL_LIMIT = (1 << 53) - 1
LABEL_LIMIT = 2048
ANY = "any"
# Each kind with the keys of its own.
KINDS = {
    "wheel": ("dist", "version"),
    "package": ("package", "version", "arch"),
    "git": ("commit",),
    "image": ("id", "tags"),
    "rootfs": (),
    "file": ("mode",),
}
SHA256 = re.compile(r"[0-9a-f]{64}\Z")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
COMMIT = re.compile(r"([0-9a-f]{7,64})?\Z")
OBJECT = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\Z")
MODE = re.compile(r"0[0-7]{3}\Z")
TIME = "%Y-%m-%dT%H:%M:%SZ"
MAKE_AGAIN = "Make the manifest again with artifact_manifest"
HTML = "begins like an HTML page, not like a manifest. Check the address: this may be a login page or a server's error page"


def parse(text, source):
    """The manifest that ``text`` is, checked in full.

    :param text: the bytes of ``manifest.json``.
    :param source: where it comes from, for messages.
    :returns: the document as a dict.
    :raises StagecraftError: it is not a manifest that can be used.
    """
    sniff(text, source)
    try:
        document = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_int=_integer, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise StagecraftError("%s: is not valid JSON (%s), so it is not a manifest, or not the whole one. %s, or fetch it again."
                              % (source, exc, MAKE_AGAIN)) from exc
    return validate(document, source)


def sniff(text, source):
    """Refuse at a glance what is too long for a manifest or does not begin like one."""
    if len(text) > TEXT_LIMIT:
        raise StagecraftError("%s: is longer than %d bytes, which no manifest is. Check the address, or split the release." % (source, TEXT_LIMIT))
    begin = text[:1024].lstrip()
    if begin.startswith(b"<"):
        raise StagecraftError("%s: %s." % (source, HTML))
    if not begin.startswith(b"{"):
        raise StagecraftError("%s: %s. Check the address." % (source, "is empty" if not text else "does not begin like a manifest"))


def validate(document, source):
    """``document`` when it is a manifest; see :func:`parse`."""
    schema = document.get("schema")
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        raise InputError("%s: schema" % source, schema, "is newer than %d, the newest that this version knows" % SCHEMA,
                         "Update the collection stagecraft.release on this controller")
    if schema != SCHEMA or isinstance(schema, bool):
        raise InputError("%s: schema" % source, paths.shown(schema), "is not a known schema of manifests", MAKE_AGAIN)
    for key in ("project", "release"):
        paths.check_name(document.get(key), "%s: %s" % (source, key))
    _number(document, "serial", 1, SERIAL_LIMIT, source)
    _time(document, "created", source)
    if document.get("expires") is not None:
        _time(document, "expires", source)
    _matching(document, "commit", COMMIT, source)
    entries = document.get("artifacts")
    if not isinstance(entries, list):
        raise InputError("%s: artifacts" % source, paths.shown(entries), "is not a list", MAKE_AGAIN)
    if len(entries) > ENTRY_LIMIT:
        raise InputError("%s: artifacts" % source, len(entries), "is more than the %d entries that a manifest may have" % ENTRY_LIMIT,
                         "Pack many small files into an archive, or split the release")
    for number, entry in enumerate(entries):
        _check_entry(entry, number, source)
    _check_tree(entries, source)
    return document


def _check_entry(entry, number, source):
    if not isinstance(entry, dict):
        raise InputError("%s: artifacts[%d]" % (source, number), paths.shown(entry), "is not a mapping", MAKE_AGAIN)
    path = entry.get("path")
    problem = paths.problem_of(path)
    if problem:
        raise InputError("%s: artifacts[%d].path" % (source, number), paths.shown(path), problem, paths.REMEDY)
    where = "%s: artifact %s" % (source, path)
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError("%s: kind" % where, paths.shown(kind), "is not one of %s" % ", ".join(KINDS), MAKE_AGAIN)
    _number(entry, "size", 0, SIZE_LIMIT, where)
    _matching(entry, "sha256", SHA256, where)
    paths.check_name(entry.get("platform"), "%s: platform" % where)
    _label(entry, "origin", where, empty=True)
    sets = _texts(entry, "sets", where)
    if not sets:
        raise InputError("%s: sets" % where, "[]", "is empty, so no host would ever need it", "Name at least one set, such as 'default'")
    for name in sets:
        paths.check_name(name, "%s: sets" % where)
    for key in KINDS[kind]:
        _check_own(entry, key, where)


def _check_own(entry, key, where):
    if key == "id":
        _matching(entry, key, DIGEST, where)
    elif key == "commit":
        _matching(entry, key, OBJECT, where)
    elif key == "mode":
        _matching(entry, key, MODE, where)
    elif key == "tags":
        _texts(entry, key, where)
    else:
        _label(entry, key, where)


def _check_tree(entries, source):
    seen = set()
    for entry in entries:
        if entry["path"] in seen:
            raise InputError("%s: artifacts" % source, entry["path"], "is there twice", MAKE_AGAIN)
        seen.add(entry["path"])
    for entry in entries:
        parts = entry["path"].split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            if above in seen:
                raise InputError("%s: artifacts" % source, entry["path"], "lies below %r, which is an artifact and not a directory" % above,
                                 MAKE_AGAIN)


def _number(mapping, key, least, most, where):
    value = mapping.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InputError("%s: %s" % (where, key), paths.shown(value), "is not a whole number from %d to %d" % (least, most), MAKE_AGAIN)


def _matching(mapping, key, pattern, where):
    value = mapping.get(key)
    if not isinstance(value, str) or not pattern.match(value):
        raise InputError("%s: %s" % (where, key), paths.shown(value), "does not have the form of a %s" % key, MAKE_AGAIN)


def _label(mapping, key, where, empty=False):
    _check_label(mapping.get(key), "%s: %s" % (where, key), empty)


def _check_label(value, field, empty=False):
    if not isinstance(value, str) or (not value and not empty) or len(value) > LABEL_LIMIT or paths.unseen(value):
        raise InputError(field, paths.shown(value), "is not a text of one line and at most %d characters" % LABEL_LIMIT, MAKE_AGAIN)


def _texts(mapping, key, where):
    values = mapping.get(key)
    if not isinstance(values, list):
        raise InputError("%s: %s" % (where, key), paths.shown(values), "is not a list", MAKE_AGAIN)
    for value in values:
        _check_label(value, "%s: %s" % (where, key))
    return values


def _time(mapping, key, where):
    check_time(mapping.get(key), "%s: %s" % (where, key))


def check_time(value, field):
    """Refuse what is not a time as manifests write it."""
    try:
        # strptime also takes fields of one digit, which would not compare as text.
        fits = datetime.datetime.strptime(value, TIME).strftime(TIME) == value
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise InputError(field, paths.shown(value), "is not a time in UTC", "Write it as 2026-11-21T09:00:00Z")


def _unique(pairs):
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        names = [name for name, _value in pairs]
        raise ValueError("a key is there twice: %s" % sorted(name for name in mapping if names.count(name) > 1)[0])
    return mapping


def _integer(text):
    if len(text) > 20:
        raise ValueError("a number of %d digits" % len(text))
    return int(text)


def _no_constant(name):
    raise ValueError("%s is not a number" % name)


def digest(text):
    """The digest by which a manifest is known: that of its exact bytes."""
    return "sha256:%s" % hashlib.sha256(text).hexdigest()


def serialise(document):
    """The bytes of ``manifest.json``: the same for the same document, on every machine."""
    entries = [dict(entry, sets=sorted(set(entry["sets"]))) for entry in document["artifacts"]]
    ordered = dict(document, artifacts=sorted(entries, key=lambda entry: entry["path"]))
    return (json.dumps(ordered, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def sums(document):
    """The bytes of ``SHA256SUMS``, as ``sha256sum --check`` reads them. Paths hold nothing that would have to be escaped."""
    lines = ["%s  %s\n" % (entry["sha256"], entry["path"]) for entry in sorted(document["artifacts"], key=lambda entry: entry["path"])]
    return "".join(lines).encode("utf-8")


def select(document, sets, platforms):
    """The entries that a host needs, in the order of the manifest.

    :param sets: names of sets; none means all of them.
    :param platforms: labels; none means all of them, and ``any`` always belongs to them.
    :raises InputError: a set that no artifact belongs to.
    """
    known = sorted({name for entry in document["artifacts"] for name in entry["sets"]})
    for name in sets or ():
        if name not in known:
            raise InputError("sets", name, "is in no artifact of release %s of %s" % (document["release"], document["project"]),
                             "Give some of: %s" % (", ".join(known) or "none are there"))
    wanted = set(sets or known)
    labels = set(platforms or ()) | {ANY}
    return [entry for entry in document["artifacts"] if wanted & set(entry["sets"]) and (not platforms or entry["platform"] in labels)]


def summary(entries):
    """How many artifacts and bytes ``entries`` are, and how many of each kind."""
    by_kind = {}
    for entry in entries:
        by_kind[entry["kind"]] = by_kind.get(entry["kind"], 0) + 1
    return dict(artifacts=len(entries), bytes=sum(entry["size"] for entry in entries), by_kind=by_kind)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a release directory, made so that what did not change keeps its serial, its time and so its digest."""

from __future__ import annotations

import functools
import os

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import describing, documents, manifest, paths, signature
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

WORK = ".work"


def root_of(path):
    """The releases root that a release directory, or a working directory of one, lies below."""
    above = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    return os.path.dirname(above) if os.path.basename(above) == WORK else above


def document(params, entries, now):
    """The manifest for what was described.

    :param params: validated options of artifact_manifest.
    :param entries: see :func:`describing.describe`.
    :param now: the time, as text.
    """
    root = params["root"] or root_of(params["path"])
    before = _parsed(params["path"]) or _parsed(os.path.join(root, params["project"], params["release"]))
    made = dict(schema=manifest.SCHEMA, project=params["project"], release=params["release"], commit=params["commit"], artifacts=entries)
    if params["expires"]:
        made["expires"] = params["expires"]
    same = before is not None and {key: value for key, value in before.items() if key not in ("serial", "created")} == made
    made["created"] = params["created"] or (before["created"] if same else now)
    if params["serial"] is not None:
        made["serial"] = params["serial"]
    elif same:
        made["serial"] = before["serial"]
    else:
        made["serial"] = 1 + max([0] + _serials(root, params["project"]) + ([before["serial"]] if before else []))
    manifest.validate(made, "the manifest of %s" % params["path"])
    if before and made != before and (made["serial"] < before["serial"] or (not same and made["serial"] == before["serial"])):
        raise InputError("serial", made["serial"], "does not come after %d, under which this release was made with other content" % before["serial"],
                         "Give a higher serial, or none")
    if made.get("expires") and made["expires"] <= max(made["created"], now):
        raise InputError("expires", made["expires"], "is not after now and 'created'", "Give a time that is still to come")
    return made


def _parsed(directory):
    """The manifest that a directory holds, None where there is none."""
    try:
        text = documents.read_file(directory, paths.MANIFEST, manifest.TEXT_LIMIT)
    except paths.Missing:
        return None
    return manifest.parse(text, documents.address(directory, paths.MANIFEST))


def _serials(root, project):
    """The serials of all releases of a project."""
    directory = os.path.join(root, project)
    try:
        names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    except OSError as exc:
        raise StagecraftError("%s: the serials of the releases there cannot be read: %s. Let the user who builds read it, or give 'serial'."
                              % (directory, exc.strerror)) from exc
    found = [_parsed(os.path.join(directory, name)) for name in names if os.path.isdir(os.path.join(directory, name))]
    return [one["serial"] for one in found if one]


def signed(text, before, params):
    """The signatures that belong beside a manifest: ``{name: bytes or function that makes them}``, None for one that must go.

    One that fits and was made by the key stays as it is: not every kind of key makes the same one twice.

    :param text: the bytes of the manifest.
    :param before: the documents that are there.
    """
    wanted = {}
    ways = ((signature.SSH, params["ssh_key"], signature.ssh_made_by, signature.ssh_sign, ()),
            (signature.GPG, params["gpg_key"], signature.gpg_made_by, signature.gpg_sign, (params["gpg_home"],)))
    for name, key, made_by, sign, more in ways:
        old = before.get(name)
        if not key:
            wanted[name] = old if before.get(paths.MANIFEST) == text else None
        elif old and made_by(text, old, key, *more):
            wanted[name] = old
        else:
            wanted[name] = functools.partial(sign, text, key, *more)
    return wanted


def make(params, now, check_mode):
    """Describe, write and sign; see the module artifact_manifest.

    :returns: the document, the bytes of the manifest before, and whether anything changes.
    """
    path = params["path"]
    for field in ("project", "release"):
        paths.check_name(params[field], field)
    if not os.path.isdir(path):
        raise InputError("path", path, "is not a directory on this host", "Give the release directory that the artifacts were put into")
    directories = params["directories"] or describing.conventional(path)
    if not directories:
        raise InputError("path", path, "has none of the directories %s" % ", ".join(name for name, _kind in describing.CONVENTION),
                         "Put the artifacts there, or name their directories in 'directories'")
    entries = describing.describe(path, directories)
    if not entries:
        raise InputError("path", path, "holds no artifact in %s" % ", ".join(one["path"] for one in directories), "Put the artifacts there first")
    made = document(params, entries, now)
    text = manifest.serialise(made)
    if len(text) > manifest.TEXT_LIMIT:
        raise InputError("path", path, "makes a manifest of %d bytes" % len(text), "Split the release, or pack many small files into an archive")
    before = documents.kept(path)
    after = dict(signed(text, before, params), **{paths.MANIFEST: text, paths.SUMS: manifest.sums(made)})
    different = {name: data for name, data in after.items() if before.get(name) != data}
    if different and not check_mode:
        documents.write(path, {name: data() if callable(data) else data for name, data in different.items()})
    return made, before.get(paths.MANIFEST), bool(different)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release verified: its signature, that it is the one that was asked for, and that it is neither old nor changed."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import checking, documents, manifest, paths, signature
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

DIGEST_REMEDY = "Give it as sha256: and 64 hexadecimal digits, as artifact_manifest returns it"


class Verified:
    """A release that was verified.

    :param release: the :class:`documents.Release` as it was read.
    :param document: its manifest.
    :param state: of the signature: ``good``, ``unchecked`` or ``none``.
    :param signed_by: who signed it.
    """

    def __init__(self, release, document, state, signed_by):
        self.release = release
        self.document = document
        self.state = state
        self.signed_by = signed_by


def check_options(params):
    """Refuse options that cannot lead to an answer, before anything is fetched."""
    if not params["sources"]:
        raise InputError("sources", [], "names no source", documents.REMEDY)
    for source in params["sources"]:
        if documents.is_url(source) and params["artifacts"] != "none":
            raise InputError("artifacts", params["artifacts"], "needs the files themselves, and %s is a server" % source,
                             "Give release directories on this host as sources, or check no artifacts")
    if params["digest"] and not manifest.DIGEST.match(params["digest"]):
        raise InputError("digest", params["digest"], "is not the digest of a manifest", DIGEST_REMEDY)
    if params["timeout"] <= 0:
        raise InputError("timeout", params["timeout"], "is not more than 0", "Give seconds, such as 30")
    signature.check_trust(params["allowed_signers"], params["keyring"], params["require_signature"])


def first(params, now, warn):
    """The release from the first source that has it as it should be.

    :param params: validated options of artifact_verify.
    :param now: the time, as text.
    :param warn: told of each source that was passed over.
    :raises StagecraftError: no source has it.
    """
    reader = documents.Reader(params["timeout"], params["validate_certs"], params["ca_path"], params["headers"])
    failures = []
    for source in params["sources"]:
        try:
            found = _from(source, reader, params, now)
        except signature.NoTool:
            raise
        except StagecraftError as exc:
            failures.append("%s: %s" % (source, exc.message) if source not in exc.message else exc.message)
        else:
            for failure in failures:
                warn("A source was passed over: %s" % failure)
            return found
    if len(failures) == 1:
        raise StagecraftError(failures[0])
    raise StagecraftError("sources: none of %d has this release as it should be. %s"
                          % (len(failures), " ".join("(%d) %s" % item for item in enumerate(failures, 1))))


def _from(source, reader, params, now):
    release = reader.read(source)
    where = documents.address(source, paths.MANIFEST)
    found = manifest.digest(release.text)
    if params["digest"] and found != params["digest"]:
        raise InputError("%s: digest" % where, found, "is not the expected %s" % params["digest"],
                         "The release was changed after it was chosen; find out by whom before you take the new one")
    state, signed_by = signature.check(release.text, release.signatures, params["allowed_signers"], params["keyring"], params["identity"],
                                       params["require_signature"], params["where_possible"])
    document = manifest.parse(release.text, where)
    expected(document, where, params, now)
    if params["dest"]:
        not_back(release.text, document, where, params["dest"])
    return Verified(release, document, state, signed_by)


def expected(document, where, params, now):
    """Refuse a manifest that is not the one that was asked for, or that is too old."""
    for key in ("project", "release"):
        if params[key] and document[key] != params[key]:
            raise InputError("%s: %s" % (where, key), document[key], "is not the expected %r" % params[key],
                             "Check the source: it has another release there")
    if document["serial"] < params["minimum_serial"]:
        raise InputError("%s: serial" % where, document["serial"], "is lower than %d, which was seen before" % params["minimum_serial"],
                         "This is an older manifest. Check the source; lower 'minimum_serial' only to go back on purpose")
    if document.get("expires") and document["expires"] <= now and not params["allow_expired"]:
        raise InputError("%s: expires" % where, document["expires"], "has passed (it is %s)" % now,
                         "Build the release again with a later 'expires', or check this host's clock")


def not_back(text, document, where, directory):
    """Refuse a manifest that is older than the one of the same release that a directory keeps from before."""
    try:
        kept = documents.kept(directory).get(paths.MANIFEST, text)
        if kept == text:
            return
        before = manifest.parse(kept, documents.address(directory, paths.MANIFEST))
    except StagecraftError:
        return
    if all(before[key] == document[key] for key in ("project", "release")) and document["serial"] < before["serial"]:
        raise InputError("%s: serial" % where, document["serial"], "is lower than %d, which %s keeps from before" % (before["serial"], directory),
                         "This is an older manifest of the same release. Check the source; remove that directory only to go back on purpose")


def differing(verified, entries, how):
    """The artifacts beside the manifest that differ from it."""
    return [] if how == "none" else checking.differing(verified.release.source, entries, how == "full")


def keep(verified, directory, check_mode):
    """Keep manifest and signatures in a directory; returns whether that changes it."""
    before = documents.kept(directory)
    wanted = dict({name: None for name in paths.SIGNATURES}, **verified.release.signatures)
    wanted[paths.MANIFEST] = verified.release.text
    different = {name: data for name, data in wanted.items() if before.get(name) != data}
    if different and not check_mode:
        documents.write(directory, different)
    return bool(different)

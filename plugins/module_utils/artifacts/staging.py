# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release brought to a host: planned, fetched, made complete, and older ones taken away."""

from __future__ import annotations

import base64
import binascii
import zlib

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import documents, fetching, manifest, paths, places, views
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts.store import Store
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

NAMED = 5


class Wanted:
    """The release that a host shall have.

    :param found: ``{name: bytes}`` of its documents.
    :param where: the directory they are from, for messages.
    :param digest: the digest that the manifest must have, or None.
    """

    def __init__(self, found, where, digest=None):
        self.documents = found
        self.text = found.get(paths.MANIFEST)
        if self.text is None:
            raise InputError("manifest", where, "has no %s" % paths.MANIFEST, "Give the directory that artifact_verify kept the manifest in")
        self.digest = manifest.digest(self.text)
        if digest and self.digest != digest:
            raise InputError("manifest: digest", self.digest, "is not the expected %s" % digest,
                             "Verify the release again; find out who changed %s before you take the new one" % where)
        self.document = manifest.parse(self.text, documents.address(where, paths.MANIFEST))


def packed(found):
    """Documents as they are sent to a host."""
    return {name: base64.b64encode(zlib.compress(data)).decode("ascii") for name, data in found.items()}


def unpacked(sent):
    """What :func:`packed` was given."""
    found = {}
    for name, text in sent.items():
        try:
            packer = zlib.decompressobj()
            found[name] = packer.decompress(base64.b64decode(text, validate=True), manifest.TEXT_LIMIT + 1)
        except (binascii.Error, ValueError, TypeError, zlib.error) as exc:
            raise InputError("documents", name, "cannot be unpacked: %s" % exc, "Leave this option to the action") from exc
    return found


def check_options(params):
    """Refuse options that cannot lead to a release, before anything is looked at."""
    for key, least in (("parallel", 1), ("bandwidth", 0), ("retries", 0), ("reserve", 0), ("keep", 0)):
        if params[key] < least:
            raise InputError(key, params[key], "is less than %d" % least, "Give a whole number from %d on" % least)
    for source in params["sources"]:
        if not source.startswith("controller:"):
            documents.is_url(source)
    for name in params["keep_releases"]:
        paths.check_name(name, "keep_releases")


def stage(params, wanted, call, now):
    """Bring a release to this host.

    :param params: validated options of artifact_fetch.
    :param wanted: the :class:`Wanted` release.
    :param call: for check mode and warnings.
    :param now: the time, as text.
    :returns: the module's result.
    """
    access = places.Access(params["timeout"], params["validate_certs"], params["ca_path"], params["headers"])
    store, project = Store(params["store"]), wanted.document["project"]
    store.check(project)
    if call.check_mode:
        plan = _plan(store, wanted, params)
        return _result(plan, plan.changes(), _surplus(plan, params))
    with store.exclusive(params["timeout"]):
        store.prepare(project)
        plan = _plan(store, wanted, params)
        outcome = _fetch(plan, params, access, call.warn) if plan.missing else fetching.Outcome()
        if outcome.problems:
            return dict(_result(plan, bool(outcome.counts), [], outcome), missing=[entry["path"] for entry, _reason in outcome.problems],
                        problems=_told(outcome.problems) if params["sources"] else "")
        changes, replaced = plan.changes(), plan.staged.there and not plan.grows
        if changes:
            plan.publish(now)
        removed = _surplus(plan, params)
        views.take_away(store, project, removed)
        if removed or replaced:
            views.sweep(store)
    return _result(plan, changes, removed, outcome)


def _plan(store, wanted, params):
    plan = views.Plan(store, wanted, params["sets"], params["platforms"], params["replace"])
    store.check_room(plan.missing, params["reserve"], len(plan.unlinked))
    return plan


def _fetch(plan, params, access, warn):
    """Bring what is missing; what no source has is an error, unless the action goes on with another one."""
    total = len(plan.missing)
    plan.store.make_shelves(entry["sha256"] for entry in plan.missing)
    found = [places.place_of(source, access, params["bundles"] or {}) for source in params["sources"]]
    outcome = fetching.Fetch(plan.store, found, params["parallel"], params["bandwidth"], params["retries"], params["timeout"]).run(plan.missing)
    for name, (count, first) in sorted(outcome.passed_over.items()):
        warn("%s: %d artifacts were taken from another source; %s" % (name, count, first))
    if outcome.problems and not params["leave_missing"]:
        if not found:
            raise InputError("sources", [], "names no source, and %d artifacts are missing, %s first" % (total, plan.missing[0]["path"]),
                             documents.REMEDY)
        raise StagecraftError("%d of %d artifacts of release %s could not be fetched: %s. Put that right there or give another source, and run "
                              "again: what was fetched is kept." % (len(outcome.problems), total, plan.wanted.document["release"],
                                                                    _told(outcome.problems)), **_result(plan, bool(outcome.counts), [], outcome))
    return outcome


def _surplus(plan, params):
    document = plan.wanted.document
    return views.surplus(plan.store, document["project"], document["release"], params["keep"], params["keep_releases"])


def _told(problems):
    """The first artifacts by name with what is wrong, the others by number."""
    named = ["artifact %s: %s" % (entry["path"], text) for entry, text in problems[:NAMED]]
    return "; ".join(named + (["and %d more" % (len(problems) - NAMED)] if len(problems) > NAMED else []))


def _result(plan, changes, removed, outcome=None):
    """The module's result; without an outcome, what it would be."""
    coming = plan.missing
    contents = {entry["sha256"] for entry in plan.entries}
    counts = outcome.counts if outcome else {}
    return dict(changed=changes or bool(removed), path=plan.staged.path, digest=plan.wanted.digest,
                fetched=sum(counts.values()) if outcome else len(coming),
                fetched_bytes=outcome.bytes if outcome else sum(entry["size"] for entry in coming),
                present=len(contents) - len(coming) + (outcome.left if outcome else 0), sources_used=dict(counts), removed=list(removed))

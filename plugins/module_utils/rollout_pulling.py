# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The published state of a rollout on a host that pulls: fetched, verified, kept, and what the host knows of itself."""

from __future__ import annotations

import json
import os
import socket

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import documents, signature
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import published, pulled
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import recording, switches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.state import State

SEEN = "seen.json"
KEPT = "kept"
CHANGED = "does not fit the state that it stands below: one of the two was changed after it was signed, or it was signed for something else"


class Source:
    """Documents from where they are published or kept, none of which is believed before its signature is good.

    :param params: validated options of rollout_pull.
    """

    def __init__(self, params):
        self._name, self._signers, self._identity = params["name"], params["allowed_signers"], params["identity"]
        self._reader = documents.Reader(params["timeout"], params["validate_certs"], params["ca_path"], params["headers"])

    def read(self, source):
        """The file at a source.

        :returns: its bytes and its ``Document``; None and None where there is no file.
        :raises StagecraftError: it cannot be read, or is not a state that counts here.
        """
        where = documents.address(source, published.FILE)
        data = self._reader.document(source, published.FILE, published.LIMIT)
        if data is None:
            return None, None
        text, sealed = published.unseal(data, where)
        signature.ssh_verify(text, sealed, self._signers, self._identity, where, CHANGED)
        document = published.document(text, where)
        if document.name != self._name:
            raise InputError("%s: name" % where, document.name, "is not the expected %r" % self._name, "Check the source: it is of another rollout")
        return data, document


class Seen:
    """What earlier runs on this host have seen.

    :ivar serial: the highest serial; nothing older counts.
    :ivar digest: of the document that had it.
    :ivar clock: the latest instant that this host's clock showed.
    """

    def __init__(self, serial=0, digest="", clock=0):
        self.serial, self.digest, self.clock = serial, digest, clock

    @classmethod
    def read(cls, path, problems):
        """What is in a file; what cannot be read is a problem, and the kept document alone counts."""
        try:
            with open(path, encoding="utf-8") as handle:
                found = json.load(handle)
            return cls(int(found["serial"]), str(found["digest"]), int(found["clock"]))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as exc:
            problems.append("%s: cannot be read (%s). It is written again." % (path, exc))
            return cls()


class Found:
    """What the host knows after it asked.

    :ivar document: the newest valid ``Document``, None where there is none.
    :ivar source: where it is from; ``kept`` where no source had it.
    :ivar problems: what was passed over, and why.
    :ivar changed: a newer one was kept, or would be.
    :ivar clock: as ``pulled.Host`` takes it.
    """

    def __init__(self, store, source, fetched, problems, now):
        self.problems, self.document, self.source, self.changed = problems, None, "", False
        self._seen = Seen.read(os.path.join(store.layout.directory, SEEN), problems)
        try:
            self.document, self.source = source.read(store.layout.directory)[1], KEPT
        except signature.NoTool:
            raise
        except StagecraftError as exc:
            problems.append("What was kept of an earlier run does not count. %s" % exc.message)
        if self.document and self.document.serial > self._seen.serial:
            self._seen.serial, self._seen.digest = self.document.serial, self.document.digest
        if self.document and not self._counts(store.layout.directory, self.document):
            self.document = None
        floor, data, kept = self._seen.serial, None, self.document.digest if self.document else ""
        for where, (text, document) in fetched.items():
            if self._counts(where, document) and (data is None or document.serial > self.document.serial):
                data, self.document, self.source = text, document, where
        if not self.document:
            self.source = ""
        proved = data is not None and self.document.serial > floor and self.document.made_at - now <= pulled.SKEW
        self.clock = None if proved else self._seen.clock
        self.changed = data is not None and self.document.digest != kept
        self._keep(store, data if self.changed else None, now if proved else max(now, self._seen.clock))

    def _counts(self, where, document):
        """Whether a document is neither older than what was seen, nor another one of the same serial."""
        seen, at = self._seen, documents.address(where, published.FILE)
        if document.serial < seen.serial:
            self.problems.append("%s: its serial %d is lower than %d, which this host saw before. Check the source: the state there is an older one."
                                 % (at, document.serial, seen.serial))
            return False
        if document.serial == seen.serial and document.digest != seen.digest:
            self.problems.append("%s: has the serial %d of a state that this host saw before, and is another. Publish to one place only." % (at, seen.serial))
            return False
        return True

    def _keep(self, store, data, clock):
        """Keep a document, if one is given, and then what was seen: where that is interrupted, the document says it."""
        if store.check_mode:
            return
        seen = Seen(self._seen.serial, self._seen.digest, clock)
        if data is not None:
            store.put(os.path.join(store.layout.directory, published.FILE), data.decode("ascii"))
            seen.serial, seen.digest = self.document.serial, self.document.digest
        store.put(os.path.join(store.layout.directory, SEEN), json.dumps(vars(seen), sort_keys=True) + "\n")


def fetch(source, places):
    """What the sources have.

    :param source: a :class:`Source`.
    :param places: their addresses.
    :returns: ``{address: (bytes, Document)}`` of those that count, and what is wrong with the others.
    """
    found, problems = {}, []
    for place in places:
        try:
            data, document = source.read(place)
        except signature.NoTool:
            raise
        except StagecraftError as exc:
            problems.append(exc.message)
            continue
        if document is None:
            problems.append("%s: is not there. Check the address, and that the state was published." % documents.address(place, published.FILE))
        else:
            found[place] = data, document
    return found, problems


def look(params, now, check_mode):
    """Ask the sources, and keep what is newer.

    :param params: validated options of rollout_pull.
    :returns: :class:`Found`, and the ``Host`` itself.
    """
    source = Source(params)
    for place in params["sources"]:
        documents.is_url(place)
    fetched, problems = fetch(source, params["sources"])
    alone = check_mode and not os.path.isdir(params["state_dir"])
    with recording.opened(params["state_dir"], "finding the release of this host", check_mode=check_mode, create=True) as store:
        if alone:
            store.state = State(store.layout.directory)
        found = Found(store, source, fetched, problems, now)
        name = params["host"] or named(found.document)
        return found, pulled.Host(name, params["ring"] or "", disabled(params["disable_file"]), found.clock, store.state)


def named(document):
    """The name of this host in a document; its own where it is not there."""
    name = socket.gethostname()
    rings = document.rings if document else {}
    for known in (name, name.partition(".")[0]):
        if known in rings:
            return known
    full = socket.getfqdn()
    return full if full in rings else name


def disabled(path):
    """Why this host takes no release, empty where it does. Whatever is at the path counts."""
    there = switches.look(path)
    if there is None:
        return ""
    return "%s (%s)" % (" ".join(there.message.split()) or "no reason is given", path)

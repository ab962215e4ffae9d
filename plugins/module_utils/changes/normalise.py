# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff of a dry run as a sorted list of changes with a digest that depends on nothing else.

The digest is what a person approves, so two dry runs of the same state must give the same one: the order of rows and
of keys, the ``*_compare`` texts, version suffixes of resource ids and the message of a crashed handler stay out of it.
"""

from __future__ import annotations

import hashlib
import json
import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

ACTIONS = ("added", "modified", "removed")
_ACTION_OF_STATUS = {"added": "added", "modified": "modified", "deleted": "removed"}
_VERSION_SUFFIX = re.compile(r"(?<=\]),v=\d+$")
_RESOURCE_ID = re.compile(r"(?P<type>[^\[\]]+)\[(?P<agent>[^,]+),[^=]+=.*\]$", re.DOTALL)


def canonical(value):
    """The one JSON text of a value: sorted keys, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest_of(text):
    """``sha256:<hex>`` of a canonical text."""
    return "sha256:%s" % hashlib.sha256(text.encode("ascii")).hexdigest()


class Changes:
    """What a dry run found, normalised.

    :ivar changes: sorted list of ``{resource, type, agent, action, attributes: {name: [from, to]}}``.
    :ivar unchecked: sorted list of ``{resource, type, agent, reason}``: what the dry run could not check.
    :ivar total: number of rows of the dry run.
    :ivar unmodified: number of resources without a change.
    :ivar digest: ``sha256:<hex>`` of the canonical JSON of ``changes`` and ``unchecked``.
    """

    def __init__(self, changes, unchecked=(), total=None, unmodified=0):
        text = canonical({"changes": sorted(changes, key=_order), "unchecked": sorted(unchecked, key=_order)})
        # Back from the text: plain types (JMESPath knows no subclasses of str or list) that nobody else can alter.
        plain = json.loads(text)
        self.changes = plain["changes"]
        self.unchecked = plain["unchecked"]
        self.unmodified = unmodified
        self.total = len(self.changes) + len(self.unchecked) + unmodified if total is None else total
        self.digest = digest_of(text)

    def digest_for(self, subject=None):
        """The digest of these changes as those of ``subject``; without one, the digest of the changes alone."""
        return digest_of(canonical({"changes": self.digest, "subject": subject})) if subject else self.digest

    def counts(self):
        """Number of changes per action, and of unchecked resources."""
        counts = dict.fromkeys(ACTIONS, 0)
        for change in self.changes:
            counts[change["action"]] += 1
        counts["unchecked"] = len(self.unchecked)
        return counts

    def as_dict(self):
        """Everything, as JSON can keep it; :meth:`from_dict` reads it."""
        return {
            "changes": self.changes,
            "unchecked": self.unchecked,
            "total": self.total,
            "unmodified": self.unmodified,
            "digest": self.digest,
        }

    @classmethod
    def from_dict(cls, data, source=""):
        """Read what :meth:`as_dict` gave; ``changes`` alone is enough.

        :param data: the dict.
        :param source: where it comes from, for messages.
        """
        prefix = "%s: " % source if source else ""
        remedy = "Give the result of inmanta_dryrun as it is"
        if not isinstance(data, dict) or not isinstance(data.get("changes"), list):
            raise InputError(prefix + "changes", _brief(data), "holds no list of changes", remedy)
        unchecked = data.get("unchecked") or []
        if not isinstance(unchecked, list):
            raise InputError(prefix + "unchecked", _brief(unchecked), "is not a list", remedy)
        seen = set()
        for name, rows, fits in (("changes", data["changes"], _is_change), ("unchecked", unchecked, _is_unchecked)):
            for number, row in enumerate(rows):
                where = "%s%s[%d]" % (prefix, name, number)
                if not fits(row):
                    raise InputError(where, _brief(row), "is not in the form that inmanta_dryrun returns", remedy)
                if row["resource"] in seen:
                    raise InputError(where, row["resource"], "is listed twice", "Give the lists of one dry run only")
                seen.add(row["resource"])
        try:
            result = cls(data["changes"], unchecked, data.get("total"), data.get("unmodified") or 0)
        except (TypeError, ValueError) as exc:
            raise InputError(prefix + "changes", str(exc), "happens on making JSON of it", remedy) from exc
        if data.get("digest") not in (None, result.digest):
            raise InputError(prefix + "digest", data["digest"], "is not the digest of these changes (%s)"
                             % result.digest, "The record was altered or cut: run the dry run again")
        return result


def normalise(rows):
    """Normalise the diff of a dry run.

    :param rows: the list ``diff`` of ``GET /api/v2/dryrun/VERSION/ID``.
    :return: :class:`Changes`.
    """
    changes, unchecked, unmodified = {}, {}, 0
    seen = set()
    for row in rows:
        resource = row.get("resource_id") if isinstance(row, dict) else None
        if not isinstance(resource, str) or not resource:
            raise StagecraftError("The dry run holds a row without a resource id: %.200r. The orchestrator answers in "
                                  "a form that this collection does not know: nothing was judged." % (row,))
        resource = _VERSION_SUFFIX.sub("", resource)
        base, readable = _identify(resource)
        attributes = _attributes(row.get("attributes"))
        if resource in seen:
            changes.pop(resource, None)
            reason = "listed_twice"
        elif not readable or attributes is None:
            reason = "unreadable"
        else:
            reason = _unchecked_reason(row.get("status"), attributes)
        seen.add(resource)
        if reason is not None:
            unchecked[resource] = dict(base, reason=reason)
        elif row["status"] == "unmodified" and not attributes:
            unmodified += 1
        else:
            changes[resource] = dict(base, action=_action(row["status"], attributes), attributes=attributes)
    return Changes(changes.values(), unchecked.values(), len(rows), unmodified)


def _identify(resource):
    """Type and agent of a resource id such as ``fs::File[internal,path=/etc/motd]``, and whether it could be read."""
    match = _RESOURCE_ID.match(resource)
    base = {"resource": resource, "type": match.group("type") if match else "",
            "agent": match.group("agent") if match else ""}
    return base, match is not None


def _attributes(given):
    """``{name: [from, to]}``, or None when the row cannot be read."""
    if not isinstance(given, dict):
        return {} if given is None else None
    result = {}
    for name, value in given.items():
        if not isinstance(value, dict) or not ("from_value" in value or "to_value" in value):
            return None
        result[name] = [value.get("from_value"), value.get("to_value")]
    return result


def _unchecked_reason(status, attributes):
    """Why the row says nothing about the resource, or None. What is not known fails closed."""
    if attributes.get("handler", [None])[0] == "FAILED":
        return "handler_failed"
    if status in _ACTION_OF_STATUS or status == "unmodified":
        return None
    return status if isinstance(status, str) and status else "no_status"


def _action(status, attributes):
    """The action; a purge (or its opposite) that the server calls ``modified`` counts as what it does."""
    before, after = attributes.get("purged", (None, None))
    if status == "modified" and after is True:
        return "removed"
    if status == "modified" and before is True and after is False:
        return "added"
    return _ACTION_OF_STATUS.get(status, "modified")


def _brief(value):
    return str(value)[:200]


def _order(row):
    """Sort key: the resource; it is listed once."""
    return row["resource"]


def _is_base(row):
    return isinstance(row, dict) and all(isinstance(row.get(key), str) for key in ("resource", "type", "agent"))


def _is_change(row):
    return (_is_base(row) and set(row) == {"resource", "type", "agent", "action", "attributes"}
            and row["action"] in ACTIONS and isinstance(row["attributes"], dict)
            and all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in row["attributes"].values()))


def _is_unchecked(row):
    return _is_base(row) and set(row) == {"resource", "type", "agent", "reason"} and isinstance(row["reason"], str)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Approvals: a person's yes, bound to the digest of the exact changes."""

from __future__ import annotations

import datetime
import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_WHEN = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?\Z")
_KEYS = ("digest", "who", "expires")
_REMEDY = "Copy the digest from the report of the run that waits for approval: sha256: and 64 hexadecimal digits"


def parse(value, field="approve", who=None):
    """Read approvals as operators give them.

    :param value: None, a text (several digests are separated by commas or spaces), one dict, or a list of both.
    :param field: the option or variable, for messages.
    :param who: the person behind the approvals that name nobody.
    :return: list of ``{digest, who, expires}``; ``expires`` is a datetime in UTC or None.
    """
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    result = []
    for index, item in enumerate(items):
        name = "%s[%d]" % (field, index) if isinstance(value, list) else field
        if isinstance(item, str):
            found = [{"digest": digest} for digest in re.split(r"[,\s]+", item) if digest]
            if not found and isinstance(value, list):
                raise InputError(name, item, "is no digest", _REMEDY)
        else:
            found = [item]
        result.extend(_approval(entry, name, who) for entry in found)
    return result


def find(approvals, digest, now):
    """The approval that holds for these changes now, or None.

    :param approvals: what :func:`parse` gave.
    :param digest: the digest of the changes.
    :param now: the time, a datetime; without a zone it is UTC.
    """
    for approval in approvals:
        if approval["digest"] == digest and not _expired(approval, now):
            return approval
    return None


def explain(approvals, digest, now):
    """Why the approvals that were given do not approve, as a paragraph; empty when there are none or one holds.

    :param approvals: what :func:`parse` gave.
    :param digest: the digest of the changes.
    :param now: the time, a datetime; without a zone it is UTC.
    """
    if not approvals or find(approvals, digest, now) is not None:
        return ""
    late = [approval for approval in approvals if approval["digest"] == digest]
    if late:
        latest = max(late, key=_expiry)
        return "An approval for exactly these changes was given%s, but it expired at %s: approve again." % (
            _by(latest), text_of(latest["expires"]))
    if len(approvals) == 1:
        return ("An approval was given%s, but it is for other changes (%s): what would be changed now is not what was "
                "approved." % (_by(approvals[0]), approvals[0]["digest"]))
    return ("%d approvals were given, but none is for these changes: they are for other targets, or what would be "
            "changed now is not what was approved." % len(approvals))


def as_dict(approval):
    """An approval with its expiry as text."""
    return dict(approval, expires=text_of(approval["expires"]) if approval["expires"] else None)


def text_of(when):
    """A datetime as ISO 8601 in UTC."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _approval(item, name, who):
    """One approval, checked."""
    if not isinstance(item, dict):
        raise InputError(name, item, "is no approval", _REMEDY)
    for key in item:
        if key not in _KEYS:
            raise InputError("%s.%s" % (name, key), item[key], "belongs to no approval",
                             "Use the keys %s" % ", ".join(_KEYS))
    digest = item.get("digest")
    if not isinstance(digest, str) or not _DIGEST.match(digest.strip().lower()):
        raise InputError(name, digest, "is not a digest", _REMEDY)
    person = item.get("who")
    if person is not None and not isinstance(person, str):
        raise InputError("%s.who" % name, person, "is not a text", "Write the name of the person who approves")
    return {"digest": digest.strip().lower(), "who": person or who or None,
            "expires": _when(item.get("expires"), "%s.expires" % name)}


def _when(value, name):
    """The expiry in UTC; YAML has read unquoted dates already. A date alone holds until its end."""
    if value is None:
        return None
    try:
        if isinstance(value, str) and _WHEN.match(value.strip()):
            text = value.strip().replace("Z", "+00:00")
            value = datetime.date.fromisoformat(text) if len(text) == 10 else datetime.datetime.fromisoformat(text)
        if isinstance(value, datetime.datetime):
            return _utc(value)
        if isinstance(value, datetime.date):
            return _utc(datetime.datetime.combine(value, datetime.time.max))
    except (ValueError, OverflowError):
        pass
    raise InputError(name, value, "is not a time", "Write a date (2030-01-31: until the end of that day in UTC) or a "
                     "time (2030-01-31T17:00:00+01:00; without a zone it is UTC)")


def _utc(when):
    return when.replace(tzinfo=datetime.timezone.utc) if when.tzinfo is None else when.astimezone(datetime.timezone.utc)


def _by(approval):
    return " by %s" % approval["who"] if approval["who"] else ""


def _expiry(approval):
    return approval["expires"] or datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)


def _expired(approval, now):
    return _expiry(approval) <= _utc(now)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an abort has to prove about dry runs: that two are the same, or that one leads back what another did."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import canonical
from ansible_collections.stagecraft.release.plugins.module_utils.changes.table import shorten, visible

# Follow from the model alone, so the same row twice is the same state. What an agent could not tell is never proven.
_KNOWN_UNCHECKED = ("undefined", "skipped_for_undefined")
_WAY_BACK = {"added": "removed", "removed": "added", "modified": "modified"}


def same(before, after):
    """Differences between two dry runs, as texts; none when they found the same.

    :param before: the ``Changes`` that were recorded.
    :param after: the ``Changes`` of now.
    """
    texts = []
    old, new = _by_resource(before.changes), _by_resource(after.changes)
    for resource in sorted(set(old) | set(new)):
        if resource not in new:
            texts.append("%s: was %s in the recorded dry run and is no change now"
                         % (_name(resource), old[resource]["action"]))
        elif resource not in old:
            texts.append("%s: is %s now and was no change in the recorded dry run"
                         % (_name(resource), new[resource]["action"]))
        else:
            texts.extend(_differences(old[resource], new[resource]))
    old, new = _by_resource(before.unchecked), _by_resource(after.unchecked)
    for resource in sorted(set(old) | set(new)):
        if resource not in new:
            texts.append("%s: was not checked (%s) in the recorded dry run and is checked now"
                         % (_name(resource), visible(old[resource]["reason"])))
        elif old.get(resource) != new[resource] or new[resource]["reason"] not in _KNOWN_UNCHECKED:
            texts.append(_unchecked(new[resource]))
    return texts


def leads_back(after, candidate):
    """What in a dry run of the reverted model does not lead back what the candidate did, as texts.

    :param after: the ``Changes`` of the reverted model, after the candidate was deployed.
    :param candidate: the ``Changes`` that were recorded before the candidate was deployed.
    """
    texts = [_unchecked(row) for row in after.unchecked]
    recorded = _by_resource(candidate.changes)
    for change in after.changes:
        name = _name(change["resource"])
        origin = recorded.get(change["resource"])
        if origin is None:
            texts.append("%s: would be %s, but the candidate's dry run did not change it" % (name, change["action"]))
        elif change["action"] != _WAY_BACK[origin["action"]]:
            texts.append("%s: would be %s, but the way back from %s is %s"
                         % (name, change["action"], origin["action"], _WAY_BACK[origin["action"]]))
        elif change["action"] != "removed":
            texts.extend(_attributes_astray(name, change, origin))
    return texts


def _attributes_astray(name, change, origin):
    """Attributes whose new value is not the one from before the candidate. What is removed has none."""
    if not change["attributes"]:
        yield "%s: would be %s, but the dry run names no attribute" % (name, change["action"])
    for attribute, (_from, value) in sorted(change["attributes"].items()):
        where = "%s: attribute %s" % (name, shorten(visible(attribute), 80))
        if attribute not in origin["attributes"]:
            yield "%s would be changed, but the candidate's dry run did not change it" % where
        elif _text(value) != _text(origin["attributes"][attribute][0]):
            yield "%s would become %s, but it was %s before the candidate" % (
                where, _short(value), _short(origin["attributes"][attribute][0]))


def _differences(old, new):
    """How the changes of one resource differ."""
    name = _name(old["resource"])
    if old["action"] != new["action"]:
        yield "%s: was %s in the recorded dry run and is %s now" % (name, old["action"], new["action"])
        return
    for attribute in sorted(set(old["attributes"]) | set(new["attributes"])):
        where = "%s: attribute %s" % (name, shorten(visible(attribute), 80))
        one, two = old["attributes"].get(attribute), new["attributes"].get(attribute)
        if one is None or two is None:
            yield "%s is changed only in the %s" % (where, "recorded dry run" if two is None else "dry run of now")
        elif canonical(one) != canonical(two):
            yield "%s: was %s -> %s in the recorded dry run and is %s -> %s now" % (
                where, _short(one[0]), _short(one[1]), _short(two[0]), _short(two[1]))


def _text(value):
    """A value as the orchestrator compares it: what it finds equal is not a change for it either."""
    if value is None:
        return ""
    return canonical(value) if isinstance(value, (dict, list)) else str(value)


def _by_resource(rows):
    return {row["resource"]: row for row in rows}


def _unchecked(row):
    return "%s: could not be checked (%s)" % (_name(row["resource"]), visible(row["reason"]))


def _name(resource):
    return shorten(visible(resource), 120)


def _short(value):
    return shorten(visible(canonical(value)), 60)

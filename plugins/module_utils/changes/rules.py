# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One rule of a policy: its conditions, and the check of what an operator wrote."""

from __future__ import annotations

import fnmatch
import re

from ansible_collections.stagecraft.release.plugins.module_utils.changes import expression
from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import ACTIONS
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

RULE_KEYS = ("name", "types", "agents", "actions", "attributes", "match")
_COVERS_ALL = "actions: [%s]" % ", ".join(ACTIONS)


class Rule:
    """One rule. All its conditions must hold for a change to be covered.

    :param number: its place in the policy, from 0.
    :param data: the rule as a checked dict.
    :param field: how messages name the rule.
    """

    def __init__(self, number, data, field):
        self.title = "rule %s" % (data.get("name") or number)
        self._type = _globs(data.get("types"))
        self._agent = _globs(data.get("agents"))
        self._actions = data.get("actions")
        self._attribute = _globs(data.get("attributes"))
        self._match = expression.Expression(data["match"], field + ".match") if "match" in data else None

    def misses(self, change):
        """None when the rule covers the change, else how near it came: ``(conditions that held, first that did not)``.

        :param change: one normalised change.
        """
        if self._type and not self._type(change["type"]):
            return 0, "the type is not in its types"
        if self._agent and not self._agent(change["agent"]):
            return 1, "the agent is not in its agents"
        if self._actions and change["action"] not in self._actions:
            return 2, "%s is not in its actions" % change["action"]
        if self._attribute:
            others = [name for name in change["attributes"] if not self._attribute(name)]
            # No attribute at all is not "only these attributes": the dry run did not say what would change.
            if others or not change["attributes"]:
                return 3, "attributes not in its list: %s" % (", ".join(others) or "(none given)")
        if self._match:
            held, problem = self._match.holds(change)
            if not held:
                return 4, problem or "its match does not hold"
        return None


def parse_rule(number, data, field):
    """Check one rule.

    :param number: its place in the policy, from 0.
    :param data: the rule as it was given.
    :param field: its name in messages, such as ``policy: rules[2]``.
    :return: :class:`Rule`.
    """
    check_mapping(data, field, RULE_KEYS, field + ".", "A rule")
    if not set(data) - {"name"}:
        raise InputError(field, data, "has no condition and would cover everything",
                         "If that is meant, write %s" % _COVERS_ALL)
    for key in ("types", "agents", "actions", "attributes"):
        values = data.get(key)
        if key not in data:
            continue
        if not isinstance(values, list) or not values:
            raise InputError("%s.%s" % (field, key), values, "is not a list with entries",
                             "Write a list, such as %s: [a, b], or leave the key out for any" % key)
        for index, value in enumerate(values):
            if not isinstance(value, str) or not value:
                raise InputError("%s.%s[%d]" % (field, key, index), value, "is not a text", "Write a text in quotes")
            if key == "actions" and value not in ACTIONS:
                raise InputError("%s.actions[%d]" % (field, index), value, "is not an action",
                                 "Actions are %s" % ", ".join(ACTIONS))
    for key in ("name", "match"):
        if key in data and (not isinstance(data[key], str) or not data[key].strip()):
            raise InputError("%s.%s" % (field, key), data[key], "is not a text", "Write a text, or leave the key out")
    return Rule(number, data, field)


def check_mapping(data, field, keys, prefix, what):
    """Refuse what is not a dict, and keys that mean nothing.

    :param data: what should be a dict.
    :param field: its name in messages.
    :param keys: the keys that it may have.
    :param prefix: what stands before a key in messages.
    :param what: the thing, as the start of a sentence.
    """
    if not isinstance(data, dict):
        raise InputError(field, data, "is not a mapping", "%s has the keys %s" % (what, ", ".join(keys)))
    for key in data:
        if key not in keys:
            raise InputError("%s%s" % (prefix, key), data[key], "belongs to an unknown key",
                             "%s has the keys %s" % (what, ", ".join(keys)))


def _globs(patterns):
    """A matcher for a list of shell-style globs, or None. Faster than fnmatchcase per pattern and change."""
    if not patterns:
        return None
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a version is expected to hold: so many resources of each type, or resources by their ids. What nobody expects is a problem."""

from __future__ import annotations

import difflib
import re

from ansible_collections.stagecraft.release.plugins.module_utils.changes import policy_text
from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import canonical, digest_of
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

FIELD = "expect"
REMEDY = "Give a mapping with 'types' (number of resources by type), 'resources' (list of ids), or both, see the documentation of resources_judge"
TYPE = re.compile(r"[A-Za-z_][\w-]*(::[A-Za-z_][\w-]*)+\Z")
RESOURCE = re.compile(r"(?P<type>[^\[\]]+)\[(?P<agent>[^,\]]+),[^=]+=.*\]\Z", re.DOTALL)
# Modules that no project has to require: the model's own entities, and what the orchestrator brings.
ALWAYS = ("__config__", "std")
SHOWN = 10


class Expectation:
    """An expectation that can be met.

    :ivar types: number of resources by type.
    :ivar resources: ids that must be there, sorted.
    """

    def __init__(self, types, resources):
        self.types = types
        self.resources = sorted(resources)

    @classmethod
    def parse(cls, value, read, modules=None):
        """Check what the operator gave.

        :param value: a mapping, or the path of a file.
        :param read: a function that gives the text of the file at a path.
        :param modules: names of the modules that types may be of; None for any.
        """
        if isinstance(value, str) and value:
            value = policy_text.from_file(value, read, FIELD, REMEDY)
        if not value:
            raise InputError(FIELD, value, "expects nothing, so nothing could be deployed", REMEDY)
        if not isinstance(value, dict):
            raise InputError(FIELD, value, "is not a mapping", REMEDY)
        for key in value:
            if key not in ("types", "resources"):
                raise InputError(FIELD, key, "is not a key of an expectation", REMEDY)
        made = cls(_types(value.get("types") or {}), _resources(value.get("resources") or []))
        if not made.types and not made.resources:
            raise InputError(FIELD, value, "expects nothing, so nothing could be deployed", REMEDY)
        made._check_modules(modules)
        made._check_numbers()
        return made

    def _check_modules(self, modules):
        named = [("types", name, name) for name in self.types] + [("resources", item, type_of(item)) for item in self.resources]
        for key, given, name in named:
            module = name.partition("::")[0]
            if modules is not None and module not in set(modules) | set(ALWAYS):
                close = difflib.get_close_matches(module, modules, 1)
                raise InputError("%s.%s" % (FIELD, key), given, "is of the module %s, which the release does not require" % module,
                                 "%sIts modules are: %s" % ("Did you mean %s? " % close[0] if close else "", ", ".join(sorted(modules)) or "none"))

    def _check_numbers(self):
        for name, number in self.types.items():
            listed = sum(type_of(item) == name for item in self.resources)
            if listed > number:
                raise InputError("%s.types.%s" % (FIELD, name), number, "is less than the %d of that type in 'resources'" % listed, "Correct one of them")


class Verdict:
    """How a version's resources compare with an expectation.

    :ivar types: number of the version's resources by type.
    :ivar problems: texts, empty when it is as expected.
    :ivar missing: ids that are expected and not there.
    :ivar unexpected: ids that nobody expects.
    :ivar digest: of the ids of the version's resources.
    """

    def __init__(self, expectation, resources):
        found = {item["resource"]: item["type"] for item in resources}
        self.types = {}
        for name in sorted(found.values()):
            self.types[name] = self.types.get(name, 0) + 1
        self.digest = digest_of(canonical(sorted(found)))
        self.missing = [item for item in expectation.resources if item not in found]
        listed = set(expectation.resources)
        self.unexpected = sorted(item for item, name in found.items() if name not in expectation.types and item not in listed)
        self.problems = ["%s: %d expected, %d found" % (name, number, self.types.get(name, 0))
                         for name, number in sorted(expectation.types.items()) if self.types.get(name, 0) != number]
        if self.missing:
            self.problems.append("not there: %s" % some(self.missing))
        if self.unexpected:
            self.problems.append("not expected: %s" % some(self.unexpected))

    def message(self):
        """One paragraph for the operator."""
        found = ", ".join("%d %s" % (number, name) for name, number in self.types.items()) or "no resources"
        return "%s. Found: %s." % ("; ".join(self.problems), found) if self.problems else "As expected: %s." % found


def type_of(resource):
    """The type of a resource id."""
    return RESOURCE.match(resource).group("type")


def some(names):
    """The first of many, for a message."""
    return ", ".join(names[:SHOWN]) + (" and %d more" % (len(names) - SHOWN) if len(names) > SHOWN else "")


def _types(given):
    if not isinstance(given, dict):
        raise InputError("%s.types" % FIELD, given, "is not a mapping of types and numbers", REMEDY)
    return {_type(name): _number(name, number) for name, number in given.items()}


def _type(name):
    if not isinstance(name, str) or not TYPE.match(name):
        raise InputError("%s.types" % FIELD, name, "is not the name of a resource type", "Give one such as fs::File")
    return name


def _number(name, number):
    whole = isinstance(number, int) and not isinstance(number, bool) or isinstance(number, str) and re.fullmatch(r"[0-9]+", number)
    if not whole or int(number) < 0:
        raise InputError("%s.types.%s" % (FIELD, name), number, "is not a number of resources", "Give a whole number, 0 or more")
    return int(number)


def _resources(given):
    if not isinstance(given, list):
        raise InputError("%s.resources" % FIELD, given, "is not a list of resource ids", REMEDY)
    seen = set()
    for item in given:
        match = RESOURCE.match(item) if isinstance(item, str) else None
        if not match or not TYPE.match(match.group("type")):
            raise InputError("%s.resources" % FIELD, item, "is not the id of a resource", "Give one such as fs::File[web1,path=/etc/motd], without a version")
        if item in seen:
            raise InputError("%s.resources" % FIELD, item, "is listed twice", "Keep one of them")
        seen.add(item)
    return given

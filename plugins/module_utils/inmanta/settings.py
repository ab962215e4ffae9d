# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of an environment: read with their definitions, planned, written so that all of them hold or none."""

from __future__ import annotations

import difflib
import json
import math
import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import environment as environments, eras
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError, NotFound

PATH = "/api/v2/environment_settings"
WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
INTEGER = re.compile(r"\s*[-+]?[0-9]+\s*")
REFUSALS = (400, 403, 404, 409, 500)


class Settings:
    """The settings that an environment has.

    :param values: name -> value in force.
    :param definitions: name -> type, default, allowed values, protection, as the server describes them.
    """

    def __init__(self, values, definitions):
        self.values = values
        self.definitions = definitions

    def convert(self, name, value, field="settings"):
        """``value`` in the type of the setting.

        :raises InputError: the setting cannot have this value.
        """
        definition = self.definitions[name]
        converted = _convert(value, definition)
        if converted is None:
            raise InputError("%s.%s" % (field, name), value, "is not %s" % expected(definition),
                             "Give such a value; the present one is %s" % json.dumps(self.values[name]))
        return converted

    def unknown(self, names):
        """Those of ``names`` that this server does not have."""
        return [name for name in names if name not in self.definitions]


class Plan:
    """What has to be written to get what is wanted.

    :ivar wanted: name -> value in the setting's type, for each setting that the server has.
    :ivar writes: the part of ``wanted`` that is not in force.
    :ivar left_alone: name -> value in force, where ``only_if`` forbids the write.
    :ivar unsupported: names that the server does not have.
    """

    def __init__(self, present, wanted, only_if=None):
        self.unsupported = present.unknown(wanted)
        self.wanted = {name: present.convert(name, value) for name, value in wanted.items() if name not in self.unsupported}
        expected_values = {name: present.convert(name, value, "only_if") for name, value in (only_if or {}).items()
                           if name not in self.unsupported}
        self.writes, self.left_alone = {}, {}
        for name, value in self.wanted.items():
            now = present.values[name]
            if same(now, value):
                continue
            if name in expected_values and not same(now, expected_values[name]):
                self.left_alone[name] = now
            else:
                self.writes[name] = value


def read(client, environment):
    """The settings of the environment; what was never set has the default of its definition.

    :returns: :class:`Settings`.
    """
    data = client.get(PATH, environment)["data"]
    return Settings(eras.in_force(data), data["definition"])


def of_new(client, wanted):
    """The settings that a new environment would have, by the definitions of another one: the server tells them of environments only.

    :param wanted: the name of the new environment.
    :returns: :class:`Settings`, or None where the server has no environment.
    """
    for project in environments.listing(client, wanted):
        for other in project["environments"]:
            try:
                known = client.get(PATH, other["id"])["data"]["definition"]
            except NotFound:
                # It was deleted meanwhile.
                continue
            known = {name: dict(item, protected=False) for name, item in known.items()}
            return Settings(eras.in_force(dict(settings={}, definition=known)), known)
    return None


def plan(present, wanted, only_if=None, unsupported="fail"):
    """Check everything that is wanted, before anything is written.

    :param present: :class:`Settings`.
    :param wanted: name -> value.
    :param only_if: name -> the value that must be in force for the setting to be written.
    :param unsupported: ``fail`` when the server does not have a wanted setting, or anything else.
    :returns: :class:`Plan`.
    """
    for name in only_if or {}:
        if name not in wanted:
            raise InputError("only_if", name, "is not one of the wanted settings", "Name it in 'settings' too, or remove it")
    missing = present.unknown(wanted)
    if missing and unsupported == "fail":
        close = difflib.get_close_matches(missing[0], present.definitions, 3, 0.6)
        raise InputError("settings", missing[0], "is not a setting of this server",
                         "%s, or let 'unsupported' be ignore or warn. Its settings are: %s" % (
                             "Did you mean %s? Correct it" % " or ".join(close) if close else "Remove it",
                             ", ".join(sorted(present.definitions))), unsupported_settings=missing)
    made = Plan(present, wanted, only_if)
    for name, value in made.writes.items():
        definition = present.definitions[name]
        if eras.is_protected(definition):
            raise InputError("settings.%s" % name, value, "cannot be written: the setting is managed by %s and is %s" % (
                definition.get("protected_by") or "the server", json.dumps(present.values[name])),
                "Change it there and compile, or remove it from 'settings'")
    return made


def write(client, environment, present, writes):
    """Write the settings, one after the other; when one fails, put back those already written.

    :param present: :class:`Settings` before the first write.
    :param writes: name -> value.
    :raises StagecraftError: one could not be written; the message says what the environment has now.
    """
    attempted = []
    for name, value in writes.items():
        attempted.append(name)
        try:
            _set(client, environment, name, value)
        except StagecraftError as exc:
            refused = isinstance(exc, ApiError) and exc.status in REFUSALS
            if refused:
                attempted.pop()
            kept = _put_back(client, environment, present, attempted)
            raise StagecraftError("%s %s" % (_cause(exc, name, value, present.definitions[name]), _aftermath(attempted, kept)),
                                  changed=bool(kept), changed_settings=kept,
                                  previous={item: present.values[item] for item in kept}) from exc


def same(left, right):
    """Whether two values of a setting are one: the servers hold intervals as text, and write 0600 as 600."""
    if isinstance(left, str) and isinstance(right, str):
        if INTEGER.fullmatch(left) and INTEGER.fullmatch(right):
            return int(left) == int(right)
        return left == right
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def expected(definition):
    """In words, what a setting takes."""
    words = {"bool": "a bool (true or false)", "int": "an int (a whole number)", "positive_float": "a positive_float (a number, not below 0)",
             "str": "a str (text, or a whole number)", "dict": "a dict", "enum": "an enum"}
    text = words.get(definition["type"], "of type %s" % definition["type"])
    allowed = definition.get("allowed_values")
    return "%s, one of: %s" % (text, ", ".join(str(item) for item in allowed)) if allowed else text


def _convert(value, definition):
    """``value`` in the setting's type, or None: extra vars of the command line are texts, whatever they mean."""
    kind = definition["type"]
    allowed = definition.get("allowed_values")
    converted = CONVERTERS.get(kind, _as_it_is)(value)
    if allowed and converted not in allowed:
        return None
    return converted


def _to_bool(value):
    if isinstance(value, (bool, int, str)):
        return WORDS.get(str(value).strip().lower())
    return None


def _to_int(value):
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, int) or (isinstance(value, str) and INTEGER.fullmatch(value)) else None


def _to_positive_float(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _to_str(value):
    if isinstance(value, str):
        return str(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _to_dict(value):
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def _as_it_is(value):
    return value


CONVERTERS = {"bool": _to_bool, "int": _to_int, "positive_float": _to_positive_float, "str": _to_str, "enum": _to_str, "dict": _to_dict}


def _set(client, environment, name, value):
    path = "%s/%s" % (PATH, segment(name))
    if value is None:
        client.request("DELETE", path, environment, repeat=True)
    else:
        client.post(path, environment, body={"value": value}, repeat=True)


def _put_back(client, environment, present, names):
    """Write the former values, last one first; returns the names for which that failed."""
    kept = []
    for name in reversed(names):
        try:
            _set(client, environment, name, present.values[name])
        except StagecraftError:
            kept.insert(0, name)
    return kept


def _cause(exc, name, value, definition):
    # These servers answer a bad value with 500: repeating it would not help.
    if isinstance(exc, ApiError) and exc.status in (400, 500):
        return "settings.%s: %s was refused by the server: %s. It takes %s; see the setting's documentation for its form." % (
            name, json.dumps(value), exc.server_message.rstrip("."), expected(definition))
    return "settings.%s: %s could not be written: %s" % (name, json.dumps(value), exc.message)


def _aftermath(attempted, kept):
    if kept:
        return "Of the settings written before, these could not be put back and may hold the new value: %s. Put them back by hand." % ", ".join(kept)
    if attempted:
        return "What had been written was put back: %s." % ", ".join(attempted)
    return "Nothing was changed."

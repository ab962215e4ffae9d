# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A policy in the forms that operators give, and the text of such files. A key that stands twice is an error: a rule would vanish."""

from __future__ import annotations

import json

from ansible_collections.stagecraft.release.plugins.module_utils.changes.policy import Policy
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

_REMEDY = "Write a mapping with the key rules, see the documentation of changes_judge"
_TIME = "tag:yaml.org,2002:timestamp"


class _Twice(ValueError):
    """A key that stands twice in one mapping."""


def from_option(value, read):
    """Make a policy of an option's value.

    :param value: nothing, a mapping, a list of rules, or the path of a file.
    :param read: a function that gives the text of the file at a path.
    :return: ``Policy``.
    """
    if value is None or value == "":
        return Policy.parse(None)
    if isinstance(value, list):
        return Policy.parse({"rules": value})
    if not isinstance(value, str):
        return Policy.parse(value)
    return Policy.parse(from_file(value, read), "policy %s" % value)


def from_file(path, read, field="policy", remedy=_REMEDY):
    """Read a file on the controller.

    :param path: its path.
    :param read: a function that gives the text of the file at a path.
    :param field: the option that holds the path.
    :param remedy: what the file must hold.
    :return: a dict, not yet checked.
    """
    try:
        text = read(path)
    except (OSError, ValueError) as exc:
        raise InputError(field, path, "cannot be read as a file (%s)" % (getattr(exc, "strerror", None) or exc),
                         "Give the absolute path of a YAML or JSON file on the controller, or its content itself") from exc
    return parse_text(text, path, field, remedy)


def parse_text(text, source, field="policy", remedy=_REMEDY):
    """Read the text of a file. Dates and times stay texts: whoever reads them can name the key of one that is wrong.

    :param text: the content.
    :param source: the path; a name that ends in ``.json`` is read as JSON, everything else as YAML.
    :param field: the option that named the file, for messages.
    :param remedy: what to write instead of what is no mapping.
    :return: a dict, not yet checked.
    """
    try:
        data = _from_json(text) if source.endswith(".json") else _from_yaml(text)
    except _Twice as exc:
        raise InputError(field, source, "has %s" % exc, "Keep one of them: the other would be ignored") from exc
    except ValueError as exc:
        raise InputError(field, source, "cannot be read: %s" % " ".join(str(exc).split()), remedy) from exc
    if not isinstance(data, dict):
        raise InputError(field, source, "does not hold a mapping but %s" % _kind(data), remedy)
    return data


def _kind(data):
    return "nothing" if data is None else "a list" if isinstance(data, list) else "a single value"


def _from_json(text):
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs):
    data = {}
    for key, value in pairs:
        if key in data:
            raise _Twice("the key %s twice" % key)
        data[key] = value
    return data


def _from_yaml(text):
    try:
        import yaml
    except ImportError as exc:
        raise StagecraftError("A file in YAML needs the Python package PyYAML, which is missing here. Install it, or "
                              "give a mapping in place of the file.") from exc

    class Loader(yaml.SafeLoader):
        """SafeLoader that looks at the keys before it makes a dict of them."""

        def construct_mapping(self, node, deep=False):
            seen = set()
            for key_node in (pair[0] for pair in node.value):
                if (key_node.tag, str(key_node.value)) in seen:
                    raise _Twice("the key %s twice (line %d)" % (key_node.value, key_node.start_mark.line + 1))
                seen.add((key_node.tag, str(key_node.value)))
            return super().construct_mapping(node, deep)

    Loader.yaml_implicit_resolvers = {first: [pair for pair in pairs if pair[0] != _TIME] for first, pairs in Loader.yaml_implicit_resolvers.items()}
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as exc:
        raise ValueError(str(exc)) from exc

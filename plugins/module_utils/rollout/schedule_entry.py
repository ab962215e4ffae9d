# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of a file in YAML, each with its line and its place in the file, for messages. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

_TAG = "tag:yaml.org,2002:"
# Scalars are taken as they are written: 1:30 is no number here, and a date stays a text.
_SCALARS = tuple(_TAG + name for name in ("str", "int", "float", "bool", "timestamp"))

_MANY = 8


class Entry:
    """One value of the file.

    :ivar path: its place, such as ``rings[1].delay``.
    :ivar field: how messages name it: the file, the line and the path.
    """

    def __init__(self, node, source, path="", line=None):
        self._node = node
        self._source = source
        self.path = path
        self.field = "%s line %d%s" % (source, (node.start_mark.line if line is None else line) + 1, ": %s" % path if path else "")

    def refuse(self, problem, remedy):
        """Raise ``InputError``: the value cannot be used."""
        raise InputError(self.field, _shown(self._node), problem, remedy)

    def mapping(self, keys, what):
        """The values of a mapping.

        :param keys: the keys that it may have.
        :param what: the thing, as the start of a sentence.
        :return: ``{key: Entry}``.
        """
        remedy = "%s has the keys %s" % (what, ", ".join(keys))
        if self._node.id != "mapping":
            self.refuse("is not a mapping", remedy)
        found = {}
        for key, value in self._node.value:
            name = key.value if key.id == "scalar" else "?"
            entry = Entry(value, self._source, "%s.%s" % (self.path, name) if self.path else name, key.start_mark.line)
            if name not in keys:
                entry.refuse("belongs to an unknown key", remedy)
            if name in found:
                entry.refuse("belongs to a key that stands twice, first in %s" % found[name].line, "Keep one of them: the other would be ignored")
            found[name] = entry
        return found

    def items(self, remedy):
        """The values of a list with at least one entry."""
        if self._node.id != "sequence" or not self._node.value:
            self.refuse("is not a list with entries", remedy)
        return [Entry(node, self._source, "%s[%d]" % (self.path, number)) for number, node in enumerate(self._node.value)]

    def items_or_one(self, remedy):
        """The values of a list with at least one entry, or a single value."""
        return [self] if self._node.id == "scalar" else self.items(remedy)

    def text(self, remedy):
        """A single value that is not empty, as it is written."""
        if self._node.id != "scalar" or self._node.tag not in _SCALARS or not self._node.value.strip():
            self.refuse("is not a text", remedy)
        return self._node.value.strip()

    def flag(self):
        """True or False."""
        if self._node.tag == _TAG + "bool":
            return self._node.value.lower() in ("true", "yes", "on")
        return self.refuse("is neither true nor false", "Write true or false")

    @property
    def line(self):
        """``line`` and its number."""
        return self.field[len(self._source) + 1:].split(":")[0]


def read(text, source):
    """Read the text of a file.

    :param source: how messages name the file.
    :return: :class:`Entry` of the whole.
    """
    try:
        import yaml
    except ImportError as exc:
        raise StagecraftError("The schedule of a rollout is YAML, which needs the Python package PyYAML. Install it where Ansible runs.") from exc
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        raise InputError("%s line %d" % (source, mark.line + 1) if mark else source, getattr(exc, "problem", None) or " ".join(str(exc).split()),
                         "is why it cannot be read as YAML", "Correct the file; texts with a colon, a star or a percent sign in front need quotes") from exc
    except RecursionError as exc:
        raise InputError(source, text[:40], "is nested too deeply", "Write a mapping with the key rings") from exc
    if node is None:
        raise InputError(source, text, "holds no schedule", "Write a mapping with the key rings")
    return Entry(node, source)


def _shown(node, inside=False):
    """A value for messages, without what is deep inside."""
    if node.id == "scalar":
        return node.value
    if inside:
        return "..."
    if node.id == "sequence":
        return [_shown(item, True) for item in node.value[:_MANY]] + ["..."] * (len(node.value) > _MANY)
    return {str(_shown(key, True)): _shown(value, True) for key, value in node.value[:_MANY]}

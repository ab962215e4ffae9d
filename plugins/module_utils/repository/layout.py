# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requirements of a project's modules put into its text, where every comment and the layout stay."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.pins import entries, module_name
from ansible_collections.stagecraft.release.plugins.module_utils.repository.project import PROJECT_FILE, parse


def with_requires(text, pins):
    """The text of a ``project.yml`` with every module pinned; nothing but its ``requires`` differs.

    An entry is replaced where it is, and modules that had none come after the last one.

    :param text: the text before.
    :param pins: entries such as ``std == 8.7.5`` by name of the module.
    """
    before = parse(text)
    entries(before)
    new = _placed(text, *_requires(text), pins)
    try:
        after = parse(new)
    except ValueError as exc:
        after = {"requires": str(exc)}
    found = after.pop("requires")
    before.pop("requires", None)
    if after != before or not isinstance(found, list) or set(found) != set(pins.values()):
        raise InputError(
            PROJECT_FILE, "requires", "is written in a way that the pins cannot be put into",
            "Write it as a plain list of texts, without anchors, aliases or tags, and commit that",
        )
    return new


def _requires(text):
    """Key and value of ``requires``, as nodes with their places in the text; None when there is no such key."""
    try:
        from ruamel.yaml import YAML
    except ImportError:
        raise StagecraftError(
            "ruamel.yaml is not installed for the Python that freezes the project, and without it the comments of %s would be lost. "
            "Install it there (pip install ruamel.yaml), or in the execution environment that runs this play." % PROJECT_FILE
        )
    for key, value in YAML(typ="rt", pure=True).compose(text).value:
        if key.value == "requires":
            return key, value
    return None, None


def _placed(text, key, node, pins):
    end = "\r\n" if "\r\n" in text else "\n"
    listed = ["  - " + pin for pin in sorted(pins.values())]
    if node is None:
        return text + (end if text and not text.endswith("\n") else "") + end.join(["requires:"] + listed) + end
    start, stop = node.start_mark.index, node.end_mark.index
    if start == stop:  # an empty value has no place of its own
        colon = text.index(":", key.end_mark.index) + 1
        return text[:colon] + end + end.join(listed) + text[colon:]
    if isinstance(node.value, str) or not node.value:
        return text[:start] + "[%s]" % ", ".join(sorted(pins.values())) + text[stop:]
    names = [module_name(item.value) for item in node.value]
    added = [pins[name] for name in sorted(set(pins) - set(names))]
    last = node.value[-1].end_mark.index
    if node.flow_style:
        text = text[:last] + "".join(", " + pin for pin in added) + text[last:]
    elif added:
        place = text.find("\n", last)
        place = len(text) if place < 0 else place - (end == "\r\n")
        dash = end + " " * node.start_mark.column + "- "
        text = text[:place] + "".join(dash + pin for pin in added) + text[place:]
    for item, name in reversed(list(zip(node.value, names))):
        quote = item.style if item.style in ("'", '"') else ""
        text = text[:item.start_mark.index] + quote + pins[name] + quote + text[item.end_mark.index:]
    return text

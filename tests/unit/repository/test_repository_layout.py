# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pins put into project.yml: every other byte stays."""

from __future__ import annotations

import builtins
import difflib

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.layout import with_requires

PINS = {"std": "std == 8.7.5", "fs": "fs == 1.2.0"}

PLACED = {
    "block": ("a: 1\nrequires:\n  - std\n  - fs\nb: 2\n", "a: 1\nrequires:\n  - std == 8.7.5\n  - fs == 1.2.0\nb: 2\n"),
    "order and comments": (
        "# top\nrequires:   # why\n# one\n- std >= 8, < 9 # keep\n\n# two\n-   fs\n# end\n",
        "# top\nrequires:   # why\n# one\n- std == 8.7.5 # keep\n\n# two\n-   fs == 1.2.0\n# end\n",
    ),
    "quotes": ("requires: \n  - \"std\"\n  - 'fs >= 1'\n", "requires: \n  - \"std == 8.7.5\"\n  - 'fs == 1.2.0'\n"),
    "added after the last": ("requires:\n    - std  # base\n\nz: 1", "requires:\n    - std == 8.7.5  # base\n    - fs == 1.2.0\n\nz: 1"),
    "added at the end of the file": ("requires:\n- fs", "requires:\n- fs == 1.2.0\n- std == 8.7.5"),
    "flow": ("requires: [ std, ]  # all\nb: 1\n", "requires: [ std == 8.7.5, fs == 1.2.0, ]  # all\nb: 1\n"),
    "flow over lines": ("requires: [\n  std,  # a\n  fs\n]\n", "requires: [\n  std == 8.7.5,  # a\n  fs == 1.2.0\n]\n"),
    "empty flow": ("requires: []\n", "requires: [fs == 1.2.0, std == 8.7.5]\n"),
    "one text": ("requires: std >= 8 # x\n", "requires: [fs == 1.2.0, std == 8.7.5] # x\n"),
    "no value": ("requires:\nb: 1\n", "requires:\n  - fs == 1.2.0\n  - std == 8.7.5\nb: 1\n"),
    "no value, with a comment": ("requires : # c\n", "requires :\n  - fs == 1.2.0\n  - std == 8.7.5 # c\n"),
    "null": ("requires: ~\n", "requires: [fs == 1.2.0, std == 8.7.5]\n"),
    "no key": ("name: x  # y", "name: x  # y\nrequires:\n  - fs == 1.2.0\n  - std == 8.7.5\n"),
    "carriage returns": ("a: 1\r\nrequires:\r\n- std\r\nb: 2\r\n", "a: 1\r\nrequires:\r\n- std == 8.7.5\r\n- fs == 1.2.0\r\nb: 2\r\n"),
    "twice": ("requires:\n- std >= 8\n- std < 9\n- fs\n", "requires:\n- std == 8.7.5\n- std == 8.7.5\n- fs == 1.2.0\n"),
    "names in other ways": ("requires:\n- STD\n- fs\n", "requires:\n- std == 8.7.5\n- fs == 1.2.0\n"),
    "in other words": ("# ümläut ✓ 𝄞\nrequires:\n- std\n- fs\n", "# ümläut ✓ 𝄞\nrequires:\n- std == 8.7.5\n- fs == 1.2.0\n"),
    "over two lines": ("requires:\n- std\n    >= 8\n- fs\n", "requires:\n- std == 8.7.5\n- fs == 1.2.0\n"),
    "deeper than a tab stop": ("requires:\n        - fs\n        -   std\nx: {a: [1,\n  2]}\n",
                               "requires:\n        - fs == 1.2.0\n        -   std == 8.7.5\nx: {a: [1,\n  2]}\n"),
}


@pytest.mark.parametrize("case", list(PLACED))
def test_placed(case):
    before, after = PLACED[case]
    assert with_requires(before, PINS) == after
    assert with_requires(after, PINS) == after, "frozen once more it stays"


def test_long_file_keeps_every_other_line():
    other = "".join("key%d:   {a: 'b',  c: [1,2]}   # comment %d\n\n" % (number, number) for number in range(300))
    text = other.replace("key150:", "requires:\n   - std # here\nkey150:", 1)
    changed = [line for line in difflib.ndiff(text.splitlines(), with_requires(text, PINS).splitlines()) if line[0] in "+-"]
    assert changed == ["-    - std # here", "+    - std == 8.7.5 # here", "+    - fs == 1.2.0"]


@pytest.mark.parametrize("text", ["base: &b std\nrequires:\n- *b\n- fs\n", "requires: {std: 8}\n"])
def test_written_in_a_way_that_is_not_understood(text):
    with pytest.raises(InputError, match="requires"):
        with_requires(text, PINS)


def test_without_ruamel(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("ruamel"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StagecraftError, match="ruamel.yaml is not installed.*pip install ruamel.yaml"):
        with_requires("requires: [std]\n", PINS)

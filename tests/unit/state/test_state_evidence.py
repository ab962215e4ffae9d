# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents of evidence."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state import evidence


def test_equal_evidence_is_equal_text():
    assert evidence.serialise({"b": 1, "a": "ü"}) == evidence.serialise({"a": "ü", "b": 1})
    assert evidence.parse(evidence.serialise({"a": "ü"}), "x") == {"a": "ü"}
    assert evidence.parse(None, "x") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_damage_is_an_error(text):
    with pytest.raises(StagecraftError, match="^/var/x.json: .*recorded again"):
        evidence.parse(text, "/var/x.json")


@pytest.mark.parametrize("unit, name, field", [("a/b", "x", "unit"), ("a", "x/y", "name"), ("", "x", "unit"), ("a", "..", "name")])
def test_names_are_checked(unit, name, field):
    with pytest.raises(InputError, match="^%s: " % field):
        evidence.document(unit, name)

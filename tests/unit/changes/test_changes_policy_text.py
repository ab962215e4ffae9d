# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies come as mappings, lists and files; a file is read strictly."""

from __future__ import annotations

import builtins

import pytest
from changes_samples import change

from ansible_collections.stagecraft.release.plugins.module_utils.changes.policy_text import from_option, parse_text
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

YAML = "---\nmax_changes: 5\nrules:\n  - name: a\n    types: [std::*]\n  - name: b\n    types: [std::*]\n"


def test_yaml_and_json():
    assert parse_text(YAML, "p.yml")["rules"][1] == {"name": "b", "types": ["std::*"]}
    assert parse_text('{\n\t"rules": [{"types": ["a"]}]}', "p.json") == {"rules": [{"types": ["a"]}]}
    assert parse_text('{"rules": []}', "p") == {"rules": []}


def test_anchors_and_merges_work():
    text = "rules:\n- &a {types: [x], agents: [y]}\n- {<<: *a, agents: [z]}\n"
    assert parse_text(text, "p.yml")["rules"][1] == {"types": ["x"], "agents": ["z"]}


@pytest.mark.parametrize("name, text, message", [
    ("p.yml", "rules: []\nmax_changes: 1\nrules: []\n", r"policy: 'p.yml' has the key rules twice \(line 3\)\. Keep one"),
    ("p.yml", "rules:\n- types: [a]\n  agents: [b]\n  types: [c]\n", r"the key types twice \(line 4\)"),
    ("p.json", '{"rules": [], "rules": []}', "the key rules twice"),
    ("p.json", '{"rules": [{"types": ["a"], "types": ["b"]}]}', "the key types twice"),
    ("p.yml", "", "does not hold a mapping but nothing"),
    ("p.yml", "# only a comment\n", "does not hold a mapping but nothing"),
    ("p.yml", "- types: [a]\n", "does not hold a mapping but a list"),
    ("p.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n", "does not hold a mapping but a single value"),
    ("p.json", "5", "does not hold a mapping but a single value"),
    ("p.json", "{", "cannot be read: "),
    ("p.yml", "rules: [", "cannot be read: .*line 1"),
    ("p.yml", "a: 1\n---\nb: 2\n", "cannot be read: "),
    ("p.yml", "rules: !!python/object/apply:os.getcwd []\n", "cannot be read: "),
])
def test_a_bad_file_is_named(name, text, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_text(text, name)
    assert "\n" not in caught.value.message


def test_without_pyyaml_the_remedy_is_named(monkeypatch):
    found = builtins.__import__

    def missing(name, *args):
        if name == "yaml":
            raise ImportError(name)
        return found(name, *args)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(StagecraftError, match="PyYAML"):
        parse_text(YAML, "p.yml")


def never(path):
    raise AssertionError("read %s" % path)


@pytest.mark.parametrize("value, covered", [
    (None, False), ("", False), ({}, False), ([], False), ([{"types": ["std::*"]}], True), ({"rules": [{"types": ["std::*"]}]}, True),
])
def test_what_is_not_a_path_is_not_read(value, covered):
    assert (from_option(value, never).uncovered(change()) is None) is covered


def test_a_path_is_read_and_named_in_messages():
    assert from_option("/p.yml", lambda path: YAML).max_changes == 5
    with pytest.raises(InputError, match=r"^policy /p\.yml: rules\[0\]\.kind: "):
        from_option("/p.yml", lambda path: "rules: [{kind: x}]")


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file or directory"), PermissionError(13, "Permission denied"),
                                   UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")])
def test_a_file_that_cannot_be_read_is_named(error):
    def read(path):
        raise error

    with pytest.raises(InputError, match="policy: '/p.yml' cannot be read as a file .*absolute path"):
        from_option("/p.yml", read)


@pytest.mark.parametrize("value", [5, True, 1.5])
def test_other_values_are_refused(value):
    with pytest.raises(InputError, match="policy: %s is not a mapping" % value):
        from_option(value, never)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether project.yml is released."""

from __future__ import annotations

import builtins

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.project import check_released, declared
from ansible_collections.stagecraft.release.tests.unit.repository.gitrepo import FROZEN


def problems(text):
    return check_released({"project.yml": text})


def requires(*entries):
    return problems("requires:\n" + "".join("  - %s\n" % entry for entry in entries))


@pytest.mark.parametrize(
    "entry",
    [
        "fs == 1.2.0",
        "fs==1.2.0",
        "fs[extra,more] == 1.2.0",
        "inmanta-module-std ==8.7.5",
        "fs (== 1.2.0)",
        "fs == 1.2.0, != 1.3",
        "fs == 1!1.2.0.dev3+local-1",
        "\"fs == 1.2.0; python_version >= '3.9'\"",
        "\"fs == 1.2.0 ; extra == 'x'\"",
    ],
)
def test_pinned(entry):
    assert requires(entry) == []


@pytest.mark.parametrize(
    "entry",
    [
        "std",
        "fs >= 1",
        "fs ~= 1.2",
        "fs < 2, > 1",
        "fs === 1.2.0",
        "fs == 1.*",
        "fs ==",
        "fs @ git+https://h/x",
        "\"fs; python_version == '3.9'\"",
        "\"fs[a == 1]\"",
    ],
)
def test_not_pinned(entry):
    assert requires("std == 1", entry) == ["requires: %r: not pinned with '==' to one version" % entry.strip('"')]


@pytest.mark.parametrize("entry", ["1.0", "{fs: 1.2.0}", "null"])
def test_entry_that_is_no_text(entry):
    assert len(requires(entry)) == 1 and "must be a text" in requires(entry)[0]


@pytest.mark.parametrize("text", ["name: x\n", "requires:\n", "requires: []\n"])
def test_nothing_required_is_nothing_frozen(text):
    assert problems(text) == ["requires: empty: nothing is frozen"]


def test_requires_of_other_types():
    assert problems("requires: fs == 1.2.0\n") == []
    assert "must be a list" in problems("requires: {fs: 1.2.0}\n")[0]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("pip: {pre: true}", "pip.pre: True"),
        ("pip: {pre: 'yes please'}", "pip.pre: 'yes please'"),
        ("pip: [pre]", "pip: ['pre']"),
        ("install_mode: prerelease", "install_mode: 'prerelease'"),
        ("install_mode: master", "install_mode: 'master'"),
    ],
)
def test_modes_that_are_not_release(more, named):
    found = problems(FROZEN + more + "\n")
    assert len(found) == 1 and found[0].startswith(named + ": must be ")


@pytest.mark.parametrize(
    "more", ["pip:", "pip: {}", "pip: {pre: false}", "pip: {pre: null}", "install_mode: release", "install_mode:"]
)
def test_modes_that_are_release(more):
    assert problems(FROZEN + more + "\n") == []


def test_every_problem_is_told():
    assert len(problems("requires: [std, 'fs >= 1']\npip: {pre: true}\ninstall_mode: master\n")) == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "not there"),
        ("", "not a mapping but NoneType"),
        ("- a\n", "not a mapping but list"),
        ("a: [\nb", "not YAML (line"),
        ("a: !!python/object:os.system {}", "not YAML"),
        ("a: 2020-13-45", "not YAML"),
        ("a: \x00", "not YAML"),
    ],
)
def test_file_that_is_no_project(text, told):
    found = problems(text)
    assert len(found) == 1 and found[0].startswith("project.yml: ")
    assert told in found[0]


def test_without_pyyaml(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "yaml":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StagecraftError, match="PyYAML is not installed"):
        problems(FROZEN)


@pytest.mark.parametrize("text, modules, settings", [
    ("requires:\n  - std == 8.7.5\n  - 'my-mod[extra] == 1.0'\nenvironment_settings:\n  auto_deploy: false\n", ["my_mod", "std"], {"auto_deploy": False}),
    ("requires: fs ~= 1.2\n", ["fs"], {}),
    ("requires: [5, '']\nenvironment_settings: [x]\n", [], {}),
    ("requires: [", [], {}), (None, [], {}),
])
def test_what_a_project_declares(text, modules, settings):
    assert declared({"project.yml": text}) == (modules, settings)

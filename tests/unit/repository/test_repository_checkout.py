# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a module that is a checkout is on the tag of its version, and writing project.yml."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.checkout import Checkout
from ansible_collections.stagecraft.release.plugins.module_utils.repository.freezing import freeze, write
from ansible_collections.stagecraft.release.plugins.module_utils.repository.virtualenv import Tool
from ansible_collections.stagecraft.release.tests.unit.repository.gitrepo import FROZEN, git


@pytest.fixture
def source(project):
    """A module in the module path of the project, committed as version 1.2.0 but not tagged."""
    path = project.work / "libs/acme"
    path.mkdir(parents=True)
    (path / "module.yml").write_text("name: acme\nversion: 1.2.0\n")
    git(path, "init", "--quiet")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "-m", "Module")
    return path


def check(project, path):
    return Checkout(str(path), 60).check_tagged("acme", "1.2.0", str(project.work))


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2.0"])
def test_on_its_tag(project, source, tag):
    git(source, "tag", "-a", "-m", "x", tag)
    git(source, "tag", "other")
    assert check(project, source) == tag


@pytest.mark.parametrize("tags", [[], ["1.2.1", "latest"]])
def test_not_on_its_tag(project, source, tags):
    for tag in tags:
        git(source, "tag", tag)
    with pytest.raises(InputError) as raised:
        check(project, source)
    assert "acme: %r is not at the tag of its version 1.2.0 (tags of its commit: %s)" % (str(source), ", ".join(tags) or "none") in raised.value.message


def test_past_its_tag(project, source):
    git(source, "tag", "1.2.0")
    git(source, "commit", "--quiet", "--allow-empty", "-m", "More")
    with pytest.raises(InputError, match="is not at the tag"):
        check(project, source)


def test_tagged_and_changed(project, source):
    git(source, "tag", "1.2.0")
    (source / "module.yml").write_text("name: acme\nversion: 1.2.0\n# more\n")
    with pytest.raises(InputError, match="acme: .* has changes that are not committed .*module.yml"):
        check(project, source)


def test_part_of_the_project(project):
    """What the project's own repository holds is released with it; what it does not hold is nobody's."""
    path = project.work / "libs/acme"
    path.mkdir(parents=True)
    (path / "module.yml").write_text("name: acme\n")
    with pytest.raises(InputError, match="is not a git checkout"):
        check(project, path)
    project.commit("With a module")
    assert check(project, path) is None


def test_written_in_one_step(project):
    path = project.work / "project.yml"
    path.chmod(0o640)
    before = os.listdir(project.work)
    write(str(project.work), "ümläut\r\n")
    assert path.read_bytes() == "ümläut\r\n".encode() and path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(project.work) == before


def test_not_written_leaves_nothing(project, monkeypatch):
    def full(*_given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    before = os.listdir(project.work)
    with pytest.raises(OSError):
        write(str(project.work), "new")
    assert os.listdir(project.work) == before and (project.work / "project.yml").read_text() == FROZEN


@pytest.mark.parametrize("text, told", [
    (None, "has no project.yml"),
    ("a: [", "project.yml: not YAML"),
    ("- a\n", "project.yml: not a mapping but list"),
    ("install_mode: master\n", "install_mode: 'master': must be absent or 'release'"),
    ("pip: {pre: true}\n", "pip.pre: True: must be absent or false"),
    ("requires: [std]\n", "virtualenv: .* has no bin/inmanta"),
])
def test_refused_before_anything_is_run(tmp_path, text, told):
    if text is not None:
        (tmp_path / "project.yml").write_text(text)
    with pytest.raises(StagecraftError, match=told):
        freeze(str(tmp_path), str(tmp_path / "env"))


@pytest.mark.parametrize("text, told", [(b"\xff\xfe", "cannot be read")])
def test_not_utf_8(tmp_path, text, told):
    (tmp_path / "project.yml").write_bytes(text)
    with pytest.raises(InputError, match=told):
        freeze(str(tmp_path), str(tmp_path / "env"))


def program(path, script):
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)


@pytest.mark.parametrize("script, told", [
    ("sleep 60", "timeout: 1 seconds were not enough"),
    ("echo 'x.y.ParserException: Syntax error at end' >&2; exit 1", "inmanta ended with 1: Syntax error at end"),
    ("printf 'Traceback:\\n  x\\na.B.CompilerException: Not satisfied:\\n\\t* std>=9 now 8.\\nRun it.\\n' >&2; exit 1",
     "ended with 1: Not satisfied: \\* std>=9 now 8. Install"),
    ("echo nothing known; exit 3", "inmanta ended with 3: nothing known"),
    ("exit 0", "inmanta ended with 0: it gave no reason"),
])
def test_command_that_fails(project, tmp_path, script, told):
    """The cache that it made is gone, and one that was there stays."""
    for name in ("inmanta", "python"):
        program(tmp_path / "bin" / name, "mkdir -p .cfcache && touch .cfcache/new\n" + script + "\n")
    with pytest.raises(StagecraftError, match=told):
        Tool(str(tmp_path), 1).freeze(str(project.work))
    assert not (project.work / ".cfcache").exists()
    (project.work / ".cfcache").mkdir()
    with pytest.raises(StagecraftError):
        Tool(str(tmp_path), 1).freeze(str(project.work))
    assert (project.work / ".cfcache").exists()

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks behind ``make lint`` find what they are for, in a small clone made for the purpose."""

from __future__ import annotations

import subprocess

import pytest

from tests.checks import groups, headers, neutral
from tests.checks.clone import own_files

HEADER = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
RUNTIME = "action_groups:\n  inmanta: [%s]\n  state: [%s]\n"
MODULE = 'DOCUMENTATION = """\nextends_documentation_fragment:\n%s"""\nEXAMPLES = ""\n'


@pytest.fixture(name="clone")
def _clone(tmp_path):
    """Returns a function that writes files into a new git clone and gives its root."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_yml", ".yml").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path
    return write


def test_own_files_are_those_git_does_not_ignore(clone):
    root = clone(kept_py="", dropped_py="")
    (root / ".gitignore").write_text("dropped.py\n")
    assert [str(path) for path in own_files(root)] == [".gitignore", "kept.py"]


@pytest.mark.parametrize("text, count", [(HEADER, 0), ("", 1), ("\n" * 8 + HEADER, 1), ("#!/usr/bin/python\n" + HEADER, 0)])
def test_licence_line_is_wanted_near_the_top(clone, text, count):
    assert len(headers.findings(clone(tool_py=text))) == count


@pytest.mark.parametrize("folder", ["tmp", "work", "root", "home"])
@pytest.mark.parametrize("before", ["", "'", "path: ", "--dest=", "file[agent,path="])
def test_path_of_one_machine_is_found(clone, folder, before):
    assert neutral.findings(clone(a_yml=f"ok\n{before}/{folder}/x\n")) == [f"a.yml:2: a path of one machine: /{folder}/"]


@pytest.mark.parametrize("text", ["/var/lib/work/x", "https://example.org/home/x", "~/work/x", "{{ base }}/tmp/x", "./tmp/x", "/etc/ansible/facts.d"])
def test_other_paths_are_left_alone(clone, text):
    assert not neutral.findings(clone(a_yml=text))


@pytest.mark.parametrize("host", [("pypi", "org"), ("files", "pythonhosted", "org"), ("deb", "debian", "org"), ("quay", "io")])
def test_host_of_a_registry_is_found(clone, host):
    assert "the host of a registry" in neutral.findings(clone(a_yml="https://" + ".".join(host) + "/x"))[0]


def test_file_that_is_not_text_is_left_out(clone):
    root = clone()
    (root / "picture.png").write_bytes(b"\xff\xfe /" + b"tmp/x")
    assert not neutral.findings(root)


@pytest.mark.parametrize(
    "inmanta, state, fragments, expected",
    [
        ("a", "", ["connection"], None),
        ("a", "a", ["state"], None),
        ("", "", ["connection"], "group inmanta lacks a"),
        ("a", "", ["state"], "group state lacks a"),
        ("a", "", ["attributes"], "group inmanta lists a, which takes none of its options"),
        ("a, b", "", ["connection"], "group inmanta lists b, which is no module"),
        ("a, a", "", ["connection"], "group inmanta is not in alphabetical order, or names a module twice"),
    ],
)
def test_action_group_holds_the_modules_with_its_options(clone, inmanta, state, fragments, expected):
    documentation = MODULE % "".join(f"  - stagecraft.release.{name}\n" for name in fragments)
    root = clone(meta__runtime_yml=RUNTIME % (inmanta, state), plugins__modules__a_py=documentation)
    assert groups.findings(root) == ([f"meta/runtime.yml: action {expected}"] if expected else [])

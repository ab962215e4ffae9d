# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the checks are run: which Python gets which ansible-core, and what a job tells."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.checks import machine, sanity, venvs
from tests.checks.jobs import Failed, Job, run


def _found(*versions):
    return {version: Path(f"/usr/bin/python{version}") for version in versions}


@pytest.mark.parametrize(
    "versions, newest, oldest",
    [
        (["3.9", "3.11", "3.12", "3.13"], ("3.13", "core-newest.txt"), "3.11"),
        (["3.11"], ("3.11", "core-oldest.txt"), None),
        (["3.12"], ("3.12", "core-newest.txt"), "3.12"),
        (["3.14"], ("3.14", "core-newest.txt"), None),
        (["3.14", "3.15", "3.13"], ("3.14", "core-newest.txt"), "3.13"),
    ],
)
def test_newest_python_gets_the_newest_core(versions, newest, oldest):
    planned = venvs.plan(_found(*versions))
    assert (planned["newest"].version, planned["newest"].requirements[0]) == newest
    assert planned["lint"].version == newest[0] and planned["lint"].requirements == (newest[1], "lint.txt")
    assert (planned["oldest"].version if oldest else planned.get("oldest")) == oldest


@pytest.mark.parametrize("versions", [[], ["3.8", "3.10"]])
def test_no_usable_python_says_what_to_install(versions):
    with pytest.raises(Failed, match="Install one and run this again"):
        venvs.plan(_found(*versions))


def test_key_of_an_environment_follows_included_requirements(tmp_path, monkeypatch):
    monkeypatch.setattr(venvs, "REQUIREMENTS", tmp_path)
    (tmp_path / "a.txt").write_text("# a\n-r b.txt\n")
    (tmp_path / "b.txt").write_text("one\n")
    venv = venvs.Venv("newest", "3.13", Path("/usr/bin/python3"), ("a.txt",))
    before = venv.key
    assert venv.key == before
    (tmp_path / "b.txt").write_text("two\n")
    assert venv.key != before


def test_complete_environment_is_left_alone_and_half_made_one_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(venvs, "CACHE", tmp_path)
    monkeypatch.setattr(venvs, "REQUIREMENTS", tmp_path)
    (tmp_path / "none.txt").write_text("# nothing\n")
    venv = venvs.Venv("newest", "3", Path(sys.executable), ("none.txt",))
    (venv.path / "bin").mkdir(parents=True)
    (venv.path / "left-over").touch()
    first, second = Job("set-up", "x", venv.make).run(), Job("set-up", "x", venv.make).run()
    assert (first.problem, second.problem) == ("", "")
    assert not (venv.path / "left-over").exists()
    assert len(first.output) and second.output == [] and second.note == "already there"


def test_missing_program_is_named_by_its_package(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(machine.shutil, "which", lambda name: None)
    with pytest.raises(Failed, match="Missing on this machine: git openssh-client "):
        machine.prepare(("git", "ssh", "ssh-keygen"))


def _fail(job):
    job.findings(["one", "two"])


def test_failed_job_shows_its_output_and_the_others_run(capsys):
    failed = run("lint", [Job("lint", "bad", _fail), Job("lint", "good", lambda job: job.call("echo", "hidden") and None)])
    shown = capsys.readouterr().out
    assert [job.name for job in failed] == ["bad"]
    assert "----- lint: bad\none\ntwo\nFAILED  lint: bad (2 findings)" in shown
    assert "ok  lint: good" in shown and "hidden" not in shown and "1 of 2 FAILED" in shown


@pytest.mark.parametrize("argv, problem", [(["false"], "false ended with exit code 1"), (["no-such-program"], "No such file")])
def test_command_that_fails_fails_the_job(argv, problem):
    assert problem in Job("x", "x", lambda job: job.call(*argv) and None).run().problem


def test_standard_error_can_be_kept_apart():
    job = Job("x", "x", lambda job: None)
    assert job.call("sh", "-c", "echo out; echo err >&2", apart=True) == "out\n"
    assert job.output[1:] == ["out", "err"]


@pytest.mark.parametrize(
    "core, controller, everything, expected",
    [
        ("core-newest.txt", "3.13", False, {"3.9", "3.13"}),
        ("core-oldest.txt", "3.11", False, {"3.8", "3.11"}),
        ("core-newest.txt", "3.13", True, {"3.9", "3.10", "3.11", "3.13"}),
    ],
)
def test_sanity_compiles_on_the_oldest_and_the_controllers_python(core, controller, everything, expected):
    found = ["3.13", "3.11", "3.10", "3.9", "3.8", "3.6"]
    assert sanity.chosen_pythons(core, controller, found, everything) == expected

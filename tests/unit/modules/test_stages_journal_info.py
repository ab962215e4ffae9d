# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal is read back: what stages_fact wrote about a unit, oldest first."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.module_utils.state import journal
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend
from ansible_collections.stagecraft.release.plugins.modules import stages_fact, stages_journal_info


@pytest.fixture
def run(tmp_path):
    """A function that runs one of the modules on one host."""
    def run_it(module, **options):
        args = dict({"unit": "shop", "facts_path": str(tmp_path / "s.fact"), "journal_path": str(tmp_path / "j"),
                     "state_directory": str(tmp_path / "state")}, **options)
        validation = ArgumentSpecValidator(module.SPEC["argument_spec"]).validate(args)
        assert not validation.error_messages, validation.error_messages
        return module.execute(Call(validation.validated_parameters))
    return run_it


def test_what_was_written_comes_back(run):
    assert run(stages_journal_info) == {"changed": False, "entries": [], "damaged": 0}
    run(stages_fact, stage="build", status="running", release="v1", user="ada")
    run(stages_fact, stage="build", status="done", output={"commit": "a"})
    run(stages_fact, unit="till", stage="build", status="running", release="v9")
    entries = run(stages_journal_info)["entries"]
    assert [(entry["status"], entry["release"], entry.get("user"), entry.get("output")) for entry in entries] == [
        ("running", "v1", "ada", None), ("done", "v1", None, ["commit"])]
    assert run(stages_journal_info, limit=1)["entries"] == entries[1:]
    assert [entry["release"] for entry in run(stages_journal_info, unit="till")["entries"]] == ["v9"]


def test_a_line_of_a_killed_writer_is_counted(run, tmp_path):
    run(stages_fact, stage="build", status="running", release="v1")
    with open(tmp_path / "j", "a", encoding="utf-8") as handle:
        handle.write('{"unit": "shop", "sta')
    run(stages_fact, stage="build", status="done")
    (tmp_path / "j").write_text((tmp_path / "j").read_text() + "[]\n\n")
    found = run(stages_journal_info)
    assert ([entry["status"] for entry in found["entries"]], found["damaged"]) == (["running", "done"], 2)


def test_what_was_put_aside_is_read_too_oldest_first(tmp_path):
    backend = FileBackend(str(tmp_path / "f"), str(tmp_path / "j"), str(tmp_path / "state"), journal_bytes=100, journal_keep=3)
    for number in range(7):
        backend.journal(json.dumps({"unit": "shop", "number": number, "filler": "x" * 20}))
    assert (tmp_path / "j.2").exists()
    numbers = [entry["number"] for entry in journal.entries(backend, "shop", 100)[0]]
    assert numbers == list(range(7))[-len(numbers):] and len(numbers) >= 3


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_is_none(run, limit):
    with pytest.raises(InputError, match="^limit: "):
        run(stages_journal_info, limit=limit)


def test_a_journal_that_cannot_be_read(run, tmp_path):
    (tmp_path / "j").mkdir()
    with pytest.raises(StagecraftError, match="is a directory"):
        run(stages_journal_info)

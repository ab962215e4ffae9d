# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate as a module."""

from __future__ import annotations

import os

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.module_utils.state import facts, identity, lock
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend
from ansible_collections.stagecraft.release.plugins.modules import stages_info

NOW = 1795253400.0
KEYS = {"changed", "facts", "release", "pending", "complete", "dependent", "missing", "reasons", "lock", "saved"}


@pytest.fixture
def places(tmp_path):
    return {"facts_path": str(tmp_path / "s.fact"), "journal_path": str(tmp_path / "j"), "state_directory": str(tmp_path / "state")}


def run(places, **options):
    validation = ArgumentSpecValidator(stages_info.SPEC["argument_spec"]).validate(dict(places, unit="shop", **options))
    assert not validation.error_messages, validation.error_messages
    result = stages_info.execute(Call(validation.validated_parameters), clock=lambda: NOW)
    assert set(result) == KEYS and result["changed"] is False
    return result


def write(places, **changes):
    unit = facts.start(facts.empty_unit(), "build", "v1", "sha256:aa", "run1", "2026-11-21T09:30:00Z")
    unit.update(changes)
    FileBackend(*places.values()).write("facts", facts.serialise(facts.with_unit(facts.parse(None, ""), "shop", unit)))
    return unit


def test_nothing_there_makes_nothing_there(places, tmp_path):
    result = run(places, release="v1")
    assert result["facts"] == {} and result["saved"] == {} and result["lock"] is None
    assert result["pending"] == ["build", "stage", "install", "configure"]
    assert os.listdir(tmp_path) == []


def test_facts_saved_and_reasons_are_told(places):
    unit = write(places, saved={"auto_deploy": {"was": True, "set": False}})
    result = run(places, release="v1", run=["build"])
    assert result["facts"] == unit and result["saved"] == unit["saved"] and result["pending"] == ["build"]
    assert "interrupted" in result["reasons"]["build"]


def test_status_needs_no_release(places):
    write(places)
    assert run(places)["release"] == "v1" and run(places)["pending"] == ["build", "stage", "install", "configure"]


@pytest.mark.parametrize("seconds, controller, stale", [
    (0, "elsewhere:0", False), (-90, "elsewhere:0", True), (-89, "elsewhere:0", False), (0, identity.controller_id(), True),
])
def test_the_lock_says_whether_it_is_stale(places, seconds, controller, stale):
    holder = {"run": "run1", "controller": controller, "pid": os.getpid(), "started": 1, "user": "deploy"}
    record = lock.acquire(FileBackend(*places.values()), "shop", holder, NOW + seconds, lambda present: True)
    assert run(places)["lock"] == dict(record, stale=stale)


@pytest.mark.parametrize("options, field", [({"force": ["instal"]}, "stages_force"), ({"run": ["x"]}, "stages_run"), ({"inputs": {"x": 1}}, "inputs")])
def test_wrong_stages_are_refused(places, options, field):
    with pytest.raises(InputError, match="^%s: " % field):
        run(places, **options)


def test_a_malformed_file_is_never_nothing_done_yet(places):
    FileBackend(*places.values()).write("facts", "")
    with pytest.raises(StagecraftError, match="move it away to start afresh"):
        run(places, release="v1")

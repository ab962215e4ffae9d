# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_repair: when an agent has done with its resources."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError, WaitTimeout
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import deploy, repair
from ansible_collections.stagecraft.release.plugins.modules import inmanta_repair as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, action, agent, row, run, version
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import server_fixture  # noqa: F401

FAST = {"version": 2, "wait_interval": 0.01, "wait_timeout": 2}


@pytest.fixture(name="model")
def model_fixture(server, monkeypatch):
    """Version 2 is active: a2 needs a1, a3 needs a2, b needs nothing; a1 is paused."""
    monkeypatch.setattr(repair, "STILL_FOR", 0.1)
    monkeypatch.setattr(deploy, "SETTLED_FOR", 0.05)
    monkeypatch.setattr(deploy, "UNAVAILABLE_FOR", 0.2)
    server.versions = [version(2, "active"), version(1, "retired")]
    server.agents = [agent("a1", True), agent("a2"), agent("a3"), agent("b")]
    server.rows = [row("a1", "available"), row("a2", "available", ["a1"]), row("a3", "available", ["a2"]), row("b", "deployed")]
    server.repaired = {"b": "deployed"}
    return server


def test_a_state_from_before_is_not_the_end(model):
    """Its resource reads deployed all the time, and counts once the record says that it was deployed since."""
    model.actions = [dict(action("b", "deployed"), started="2000-01-01T00:00:00+00:00")]
    result = run(module, agent="b", **FAST)
    assert (result["counts"], result["total"], result["waiting"]) == ({"deployed": 1}, 1, [])
    assert model.writes == [("POST", "/api/v1/deploy", {"agent_trigger_method": "push_full_deploy", "agents": ["b"]})]


def test_what_was_deployed_since_an_earlier_moment_counts(model):
    model.repaired, model.actions = {}, [dict(action("b", "deployed"), started="2025-01-01T00:00:01+00:00")]
    assert run(module, agent="b", since="2025-01-01T00:00:00+00:00", **FAST)["counts"] == {"deployed": 1}


def test_a_repair_that_nobody_does_is_a_timeout(model):
    model.repaired = {}
    with pytest.raises(WaitTimeout, match="repair of b: not done.*1/1 deployed"):
        run(module, agent="b", **{**FAST, "wait_timeout": 0.3})


def test_a_repair_that_got_lost_is_asked_for_again(model, monkeypatch):
    monkeypatch.setattr(repair, "ASK_AGAIN_AFTER", 0.1)
    asked, deploy_all = [], model.repaired
    model.repaired = {}

    def count(_method, path, _body):
        if path == "/api/v1/deploy":
            asked.append(path)
            model.repaired = deploy_all if len(asked) > 1 else {}

    model.fail = count
    assert run(module, agent="b", **FAST)["counts"] == {"deployed": 1} and len(asked) == 2


@pytest.mark.parametrize("name", ["a2", "a3"])
def test_what_needs_a_paused_agent_is_not_waited_for(model, name):
    assert run(module, agent=name, **FAST)["waiting"] == ["std::File[%s,path=/x[1]]" % name]


def test_what_needs_nothing_is_waited_for(model):
    model.agents[0]["paused"] = False
    with pytest.raises(WaitTimeout):
        run(module, agent="a2", **{**FAST, "wait_timeout": 0.5})


def test_an_agent_that_is_being_started(model):
    model.unreached = 2
    assert run(module, agent="b", **FAST)["counts"] == {"deployed": 1} and len(model.writes) == 3


@pytest.mark.parametrize("state", ["failed", "unavailable"])
def test_too_many_failures(model, state):
    model.repaired = {"b": state}
    with pytest.raises(StagecraftError, match="more than max_failed=0 allows; the first is .*: no room") as caught:
        run(module, agent="b", max_failed=0, **FAST)
    assert caught.value.details["over_max_failed"] and caught.value.details["failed_resources"][0]["state"] == state


def test_as_many_failures_as_allowed(model):
    model.repaired = {"b": "failed"}
    assert run(module, agent="b", max_failed=1, **FAST)["failed_resources"][0]["error"] == "no room"


@pytest.mark.parametrize("change, given, words", [
    (lambda server: None, {"agent": "a1"}, "agent: 'a1' is paused"),
    (lambda server: None, {"agent": "c"}, "agent: 'c' has no resource in version 2.*a1, a2, a3, b"),
    (lambda server: None, {"agent": "b", "version": 1}, "version: 1 is not the active version but retired"),
    (lambda server: server.environments[ENV].update(halted=True), {"agent": "b"}, "is halted")])
def test_what_is_refused(model, change, given, words):
    change(model)
    with pytest.raises(InputError, match=words):
        run(module, **dict(FAST, **given))
    assert model.writes == []


def test_check_mode(model):
    result = run(module, check_mode=True, agent="b", **FAST)
    assert result["changed"] and result["counts"] == {"deployed": 1} and model.writes == []

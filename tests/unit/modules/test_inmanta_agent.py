# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_agent."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import inmanta_agent as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, agent, run
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import server_fixture  # noqa: F401


@pytest.fixture(name="agents")
def agents_fixture(server):
    server.agents = [agent("a0"), agent("a1", paused=True), agent("a2")]
    return server.agents


@pytest.mark.parametrize("given, paths, changed", [
    (dict(state="paused"), ["agents/pause"], ["a0", "a2"]),
    (dict(state="unpaused"), ["agents/unpause"], ["a1"]),
    (dict(state="paused", name="a0"), ["agent/a0/pause"], ["a0"]),
    (dict(state="paused", names=["a0", "a1", "a2"]), ["agent/a0/pause", "agent/a2/pause"], ["a0", "a2"]),
    (dict(state="paused", names=["a1"]), [], []),
    (dict(state="paused", names=[]), [], []),
])
def test_only_what_is_not_yet_so(server, agents, given, paths, changed):
    result = run(module, **given)
    assert [path[len("/api/v2/"):] for method, path, body in server.writes] == paths
    assert result["changed_agents"] == changed and result["changed"] is bool(changed)
    assert all(item["paused"] is (given["state"] == "paused") for item in result["agents"])
    assert not run(module, **given)["changed"]


def test_diff(agents):
    assert run(module, state="paused", names=["a0", "a1"])["diff"] == {"before": {"a0": False, "a1": True}, "after": {"a0": True, "a1": True}}


def test_check_mode(server, agents):
    result = run(module, check_mode=True, state="paused")
    assert result["changed_agents"] == ["a0", "a2"] and all(item["paused"] for item in result["agents"]) and server.writes == []


@pytest.mark.parametrize("on_resume, action, left", [("paused", "keep_paused_on_resume", [False] * 3), ("unpaused", "unpause_on_resume", [True] * 3)])
def test_on_resume(server, agents, on_resume, action, left):
    server.environments[ENV]["halted"] = True
    result = run(module, on_resume=on_resume)
    assert [item["unpause_on_resume"] for item in result["agents"]] == left
    assert [path for method, path, body in server.writes] == ["/api/v2/agents/" + action]


@pytest.mark.parametrize("halted, given", [(True, dict(state="paused")), (False, dict(on_resume="paused"))])
def test_what_the_halt_forbids(server, agents, halted, given):
    server.environments[ENV]["halted"] = halted
    with pytest.raises(StagecraftError, match="halted"):
        run(module, **given)
    assert server.writes == []


def test_an_unknown_agent_is_an_error_for_the_server_would_not_tell(server, agents):
    with pytest.raises(InputError, match="'a9' is not an agent.*a0, a1, a2"):
        run(module, state="paused", names=["a0", "a9"])
    assert server.writes == []


def test_no_agents_yet(server):
    assert run(module, state="paused") == {"changed": False, "agents": [], "changed_agents": [], "diff": {"before": {}, "after": {}}}

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Agents: names the server would swallow are refused, and so is what a halt forbids."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import agents

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, agent
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import client_fixture, server_fixture  # noqa: F401


def test_all_pages_are_listed(server, client):
    server.agents, server.page = [agent("a%d" % number) for number in range(5)], 2
    assert [item["name"] for item in agents.listing(client, ENV)] == ["a0", "a1", "a2", "a3", "a4"]


@pytest.mark.parametrize("names, expected", [(None, ["a", "b"]), (["b"], ["b"]), (["b", "a"], ["b", "a"]), ([], [])])
def test_select(names, expected):
    assert [item["name"] for item in agents.select([agent("a"), agent("b")], names)] == expected


@pytest.mark.parametrize("there, words", [([agent("a"), agent("b")], "'c' is not an agent.*a, b"), ([], "none are there")])
def test_an_unknown_name(there, words):
    with pytest.raises(InputError, match=words):
        agents.select(there, ["c"])


@pytest.mark.parametrize("halted, state, on_resume, words", [(True, "paused", None, "is halted"), (False, None, "paused", "is not halted")])
def test_what_a_halt_forbids(halted, state, on_resume, words):
    with pytest.raises(StagecraftError, match=words):
        agents.check_halted(halted, state, on_resume)


@pytest.mark.parametrize("halted, state, on_resume", [(False, "paused", None), (True, None, "unpaused")])
def test_what_a_halt_allows(halted, state, on_resume):
    agents.check_halted(halted, state, on_resume)


@pytest.mark.parametrize("names, paths", [
    (None, ["/api/v2/agents/pause"]),
    (["a0", "b/c"], ["/api/v2/agent/a0/pause", "/api/v2/agent/b%2Fc/pause"]),
])
def test_act(server, client, names, paths):
    agents.act(client, ENV, "pause", names)
    assert [path for method, path, body in server.writes] == paths

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_halt."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import WaitTimeout
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import actions
from ansible_collections.stagecraft.release.plugins.modules import inmanta_halt as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, Refusal, action, agent, row, run
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import server_fixture  # noqa: F401


@pytest.mark.parametrize("halted, state, action", [(False, "halted", "halt"), (True, "running", "resume")])
def test_changed(server, halted, state, action):
    server.environments[ENV]["halted"] = halted
    result = run(module, state=state)
    assert result["changed"] and result["halted"] is not halted
    assert server.writes == [("POST", "/api/v2/actions/environment/" + action, None)]
    assert result["diff"] == {"before": {"halted": halted}, "after": {"halted": not halted}}


@pytest.mark.parametrize("halted, state", [(True, "halted"), (False, "running")])
def test_what_is_so_already(server, halted, state):
    server.environments[ENV]["halted"] = halted
    result = run(module, state=state)
    assert not result["changed"] and result["halted"] is halted and server.writes == []


def test_check_mode(server):
    result = run(module, check_mode=True, state="halted")
    assert result["changed"] and result["halted"] and server.writes == []


def test_counts_before_and_after(server):
    server.counts = {"available": 2}
    server.fail = lambda method, path, body: server.counts.update(available=1, deployed=1) if method == "POST" else None
    resources = run(module, state="halted")["resources"]
    assert resources["before"] != resources["after"] == {"total": 2, "by_state": {"available": 1, "deployed": 1}}


def test_what_was_deployed_meanwhile(server):
    """One resource was being deployed when the halt was asked for, one was begun later; a dry run and a mere note count for nothing."""
    server.rows = [row("a0", "deploying"), row("a1", "available")]
    later = [action("a1", "deployed"), action("a2", "deployed", messages=[{"msg": "Setting deployed due to known good status"}]),
             action("a3", None, kind="dryrun")]
    server.fail = lambda method, path, body: server.actions.extend(later) if path.endswith("/halt") else None
    found = run(module, state="halted")["deployed_meanwhile"]
    assert [(item["agent"], item["state"]) for item in found] == [("a0", "deploying"), ("a1", "deployed")]
    assert found[1]["resource"] == "std::File[a1,path=/x[1]]"
    assert run(module, state="halted")["deployed_meanwhile"] == []


def test_actions_of_several_pages(server, monkeypatch):
    monkeypatch.setattr(actions, "PAGE_SIZE", 2)
    server.fail = lambda method, path, body: server.actions.extend(
        action("a%d" % number, "deployed", number) for number in range(5)) if path.endswith("/halt") else None
    assert [item["agent"] for item in run(module, state="halted")["deployed_meanwhile"]] == ["a0", "a1", "a2", "a3", "a4"]


def test_what_cannot_be_read_does_not_keep_it_from_halting(server):
    def fail(method, path, _body):
        if path in ("/api/v2/resource", "/api/v2/resource_actions"):
            raise Refusal(500, "An unexpected error occurred in the server while processing the request: no room")

    server.fail, warnings = fail, []
    result = run(module, state="halted", warn=warnings.append)
    assert result["changed"] and server.environments[ENV]["halted"]
    assert result["resources"] == {"before": None, "after": None} and result["deployed_meanwhile"] is None
    assert warnings and "no room" in warnings[0]


def test_agents_that_stay_paused(server):
    server.environments[ENV]["halted"] = True
    server.agents = [agent("a0", True, False), agent("a1", True, True)]
    assert run(module, state="running")["paused_agents"] == ["a0"]


@pytest.mark.parametrize("given, used", [({}, 120.0), ({"timeout": 5}, 60.0), ({"timeout": 300}, 300.0)])
def test_a_request_has_a_minute_at_least(server, given, used):
    run(module, state="halted", **given)
    assert set(server.timeouts) == {(10.0, used)}


@pytest.mark.parametrize("wait", [True, False])
def test_a_server_that_does_not_halt(server, wait):
    original = server.request

    def lazy(session, method, url, **given):
        answer = original(session, method, url, **given)
        server.environments[ENV]["halted"] = False
        return answer

    server.request = lazy
    if wait:
        with pytest.raises(WaitTimeout, match="to be halted: not done.*is running"):
            run(module, state="halted", wait_timeout=0.1, wait_interval=0.01)
    else:
        assert run(module, state="halted", wait=False)["changed"]

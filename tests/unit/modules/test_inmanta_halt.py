# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_halt."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import WaitTimeout
from ansible_collections.stagecraft.release.plugins.modules import inmanta_halt as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, run
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


@pytest.mark.parametrize("given, used", [({}, 120.0), ({"timeout": 5}, 60.0), ({"timeout": 300}, 300.0)])
def test_a_request_has_a_minute_at_least(server, given, used):
    run(module, state="halted", **given)
    assert set(server.timeouts) == {used}


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

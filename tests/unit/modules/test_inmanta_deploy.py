# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_deploy."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import inmanta_deploy as module
from ansible_collections.stagecraft.release.tests.unit.inmanta.fake_orchestrator import ENV, FakeClient, environment, run_module_here, version

KEYS = {"version", "status", "counts", "total", "failed_resources", "promoted", "over_max_failed"}
CANDIDATE, ACTIVE = version(42), version(42, "active", True)
ROW = dict(resource_id="fs::File[local,path=/b]", status="modified", attributes={"hash": dict(from_value="1", to_value="2")})
SAME = dict(resource_id="fs::File[local,path=/b]", status="unmodified", attributes={})
DOWN = dict(resource_id="fs::File[local,path=/b]", status="agent_down", attributes={})


def server(versions, counts=None, diff=None, halted=False):
    """An orchestrator on which v42 goes through ``versions``; ``diff`` is what its dry run found."""
    counts = counts or dict(deployed=4)
    summaries = [] if diff is None else [dict(id="d1", model=42, date="2026-01-01", total=1, todo=0)]

    def resources(query):
        if "filter.status" in query:
            return {"data": [dict(resource_id="x[a,b=c]", status="failed")]}
        return {"data": [], "metadata": {"deploy_summary": {"total": 4, "by_state": counts}}}

    return FakeClient({
        "GET /api/v2/environment/%s" % ENV: environment(halted), "GET /api/v2/desiredstate": versions, "GET /api/v2/resource": resources,
        "GET /api/v2/resource/x%5Ba%2Cb%3Dc%5D/logs": {"data": [dict(msg="disk full")]},
        "POST /api/v2/desiredstate/42/promote": {}, "GET /api/v2/dryrun/42": {"data": summaries}, "GET /api/v2/dryrun/42/d1": {"data": {"diff": diff}}})


def test_a_candidate_is_deployed(monkeypatch):
    client = server([CANDIDATE, CANDIDATE, ACTIVE])
    result, lines = run_module_here(monkeypatch, module, client, version=42)
    assert set(result) == KEYS | {"changed"}
    assert (result["changed"], result["promoted"], result["counts"], result["total"]) == (True, True, dict(deployed=4), 4)
    assert client.sent() == [("/api/v2/desiredstate/42/promote", None)]
    assert lines == ["v42: 4/4 deployed, 0 failed, 0 to go"]


def test_an_active_version_is_no_change(monkeypatch):
    client = server(ACTIVE)
    result, _lines = run_module_here(monkeypatch, module, client, version=42)
    assert (result["changed"], result["promoted"]) == (False, False)
    assert client.sent() == []


def test_failed_resources_do_not_make_the_task_fail_by_their_key(monkeypatch):
    result, _lines = run_module_here(monkeypatch, module, server(ACTIVE, dict(deployed=3, failed=1)), version=42)
    assert "failed" not in result
    assert result["failed_resources"] == [dict(resource="x[a,b=c]", state="failed", error="disk full")]


def test_too_many_failed_return_the_same_keys(monkeypatch):
    with pytest.raises(StagecraftError, match="more than max_failed=0 allows; the first is .*: disk full") as caught:
        run_module_here(monkeypatch, module, server(ACTIVE, dict(deployed=3, failed=1)), version=42, max_failed=0)
    assert set(caught.value.details) == KEYS
    assert caught.value.details["over_max_failed"] is True


def test_not_waiting_promotes_only(monkeypatch):
    client = server([CANDIDATE, CANDIDATE, version(42, "candidate", True)])
    result, _lines = run_module_here(monkeypatch, module, client, version=42, wait=False)
    assert (result["promoted"], result["status"], result["counts"]) == (True, "candidate", None)


@pytest.mark.parametrize("versions, diff, changed, shown", [
    (CANDIDATE, None, True, ""), (CANDIDATE, [ROW], True, "hash"), (CANDIDATE, [SAME], False, ""), (CANDIDATE, [DOWN], True, "agent_down"),
    (ACTIVE, [ROW], False, ""),
])
def test_check_mode_answers_from_the_dry_run_and_writes_nothing(monkeypatch, versions, diff, changed, shown):
    client = server(versions, diff=diff)
    result, _lines = run_module_here(monkeypatch, module, client, check_mode=True, version=42)
    assert (result["changed"], result["promoted"]) == (changed, False)
    assert shown in result.get("diff", {}).get("after", "")
    assert client.sent() == []


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("versions, halted, problem", [
    (CANDIDATE, True, "is halted"), ({"data": []}, False, "^version: 42 is not a version"),
    (version(42, "retired", True), False, "^version: 42 was superseded"),
])
def test_bad_input_promotes_nothing_and_returns_the_same_keys(monkeypatch, check_mode, versions, halted, problem):
    client = server(versions, halted=halted)
    with pytest.raises(InputError, match=problem) as caught:
        run_module_here(monkeypatch, module, client, check_mode=check_mode, version=42)
    assert set(caught.value.details) == KEYS
    assert client.sent() == []

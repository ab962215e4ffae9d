# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_dryrun."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import dryrun as dryruns
from ansible_collections.stagecraft.release.plugins.modules import inmanta_dryrun as module
from ansible_collections.stagecraft.release.tests.unit.inmanta.fake_orchestrator import ENV, FakeClient, environment, run_module_here, version

ROW = dict(resource_id="fs::File[local,path=/b]", status="modified", attributes={"hash": dict(from_value="1", to_value="2")})
DONE = dict(id="d1", model=42, date="2026-01-01T00:00:01+00:00", total=1, todo=0)


def server(summaries=(DONE,), halted=False, there=True):
    return FakeClient({
        "GET /api/v2/environment/%s" % ENV: environment(halted), "GET /api/v2/desiredstate": version(42) if there else {"data": []},
        "POST /api/v2/dryrun/42": {"data": "d1"}, "GET /api/v2/dryrun/42": {"data": list(summaries)},
        "GET /api/v2/dryrun/42/d1": {"data": {"diff": [ROW]}}})


def test_the_changes_are_returned_and_nothing_was_changed(monkeypatch):
    client = server()
    result, lines = run_module_here(monkeypatch, module, client, version=42)
    assert (result["changed"], result["counts"]["modified"], result["total"], result["stale"]) == (False, 1, 1, False)
    assert result["changes"][0]["attributes"] == {"hash": ["1", "2"]}
    assert '"2"' in result["diff"]["after"]
    assert client.sent() == [("/api/v2/dryrun/42", None)]
    assert lines == ["dry run of v42: 1/1 checked"]


def test_check_mode_reads_the_last_dry_run(monkeypatch):
    client = server()
    known, _lines = run_module_here(monkeypatch, module, server(), version=42)
    result, _lines = run_module_here(monkeypatch, module, client, check_mode=True, version=42)
    assert result == dict(known, stale=True)
    assert client.sent() == []


def test_check_mode_without_a_dry_run_knows_nothing(monkeypatch):
    client = server(summaries=[])
    result, _lines = run_module_here(monkeypatch, module, client, check_mode=True, version=42)
    assert {key: result[key] for key in dryruns.no_result()} == dryruns.no_result()
    assert result["changed"] is False and client.sent() == []


def test_not_waiting(monkeypatch):
    result, _lines = run_module_here(monkeypatch, module, server(), version=42, wait=False)
    assert (result["dryrun"]["id"], result["changes"], result["digest"]) == ("d1", None, None)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("given, problem", [(dict(halted=True), "is halted"), (dict(there=False), "^version: 42 is not a version")])
def test_bad_input_starts_nothing_and_returns_the_same_keys(monkeypatch, check_mode, given, problem):
    client = server(**given)
    with pytest.raises(InputError, match=problem) as caught:
        run_module_here(monkeypatch, module, client, check_mode=check_mode, version=42)
    assert set(dryruns.no_result()) <= set(caught.value.details)
    assert client.sent() == []

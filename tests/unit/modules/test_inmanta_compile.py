# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_compile."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import compile as compiles
from ansible_collections.stagecraft.release.plugins.modules import inmanta_compile as module
from ansible_collections.stagecraft.release.tests.unit.inmanta.fake_orchestrator import ENV, FakeClient, environment, run_module_here, settings, version

NOTIFY = "POST /api/v1/notify/%s" % ENV
KEYS = {"version", "status", "released", "report", "stage", "error", "interrupted"}


def server(success=True, completed="2026-01-01T00:00:09+00:00", halted=False, **values):
    """An orchestrator on which each compile ends at once."""
    report = dict(id="own", requested="r", started="s", completed=completed, success=success, version=7 if success else None,
                  reports=[dict(started="a", name="Init", returncode=0 if success else 1, errstream="no such branch", outstream="", command="x")])

    def listing(_query):
        return {"data": [dict(id="own", metadata=body["metadata"]) for path, body in client.sent()]}

    client = FakeClient({
        "GET /api/v2/environment/%s" % ENV: environment(halted), "GET /api/v2/environment_settings": settings(**dict(dict(server_compile=True), **values)),
        NOTIFY: {}, "GET /api/v2/compilereport": listing, "GET /api/v2/compilereport/own": {"data": report}, "GET /api/v2/desiredstate": version(7),
        "GET /api/v1/compilequeue": {"queue": []}})
    return client


def test_the_version_is_returned_with_the_proof_that_nothing_deploys(monkeypatch):
    client = server()
    result, lines = run_module_here(monkeypatch, module, client, update=True, reason="Release v2")
    assert (result["changed"], result["version"], result["status"], result["released"]) == (True, 7, "candidate", False)
    assert set(result) == KEYS | {"changed"}
    assert lines == ["compile: done, v7 (0 s)"]
    (path, body), = client.sent()
    assert (path, body["update"]) == ("/api/v1/notify/%s" % ENV, True)
    assert body["metadata"]["message"].startswith("Release v2 [stagecraft ")


def test_by_default_nothing_is_fetched(monkeypatch):
    client = server()
    run_module_here(monkeypatch, module, client)
    assert client.sent()[0][1]["update"] is False


def test_check_mode_compiles_nothing(monkeypatch):
    client = server()
    result, lines = run_module_here(monkeypatch, module, client, check_mode=True)
    assert result == dict(compiles.no_result(), changed=True)
    assert client.sent() == [] and lines == []


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("given, problem", [(dict(halted=True), "is halted"), (dict(server_compile=False), "server_compile: False")])
def test_what_cannot_compile_is_refused_in_check_mode_too(monkeypatch, check_mode, given, problem):
    client = server(**given)
    with pytest.raises(InputError, match=problem) as caught:
        run_module_here(monkeypatch, module, client, check_mode=check_mode)
    assert client.sent() == []
    assert set(caught.value.details) == KEYS


def test_a_failure_returns_the_same_keys(monkeypatch):
    with pytest.raises(StagecraftError, match="in stage 'Init': no such branch") as caught:
        run_module_here(monkeypatch, module, server(success=False))
    assert set(caught.value.details) == KEYS
    assert (caught.value.details["stage"], caught.value.details["version"]) == ("Init", None)


def test_not_waiting(monkeypatch):
    result, _lines = run_module_here(monkeypatch, module, server(completed=None), wait=False)
    assert (result["changed"], result["version"], result["report"]["id"]) == (True, None, "own")


def test_a_timeout_returns_the_same_keys(monkeypatch):
    with pytest.raises(StagecraftError, match="compile: not done within wait_timeout=0.2 s") as caught:
        run_module_here(monkeypatch, module, server(completed=None), wait_timeout=0.2)
    assert set(caught.value.details) == KEYS

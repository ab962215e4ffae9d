# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock as a module."""

from __future__ import annotations

import os

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils import backend_choice
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import NotFound
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import stages_lock

NOW = 1795253400.0
ENVIRONMENT = "0d3f2a52-7a4c-4b0e-9c57-8f7f1d0c5a11"


class Client:
    """A session with an orchestrator that has parameters."""

    url = "https://orchestrator.example.com"

    def __init__(self):
        self.parameters = {}
        self.environments = set()

    def get(self, path, environment=None, query=None):
        if path == "/api/v2/environment/%s" % ENVIRONMENT:
            return {"data": {"id": ENVIRONMENT}}
        self.environments.add(environment)
        if path not in self.parameters:
            raise NotFound("GET", path, 404, "no such parameter")
        return {"parameter": {"value": self.parameters[path]}}

    def request(self, method, path, environment=None, query=None, body=None, repeat=False):
        self.environments.add(environment)
        assert method == "PUT"
        self.parameters[path] = body["value"]
        return {}


@pytest.fixture(params=["file", "environment"])
def target(request, tmp_path, monkeypatch):
    """A function that runs the module as some run on one target."""
    client = Client()
    monkeypatch.setattr(backend_choice.ParameterBackend.__init__, "__defaults__", ("stagecraft", 0.001))

    def run(who="run1", now=NOW, check_mode=False, **options):
        args = dict({"unit": "shop", "backend": request.param, "facts_path": str(tmp_path / "s.fact"), "journal_path": str(tmp_path / "j"),
                     "state_directory": str(tmp_path / "state"), "environment": ENVIRONMENT,
                     "holder": {"run": who, "controller": "ci1:aa", "pid": 4711, "started": 1, "user": "deploy"}}, **options)
        validation = ArgumentSpecValidator(stages_lock.SPEC["argument_spec"]).validate(args)
        assert not validation.error_messages, validation.error_messages
        result = stages_lock.execute(Call(validation.validated_parameters, check_mode), client=client, clock=lambda: now)
        assert set(result) == {"changed", "lock", "previous"}
        return result
    run.kept = lambda: [name for name, value in client.parameters.items() if value] if request.param == "environment" else [
        name for name in (os.listdir(tmp_path / "state") if (tmp_path / "state").exists() else []) if name != ".lock"]
    return run


def test_held_renewed_and_released(target):
    first = target(purpose="release v2")
    assert first["changed"] and first["lock"]["run"] == "run1" and first["lock"]["purpose"] == "release v2" and first["lock"]["lease"] == 90
    second = target(now=NOW + 30)
    assert second["changed"] is False and second["lock"]["renewed"] == "2026-11-21T09:30:30Z" and second["lock"]["purpose"] == "release v2"
    assert target(state="released") == {"changed": True, "lock": None, "previous": None}
    assert target(state="released")["changed"] is False and target.kept() == []


def test_another_target_of_the_same_run_is_refused_in_check_mode_too(target):
    both = [{"run": "run1", "target": name, "controller": "ci1:aa", "pid": 4711, "started": 1, "user": "deploy"} for name in ("prod", "prod2")]
    held = target(holder=both[0])["lock"]
    for options in ({}, {"check_mode": True}, {"renew_only": True}):
        with pytest.raises(StagecraftError, match="unit shop: is declared twice: prod and prod2 of this run"):
            target(holder=both[1], **options)
    assert target(holder=both[1], state="released") == {"changed": False, "lock": held, "previous": None}


def test_another_run_is_refused_and_its_release_changes_nothing(target):
    held = target()["lock"]
    with pytest.raises(StagecraftError, match="held by deploy@ci1:aa") as caught:
        target("run2")
    assert caught.value.details["lock"] == held
    assert target("run2", state="released") == {"changed": False, "lock": held, "previous": None}


@pytest.mark.parametrize("gone, taken", [("run1", True), ("run0", False)])
def test_a_run_that_its_controller_found_gone_is_taken_over(target, gone, taken):
    target()
    if taken:
        assert target("run2", gone_run=gone)["lock"]["run"] == "run2"
    else:
        with pytest.raises(StagecraftError):
            target("run2", gone_run=gone)


def test_broken_says_whose_it_was(target):
    held = target()["lock"]
    assert target("run2", state="broken") == {"changed": True, "lock": None, "previous": held}
    assert target("run2", state="broken")["changed"] is False


def test_renew_only_takes_nothing(target):
    with pytest.raises(StagecraftError, match="does not hold it any more"):
        target(renew_only=True)
    target()
    assert target(now=NOW + 20, renew_only=True)["lock"]["renewed"] == "2026-11-21T09:30:20Z"


def test_check_mode_answers_and_writes_nothing(target):
    assert target(check_mode=True) == {"changed": True, "lock": None, "previous": None}
    assert target.kept() == []
    held = target()["lock"]
    assert target(check_mode=True)["changed"] is False
    assert target(check_mode=True, state="released")["changed"] is True
    assert target("run2", check_mode=True, state="broken") == {"changed": True, "lock": held, "previous": held}
    with pytest.raises(StagecraftError, match="held by"):
        target("run2", check_mode=True)
    assert target()["lock"]["since"] == held["since"]


@pytest.mark.parametrize("options, field", [({"holder": None}, "holder"), ({"lease": 0}, "lease"), ({"unit": "a b"}, "unit")])
def test_wrong_options(target, options, field):
    with pytest.raises(InputError, match="^%s: " % field):
        target(**options)


@pytest.mark.parametrize("params, kind, where", [
    ({"backend": "file"}, "FileBackend", "/facts"), ({"backend": "environment"}, "ParameterBackend", "stagecraft.facts"),
])
def test_backend_choice(params, kind, where):
    client = Client()
    backend = backend_choice.backend_for(dict({"unit": "shop", "facts_path": "/facts", "journal_path": "/j", "state_directory": "/s",
                                               "environment": ENVIRONMENT}, **params), client=client)
    assert type(backend).__name__ == kind and where in backend.describe()
    if kind == "ParameterBackend":
        assert backend.read("facts") is None and client.environments == {ENVIRONMENT}


def test_secrets_are_among_the_options_a_host_does_not_get():
    assert {"token", "password", "username", "url", "client_key", "environment"} <= backend_choice.connection_options()
    assert not {"unit", "backend", "facts_path", "journal_path", "state_directory"} & backend_choice.connection_options()

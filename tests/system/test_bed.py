# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bed keeps its promises: real files, a restart without loss, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bed import Bed, processes
from tests.bed.api import Api, ApiError


def test_v1_is_deployed_to_disk(environment):
    env = environment(files={"motd": 'quotes " and {{ braces }}\n'})
    assert env.repository.deployed("motd") == 'quotes " and {{ braces }}\n'


def test_candidate_waits_and_removes_a_file(environment):
    env = environment(files={"motd": "one\n", "old": "x\n"})
    env.api.set(env.id, "auto_deploy", False)
    env.repository.release("v2", {"motd": "two\n", "old": None})
    candidate = env.compile()["version"]
    assert env.api.version_status(env.id, candidate) == "candidate"
    changes = {row["resource_id"]: row["status"] for row in env.api.dryrun(env.id, candidate)["diff"]}
    assert changes[env.repository.resource_id("motd")] == "modified"
    assert env.repository.deployed("motd") == "one\n"
    env.deploy()
    assert env.repository.deployed("motd") == "two\n"
    assert env.repository.deployed("old") is None


@pytest.mark.slow
def test_failing_resource(environment):
    env = environment()
    env.repository.release("v2", {"motd": "two\n"}, failing=["lost"], nulls=4, agents=("a0", "a1"))
    env.compile()
    states = env.api.wait_deployed(env.id)
    assert states["failed"] == 1
    assert states["deployed"] == 5


@pytest.mark.parametrize("how", ["module", *(pytest.param(how, marks=pytest.mark.slow) for how in ("syntax", "name"))])
def test_broken_model(environment, how):
    env = environment()
    env.repository.release("v2", broken=how)
    report = env.api.compile(env.id)
    assert report["success"] is False
    assert env.api.by_state(env.id) == {"deployed": 1}


def _gone(directory: str, state: dict) -> bool:
    return not (
        processes.find(Path(directory))
        or Path(f"/proc/{state['postgres_pid']}").exists()
        or Path(directory).exists()
        or Path(state["postgres_directory"]).exists()
    )


@pytest.mark.slow
def test_restart_and_removal():
    with Bed() as bed:
        state = bed.describe()
        repository = bed.repository()
        repository.release("v1", {"motd": "one\n"})
        env = bed.environment("kept", repository)
        env.deploy()
        for kill in (False, True):
            bed.server.stop(kill=kill)
            assert not processes.find(bed.directory)
            bed.server.start()
            assert bed.server.url == state["url"]
            env.api.wait_deployed(env.id)
        repository.release("v2", {"motd": "two\n"})
        env.deploy()
        assert repository.deployed("motd") == "two\n"
    assert _gone(state["directory"], state)


def test_auth_and_tls(secured_bed):
    server, ca = secured_bed.server, str(secured_bed.server.ca)
    admin = secured_bed.api()

    def status_of_projects(token: str | None) -> int:
        with pytest.raises(ApiError) as refused:
            Api(server.url, token, ca).data("GET", "/api/v2/project")
        return refused.value.status

    admin.create_user("operator", "A long enough passw0rd")
    operator = Api(server.url, admin.login("operator", "A long enough passw0rd"), ca)
    assert operator.data("GET", "/api/v2/project") == []
    repository = secured_bed.repository()
    repository.release("v1", {"motd": "one\n"})
    env = secured_bed.environment("guarded", repository)
    env.deploy()
    assert repository.deployed("motd") == "one\n"
    assert Api(server.url, server.token(env.id), ca).settings(env.id)
    assert status_of_projects(server.token(env.id)) == 403
    assert status_of_projects(server.token(expire=-5)) == 403
    assert status_of_projects(None) == 401
    env.delete()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_command_line(tmp_path, number):
    directory = tmp_path / "bed"
    command = [sys.executable, "-m", "tests.bed"]
    # A background job of a shell ignores SIGINT, and so does all that it starts unless told otherwise.
    root = Path(__file__).resolve().parents[2]
    subprocess.run([*command, "up", "--detach", "--dir", directory], cwd=root, check=True, capture_output=True,
                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    state = json.loads((directory / "bed.json").read_text(encoding="utf-8"))
    assert Api(state["url"]).status()["version"] == state["release"]
    os.kill(state["pid"], number)
    if number == signal.SIGKILL:
        subprocess.run([*command, "down", "--dir", directory], cwd=root, check=True)
    deadline = time.monotonic() + 40
    while not _gone(str(directory), state) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _gone(str(directory), state)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions: what a host is sent, and whole plays on a host that is reached like a remote one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from ansible_collections.stagecraft.release.plugins.action import (
    stages_evidence,
    stages_evidence_info,
    stages_fact,
    stages_journal_info,
    stages_lock,
)
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.stages import gate
from ansible_collections.stagecraft.release.plugins.module_utils.state import identity, lock
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend
from ansible_collections.stagecraft.release.plugins.plugin_utils.this_run import this_run

COLLECTIONS = Path(gate.__file__).parents[6]
SECRET = "hunter2"
CONNECTION = """
DOCUMENTATION = '''
name: far
short_description: this machine, reached as if it were another one
description: For tests.
author: tests
options: {}
'''
from ansible.plugins.connection.local import Connection as Local


class Connection(Local):
    transport = "far"
"""
PLAY = """
- hosts: all
  gather_facts: false
  module_defaults:
    group/stagecraft.release.inmanta: &state
      unit: shop
      token: hunter2
      facts_path: "{{ root }}/with space/s.fact"
      journal_path: "{{ root }}/log/j.jsonl"
      state_directory: "{{ root }}/state"
  tasks:
"""


def make(module, transport="ssh", become=None, **result):
    """An action that notes what its host is sent."""
    action = module.ActionModule.__new__(module.ActionModule)
    action.sent, action.here = [], []
    action._connection = types.SimpleNamespace(transport=transport, become=become)
    action._task = types.SimpleNamespace(action="a task", check_mode=False, diff=False)
    action._execute_module = lambda module_args, task_vars: action.sent.append(module_args) or result
    action.run_here = lambda args, task_vars: action.here.append(args) or result
    return action


def go(action, **args):
    return action.run_where_kept(action.filled(args, {"inventory_hostname": "web1"}), {})


@pytest.mark.parametrize("module", [stages_fact, stages_lock, stages_evidence, stages_evidence_info, stages_journal_info])
@pytest.mark.parametrize("backend, transport, become, sent", [
    ({}, "ssh", None, True), ({"backend": "file"}, "ssh", None, True), ({}, "local", object(), True), ({}, "local", None, False),
    ({"backend": "environment"}, "ssh", None, False), ({"backend": "environment"}, "ssh", object(), False),
])
def test_where_a_module_runs(module, backend, transport, become, sent):
    action = make(module, transport, become)
    go(action, unit="shop", **backend)
    assert (len(action.sent), len(action.here)) == ((1, 0) if sent else (0, 1))


@pytest.mark.parametrize("module", [stages_fact, stages_lock, stages_evidence, stages_evidence_info])
def test_a_host_gets_no_secret(module):
    action = make(module)
    go(action, unit="shop", url="https://o", token=SECRET, username="u", password=SECRET, environment="prod", inputs={"password": SECRET})
    assert SECRET not in json.dumps(action.sent[0]).replace('"inputs": {"password": "%s"}' % SECRET, "" if module is not stages_fact else "!")
    assert not {"url", "token", "username", "password", "environment"} & set(action.sent[0]) and action.sent[0]["unit"] == "shop"


def test_facts_carry_run_host_user_and_the_digest_of_the_inputs():
    action = make(stages_fact)
    go(action, unit="shop", stage="build", inputs={"password": SECRET}, run="forged", host="forged", user="forged")
    assert action.sent == [{"unit": "shop", "stage": "build", "inputs": gate.digest({"password": SECRET}), "run": this_run({})["run"], "host": "web1",
                            "user": this_run({})["user"]}]
    go(action, unit="shop", stage="build")
    assert "inputs" not in action.sent[1]


def test_evidence_is_sent_as_one_text():
    action = make(stages_evidence)
    go(action, unit="shop", name="x", content={"password": SECRET})
    assert set(action.sent[0]) == {"unit", "name", "packed"}
    with pytest.raises(InputError, match="^content: 'list' is not a mapping"):
        go(action, unit="shop", name="x", content=[1])


@pytest.mark.parametrize("holder, asked", [
    ({"run": "run1", "controller": identity.controller_id(), "pid": os.getpid(), "started": 1}, 2),
    ({"run": "run1", "controller": identity.controller_id(), "pid": os.getpid(), "started": identity.process_start(os.getpid())}, 1),
    ({"run": "run1", "controller": "elsewhere:0", "pid": os.getpid(), "started": 1}, 1),
    (None, 1),
])
def test_a_holder_that_is_gone_from_this_controller_is_reported_to_the_host(holder, asked):
    action = make(stages_lock, failed=True, msg="held", lock=holder)
    assert go(action, unit="shop")["msg"] == "held"
    assert len(action.sent) == asked and [args.get("gone_run") for args in action.sent[1:]] == ["run1"] * (asked - 1)


class Plays:
    """Plays on one host that is not told to be this machine."""

    def __init__(self, root, connection):
        self.root = root
        self.backend = FileBackend(str(root / "with space" / "s.fact"), str(root / "log" / "j.jsonl"), str(root / "state"))
        self._connection = connection
        (root / "connection").mkdir()
        (root / "connection" / "far.py").write_text(CONNECTION)

    def start(self, tasks, *options):
        """An ansible-playbook process that runs the tasks."""
        play = self.root / "play.yml"
        play.write_text(PLAY + tasks)
        environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), ANSIBLE_CONNECTION_PLUGINS=str(self.root / "connection"),
                           ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default", ANSIBLE_NOCOLOR="1", ANSIBLE_HOME=str(self.root / "home"),
                           ANSIBLE_LOCALHOST_WARNING="0", ANSIBLE_PIPELINING="1")
        environment.pop("ANSIBLE_FORCE_COLOR", None)
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "web1,", "-c", self._connection, str(play), "-e", "root=%s" % self.root,
                   "-e", "ansible_python_interpreter=%s" % sys.executable, "-vvv", *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, cwd=self.root)

    def run(self, tasks, *options):
        """Exit code and output."""
        process = self.start(tasks, *options)
        output = process.communicate(timeout=120)[0].decode("utf-8")
        return process.returncode, output


@pytest.fixture(params=["far", "local"])
def plays(request, tmp_path):
    return Plays(tmp_path, request.param)


WHOLE = """
    - stagecraft.release.stages_lock:
        purpose: test
    - stagecraft.release.stages_fact:
        stage: build
        status: running
        release: v1
        inputs: {password: topsecret}
    - stagecraft.release.stages_fact:
        stage: build
        status: done
        output: {manifest: aa}
    - stagecraft.release.stages_info:
        release: v1
        inputs: {build: {password: topsecret}}
      register: gate
    - stagecraft.release.stages_evidence:
        name: before
        content: {a: [1, "x"]}
    - stagecraft.release.stages_evidence_info:
        name: before
      register: before
    - ansible.builtin.assert:
        that:
          - gate.pending == ["stage", "install", "configure"]
          - gate.complete == ["build"]
          - gate.lock.purpose == "test" and not gate.lock.stale
          - gate.facts.stages.build.run == gate.lock.run
          - before.content.a == [1, "x"]
    - stagecraft.release.stages_lock:
        state: released
"""


def test_a_whole_play(plays):
    code, output = plays.run(WHOLE)
    assert code == 0, output
    assert SECRET not in output
    assert lock.read(plays.backend, "shop") is None
    lines = [json.loads(line) for line in (plays.root / "log" / "j.jsonl").read_text().splitlines()]
    assert [(line["host"], line["status"]) for line in lines] == [("web1", "running"), ("web1", "done")]
    for path in plays.root.rglob("*"):
        assert not path.is_file() or path.suffix == ".yml" or "topsecret" not in path.read_text(errors="replace"), path


def test_check_mode_writes_nothing(plays):
    code, output = plays.run(WHOLE.partition("    - ansible.builtin.assert")[0], "--check", "--diff")
    assert code == 0, output
    assert '"status": "running"' in output
    assert not {"state", "log", "with space"} & set(os.listdir(plays.root))


def test_an_error_is_one_message(plays):
    plays.backend.write("facts", "{")
    code, output = plays.run("    - stagecraft.release.stages_info:\n        release: v1\n")
    assert code == 2 and "move it away to start afresh" in output and "Traceback" not in output


HOLD = """
    - stagecraft.release.stages_lock:
    - ansible.builtin.pause:
        seconds: {seconds}
"""


def test_a_living_run_refuses_another_and_a_killed_one_is_taken_over_at_once(plays):
    first = plays.start(HOLD.format(seconds=100))
    try:
        deadline = time.monotonic() + 60
        while lock.read(plays.backend, "shop") is None:
            assert time.monotonic() < deadline and first.poll() is None
            time.sleep(0.05)
        held = lock.read(plays.backend, "shop")
        code, output = plays.run(HOLD.format(seconds=0))
        assert code == 2 and "held by" in output and held["run"] in output
    finally:
        first.kill()
        first.communicate()
    code, output = plays.run(HOLD.format(seconds=0))
    assert code == 0, output
    assert lock.read(plays.backend, "shop")["run"] != held["run"]

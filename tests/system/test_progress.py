# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress lines: live on the terminal, and events of their own in ansible-runner."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import ansible_runner
import pytest

from tests.system.playbooks import Target, environ

COMPILE = re.compile(r"target: compile: .+")
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Compile
      stagecraft.release.inmanta_compile:
        url: "{{ inmanta_model_url }}"
        environment: "{{ inmanta_model_environment }}"
"""


@pytest.fixture(scope="module")
def target(bed, tmp_path_factory):
    repository = bed.repository()
    repository.release("v1", {"motd": "one\n"})
    environment = bed.environment("progress", repository)
    environment.deploy()
    environment.api.set(environment.id, "auto_deploy", False)
    yield Target(environment, bed.api().url, tmp_path_factory.mktemp("progress"))
    environment.delete()


@pytest.fixture
def play(tmp_path: Path) -> Path:
    path = tmp_path / "compile.yml"
    path.write_text(PLAY)
    return path


def test_lines_come_while_the_task_runs(target: Target, play: Path) -> None:
    command = ["ansible-playbook", "-i", str(target.inventory), str(play)]
    seen = {}
    with subprocess.Popen(command, env=environ(PYTHONUNBUFFERED="1"), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        for line in run.stdout:
            seen.setdefault(line.strip(), time.monotonic())
    assert run.returncode == 0, seen
    lines = [line for line in seen if COMPILE.match(line)]
    assert len(lines) >= 2 and lines[-1].startswith("target: compile: done, v"), lines
    assert seen[lines[-1]] - seen[lines[0]] > 0.3, "the lines came all at once: %s" % seen


def test_lines_are_events_in_ansible_runner(target: Target, play: Path, tmp_path: Path) -> None:
    (tmp_path / "runner").mkdir()
    run = ansible_runner.run(private_data_dir=str(tmp_path / "runner"), playbook=str(play), inventory=str(target.inventory), quiet=True,
                             envvars={name: value for name, value in environ().items() if name.startswith(("ANSIBLE_", "PATH"))})
    assert run.rc == 0, run.stdout.read()
    events = [event for event in run.events if COMPILE.match(event.get("stdout", "").strip())]
    assert len(events) >= 2, [event.get("stdout") for event in run.events]
    assert len({event["counter"] for event in events}) == len(events)
    assert json.dumps(events[0]["created"]) != json.dumps(events[-1]["created"])

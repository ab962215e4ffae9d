# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time works on an environment; the others are told who does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.killing import Before, check_clean, check_delivered, journal, lock, released
from tests.system.playbooks import EXPECT_ALL, Run, Target, environ

ELSEWHERE = {"PYTHONPATH": str(Path(__file__).parent / "elsewhere")}
HELD = r"held by \S+@\S+ \(process \d+, run \S+\) for v\d+: .* since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ; its lease ends at"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def at_the_same_time(target: Target, release: str, *environments: dict[str, str]) -> list[Run]:
    """Start one upgrade for each of the environments, and wait for all."""
    running = [target.start("upgrade", release, env=env, inmanta_model_policy=EXPECT_ALL) for env in environments]
    try:
        outputs = [process.communicate(timeout=600)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    return [Run(process.returncode, output, 0) for process, output in zip(running, outputs)]


def check_one_worked(runs: list[Run]) -> None:
    """One run succeeded, and each of the others said who held the lock since when."""
    refused = [run for run in runs if run.rc]
    assert len(refused) == len(runs) - 1, "\n\n".join(run.output[-3000:] for run in runs)
    for run in refused:
        assert re.search(HELD, run.text), run.output[-3000:]


def play(target: Target, directory: Path, *tasks: dict, env: dict[str, str] | None = None, **keywords) -> Run:
    """Run a playbook with one play on the inventory's environments."""
    playbook = directory / "play.yml"
    playbook.write_text(json.dumps([dict({"hosts": "inmanta_environments", "gather_facts": False, "tasks": list(tasks)}, **keywords)]))
    done = subprocess.run(["ansible-playbook", "-i", str(target.inventory), str(playbook)], env=environ(**(env or {})), text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    return Run(done.returncode, done.stdout, 0)


def test_three_runs_from_two_controllers(line_of_releases):
    target = line_of_releases
    release, content = target.next_release()
    before = Before.of(target)
    runs = at_the_same_time(target, release, {}, ELSEWHERE, {})
    check_one_worked(runs)
    check_delivered(target, release, before, content)


@pytest.mark.slow
def test_two_runs_with_the_state_in_files(line_of_releases, tmp_path):
    target = line_of_releases
    release, content = target.next_release()
    before = Before.of(target)
    files = {"inmanta_model_facts_path": tmp_path / "s.fact", "inmanta_model_journal_path": tmp_path / "j", "inmanta_model_state_directory": tmp_path / "state"}
    filed = Target(target.environment, target.environment.api.url, tmp_path, inmanta_model_backend="file", ansible_connection="local",
                   ansible_python_interpreter=sys.executable, **{name: str(path) for name, path in files.items()})
    check_one_worked(at_the_same_time(filed, release, {}, {}))
    assert len(released(target) - before.released) == 1 and len(journal(target)) == before.lines
    assert target.repository.deployed("motd") == content
    facts = json.loads((tmp_path / "s.fact").read_text())["units"][target.environment.id]
    assert {record["status"] for record in facts["stages"].values()} == {"done"} and facts["saved"] == {}
    assert not list((tmp_path / "state").glob("lock-*"))
    check_clean(target)


def twice(target: Target, directory: Path, hosts: list[dict], **variables) -> Run:
    """Run the role as a site playbook does, without a gate, on several hosts; only the stage build."""
    other = Target(target.environment, target.environment.api.url, directory)
    other.write(*hosts)
    return play(other, directory, roles=["stagecraft.release.inmanta_model"],
                vars=dict(variables, stages_run=["build"], inmanta_model_policy=EXPECT_ALL))


def test_environment_declared_twice_by_name_and_by_id(line_of_releases, tmp_path):
    target = line_of_releases
    release, _content = target.next_release()
    lines = len(journal(target))
    named = dict(target.variables, inmanta_model_environment=target.environment.name, inmanta_model_project=target.environment.project_name)
    run = twice(target, tmp_path, [target.variables, named], inmanta_model_release=release)
    run.refused("is declared by target and also by target2", "keep one of these hosts in the inventory")
    assert len(journal(target)) == lines
    check_clean(target)


def test_lock_is_not_shared_by_two_targets_of_one_run(line_of_releases, tmp_path):
    target = line_of_releases
    release, _content = target.next_release()
    lines = len(journal(target))
    # Variables of a play are none of a host, so the role cannot see that the other host has the same.
    run = twice(target, tmp_path, [{}, {}], inmanta_model_release=release, **target.variables)
    run.refused("unit %s: is declared twice: target" % target.environment.id, "keep one of these hosts in the inventory")
    assert run.output.count("fatal: ") == 1, run.output[-3000:]
    begun = [line["stage"] for line in journal(target)[lines:] if line.get("status") == "running"]
    assert begun == ["build"]
    check_clean(target)


@pytest.fixture
def foreign_lock(line_of_releases):
    """foreign_lock(age): a lock that a run of another controller renewed so many seconds ago."""
    target = line_of_releases
    name = "stagecraft.lock-%s" % target.environment.id

    def put(age):
        then = time.strftime(FORMAT, time.gmtime(time.time() - age))
        holder = {"run": "20260101T000000Z-00000000", "target": "prod", "controller": "elsewhere:0123456789ab", "pid": 4711, "started": 1,
                  "user": "deploy", "since": then, "renewed": then, "lease": 90, "purpose": "v9: build"}
        body = {"source": "user", "value": json.dumps(holder), "resource_id": "", "metadata": {}}
        target.environment.api.call("PUT", "/api/v1/parameter/%s" % name, body, env=target.environment.id)
        return holder

    yield put
    body = {"source": "user", "value": "", "resource_id": "", "metadata": {}}
    target.environment.api.call("PUT", "/api/v1/parameter/%s" % name, body, env=target.environment.id)


def test_lock_of_another_controller_holds_for_its_lease_unless_it_is_broken(line_of_releases, foreign_lock, tmp_path):
    target = line_of_releases
    # From the future, so that a slow machine does not let the lease run out.
    holder = foreign_lock(-3600)
    target.run("restore").refused("held by deploy@elsewhere:0123456789ab", "for v9: build since %s" % holder["since"], "state: broken")
    assert lock(target) == holder
    broken = play(target, tmp_path, {"stagecraft.release.stages_lock": {
        "state": "broken", "backend": "environment", "unit": target.environment.id,
        "url": "{{ inmanta_model_url }}", "environment": "{{ inmanta_model_environment }}"}})
    assert "changed=1" in broken.ok().text and lock(target) is None
    target.run("restore").ok()
    foreign_lock(91)
    target.run("restore").ok()
    assert lock(target) is None
    check_clean(target)

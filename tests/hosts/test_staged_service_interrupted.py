# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run, or one host, dies in the middle of a stage; one more plain run completes what is left."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.hosts.staged import Service
from tests.system.killing import Point, killer

HOSTS = ["web1", "web2"]
STEPS = ["stage", "install", "configure"]
slow = pytest.mark.slow
# stage in which the run dies: where
POINTS = [
    pytest.param("stage", Point("Fetch the artifacts", after=0.3), id="fetch", marks=slow),
    pytest.param("stage", Point("Complete stage"), id="fetched", marks=slow),
    pytest.param("install", Point("Install the packages", after=0.5), id="packages", marks=slow),
    pytest.param("install", Point("Install the wheels that the lock names", after=1), id="wheels", marks=slow),
    pytest.param("install", Point("Complete install"), id="installed", marks=slow),
    pytest.param("configure", Point("Write the configuration"), id="deployment", marks=slow),
    pytest.param("configure", Point("Make the release effective"), id="drained", marks=slow),
    pytest.param("configure", Point("Restart what uses it"), id="switched"),
    pytest.param("configure", Point("Check the health of the release"), id="restarted", marks=slow),
    pytest.param("configure", Point("Complete configure"), id="configured", marks=slow),
]
POWER_CUTS = [
    pytest.param("stage", "Fetch the artifacts", id="stage", marks=slow),
    pytest.param("install", "Install the wheels that the lock names", id="install"),
    pytest.param("configure", "Restart what uses it", id="configure", marks=slow),
]
LIMIT = ["--limit", "localhost,builder,%s" % ",".join(HOSTS)]


@pytest.fixture
def on_v1(service: Service) -> Service:
    """Two hosts that run release 1, and know nothing of release 2."""
    service.bring("v1", *LIMIT)
    for name in HOSTS:
        service.fleet.exec(name, "rm -rf /opt/shop/releases/v2-* /var/lib/stagecraft/artifacts/releases/shop/v2 /var/log/stagecraft/journal.jsonl")
    return service


def check_completed(service: Service, done: dict[str, list[str]]) -> None:
    """Every host runs release 2, and no stage that was complete was begun again."""
    for name in HOSTS:
        assert service.answer(name) == "v2 hello"
        assert set(service.statuses(name).values()) == {"done"}
        assert service.facts(name)["restart_pending"] == []
        begun = service.begun(name, "v2")
        assert sorted(set(begun), key=STEPS.index) == STEPS
        assert [stage for stage in done[name] if begun.count(stage) != 1] == [], "%s: %s ran again: %s" % (name, done[name], begun)
    assert " down;" not in service.fleet.exec("balancer", ["cat", "/etc/nginx/upstreams/shop.conf"]).stdout


def complete(service: Service) -> dict[str, list[str]]:
    """The stages of release 2 that are complete on each host."""
    return {name: [stage for stage, record in service.facts(name)["stages"].items() if record["status"] == "done" and record["release"] == "v2"]
            for name in HOSTS}


@pytest.mark.parametrize("stage, point", POINTS)
def test_the_run_is_killed(on_v1: Service, tmp_path: Path, stage: str, point: Point) -> None:
    killed = on_v1.run("site", "v2", *LIMIT, release_serial="100%", env=killer(point, record=str(tmp_path / "killed.json")))
    assert killed.rc == -signal.SIGKILL, killed.output[-3000:]
    done = complete(on_v1)
    assert any(stage not in stages for stages in done.values()), "the stage was complete before the kill: %s" % done
    on_v1.bring("v2", *LIMIT)
    check_completed(on_v1, done)


@pytest.mark.parametrize("stage, task", POWER_CUTS)
def test_a_host_loses_its_power(on_v1: Service, stage: str, task: str) -> None:
    container = on_v1.fleet.host("web1").container
    cut = killer(Point(task, after=0.5), command=["docker", "kill", container])
    run = on_v1.run("site", "v2", *LIMIT, env=cut, release_max_fail_percentage=0)
    assert run.rc != 0 and "web1" in run.text, run.output[-3000:]
    on_v1.fleet.start("web1")
    assert on_v1.answer("web2") == "v1 hello", "a run that has lost a host went on to configure the others"
    done = complete(on_v1)
    on_v1.bring("v2", *LIMIT)
    check_completed(on_v1, done)

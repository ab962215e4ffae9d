# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real service goes from release to release on hosts that reach no registry, while a client asks it without pause.

Also where the run, or one host, dies in the middle of a stage. All of it in one file, so that it shares one fleet.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet import Client, Fleet
from tests.hosts.staged import ROOT, Service
from tests.system.killing import Point, killer

STEPS = ["stage", "install", "configure"]
STORE = "/var/lib/stagecraft/artifacts"
HOSTS = ["web1", "web2"]
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
    pytest.param("install", "Install the wheels that the lock names", id="install", marks=slow),
    pytest.param("configure", "Restart what uses it", id="configure", marks=slow),
]
LIMIT = ["--limit", "localhost,builder,%s" % ",".join(HOSTS)]


def test_release_1_to_2_without_a_failed_request(service: Service) -> None:
    service.reset(*[name for name in service.hosts if service.begun(name, "v1")])
    service.bring("v1")
    manifest = json.loads(service.fleet.exec("web1", ["cat", STORE + "/releases/shop/v1/manifest.json"]).stdout)
    kinds = [entry["kind"] for entry in manifest["artifacts"]]
    assert kinds.count("wheel") > 30 and kinds.count("package") > 3, kinds
    assert service.answers() == ["v1 hello"] * 5
    # An address for documentation, which nobody has: without a route the kernel says so at once.
    outside = "python3 -c 'import socket; socket.create_connection((\"192.0.2.1\", 443), 5)' 2>&1"
    assert "unreachable" in service.fleet.exec("web1", outside, check=False).stdout

    with Client(service.fleet.url("balancer"), seconds=900) as client:
        client.wait_requests(50)
        service.run("stage", "v2").ok()
        service.run("install", "v2").ok()
        assert set(client.bodies) == {"v1 hello"}, "stage or install touched what runs: %s" % client.report()

        broken = service.run("configure", "v2", shop_broken=["2", "web2"], python_service_health_retries=2)
        broken.refused("web2", "could not be made effective", "The host is back on v1-", "healthy and in service")
        assert service.answers() == ["v2 hello", "v1 hello", "v1 hello", "v1 hello", "v1 hello"]
        assert service.statuses("web2")["configure"] == "failed"
        assert "configure" not in service.begun("web3", "v2"), "a host after the one that failed was touched"

        service.run("configure", "v2", release_serial=[1, "50%"]).ok()
        client.wait_requests(100)
    assert client.failed == 0, client.report()
    assert client.bodies["v2 hello"] > 100
    assert service.answers() == ["v2 hello"] * 5
    for name in service.hosts:
        assert service.begun(name, "v2")[:3] == STEPS
        assert [entry["release"] for entry in service.facts(name)["history"]][:2] == ["v1", "v2"]
        assert service.facts(name)["restart_pending"] == []
    assert " down;" not in service.fleet.exec("balancer", ["cat", "/etc/nginx/upstreams/shop.conf"]).stdout


def test_complete_stages_are_not_run_again(service: Service) -> None:
    service.bring("v2")
    before = {name: service.facts(name) for name in service.hosts}
    again = service.run("site", "v2").ok()
    assert "0 of 5 hosts lack a stage" in again.text
    assert "changed=0" in again.text and "changed=1" not in again.text
    assert {name: service.facts(name) for name in service.hosts} == before


def test_a_changed_configuration_runs_configure_alone(service: Service) -> None:
    service.bring("v2")
    count = len(service.begun("web1", "v2"))
    service.bring("v2", shop_greeting="good day")
    assert service.answers() == ["v2 good day"] * 5
    assert service.begun("web1", "v2")[count:] == ["configure"]


@pytest.mark.slow
def test_verify_finds_what_differs_and_the_run_mends_it(service: Service) -> None:
    service.bring("v2")
    service.fleet.exec("web1", "f=$(ls %s/releases/shop/v2/wheels/*.whl | head -1); printf x | dd of=$f conv=notrunc bs=1 seek=100 2>/dev/null" % STORE)
    service.fleet.exec("web2", ["ln", "-sfn", "%s/deployments" % ROOT, "%s/current" % ROOT])
    service.fleet.exec("web3", ["systemctl", "stop", "shop"])
    assert "0 of 5 hosts lack a stage" in service.run("site", "v2").ok().text, "without stages_verify the facts are believed"
    counts = {name: len(service.begun(name, "v2")) for name in service.hosts}
    assert "3 of 5 hosts lack a stage" in service.bring("v2", stages_verify="full").text
    assert service.begun("web1", "v2")[counts["web1"]:] == ["stage"]
    assert service.begun("web2", "v2")[counts["web2"]:] == ["configure"]
    assert service.begun("web3", "v2")[counts["web3"]:] == ["configure"]
    assert service.answers() == ["v2 hello"] * 5
    last = service.run("site", "v2", stages_verify="full").ok()
    assert "0 of 5 hosts lack a stage" in last.text, last.output


def test_the_report_says_what_each_host_holds(service: Service) -> None:
    service.bring("v2")
    table = service.run("report", "v3").ok().text
    for name in service.hosts:
        assert "%s shop v2 v3: stage, install, configure" % name in table


def test_a_region_gets_the_same_bytes_from_its_mirror(service: Service) -> None:
    service.bring("v2")
    service.run("stage", "v2", release_targets="mirrors").ok()
    service.fleet.exec("web1", ["rm", "-rf", STORE])
    service.fleet.exec("builder", ["systemctl", "stop", "nginx"])
    try:
        mirror = service.fleet.url("mirror").rstrip("/")
        service.run("stage", "v2", "--limit", "localhost,web1", stages_force=["stage"], release_artifacts_sources=[mirror]).ok()
    finally:
        service.fleet.exec("builder", ["systemctl", "start", "nginx"])
    digests = {name: service.fleet.exec(name, "cd %s/shop/v2 && find . -type f ! -name .complete | sort | xargs sha256sum" % root).stdout
               for name, root in (("builder", "/srv/stagecraft/releases"), ("mirror", STORE + "/releases"), ("web1", STORE + "/releases"))}
    assert digests["builder"].count("\n") > 30
    assert digests["mirror"] == digests["builder"] == digests["web1"]


@pytest.mark.slow
def test_four_hosts_in_four_states_run_every_stage_in_order(service: Service) -> None:
    names = service.hosts[:4]
    service.reset(*names)
    for name, stages in (("web2", ["stage"]), ("web3", ["stage", "install"]), ("web4", STEPS)):
        for stage in stages:
            service.run(stage, "v1", "--limit", "localhost,%s" % name).ok()
        assert service.begun(name, "v1") == stages
    service.run("site", "v1", "--limit", "localhost,builder,%s" % ",".join(names)).ok()
    for name in names:
        assert service.begun(name, "v1") == STEPS
        assert set(service.statuses(name).values()) == {"done"}
    assert [service.answer(name) for name in names] == ["v1 hello"] * 4


@pytest.mark.slow
def test_twenty_hosts_in_batches(another_fleet: Callable[..., Fleet], tmp_path: Path) -> None:
    service = Service(another_fleet(hosts=20), tmp_path, ["web%d" % number for number in range(1, 21)])
    for number in (1, 2):
        service.build(number)
    service.bring("v1")
    assert service.answers() == ["v1 hello"] * 20
    with Client(service.fleet.url("balancer"), seconds=900) as client:
        client.wait_requests(50)
        service.run("site", "v2", release_serial=[1, "25%"], timeout=1200).ok()
        client.wait_requests(100)
    assert client.failed == 0, client.report()
    assert service.answers() == ["v2 hello"] * 20
    again = service.run("site", "v2").ok()
    assert "0 of 20 hosts lack a stage" in again.text and "changed=1" not in again.text


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

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real service goes from release to release on hosts that reach no registry, while a client asks it without pause."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet import Client, Fleet
from tests.hosts.staged import ROOT, Service

STEPS = ["stage", "install", "configure"]
STORE = "/var/lib/stagecraft/artifacts"


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

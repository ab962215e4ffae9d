# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet keeps its promises: hosts with systemd, cut off from the world, that can fail, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import AttachedFleet, Client, Hosts
from tests.fleet.docker import lines
from tests.fleet.fleet import FLEET
from tests.fleet.keeper import is_alive
from tests.fleet.plan import RELEASES
from tests.system.playbooks import ROOT, environ

CONNECT = "python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)' %s %s"
COMMAND = [sys.executable, "-m", "tests.fleet"]


def ansible(fleet: Hosts, pattern: str, module: str, arguments: str = "", *options: str) -> tuple[int, dict[str, dict]]:
    """Run a module by Ansible: the exit code, and each host's result."""
    done = subprocess.run(
        ["ansible", "-i", str(fleet.inventory), pattern, "-m", f"ansible.builtin.{module}", "-a", arguments, "-f", "8", *options], text=True,
        capture_output=True, check=False, env=environ(), stdin=subprocess.DEVNULL, timeout=120)
    found = re.findall(r"^(\S+) \| [A-Z]+!? => (\{.*?^\})", done.stdout, re.MULTILINE | re.DOTALL)
    assert found, done.stdout + done.stderr
    return done.returncode, {name: json.loads(result) for name, result in found}


@pytest.fixture
def spare(fleet) -> Iterator[Hosts]:
    """The fleet, for a test that does something to web1 to web5: they are new afterwards."""
    yield fleet
    fleet.reset(*(host.name for host in fleet.hosts("web")))
    fleet.drain()


def serve(fleet: Hosts, *names: str) -> None:
    """A service on port 8080 that answers with the name of its host."""
    for name in names:
        fleet.exec(name, f"mkdir -p /srv/{name} && echo {name} > /srv/{name}/index.html")
        fleet.exec(name, f"systemd-run --quiet --unit shop python3 -m http.server 8080 --directory /srv/{name}")
        fleet.exec(name, f"for attempt in $(seq 100); do {CONNECT % ('127.0.0.1', 8080)} && exit; sleep 0.1; done; exit 1")


def test_ansible_reaches_every_host_by_ssh(fleet):
    code, hosts = ansible(fleet, "all", "setup", "gather_subset=!all,!min,service_mgr,python")
    assert code == 0, hosts
    assert sorted(hosts) == ["balancer", "builder", "mirror", "web1", "web2", "web3", "web4", "web5"]
    facts = [found["ansible_facts"] for found in hosts.values()]
    assert {(found["ansible_service_mgr"], found["ansible_python_version"][:5]) for found in facts} == {("systemd", "3.11.")}


def test_services_are_those_of_systemd(fleet):
    code, hosts = ansible(fleet, "web1", "service_facts")
    assert code == 0, hosts
    found = hosts["web1"]["ansible_facts"]["services"]["ssh.service"]
    assert (found["source"], found["state"], found["status"]) == ("systemd", "running", "enabled")
    assert fleet.exec("web1", "systemctl --failed --no-legend").stdout == ""


def test_hosts_have_what_a_target_has_and_no_more(fleet):
    fleet.exec("web1", "python3 -c 'import apt' && command -v gpgv ssh-keygen ip ps && test -s /etc/ssl/certs/ca-certificates.crt")
    assert fleet.exec("web1", "python3 -m venv x", check=False).returncode != 0
    fleet.exec("builder", "cd /tmp && python3 -m venv x && rm -r x && command -v git gpg gpg-agent dpkg-deb dpkg-scanpackages")
    for name in ("web1", "builder"):
        assert fleet.exec(name, ["dpkg", "--audit"]).stdout == ""
        fleet.exec(name, ["apt-get", "check"])


def test_no_account_of_this_machine_is_on_a_host(fleet):
    shadow = fleet.exec("web1", ["cat", "/etc/shadow"]).stdout.splitlines()
    assert {line.split(":")[1] for line in shadow} <= {"*", "!*", "!"}
    accounts = [line.split(":") for line in fleet.exec("web1", ["cat", "/etc/passwd"]).stdout.splitlines()]
    assert [fields[0] for fields in accounts if 1000 <= int(fields[2]) < 60000] == ["deploy"]


def test_another_account_becomes_root(fleet):
    for options, user in ((), "deploy"), (("--become",), "root"):
        code, hosts = ansible(fleet, "web2", "setup", "gather_subset=!all,!min,user", "-e", "ansible_user=deploy", *options)
        assert (code, hosts["web2"]["ansible_facts"]["ansible_user_id"]) == (0, user)


def test_only_the_build_host_reaches_out(fleet):
    listed = fleet.exec("builder", ["sh", "-c", "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null"], check=False).stdout
    outside = next(word.split("/")[2] for word in listed.split() if word.startswith(("http://", "https://")))
    fleet.exec("builder", CONNECT % (outside, 80))
    for name in ("web1", "balancer", "mirror"):
        for address in (outside, "192.0.2.1"):
            began = time.monotonic()
            done = fleet.exec(name, CONNECT % (address, 80), check=False)
            assert done.returncode != 0
            assert time.monotonic() - began < 5, done.stderr


def test_hosts_find_each_other_by_name(fleet):
    for name, other in (("web1", "builder"), ("builder", "web5"), ("mirror", "web1")):
        fleet.exec(name, CONNECT % (other, 22))


def test_releases_are_served_and_hidden_directories_are_not(fleet):
    fleet.exec("builder", f"cd {RELEASES} && mkdir .work && echo open > a && echo closed > .work/a")
    with Client(fleet.url("builder", "a"), seconds=5) as served:
        served.wait_for("open")
    with Client(fleet.url("builder", ".work/a"), seconds=5) as hidden:
        hidden.wait_requests(1)
    assert set(hidden.statuses) == {404}
    fleet.reset("builder")
    assert fleet.exec("builder", ["ls", "-A", RELEASES]).stdout == ""


def test_balancer_drains_a_host_without_an_error(spare):
    serve(spare, "web1", "web2")
    spare.drain("web3", "web4", "web5")
    with Client(spare.url("balancer"), seconds=60, pause=0.001) as client:
        client.wait_for("web1")
        client.wait_for("web2")
        spare.drain("web1", "web3", "web4", "web5")
        time.sleep(0.5)
        before = client.bodies["web1"]
        client.wait_requests(50)
        assert client.bodies["web1"] == before
        assert client.failed == 0, client.report()
        spare.exec("web2", ["systemctl", "stop", "shop"])
        client.wait_requests(5)
    assert client.statuses[502] > 0
    assert client.failures[0].at.endswith("Z")


def test_hosts_that_fail_are_unreachable_and_come_back(spare):
    spare.exec("web3", "echo kept > /srv/kept")
    spare.kill("web3")
    spare.disconnect("web4")
    spare.pause("web5")
    assert [spare.running()[name] for name in ("web2", "web3", "web4", "web5")] == ["running", "exited", "running", "paused"]
    code, hosts = ansible(spare, "web2,web3,web4,web5", "ping")
    assert code == 4
    assert [hosts[name].get("unreachable", False) for name in ("web2", "web3", "web4", "web5")] == [False, True, True, True]
    spare.start("web3")
    spare.connect("web4")
    spare.unpause("web5")
    assert spare.ssh("web3", "cat /srv/kept").stdout == "kept\n"
    for name in ("web3", "web4", "web5"):
        assert "default" not in spare.ssh(name, "ip route").stdout
    code, hosts = ansible(spare, "web3,web4,web5", "ping")
    assert code == 0, hosts


def remains(state: dict) -> list[str]:
    """What is still there of a fleet."""
    label = ("--filter", f"label={FLEET}={state['id']}")
    found = lines("ps", "--all", "--quiet", *label) + lines("network", "ls", "--quiet", *label)
    return found + [path for path in (state["directory"], state["control"]) if Path(path).exists()]


def test_second_fleet_beside_the_first_and_its_removal(fleet, another_fleet):
    began = time.monotonic()
    second = another_fleet(hosts=1)
    assert time.monotonic() - began < 30  # no image is made again
    assert second.state["images"] == fleet.state["images"]
    assert not {host.address for host in second.hosts()} & {host.address for host in fleet.hosts()}
    assert ansible(second, "web", "ping")[0] == 0
    assert len(remains(second.state)) >= 5
    second.down()
    assert remains(second.state) == []
    assert set(fleet.running().values()) == {"running"}


def wait_dead(state: dict) -> None:
    """Wait until the keeper of a fleet has ended."""
    deadline = time.monotonic() + 30
    while is_alive(state["keeper"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(state["keeper"])


def detached(directory: Path) -> dict:
    """The state of a fleet without web hosts that the command line started."""
    subprocess.run([*COMMAND, "up", "--hosts", "0", "--detach", "--dir", directory], cwd=ROOT, check=True, capture_output=True, timeout=120)
    return AttachedFleet(directory).state


def test_command_line(tmp_path, fleet):
    state = detached(tmp_path / "fleet")
    assert state["id"] in subprocess.run([*COMMAND, "status"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
    refused = subprocess.run([*COMMAND, "up", "--dir", state["directory"]], cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0 and "tests.fleet down --dir" in refused.stderr
    subprocess.run([*COMMAND, "down", "--keep-engine", "--dir", state["directory"]], cwd=ROOT, check=True, timeout=60)
    assert remains(state) == []
    assert not is_alive(state["keeper"])
    assert set(fleet.running().values()) == {"running"}


def test_fleet_ends_with_its_keeper(tmp_path):
    state = detached(tmp_path / "fleet")
    os.kill(int(state["keeper"].partition(":")[0]), signal.SIGTERM)
    wait_dead(state)
    assert remains(state) == []


def test_next_start_removes_what_a_killed_keeper_left(fleet, another_fleet, tmp_path):
    state = detached(tmp_path / "fleet")
    os.kill(int(state["keeper"].partition(":")[0]), signal.SIGKILL)
    wait_dead(state)
    assert len(remains(state)) >= 5
    another_fleet(hosts=0)
    assert set(remains(state)) == {state["directory"], state["control"]}
    subprocess.run([*COMMAND, "down", "--keep-engine", "--dir", state["directory"]], cwd=ROOT, check=True, timeout=60)
    assert remains(state) == []
    assert set(fleet.running().values()) == {"running"}

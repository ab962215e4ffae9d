# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, addresses and files of a fleet."""

from __future__ import annotations

import io
import ipaddress
import tarfile
from itertools import islice
from pathlib import Path

import pytest

from tests.fleet import plan

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
br0\t000015AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


@pytest.fixture
def hosts() -> dict[str, plan.Host]:
    return {host.name: host for host in plan.hosts("abc", "172.22.7.0/24", 3, True)}


def test_every_host_has_its_own_address_in_the_network(hosts):
    assert list(hosts) == ["balancer", "builder", "mirror", "web1", "web2", "web3"]
    assert hosts["web2"].address == "172.22.7.12"
    assert hosts["web2"].container == "stagecraft-abc-web2"
    assert len({host.address for host in hosts.values()}) == 6
    assert "172.22.7.1" not in {host.address for host in hosts.values()}  # the gateway


def test_addresses_do_not_depend_on_the_number_of_hosts(hosts):
    more = {host.name: host for host in plan.hosts("abc", "172.22.7.0/24", plan.MOST_HOSTS, False)}
    assert "mirror" not in more
    assert [more[name].address for name in hosts if name != "mirror"] == [host.address for name, host in hosts.items() if name != "mirror"]
    assert all(ipaddress.ip_address(host.address) in ipaddress.ip_network("172.22.7.0/24") for host in more.values())


@pytest.mark.parametrize("number", [-1, plan.MOST_HOSTS + 1])
def test_wrong_number_of_hosts_is_refused(number):
    with pytest.raises(ValueError, match="0 to 100"):
        plan.hosts("abc", "172.22.7.0/24", number, False)


def test_network_of_a_route_is_not_tried():
    found = list(plan.subnets(ROUTES))
    assert len(found) == len(set(found)) == 3 * 256
    assert not [network for network in found if network.startswith("172.21.")]
    assert list(islice(plan.subnets(ROUTES), 8)) != found[:8]  # two starts at the same time seldom want the same


def test_list_of_servers_has_one_in_a_line(hosts):
    assert plan.upstreams([hosts["web1"], hosts["web3"]]) == "server 172.22.7.11:8080; # web1\nserver 172.22.7.13:8080; # web3\n"


def test_each_group_gets_its_files(hosts):
    everyone = list(hosts.values())
    found = {name: plan.files(host, everyone, "ssh-ed25519 A\n") for name, host in hosts.items()}
    assert all(files["/etc/ssh/authorized_keys"] == "ssh-ed25519 A\n" for files in found.values())
    assert list(found["web1"]) == ["/etc/ssh/authorized_keys"]
    assert found["balancer"][plan.UPSTREAMS].count("\n") == 3
    assert "proxy_next_upstream off;" in found["balancer"]["/etc/nginx/conf.d/fleet.conf"]
    assert f"root {plan.RELEASES};" in found["builder"]["/etc/nginx/conf.d/fleet.conf"]
    assert f"root {plan.MIRRORED};" in found["mirror"]["/etc/nginx/conf.d/fleet.conf"]


def test_archive_enables_nginx_only_where_it_is(hosts):
    def members(name: str) -> dict[str, tarfile.TarInfo]:
        with tarfile.open(fileobj=io.BytesIO(plan.archive(hosts[name], list(hosts.values()), "key"))) as tar:
            return {entry.name: entry for entry in tar.getmembers()}

    link = "etc/systemd/system/multi-user.target.wants/nginx.service"
    assert link not in members("web1")
    assert members("mirror")[link].linkname == "/lib/systemd/system/nginx.service"
    assert (members("web1")["etc/ssh/authorized_keys"].mode, members("web1")["etc/ssh/authorized_keys"].size) == (0o644, 3)


def test_inventory_has_no_group_with_the_name_of_a_host(hosts):
    found = plan.inventory(list(hosts.values()), Path("/d"), Path("/c"))["all"]
    assert {name: list(group["hosts"]) for name, group in found["children"].items()} == {
        "web": ["web1", "web2", "web3"], "balancers": ["balancer"], "builders": ["builder"], "mirrors": ["mirror"]}
    assert found["children"]["web"]["hosts"]["web1"] == {"ansible_host": "172.22.7.11"}
    assert found["vars"]["ansible_control_path_dir"] == "/c"
    assert "-o UserKnownHostsFile=/d/known_hosts" in found["vars"]["ansible_ssh_common_args"]

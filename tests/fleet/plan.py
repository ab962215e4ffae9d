# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet consists of: names, addresses, and the files that each host gets before it starts."""

from __future__ import annotations

import io
import ipaddress
import random
import tarfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_HOSTS = 100
SERVICE_PORT = 8080  # of the service on each web host
UPSTREAMS = "/etc/nginx/upstreams/shop.conf"
RELEASES = "/srv/stagecraft/releases"  # served by the build host
MIRRORED = "/var/lib/stagecraft/artifacts/releases"  # served by the mirror: the releases in its store

_BALANCER = f"""upstream shop {{
    include {UPSTREAMS};
}}
server {{
    listen 80 default_server;
    location / {{
        proxy_pass http://shop;
        proxy_next_upstream off;
        proxy_connect_timeout 2s;
        add_header X-Upstream $upstream_addr always;
    }}
}}
"""
_FILES = """server {{
    listen 80 default_server;
    root {root};
    location ~ /\\. {{
        return 404;
    }}
}}
"""


@dataclass(frozen=True)
class Host:
    """One host of a fleet.

    :param name: in the inventory, and by which the other hosts find it.
    :param group: ``web``, ``balancer``, ``builder`` or ``mirror``.
    :param address: on the fleet's network.
    :param container: its name for the engine.
    """

    name: str
    group: str
    address: str
    container: str

    @property
    def image(self) -> str:
        """The kind of its image."""
        return "host" if self.group == "web" else "services"

    @property
    def memory(self) -> str:
        """The most it may use."""
        return "1g" if self.group == "builder" else "512m"


def hosts(identity: str, subnet: str, web: int, mirror: bool) -> list[Host]:
    """The hosts of a fleet. An address stays the same while a host is down.

    :param identity: of the fleet.
    :param subnet: its network.
    :param web: number of web hosts.
    :param mirror: with a mirror.
    """
    if not 0 <= web <= MOST_HOSTS:
        raise ValueError(f"{web} web hosts: a fleet has 0 to {MOST_HOSTS}")
    first = ipaddress.ip_network(subnet).network_address
    single = ["balancer", "builder", *(["mirror"] if mirror else [])]
    named = [(name, name, 2 + at) for at, name in enumerate(single)]
    named += [(f"web{number}", "web", 10 + number) for number in range(1, web + 1)]
    return [Host(name, group, str(first + at), f"stagecraft-{identity}-{name}") for name, group, at in named]


def subnets(routes: str) -> Iterator[str]:
    """Networks to try, in random order, none that a route of this machine covers.

    :param routes: text of /proc/net/route.
    """
    taken = []
    for line in routes.splitlines()[1:]:
        fields = line.split()
        address, mask = (ipaddress.ip_address(bytes.fromhex(fields[at])[::-1]) for at in (1, 7))
        if int(mask):
            taken.append(ipaddress.ip_network(f"{address}/{mask}", strict=False))
    candidates = list(ipaddress.ip_network("172.20.0.0/14").subnets(new_prefix=24))
    random.shuffle(candidates)
    return (str(candidate) for candidate in candidates if not any(candidate.overlaps(network) for network in taken))


def upstreams(web: Iterable[Host]) -> str:
    """The balancer's list of servers, one in a line. ``down`` before the semicolon takes one out at the next reload.

    :param web: the hosts that serve.
    """
    return "".join(f"server {host.address}:{SERVICE_PORT}; # {host.name}\n" for host in web)


def files(host: Host, everyone: list[Host], public_key: str) -> dict[str, str]:
    """The files of a host that its image does not have, by path.

    :param host: the host.
    :param everyone: all hosts.
    :param public_key: that may log in.
    """
    found = {"/etc/ssh/authorized_keys": public_key}
    if host.group == "balancer":
        found["/etc/nginx/conf.d/fleet.conf"] = _BALANCER
        found[UPSTREAMS] = upstreams(other for other in everyone if other.group == "web")
    elif host.group != "web":
        found["/etc/nginx/conf.d/fleet.conf"] = _FILES.format(root=RELEASES if host.group == "builder" else MIRRORED)
    return found


def archive(host: Host, everyone: list[Host], public_key: str) -> bytes:
    """The same files as an archive that is unpacked at the root of the host; nginx is enabled where it is used."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in files(host, everyone, public_key).items():
            entry = tarfile.TarInfo(path[1:])
            entry.size, entry.mode, entry.mtime = len(text.encode()), 0o644, time.time()
            tar.addfile(entry, io.BytesIO(text.encode()))
        if host.image == "services":
            link = tarfile.TarInfo("etc/systemd/system/multi-user.target.wants/nginx.service")
            link.type, link.linkname = tarfile.SYMTYPE, "/lib/systemd/system/nginx.service"
            tar.addfile(link)
    return buffer.getvalue()


def ssh_options(directory: Path) -> list[str]:
    """Options of ssh that depend on nothing but the fleet's directory.

    :param directory: of the fleet.
    """
    settings = {
        "UserKnownHostsFile": directory / "known_hosts", "StrictHostKeyChecking": "no", "IdentitiesOnly": "yes", "LogLevel": "ERROR",
        "ConnectTimeout": 5, "ServerAliveInterval": 2, "ServerAliveCountMax": 3,
    }
    return ["-F", "none", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]


def inventory(everyone: list[Host], directory: Path, control: Path) -> dict[str, Any]:
    """The inventory for Ansible.

    :param everyone: the hosts.
    :param directory: of the fleet, with the key.
    :param control: for the sockets of shared connections; a path of its own, as the next fleet may have the same addresses.
    """
    groups: dict[str, dict[str, Any]] = {}
    for host in everyone:
        # Ansible warns of a group that has the name of a host.
        group = host.group if host.group == "web" else f"{host.group}s"
        groups.setdefault(group, {"hosts": {}})["hosts"][host.name] = {"ansible_host": host.address}
    shared = "-o ControlMaster=auto -o ControlPersist=60s"
    variables = {
        "ansible_user": "root", "ansible_ssh_private_key_file": str(directory / "key"), "ansible_pipelining": True,
        "ansible_ssh_args": shared, "ansible_ssh_common_args": " ".join(ssh_options(directory)),
        "ansible_control_path_dir": str(control), "ansible_python_interpreter": "/usr/bin/python3",
    }
    return {"all": {"children": groups, "vars": variables}}

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real service that is built, staged, installed and configured on a fleet."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

from tests.fleet import Hosts
from tests.system.playbooks import Run, environ

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "service"
STAGES = ["build", "stage", "install", "configure"]
ROOT = "/opt/shop"


class Service:
    """The unit shop on the hosts of a fleet, with a signer of its own.

    :param fleet: where it runs; the hosts that are not named are left alone.
    :param hosts: names of its targets.
    """

    def __init__(self, fleet: Hosts, directory: Path, hosts: list[str]) -> None:
        self.fleet, self.directory, self.hosts = fleet, directory, hosts
        fleet.reset("builder", *hosts)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "signer")], check=True)
        public = (directory / "signer.pub").read_text()
        (directory / "allowed_signers").write_text("releases %s" % public)
        self._put("/etc/stagecraft-signer", (directory / "signer").read_text())
        fleet.exec("builder", ["apt-get", "-q", "update"], timeout=120)
        self.inventory = directory / "service.json"
        self.write()

    def write(self, hostvars: dict[str, dict[str, Any]] | None = None, **variables: Any) -> None:
        """Write the inventory, with variables for all and for single hosts."""
        shared = dict({
            "release_role": "stagecraft.release.python_service",
            "python_service_name": "shop",
            "python_service_sources": ["/srv/source"],
            "python_service_packages": ["python3-venv", "jq"],
            "python_service_exec": "shop {{ python_service_current }}/etc/shop.yml",
            "python_service_templates": [{"src": str(SOURCE / "shop.yml.j2"), "dest": "shop.yml"}],
            "python_service_health": [{"url": "http://{{ ansible_host }}:8080/health", "content": "{{ python_service_release }} is healthy"}],
            "python_service_health_retries": 20,
            "python_service_health_delay": 1,
            "python_service_drain": "drain_nginx.yml",
            "python_service_undrain": "undrain_nginx.yml",
            "release_activation_nginx_balancers": ["balancer"],
            "release_activation_nginx_file": "/etc/nginx/upstreams/shop.conf",
            "release_activation_nginx_server": "{{ ansible_host }}:8080",
            "release_activation_nginx_grace": 2,
            "release_artifacts_sources": [self.fleet.url("builder").rstrip("/")],
            "release_artifacts_cache": str(self.directory / "manifests"),
            "release_artifacts_allowed_signers": str(self.directory / "allowed_signers"),
            "release_artifacts_sign_key": "/etc/stagecraft-signer",
            "release_artifacts_packages_like": self.hosts[0],
        }, **variables)
        own = {name: (hostvars or {}).get(name, {}) for name in self.hosts}
        self.inventory.write_text(json.dumps({"shop": {"children": {"release_targets": {"hosts": own}, "release_build": {"hosts": {"builder": {}}},
                                                                    "mirrors": {}},
                                                       "vars": shared}}))

    def source(self, number: int) -> None:
        """Put the source of release ``number`` on the build host."""
        version = (SOURCE / "pyproject.toml").read_text().replace('version = "0"', 'version = "%d"' % number)
        self.fleet.exec("builder", ["mkdir", "-p", "/srv/source/src"])
        self._put("/srv/source/pyproject.toml", version)
        self._put("/srv/source/src/shop.py", (SOURCE / "src" / "shop.py").read_text())

    def build(self, number: int, **extra: Any) -> Run:
        """Build release ``number``, unless that is done."""
        self.source(number)
        return self.run("build", "v%d" % number, **extra).ok()

    def command(self, playbook: str, release: str, *arguments: str, **extra: Any) -> list[str]:
        """The command line of a run."""
        given = dict({"python_service_release": release}, **extra)
        return ["ansible-playbook", "-i", str(self.fleet.inventory), "-i", str(self.inventory), "stagecraft.release.%s" % playbook,
                "-e", json.dumps(given), *arguments]

    def run(self, playbook: str, release: str, *arguments: str, env: dict[str, str] | None = None, timeout: float = 900, **extra: Any) -> Run:
        """Run one of the collection's playbooks to its end."""
        began = time.monotonic()
        done = subprocess.run(self.command(playbook, release, *arguments, **extra), text=True, check=False,
                              env=environ(ANSIBLE_FORKS="10", ANSIBLE_PIPELINING="1", **(env or {})),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def bring(self, release: str, *arguments: str, **extra: Any) -> Run:
        """All hosts to a release, at once."""
        return self.run("site", release, *arguments, **dict({"release_serial": "100%"}, **extra)).ok()

    def answers(self) -> list[str]:
        """What the service answers on each host."""
        return [self.answer(name) for name in self.hosts]

    def facts(self, name: str, unit: str = "shop") -> dict[str, Any]:
        """The unit's facts on a host."""
        return json.loads(self.fleet.exec(name, ["cat", "/etc/ansible/facts.d/stagecraft.fact"]).stdout)["units"][unit]

    def statuses(self, name: str) -> dict[str, str]:
        """Status of each stage on a host."""
        return {stage: record["status"] for stage, record in self.facts(name)["stages"].items()}

    def begun(self, name: str, release: str) -> list[str]:
        """The stages that were begun on a host for the release, in order, by the journal."""
        text = self.fleet.exec(name, "cat /var/log/stagecraft/journal.jsonl 2>/dev/null || true").stdout
        lines = [json.loads(line) for line in text.splitlines()]
        return [line["stage"] for line in lines if line.get("status") == "running" and line.get("release") == release]

    def answer(self, name: str) -> str:
        """What the service of one host answers, asked on the host itself."""
        code = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8080/', timeout=5).read().decode())"
        return self.fleet.exec(name, ["python3", "-c", code], check=False).stdout.strip()

    def reset(self, *names: str) -> None:
        """Make these hosts new and empty."""
        if names:
            self.fleet.reset(*names)

    def _put(self, path: str, text: str) -> None:
        self.fleet.exec("builder", "umask 077; cat > %s" % path, input=text)


def new_directory(parent: Path) -> Path:
    """A directory for one service."""
    path = parent / uuid.uuid4().hex[:6]
    path.mkdir()
    return path

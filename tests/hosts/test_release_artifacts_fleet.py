# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role release_artifacts on real hosts: packages and wheels are built where there is a network, and installed where there is none."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import Hosts
from tests.system.playbooks import Run, environ
from tests.hosts.test_release_artifacts import HERE, changed, command

pytestmark = pytest.mark.slow

HOST = "web1"
STATUS = "/opt/builder/status-of-target"
POLICY = "/usr/sbin/policy-rc.d"
SITE_POLICY = "#!/bin/sh\n# of the site\nexit 0\n"
PACKAGES = ["hello", "cron", "python3-venv"]


class Shop:
    """A build host with a way out, and a target without one."""

    def __init__(self, hosts: Hosts, directory: Path) -> None:
        self.hosts = hosts
        self.directory = directory
        self.said = directory / "said.json"
        self.project = f"shop-{uuid.uuid4().hex[:8]}"
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "key")
        (directory / "allowed_signers").write_text("builder@example.com " + (directory / "key.pub").read_text(encoding="utf-8"), encoding="utf-8")
        self.variables: dict[str, Any] = {
            "said": str(self.said), "kinds": ["packages", "wheels"], "steps": ["resolve", "stage", "install", "verify"],
            "release_artifacts_project": self.project, "release_artifacts_release": "v1", "release_artifacts_sources": [hosts.url("builder")],
            "release_artifacts_cache": str(directory / "cache"), "release_artifacts_sign_key": f"/opt/builder/{self.project}-key",
            "release_artifacts_allowed_signers": str(directory / "allowed_signers"), "release_artifacts_packages": PACKAGES,
            "release_artifacts_packages_status": STATUS, "release_artifacts_wheels_requirements": ["idna==3.10"],
            "release_artifacts_wheels_sources": ["/opt/builder/portal"],
            "release_artifacts_wheels_path": f"/opt/{self.project}-{{{{ release_artifacts_release }}}}"}
        self.write("builder", STATUS, hosts.exec(HOST, ["cat", "/var/lib/dpkg/status"]).stdout)
        self.write("builder", f"/opt/builder/{self.project}-key", (directory / "key").read_text(encoding="utf-8"))
        hosts.exec("builder", ["chmod", "600", f"/opt/builder/{self.project}-key"])
        self.write("builder", "/opt/builder/portal/backend.py", (HERE / "backend.py").read_text(encoding="utf-8"))
        self.write("builder", "/opt/builder/portal/version.txt", "portal 1.0\n")
        self.write("builder", "/opt/builder/portal/pyproject.toml",
                   '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n')

    def write(self, host: str, path: str, text: str) -> None:
        """Write a file on a host."""
        self.hosts.exec(host, ["mkdir", "-p", str(Path(path).parent)])
        self.hosts.exec(host, ["tee", path], input=text)

    def run(self, playbook: str, **extra: Any) -> Run:
        """Run one of the playbooks of the role's tests."""
        groups = {"all": {"children": {"targets": {"hosts": {HOST: {}}}}, "vars": self.variables}}
        (self.directory / "inventory.json").write_text(json.dumps(groups), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.hosts.inventory), "-i", str(self.directory / "inventory.json"), str(HERE / playbook),
             "-e", json.dumps(extra)], env=environ(), text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=400)
        return Run(done.returncode, done.stdout, 0.0)

    def on_host(self, *argv: str) -> str:
        """What a command on the target prints, whether it succeeds or not."""
        return self.hosts.exec(HOST, list(argv), check=False).stdout.strip()


@pytest.fixture(scope="module")
def shop(fleet: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:  # noqa: F811
    """The shop with release v1 built."""
    made = Shop(fleet, tmp_path_factory.mktemp("fleet"))
    made.run("build.yml").ok()
    yield made
    fleet.reset(HOST)


def test_packages_and_wheels_reach_a_host_without_a_network(shop: Shop) -> None:
    assert "not found" in shop.hosts.exec(HOST, "command -v hello || echo not found").stdout
    lists = shop.on_host("sh", "-c", "ls -lR --time-style=full-iso /var/lib/apt/lists /etc/apt")
    shop.write(HOST, POLICY, SITE_POLICY)
    shop.hosts.exec(HOST, ["chmod", "755", POLICY])

    shop.run("deploy.yml").ok()

    assert shop.on_host("hello") == "Hello, world!"
    assert shop.on_host(f"/opt/{shop.project}-v1/bin/portal") == "portal 1.0 shop"
    assert shop.on_host("systemctl", "is-active", "cron") == "inactive", "a service was started while packages were installed"
    assert shop.on_host("cat", POLICY) == SITE_POLICY.strip()
    assert shop.on_host("sh", "-c", f"ls {POLICY}*") == POLICY
    assert shop.on_host("sh", "-c", "ls -lR --time-style=full-iso /var/lib/apt/lists /etc/apt") == lists, "other sources of apt were touched"

    again = shop.run("deploy.yml").ok()
    assert changed(again) == 1, again.output  # what the playbook itself writes down


def test_a_policy_that_an_interrupted_install_left_is_harmless_and_removed(shop: Shop) -> None:
    text = (HERE.parents[2] / "roles" / "release_artifacts" / "vars" / "main.yml").read_text(encoding="utf-8").split("release_artifacts_policy_text: |\n")[1]
    left = "".join(line[2:] + "\n" for line in text.splitlines() if line.startswith("  "))
    shop.hosts.exec(HOST, ["rm", "-f", POLICY])
    shop.write(HOST, POLICY + ".before-stagecraft", SITE_POLICY)
    shop.write(HOST, POLICY, left)
    shop.hosts.exec(HOST, ["chmod", "755", POLICY, POLICY + ".before-stagecraft"])
    assert shop.hosts.exec(HOST, [POLICY, "cron", "restart"], check=False).returncode == 0
    assert shop.hosts.exec(HOST, ["env", "STAGECRAFT_INSTALL=1", POLICY, "cron", "restart"], check=False).returncode == 101
    shop.hosts.exec(HOST, ["dpkg", "--purge", "hello"])
    shop.run("deploy.yml", kinds=["packages"], steps=["resolve", "stage", "install"]).ok()
    assert shop.on_host("hello") == "Hello, world!"
    assert shop.on_host("cat", POLICY) == SITE_POLICY.strip()
    assert shop.on_host("sh", "-c", f"ls {POLICY}*") == POLICY
    shop.hosts.exec(HOST, ["rm", "-f", POLICY])


def test_a_host_without_the_pool_is_told_what_it_lacks(shop: Shop) -> None:
    run = shop.run("deploy.yml", kinds=["packages"], steps=["resolve", "stage", "install"], release_artifacts_packages=["hello", "no-such-package"])
    run.refused("no-such-package")
    assert shop.on_host("sh", "-c", f"ls {POLICY}* 2>/dev/null") == ""


def test_an_install_that_lost_its_power_is_completed(shop: Shop) -> None:
    shop.hosts.exec(HOST, ["dpkg", "--purge", "hello", "python3-venv", "python3.11-venv"])
    pool = f"/var/lib/stagecraft/artifacts/releases/{shop.project}/v1/packages"
    shop.hosts.exec(HOST, f"dpkg --unpack {pool}/python3-venv_*.deb")  # without what it depends on, as an interrupted run leaves it

    def status() -> str:
        return shop.on_host("dpkg-query", "--show", "--showformat", "${db:Status-Status}", "python3-venv")

    assert status() == "unpacked"
    shop.run("deploy.yml", kinds=["packages"], steps=["resolve", "stage", "install"]).ok()
    assert (status(), shop.on_host("hello")) == ("installed", "Hello, world!")

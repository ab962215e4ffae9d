# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role inmanta_orchestrator on a real host without a network: installed, upgraded over a migration of the schema, taken back, restored.

The tests stand on each other, in this order. 13.0.1 and 14.0.0 are the newest two releases for the hosts' Python 3.11, and 14.0.0
migrates the schema.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bed import releases
from tests.bed.api import Api, ApiError
from tests.fleet import AttachedFleet, Hosts
from tests.fleet.docker import docker
from tests.hosts.fleets import new_fleet
from tests.system.playbooks import Run, environ

pytestmark = pytest.mark.slow

OLD, NEW = "13.0.1", "14.0.0"
OLD_SCHEMA, NEW_SCHEMA = 202403280, 202409090
# The server wants the module pkg_resources, which newer versions of setuptools do not have.
SETUPTOOLS = "setuptools==70.3.0"
PINS = {OLD: Path(__file__).parent / "orchestrator" / f"{OLD}.txt", NEW: releases.get(NEW).pins}
ROLE = "stagecraft.release.inmanta_orchestrator"
HOST = "web1"
ROOT = "/opt/inmanta-orchestrator"
DUMPS = "/var/lib/stagecraft/dumps/inmanta-orchestrator"
SERVICE = "inmanta-orchestrator.service"
FACTS = "/etc/ansible/facts.d/stagecraft.fact"
# asyncpg refuses a pool that is larger at its start than it may become, so this fails before the schema is looked at.
BAD_DATABASE = {"database": {"connection_pool_min_size": 100}}
# An address that the host does not have: the server learns that when the schema is migrated already.
BAD_ADDRESS = {"server": {"bind-address": "203.0.113.1"}}


class Site:
    """A build host, and a host with the orchestrator."""

    def __init__(self, hosts: Hosts, directory: Path) -> None:
        self.hosts = hosts
        self.directory = directory
        self.api = Api(hosts.url(HOST, port=8888).rstrip("/"))
        self.environment = ""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "key"], stdin=subprocess.DEVNULL, check=True)
        (directory / "signers").write_text("builder@example.com " + (directory / "key.pub").read_text(encoding="utf-8"), encoding="utf-8")
        self.write("builder", "/etc/stagecraft-signer", (directory / "key").read_text(encoding="utf-8"))
        hosts.exec("builder", ["chmod", "600", "/etc/stagecraft-signer"])
        self.write("builder", "/srv/status-of-targets", hosts.exec(HOST, ["cat", "/var/lib/dpkg/status"]).stdout)
        self.variables: dict[str, Any] = {
            "release_role": ROLE, "release_targets": HOST, "release_build_hosts": "builder", "inmanta_orchestrator_address": "0.0.0.0",
            "inmanta_orchestrator_requirements": ["importlib_metadata"], "inmanta_orchestrator_health_retries": 45,
            "inmanta_orchestrator_packages": ["python3-venv", "postgresql"],
            "release_artifacts_sources": [hosts.url("builder")], "release_artifacts_allowed_signers": str(directory / "signers"),
            "release_artifacts_sign_key": "/etc/stagecraft-signer", "release_artifacts_cache": str(directory / "cache"),
            "release_artifacts_packages_status": "/srv/status-of-targets"}

    def write(self, host: str, path: str, text: str) -> None:
        """Write a file on a host."""
        self.hosts.exec(host, ["tee", path], input=text)

    def ansible(self, program: str, *arguments: str, release: str = "", **extra: Any) -> Run:
        """Run a program of Ansible with the site's inventory.

        :param extra: variables; ``version`` is that of inmanta-core where the release is not named after it.
        """
        version = extra.pop("version", release)
        given = dict(self.variables)
        if release:
            given.update(inmanta_orchestrator_release=release, inmanta_orchestrator_version=version,
                         inmanta_orchestrator_constraints=[*PINS[version].read_text(encoding="utf-8").splitlines(), SETUPTOOLS])
        given.update(extra)
        (self.directory / "given.json").write_text(json.dumps(given), encoding="utf-8")
        began = time.monotonic()
        done = subprocess.run(
            [program, "-i", str(self.hosts.inventory), "-e", f"@{self.directory / 'given.json'}", *arguments], env=environ(), text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def site(self, release: str, *arguments: str, **extra: Any) -> Run:
        """Bring the host to a release."""
        return self.ansible("ansible-playbook", "stagecraft.release.site", *arguments, release=release, **extra)

    def restore(self, dump: str) -> Run:
        """Ask for the restoration of a dump, as the message says it."""
        return self.ansible("ansible", HOST, "-m", "ansible.builtin.include_role", "-a", f"name={ROLE} tasks_from=restore",
                            "-e", f"inmanta_orchestrator_restore={dump}")

    def on_host(self, *argv: str) -> str:
        """What a command on the host prints, whether it succeeds or not."""
        return self.hosts.exec(HOST, list(argv), check=False).stdout.strip()

    def sql(self, query: str) -> str:
        """The answer of the database to a query."""
        return self.on_host("runuser", "-u", "postgres", "--", "psql", "-tAc", query, "inmanta")

    @property
    def version(self) -> str:
        """The version that the server's API says, empty when it does not answer."""
        try:
            return self.api.call("GET", "/api/v1/serverstatus", timeout=5)["data"]["version"]
        except (ApiError, OSError):
            return ""

    @property
    def schema(self) -> int:
        """The newest version of the schema of the database."""
        return int(self.sql("SELECT max(v) FROM schemamanager, unnest(installed_versions) AS v WHERE name = 'core'"))

    @property
    def names(self) -> list[str]:
        """The environments that the API knows."""
        return [environment["name"] for environment in self.api.data("GET", "/api/v2/environment")]

    @property
    def dumps(self) -> list[str]:
        """What is in the directory of dumps, the oldest first."""
        return self.on_host("ls", "-A", DUMPS).split()

    def add_environment(self, name: str) -> None:
        """Make an environment by the API."""
        projects = {project["name"]: project["id"] for project in self.api.data("GET", "/api/v2/project")}
        project = projects.get("demo") or self.api.data("PUT", "/api/v2/project", {"name": "demo"})["id"]
        self.api.data("PUT", "/api/v2/environment", {"project_id": project, "name": name})

    def stage_of(self, stage: str) -> dict[str, Any]:
        """The record of a stage in the facts."""
        return json.loads(self.on_host("cat", FACTS))["units"]["inmanta-orchestrator"]["stages"][stage]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, with nothing on the host yet. STAGECRAFT_FLEET_DIR: of a fleet to use."""
    attach = os.environ.get("STAGECRAFT_FLEET_DIR")
    hosts = AttachedFleet(Path(attach)) if attach else new_fleet(hosts=1)
    try:
        hosts.reset(HOST)
        # The orchestrator and PostgreSQL together want more than the hosts of a fleet have.
        docker("update", "--memory", "1536m", "--memory-swap", "1536m", hosts.host(HOST).container)
        hosts.exec("builder", "apt-get -qq update && rm -rf /srv/stagecraft/releases/* /srv/stagecraft/releases/.work /etc/ansible/facts.d",
                   timeout=300)
        yield Site(hosts, tmp_path_factory.mktemp("site"))
    finally:
        if not isinstance(hosts, AttachedFleet):
            hosts.down()


def tasks_that_changed(run: Run) -> int:
    """How many tasks changed something on the host."""
    found = re.search(rf"^{HOST} +: .*changed=(\d+)", run.output, re.MULTILINE)
    assert found, run.output[-3000:]
    return int(found.group(1))


def test_it_is_installed_where_there_is_no_network(site: Site) -> None:
    site.site(OLD).ok()
    assert site.version == OLD and site.schema == OLD_SCHEMA
    assert site.on_host("systemctl", "is-enabled", SERVICE, "postgresql") == "enabled\nenabled"
    assert site.on_host("readlink", f"{ROOT}/current").startswith(f"{ROOT}/deployments/{OLD}-")
    assert site.sql("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'inmanta'") == "UTF8"
    assert site.dumps == [], "there was nothing to dump"
    assert site.on_host("stat", "-c", "%U:%G %a", f"{ROOT}/current/etc/inmanta.cfg") == "root:inmanta 640"
    site.add_environment("first")


def test_a_second_run_does_nothing(site: Site) -> None:
    pid = site.on_host("systemctl", "show", "-P", "MainPID", SERVICE)
    again = site.site(OLD).ok()
    assert tasks_that_changed(again) == 0, again.output[-3000:]
    assert site.on_host("systemctl", "show", "-P", "MainPID", SERVICE) == pid


def test_check_mode_says_what_an_upgrade_would_do(site: Site) -> None:
    site.ansible("ansible-playbook", "stagecraft.release.build", release=NEW).ok()
    before = site.on_host("sh", "-c", f"ls -lR --time-style=full-iso {ROOT}/releases {ROOT}/deployments | md5sum; md5sum {FACTS}")
    run = site.site(NEW, "--check").ok()
    assert f"stage, install, configure pending for {NEW}" in run.text and "would be fetched" in run.text
    assert site.on_host("sh", "-c", f"ls -lR --time-style=full-iso {ROOT}/releases {ROOT}/deployments | md5sum; md5sum {FACTS}") == before


def test_a_release_that_cannot_run_is_found_out_by_install(site: Site) -> None:
    pid = site.on_host("systemctl", "show", "-P", "MainPID", SERVICE)
    constraints = PINS[NEW].read_text(encoding="utf-8").splitlines() + ["setuptools==84.2.1"]
    run = site.site("14.0.0-bad", version=NEW, inmanta_orchestrator_constraints=constraints)
    run.refused("14.0.0-bad cannot run on web1: ModuleNotFoundError: No module named 'pkg_resources'", "What runs was not touched.")
    assert site.stage_of("install")["status"] == "failed" and site.stage_of("configure")["release"] == OLD
    assert site.on_host("systemctl", "show", "-P", "MainPID", SERVICE) == pid and site.version == OLD


def test_an_upgrade_that_fails_before_the_migration_goes_back_and_offers_the_dump(site: Site) -> None:
    run = site.site(NEW, inmanta_orchestrator_config=BAD_DATABASE, inmanta_orchestrator_health_retries=15)
    run.refused(f"The host is back on {OLD}-", "so nothing needs to be restored", "which loses everything that was written", "Nothing was restored.")
    (dump,) = site.dumps
    assert f"inmanta_orchestrator_restore={dump}" in run.text
    assert site.stage_of("configure")["run"] in dump and OLD in dump
    assert site.on_host("stat", "-c", "%U %a", f"{DUMPS}/{dump}", DUMPS) == "root 600\nroot 700"
    assert "TABLE DATA public environment" in site.on_host("pg_restore", "--list", f"{DUMPS}/{dump}")
    assert site.version == OLD and site.schema == OLD_SCHEMA and site.names == ["first"]
    assert site.stage_of("configure")["status"] == "failed"


def test_a_release_that_has_migrated_the_schema_is_not_gone_back_on(site: Site) -> None:
    run = site.site(NEW, inmanta_orchestrator_config=BAD_ADDRESS, inmanta_orchestrator_health_retries=30)
    run.refused("has migrated the schema of the database first", f"the schema {NEW_SCHEMA}", f"inmanta-core {OLD} knows none after {OLD_SCHEMA}",
                f"the orchestrator on {HOST} is stopped", "Nothing was restored.")
    assert f"inmanta_orchestrator_restore={site.dumps[-1]}" in run.text and len(site.dumps) == 2
    assert site.version == "" and site.schema == NEW_SCHEMA
    assert site.on_host("readlink", f"{ROOT}/current").startswith(f"{ROOT}/deployments/{OLD}-")
    assert site.on_host("systemctl", "is-active", SERVICE) in ("inactive", "failed")
    # Neither a person nor a boot starts the old server on the new schema.
    site.hosts.exec(HOST, ["systemctl", "start", SERVICE], check=False)
    site.hosts.exec(HOST, f"for attempt in $(seq 60); do systemctl is-failed --quiet {SERVICE} && break; sleep 0.5; done", timeout=90)
    shown = [site.on_host("systemctl", "show", "-P", name, SERVICE).strip() for name in ("ActiveState", "ExecMainStatus")]
    assert shown == ["failed", "3"]


def test_another_attempt_keeps_the_dump_of_before_the_migration(site: Site) -> None:
    before = site.dumps
    run = site.site(NEW, inmanta_orchestrator_config=BAD_ADDRESS, inmanta_orchestrator_health_retries=10)
    run.refused(f"the orchestrator on {HOST} is stopped", f"inmanta_orchestrator_restore={before[-1]}")
    assert site.dumps == before


def test_a_dump_that_is_not_there_is_refused(site: Site) -> None:
    site.restore("../../../etc/passwd").refused("is no dump of inmanta-orchestrator", site.dumps[-1], "Nothing was changed.")


def test_a_dump_that_breaks_off_is_refused(site: Site) -> None:
    site.on_host("sh", "-c", f"head -c 20000 {DUMPS}/{site.dumps[-1]} > {DUMPS}/20000101T000000Z-broken.dump")
    site.restore("20000101T000000Z-broken.dump").refused("cannot be read to its end", "Nothing was changed.")
    site.on_host("rm", f"{DUMPS}/20000101T000000Z-broken.dump")
    assert site.schema == NEW_SCHEMA


def test_a_dump_is_restored_when_asked_for(site: Site) -> None:
    wanted = site.dumps[-1]
    site.restore(wanted).ok()
    assert site.version == OLD and site.schema == OLD_SCHEMA and site.names == ["first"]
    (replaced,) = [name for name in site.dumps if name.endswith("-replaced.dump")]
    assert str(NEW_SCHEMA) in site.on_host("sh", "-c", f"pg_restore -f - -t schemamanager {DUMPS}/{replaced}")
    assert json.loads(site.on_host("cat", FACTS))["units"]["inmanta-orchestrator"]["restart_pending"] == []
    site.add_environment("second")


def test_the_upgrade_keeps_what_is_in_the_database(site: Site) -> None:
    site.site(NEW).ok()
    assert site.version == NEW and site.schema == NEW_SCHEMA and sorted(site.names) == ["first", "second"]
    assert len(site.dumps) == 3, "three are kept"
    assert site.on_host("sh", "-c", f"pg_restore -f - -t environment {DUMPS}/{site.dumps[-1]} | grep -c second") == "1"
    again = site.site(NEW).ok()
    assert tasks_that_changed(again) == 0, again.output[-3000:]


def test_what_differs_from_the_facts_is_done_again(site: Site) -> None:
    site.hosts.exec(HOST, ["systemctl", "stop", SERVICE])
    dumps = site.dumps
    site.site(NEW, stages_verify="full").ok()
    assert site.version == NEW and site.dumps == dumps, "no dump without an upgrade"


def test_a_restored_dump_of_an_older_release_is_migrated(site: Site) -> None:
    site.restore(next(name for name in site.dumps[::-1] if OLD in name)).ok()
    assert site.version == NEW and site.schema == NEW_SCHEMA and sorted(site.names) == ["first", "second"]


def test_an_existing_database_server_is_used(site: Site) -> None:
    existing = {"inmanta_orchestrator_database_host": "127.0.0.1", "inmanta_orchestrator_database_password": "not-to-be-seen"}
    pid = site.on_host("systemctl", "show", "-P", "MainPID", SERVICE)
    site.site(NEW, **existing).refused("password authentication failed", "Nothing was changed.")
    assert site.on_host("systemctl", "show", "-P", "MainPID", SERVICE) == pid
    site.sql("ALTER ROLE inmanta PASSWORD 'not-to-be-seen'")
    run = site.site(NEW, "-vv", "--diff", **existing).ok()
    assert site.version == NEW and sorted(site.names) == ["first", "second"]
    assert "host = 127.0.0.1" in site.on_host("cat", f"{ROOT}/current/etc/inmanta.cfg")
    assert "not-to-be-seen" not in run.output + site.on_host("cat", FACTS, "/var/log/stagecraft/journal.jsonl")


def test_a_database_of_somebody_else_is_refused(site: Site) -> None:
    site.sql("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    run = site.site(NEW, inmanta_orchestrator_database_host="127.0.0.1", inmanta_orchestrator_database_user="guest",
                    inmanta_orchestrator_database_password="guest")
    run.refused("guest can connect and is not its owner, and could not restore it", "Nothing was changed.")
    assert site.version == NEW


def test_a_start_keeps_to_one_deployment_when_the_link_is_moved(tmp_path: Path) -> None:
    program = Path(__file__).parents[2] / "roles" / "inmanta_orchestrator" / "files" / "start"
    for name in ("one", "two"):
        (tmp_path / name / "venv" / "bin").mkdir(parents=True)
        (tmp_path / name / "start").write_text(program.read_text(encoding="utf-8"), encoding="utf-8")
        # The check of the schema is what takes long: meanwhile the host goes back.
        for tool, text in (("python", f"ln -sfn two {tmp_path}/current"), ("inmanta", f'echo {name} "$@"')):
            (tmp_path / name / "venv" / "bin" / tool).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            (tmp_path / name / "venv" / "bin" / tool).chmod(0o755)
        (tmp_path / name / "start").chmod(0o755)
    (tmp_path / "current").symlink_to("one")
    said = subprocess.run([tmp_path / "current" / "start"], capture_output=True, text=True, check=True).stdout
    assert said == f"one -c {tmp_path}/one/etc/inmanta.cfg --config-dir {tmp_path}/one/etc/inmanta.d -vv server\n"
    assert (tmp_path / "current").readlink() == Path("two")

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation do what the pages say, on a real orchestrator and on hosts; the pages say what is there."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.system.playbooks import ROOT, Run, environ
from tests.system.subject import DIGEST, digest_of

EXAMPLES = ROOT / "docs" / "examples"
PAGES = ROOT / "docs" / "docsite" / "rst"
MOTD = "unit/collections/ansible_collections/example/services/roles/motd/tasks"
# Roles of staged services, and what else is named as their variables are.
ROLES = ("config_tree", "inmanta_orchestrator", "python_service", "release_activation", "release_announce", "release_artifacts")
NAMED = {"python_service_current", "release_artifacts_built", "release_artifacts_staged", "release_artifacts_verified", "release_artifacts_checked"}
VARIABLE = re.compile(r"\b((?:%s|release)_[a-z_]*[a-z])\b" % "|".join(ROLES))


def example(subject, name, release=None, *arguments, **extra):
    """Run a playbook of the examples."""
    return subject.run(str(EXAMPLES / name), release, *arguments, **extra)


def test_policy_then_the_two_jobs_of_a_workflow(subject):
    release, before = subject.release(), subject.motd
    held = subject.run("upgrade", release, inmanta_model_policy=str(EXAMPLES / "policy.yml")).refused(
        "waiting for approval", "rule the files of the portal")
    evidence = example(subject, "evidence.yml", evidence_name="candidate").ok().output
    assert '"release": "%s"' % release in evidence and "/motd]" in evidence

    installed = example(subject, "awx_install.yml", release, env={"ANSIBLE_SHOW_CUSTOM_STATS": "1"}).ok()
    handed_on = installed.text[installed.text.index("CUSTOM STATS"):]
    assert DIGEST.findall(handed_on) == [digest_of(held)]
    assert subject.motd == before
    example(subject, "awx_configure.yml", release).refused("waiting for approval")
    example(subject, "awx_configure.yml", release, inmanta_model_approve=[digest_of(held)]).ok()
    assert subject.motd == release
    assert subject.settings["auto_deploy"] is True
    compiles = subject.compiles
    example(subject, "site.yml", release).ok()
    assert subject.compiles == compiles


def test_playbooks_of_the_troubleshooting_page(subject, has_scheduler):
    name = "stagecraft.lock-%s" % subject.id
    subject.write_parameter(name, json.dumps({"run": "r", "controller": "elsewhere", "pid": 1, "lease": 9999, "renewed": "2099-01-31T10:00:00Z"}))
    release = subject.release()
    subject.upgrade(release).refused("lock of", "elsewhere")
    example(subject, "break-lock.yml").ok()
    assert not subject.parameter(name)

    newest = max(subject.versions)
    cleaned = example(subject, "clean-compile.yml")
    assert subject.settings["auto_deploy"] is False
    if not has_scheduler:
        cleaned.refused("reinstall", "this release of the orchestrator")
        return
    cleaned.ok()
    assert [status for version, status in subject.versions.items() if version > newest] == ["candidate"]


class Hosts:
    """A host that is this machine, with the unit of the example."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.inventory = directory / "inventory.json"
        self.declare()

    def declare(self, **variables: Any) -> None:
        """Write the inventory, with more variables of the host."""
        own = self.directory / "one"
        self.inventory.write_text(json.dumps({"all": {"hosts": {"one": dict(
            variables, ansible_connection="local", motd_directory=str(own / "motd"), stages_facts_path=str(own / "facts.d" / "stagecraft.fact"),
            stages_journal_path=str(own / "journal.jsonl"), stages_state_directory=str(own / "state"))}}}))

    def run(self, *arguments: str, **extra: Any) -> Run:
        """Run the playbook of the unit."""
        return self.play(str(EXAMPLES / "unit" / "site.yml"), "-e", json.dumps(dict(extra, motd_release="r1")), *arguments)

    def staged(self, playbook: str, *arguments: str, **extra: Any) -> Run:
        """Run one of the collection's playbooks with the unit."""
        given = dict({"release_role": "example.services.motd", "release_targets": "all", "stages_developer_mode": True}, **extra)
        return self.play("stagecraft.release.%s" % playbook, "-e", json.dumps(given), *arguments)

    def play(self, *command: str) -> Run:
        """Run ansible-playbook where the unit is found."""
        paths = os.pathsep.join([str(ROOT / ".cache" / "collections"), str(EXAMPLES / "unit" / "collections")])
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.inventory), *command], env=dict(environ(), ANSIBLE_COLLECTIONS_PATH=paths), text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return Run(done.returncode, done.stdout, 0.0)

    def shown(self, name: str) -> str | None:
        """The message that the host shows."""
        path = self.directory / name / "motd" / "current"
        return path.read_text() if path.exists() else None


@pytest.mark.once
def test_unit_of_the_guide(tmp_path):
    hosts = Hosts(tmp_path)
    assert "build, stage, install, configure pending for r1" in hosts.run("--check").ok().text
    assert not (tmp_path / "one").exists()

    hosts.run(motd_confirmed=False).refused("motd_confirmed: is false")
    assert hosts.shown("one") is None
    hosts.run().ok()
    assert hosts.shown("one") == "Welcome (r1)\n"

    assert "changed=0" in hosts.run().ok().text
    hosts.run(motd_text="Goodbye").ok()
    assert hosts.shown("one") == "Goodbye (r1)\n"

    (tmp_path / "one" / "motd" / "r1" / "motd").unlink()
    hosts.run(motd_text="Goodbye", stages_force=["configure"]).ok()
    assert hosts.shown("one") == "Goodbye (r1)\n"


@pytest.mark.once
def test_unit_of_the_guide_with_the_playbooks_of_the_collection(tmp_path):
    hosts = Hosts(tmp_path)
    hook = {"after_configure": str(EXAMPLES / "staged" / "after_configure.yml")}
    hosts.staged("site", motd_release="r1", stages_hook_files=hook, site_log=str(tmp_path / "log")).ok()
    assert hosts.shown("one") == "Welcome (r1)\n"
    assert (tmp_path / "log").read_text() == "one: motd r1\n"
    assert "one motd r1 r2: build, stage, install, configure" in hosts.staged("report", motd_release="r2").ok().text

    link = tmp_path / "one" / "motd" / "current"
    link.unlink()
    assert "changed=1 " in hosts.staged("site", "--check", motd_release="r1", stages_verify="fast").ok().text
    assert hosts.shown("one") is None
    hosts.staged("configure", motd_release="r1", stages_verify="fast").ok()
    assert hosts.shown("one") == "Welcome (r1)\n"

    hosts.declare(stages_verify="fast")
    assert "0 of 1 hosts lack a stage" in hosts.staged("site", motd_release="r1").ok().text
    link.unlink()
    hosts.staged("site", motd_release="r1").ok()
    assert hosts.shown("one") == "Welcome (r1)\n"


def test_inventories_of_staged_services():
    done = subprocess.run(
        ["ansible-inventory", "-i", str(EXAMPLES / "staged/inventory.yml"), "-i", str(EXAMPLES / "staged/mirror.yml"), "--list"],
        env=environ(), text=True, check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["release_targets"] == {"hosts": ["web1", "web2"], "children": ["south"]}
    assert found["release_build"]["hosts"] == ["builder"]
    asked = {name: variables["release_artifacts_sources"] for name, variables in found["_meta"]["hostvars"].items()}
    assert asked["web3"] == ["http://%s" % found["_meta"]["hostvars"]["mirror-south"]["ansible_host"], *asked["mirror-south"]]
    assert asked["web1"] == asked["mirror-south"]


def test_site_playbook_of_many_units_is_valid():
    done = subprocess.run(["ansible-playbook", "-i", str(EXAMPLES / "staged/inventory.yml"), "--syntax-check", str(EXAMPLES / "staged/site.yml")],
                          env=environ(), text=True, check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


def blocks(page: Path) -> list[Any]:
    """The YAML blocks of a page, read."""
    found = re.findall(r"^( *)\.\. code-block:: yaml\n\n((?:\1 +.*\n|\n)+)", page.read_text(encoding="utf-8") + "\n", re.M)
    return [yaml.safe_load(textwrap.dedent(text)) for _indent, text in found]


@pytest.mark.parametrize("page, name", [
    *(("staged_guide.rst", "staged/%s.yml" % name) for name in ("inventory", "mirror", "site", "after_configure", "drain")),
    *(("unit_guide.rst", "%s/%s.yml" % (MOTD, name)) for name in ("main", "gate", "report")),
])
def test_pages_show_the_example(page, name):
    assert yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8")) in blocks(PAGES / page)


def known_variables() -> set[str]:
    """Variables of the roles of staged services and of their playbooks, modules, and what the roles register for others."""
    names = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")} | set(ROLES) | NAMED
    for role in ROLES:
        for spec in yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"].values():
            names |= set(spec.get("options", ()))
    for path in (ROOT / "playbooks").rglob("*.yml"):
        names |= set(re.findall(r"\brelease_(?:role|targets|build_hosts|serial|max_fail_percentage)\b", path.read_text(encoding="utf-8")))
    # A group that is a default, and names of commands and files on the pages.
    return names | {"release_build", "release_key", "release_report", "release_report_changes"}


def test_variables_on_the_pages_exist():
    texts = [ROOT / "README.md", *PAGES.glob("*.rst"), *(EXAMPLES / "staged").glob("*.yml"), *(ROOT / "roles" / role / "README.md" for role in ROLES)]
    assert len(VARIABLE.findall((PAGES / "staged_guide.rst").read_text(encoding="utf-8"))) > 50
    known = known_variables()
    absent = {path.name: sorted(set(VARIABLE.findall(path.read_text(encoding="utf-8"))) - known) for path in texts}
    assert {name: found for name, found in absent.items() if found} == {}


def spoken() -> Iterator[str]:
    """Every text in the collection's plugins, roles and playbooks, on one line each."""
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    for path in [*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")]:
        yield " ".join(path.read_text(encoding="utf-8").split())


def told(page: str, begin: str, end: str, pattern: str) -> list[str]:
    """The messages that a part of a page quotes."""
    text = (PAGES / page).read_text(encoding="utf-8")
    text = text[text.index(begin):]
    return [" ".join(found.split()) for found in re.findall(pattern, text[:text.index(end)], re.M)]


@pytest.mark.parametrize("page, begin, end, pattern", [
    ("manifest_guide.rst", "What is refused", "A name that is published", r'"([^"]+)"'),
    ("troubleshooting.rst", "Staged services\n", "In general\n", r'^"([^"]+)"$'),
])
def test_messages_on_the_pages_are_those_of_the_collection(page, begin, end, pattern):
    messages, texts = told(page, begin, end, pattern), "\n".join(spoken())
    assert len(messages) > 15
    parts = {part.strip() for message in messages for part in message.split("...")} - {""}
    assert sorted(part for part in parts if part not in texts and part != "'release_role' is undefined") == []

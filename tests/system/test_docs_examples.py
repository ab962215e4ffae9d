# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation do what the pages say, on a real orchestrator and on hosts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.system.playbooks import ROOT, Run, environ
from tests.system.subject import DIGEST, digest_of

EXAMPLES = ROOT / "docs" / "examples"


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


def test_playbooks_of_the_troubleshooting_page(subject):
    subject.api.call("POST", "/api/v2/actions/environment/halt", env=subject.id)
    example(subject, "resume.yml").ok()
    assert subject.described["halted"] is False

    name = "stagecraft.lock-%s" % subject.id
    subject.write_parameter(name, json.dumps({"run": "r", "controller": "elsewhere", "pid": 1, "lease": 9999, "renewed": "2099-01-31T10:00:00Z"}))
    release = subject.release()
    subject.upgrade(release).refused("lock of", "elsewhere")
    example(subject, "break-lock.yml").ok()
    assert not subject.parameter(name)

    newest = max(subject.versions)
    example(subject, "clean-compile.yml").ok()
    assert subject.settings["auto_deploy"] is False
    assert [status for version, status in subject.versions.items() if version > newest] == ["candidate"]


class Hosts:
    """A host that is this machine, with the unit of the example."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.inventory = directory / "inventory.json"
        self.inventory.write_text(json.dumps({"all": {"hosts": {name: {
            "ansible_connection": "local", "motd_directory": str(directory / name / "motd"),
            "stages_facts_path": str(directory / name / "facts.d" / "stagecraft.fact"),
            "stages_journal_path": str(directory / name / "journal.jsonl"),
            "stages_state_directory": str(directory / name / "state")} for name in ("one",)}}}))

    def run(self, *arguments: str, **extra: Any) -> Run:
        """Run the playbook of the unit."""
        paths = os.pathsep.join([str(ROOT / ".cache" / "collections"), str(EXAMPLES / "unit" / "collections")])
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.inventory), str(EXAMPLES / "unit" / "site.yml"), "-e", json.dumps(dict(extra, motd_release="r1")),
             *arguments], env=dict(environ(), ANSIBLE_COLLECTIONS_PATH=paths), text=True, check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return Run(done.returncode, done.stdout, 0.0)

    def shown(self, name: str) -> str | None:
        """The message that the host shows."""
        path = self.directory / name / "motd" / "current"
        return path.read_text() if path.exists() else None


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

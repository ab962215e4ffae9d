# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A state that is published, and a host that finds its own release by it and comes to it through the stages of the engine's shop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import recording, records, switches

from tests import serving
from tests.system.playbooks import ROOT, Run, environ

pytestmark = pytest.mark.once

COLLECTIONS = Path(__file__).resolve().parent / "engine" / "collections"
DAY = "20140211"
STAGES = ["build", "stage", "install", "configure"]


class Site:
    """A rollout that is published to a web server on loopback, and one host that pulls."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.state, self.www, self.host = directory, directory / "state", directory / "www", directory / "host"
        for path in (self.www, self.host):
            path.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(directory / "key")], check=True, timeout=60)
        (directory / "allowed").write_text("rollout@example.com %s" % (directory / "key.pub").read_text())
        (directory / "schedule.yml").write_text("rings:\n- {name: dev, selector: {groups: [dev]}}\n- {name: prod, selector: {groups: [prod]}, delay: 2h}\n")
        self.server = serving.files(self.www)

    def snapshot(self, *hours: str) -> None:
        """Snapshots of these hours of the day, such as 0800."""
        with recording.opened(str(self.state), "test", create=True) as store:
            for hour in hours:
                name = f"{DAY}-{hour}"
                Path(store.layout.content(name)).mkdir()
                at = naming.instant(name)
                store.put(store.layout.description(name), records.line({
                    "schema": 1, "name": name, "at": at, "commit": f"c{hour}", "digest": "", "files": 1, "barrier": "", "dead_end": "", "repository": "r",
                    "ref": "main", "taken_at": at, "taken_by": "tests"}))

    def mark(self, hour: str, at: str) -> None:
        """Mark a snapshot bad."""
        instant = naming.instant(f"{DAY}-{at}")
        with recording.opened(str(self.state), "test") as store:
            store.add("marks", [{"snapshot": f"{DAY}-{hour}", "state": "bad", "at": instant, "by": "ada", "why": "no doors", "approved": ""}])

    def run(self, playbook: str, at: str, *arguments: str, **extra: Any) -> Run:
        """Run a playbook at a time of the day."""
        paths = os.pathsep.join([str(ROOT / ".cache" / "collections"), str(COLLECTIONS)])
        given = dict({"rollout_now": f"{DAY[:4]}-{DAY[4:6]}-{DAY[6:]} {at}"}, **extra)
        done = subprocess.run(
            ["ansible-playbook", *arguments, f"stagecraft.release.{playbook}", "-e", json.dumps(given)], text=True, check=False, cwd=self.directory,
            env=dict(environ(ANSIBLE_SHOW_CUSTOM_STATS="1"), ANSIBLE_COLLECTIONS_PATH=paths),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return Run(done.returncode, done.stdout, 0.0)

    def publish(self, at: str) -> Run:
        """Publish."""
        inventory = self.directory / "hosts.json"
        inventory.write_text(json.dumps({"all": {
            "vars": {"rollout_ring_groups": {"dev": "ring_dev", "prod": "ring_prod"}, "rollout_state_dir": str(self.state),
                     "rollout_schedule": str(self.directory / "schedule.yml")},
            "children": {"ring_dev": {"hosts": {"dev1": {}}}, "ring_prod": {"hosts": {"web1": {}, "web2": {}}}}}}))
        return self.run("publish", at, "-i", str(inventory), rollout_publish_dest=str(self.www), rollout_publish_key=str(self.directory / "key")).ok()

    def pull(self, at: str, **extra: Any) -> Run:
        """What ansible-pull runs."""
        return self.run("pull", at, "-i", "localhost,", **dict({
            "release_role": "example.site.shop", "stages_release": "{{ stagecraft_release }}", "ansible_python_interpreter": sys.executable,
            "rollout_pull_sources": ["http://127.0.0.1:%d" % self.server.server_address[1]], "rollout_pull_allowed_signers": str(self.directory / "allowed"),
            "rollout_pull_host": "web1", "rollout_pull_state_dir": str(self.host / "pull"), "rollout_pull_disable_file": str(self.host / "disabled"),
            "shop_log": str(self.host / "log"), "stages_facts_path": str(self.host / "facts.d" / "stagecraft.fact"),
            "stages_journal_path": str(self.host / "journal.jsonl"), "stages_state_directory": str(self.host / "state")}, **extra))

    def log(self) -> list[str]:
        """The stages that ran, with the hour of the snapshot; read and emptied."""
        path = self.host / "log"
        lines = path.read_text().replace(f"{DAY}-", "").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def ran(self) -> list[tuple[str, bool]]:
        """What the host recorded that it ran."""
        runs = json.loads((self.host / "pull" / "targets" / "web1.json").read_text())["runs"]
        return [(run["snapshot"].rpartition("-")[2], run["ok"]) for run in runs]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    with made.server:
        yield made


def test_a_host_comes_to_its_release_and_holds_when_it_shall(site: Site) -> None:
    site.snapshot("0600", "0700", "0800")
    assert "for 3 hosts, with 0 kill switches on" in site.publish("08:05").text
    run = site.pull("08:10").ok()
    assert f"web1: runs {DAY}-0600 (due)" in run.text
    assert (site.log(), site.ran()) == ([f"{stage} 0600" for stage in STAGES], [("0600", False), ("0600", True)])

    # The bad snapshot is marked, so the next one is taken; while it fails the host keeps what it has.
    site.mark("0700", "0900")
    site.publish("10:05")
    site.pull("10:10", shop_fails="install").refused("web1 could not be brought to", "the disk of the shop is on fire")
    assert (site.log()[-1], site.ran()[-1]) == ("recover install", ("0800", False))
    assert f"web1: runs {DAY}-0800 (due)" in site.pull("10:15").ok().text
    assert (site.log(), site.ran()[-1]) == (["install 0800", "configure 0800"], ("0800", True))

    # Held is green, and nothing runs.
    switches.engage(str(site.state), "ring", "prod", "name servers fail", "ada", 1)
    assert "with 1 kill switches on" in site.publish("10:20").text
    (site.host / "facts.d" / "stagecraft.fact").unlink()
    run = site.pull("10:25").ok()
    assert "web1: holds (kill_switch): the kill switch of ring prod is on, thrown by ada: name servers fail" in run.text
    assert '"held": { "web1": "the kill switch of ring prod is on' in run.text and '"disabled": {}' in run.text
    assert site.log() == []


def test_a_host_that_is_disabled_during_its_run_does_not_configure(site: Site) -> None:
    site.snapshot("0600")
    site.publish("08:05")
    # The shop's own log disables the host here, from the first stage on.
    run = site.pull("08:15", rollout_pull_disable_file=str(site.host / "log")).ok()
    assert "web1: holds (disabled): the host is disabled: build 20140211-0600" in run.text and '"held": {}' in run.text
    assert (site.log(), site.ran()) == ([f"{stage} 0600" for stage in STAGES[:3]], [("0600", False)])

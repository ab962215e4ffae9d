# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of a rollout for an operator: one command each, that says what it did and how many hosts it concerns."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading, recording
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.state import State
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import rollout_snapshot
from tests.system.playbooks import Run, environ

pytestmark = pytest.mark.once

INVENTORY = """
[ring_dev]
web1
[ring_prod]
web2
web3
[rollout:children]
ring_dev
ring_prod
[all:vars]
rollout_state_dir={state}
rollout_ring_groups={{"dev": "ring_dev", "prod": "ring_prod"}}
"""


class Desk:
    """An operator with an inventory, a repository and a state."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.state_dir, self.work = directory, directory / "state", directory / "config"
        (directory / "hosts.ini").write_text(INVENTORY.format(state=self.state_dir), encoding="utf-8")
        self.git("init", "--quiet", "--initial-branch=main", str(self.work), place=directory)
        self.commit("one")

    def git(self, *arguments: str, place: Path | None = None) -> str:
        """Run git in the repository."""
        who = {f"GIT_{role}_{what}": "dev@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        return subprocess.run(["git", "-C", str(place or self.work), *arguments], env=dict(os.environ, **who), check=True, capture_output=True,
                              text=True).stdout

    def commit(self, text: str) -> str:
        """Commit a file with this text."""
        (self.work / "main.cf").write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", text)
        return self.git("rev-parse", "HEAD").strip()

    def run(self, playbook: str, *arguments: str, inventory: bool = True, **extra: Any) -> Run:
        """Run a playbook with extra variables, as texts like those of a shell."""
        begun = time.monotonic()
        given = [part for name, value in extra.items() for part in ("-e", "%s='%s'" % (name, value))]
        sources = ["-i", str(self.directory / "hosts.ini")] if inventory else []
        done = subprocess.run(["ansible-playbook", *sources, f"stagecraft.release.{playbook}", *given, *arguments], env=environ(), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.directory, timeout=120)
        return Run(done.returncode, done.stdout, time.monotonic() - begun)

    def snapshot(self, name: str) -> None:
        """Take a snapshot without a playbook."""
        rollout_snapshot.execute(Call(dict({key: option.get("default") for key, option in rollout_snapshot.SPEC["argument_spec"].items()},
                                           state_dir=str(self.state_dir), repository=str(self.work), name=name)))

    def state(self) -> State:
        """The state now."""
        return reading.load(str(self.state_dir))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with snapshot v1, which web1 and web2 run."""
    found = Desk(tmp_path)
    found.snapshot("v1")
    with recording.opened(str(found.state_dir), "test") as store:
        store.ran(["web1"], "v1", True, 1, "dev")
        store.ran(["web2"], "v1", True, 1, "prod")
    return found


def test_mark_by_name_commit_and_range(desk: Desk) -> None:
    bad = desk.commit("bad")
    desk.snapshot("v2")
    fix = desk.commit("fix")
    desk.snapshot("v3")
    said = desk.run("mark", rollout_mark="bad", rollout_range=f"{bad}..{fix}", rollout_why="breaks the name servers").ok().text
    assert "Marked bad: v2. 0 targets run one of them." in said
    mark = desk.state().last_marks.get("v2")
    assert mark and (mark.state, mark.why) == ("bad", "breaks the name servers") and desk.state().last_marks.get("v3") is None
    assert "Would be marked badfwd: v1, v3. 2 targets" in desk.run(
        "mark", "--check", rollout_mark="badfwd", rollout_snapshot="v1,v3", rollout_why="x", rollout_approved="eve").ok().text
    desk.run("mark", rollout_mark="none", rollout_commit=bad, inventory=False, rollout_state_dir=desk.state_dir).ok()
    assert desk.state().last_marks.get("v2") is None
    desk.run("mark", rollout_mark="BAD", rollout_snapshot="v1").refused("rollout_mark: BAD", "Nothing was changed")


def test_the_kill_switch_of_each_level(desk: Desk) -> None:
    said = desk.run("kill_switch", rollout_switch="engaged", rollout_why="name servers fail", rollout_who="carol").ok().text
    assert "The kill switch of the fleet was engaged. On now: the fleet (by carol since" in said and "Hosts concerned: 3." in said
    assert "Hosts concerned: 2." in desk.run("kill_switch", rollout_switch="engaged", rollout_why="x", rollout_ring="prod").ok().text
    assert "Hosts concerned: 1." in desk.run("kill_switch", rollout_switch="engaged", rollout_why="x", rollout_host="web3").ok().text
    assert [(stop.level, stop.name) for stop in desk.state().stops] == [("fleet", ""), ("ring", "prod"), ("host", "web3")]
    assert "was released. On now: ring prod" in desk.run("kill_switch", rollout_switch="released").ok().text
    desk.run("kill_switch", rollout_switch="engaged", rollout_why="x", rollout_host="web33").refused("rollout_host: web33")
    desk.run("kill_switch", rollout_switch="engaged").refused("why: '' is empty")


def test_a_ring_gets_an_approval(desk: Desk) -> None:
    assert "v1 is approved by carol for ring prod. Hosts concerned: 2." in desk.run(
        "approve", rollout_ring="prod", rollout_snapshot="v1", rollout_why="CHG-1", rollout_who="carol").ok().text
    assert desk.state().approvals == {"prod": {"v1"}}
    assert "v1 is not approved for ring prod. Hosts" in desk.run("approve", rollout_ring="prod", rollout_snapshot="v1", rollout_unapprove=True).ok().text
    assert desk.state().approvals == {}
    desk.run("approve", rollout_ring="prod", rollout_snapshot="v8").refused("v8")
    desk.run("approve", rollout_snapshot="v1").refused("rollout_ring: not set")


def test_pins_by_pattern(desk: Desk) -> None:
    said = desk.run("pin", rollout_hosts="web*:!web1", rollout_snapshot="v1", rollout_for="4h", rollout_why="INC-1").ok().text
    assert "2 targets are pinned to v1 until" in said and set(desk.state().pins) == {"web2", "web3"}
    assert "1 of 1 targets had a pin and go with their ring." in desk.run("pin", rollout_hosts="web2", rollout_unpin="true").ok().text
    desk.run("pin", rollout_hosts="web9", rollout_unpin="true").refused("rollout_hosts: web9 matches 0 hosts")
    desk.run("pin", rollout_hosts="web1", rollout_snapshot="v1", rollout_why="x", rollout_until="2020-01-31 22:00").refused(
        "expires: '2020-01-31 22:00 UTC' is over")
    desk.run("pin", rollout_hosts="a,b", rollout_snapshot="v1", rollout_for="1h", rollout_why="x", rollout_state_dir=desk.state_dir, inventory=False).ok()
    assert set(desk.state().pins) == {"web3", "a", "b"}


def test_snapshots_go_when_they_are_of_no_use(desk: Desk) -> None:
    desk.commit("v2")
    desk.snapshot("v2")
    desk.commit("v3")
    asked = {"rollout_repository": desk.work, "rollout_name": "v3", "rollout_keep_age": "0", "rollout_keep_count": 1, "rollout_who": "carol"}
    said = desk.run("snapshot", **asked).ok().text
    assert "v3 was taken from commit" in said and "Removed: v2. Hosts concerned, each when its ring is due: 3." in said
    assert [snapshot.name for snapshot in desk.state().snapshots] == ["v1", "v3"]
    desk.run("snapshot").refused("rollout_repository: is not set")
    described = json.loads((desk.state_dir / "snapshots/v3.json").read_text())
    assert (desk.state_dir / "snapshots/v3/main.cf").read_text() == "v3" and (described["commit"], described["taken_by"]) == (
        desk.git("rev-parse", "HEAD").strip(), "carol")

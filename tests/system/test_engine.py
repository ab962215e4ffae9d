# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine with a site's own unit, on hosts that keep their facts in files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.system.playbooks import ROOT, Run, environ

pytestmark = pytest.mark.once

HERE = Path(__file__).resolve().parent / "engine"
ORDER = ["build", "stage", "install", "configure"]


class Fleet:
    """Hosts that are all this machine, each with its own facts and log."""

    def __init__(self, directory: Path, *names: str) -> None:
        self.directory = directory
        self.hosts = {name: {"ansible_connection": "local", "shop_log": str(directory / name / "log"),
                             "stages_facts_path": str(directory / name / "facts.d" / "stagecraft.fact"),
                             "stages_journal_path": str(directory / name / "journal.jsonl"),
                             "stages_state_directory": str(directory / name / "state")} for name in names}
        for name in names:
            (directory / name).mkdir()

    def run(self, *arguments: str, limit: str = "all", **extra: Any) -> Run:
        """Run the site's playbook."""
        inventory = self.directory / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": self.hosts}}))
        paths = os.pathsep.join([str(ROOT / ".cache" / "collections"), str(HERE / "collections")])
        done = subprocess.run(
            ["ansible-playbook", "-i", str(inventory), str(HERE / "site.yml"), "--limit", limit, *arguments,
             "-e", json.dumps(dict({"stages_release": "r1"}, **extra))],
            env=dict(environ(), ANSIBLE_COLLECTIONS_PATH=paths), text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return Run(done.returncode, done.stdout, 0.0)

    def log(self, name: str) -> list[str]:
        """What ran on a host, in order; read and emptied."""
        path = self.directory / name / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def facts(self, name: str) -> dict[str, Any]:
        """The unit's facts on a host."""
        return json.loads(Path(self.hosts[name]["stages_facts_path"]).read_text())["units"]["shop"]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path, "a", "b", "c", "d")


def test_hosts_in_four_states_run_every_stage_in_order(fleet: Fleet) -> None:
    for name, stages in (("b", ORDER[:1]), ("c", ORDER[:2]), ("d", ORDER[:3])):
        fleet.run(limit=name, stages_run=stages).ok()
        assert fleet.log(name) == ["%s r1" % stage for stage in stages]
    fleet.run().ok()
    for name, left in (("a", ORDER), ("b", ORDER[1:]), ("c", ORDER[2:]), ("d", ORDER[3:])):
        assert fleet.log(name) == ["%s r1" % stage for stage in left]
        assert [fleet.facts(name)["stages"][stage]["status"] for stage in ORDER] == ["done"] * 4
    fleet.run().ok()
    assert [fleet.log(name) for name in fleet.hosts] == [[]] * 4


def test_a_changed_input_runs_its_stage_and_a_new_release_all(fleet: Fleet) -> None:
    fleet.run(limit="a").ok()
    fleet.log("a")
    fleet.run(limit="a", shop_port=8080).ok()
    assert fleet.log("a") == ["configure r1"]
    fleet.run(limit="a", shop_port=8080, stages_release="r2").ok()
    assert fleet.log("a") == ["%s r2" % stage for stage in ORDER]
    assert [entry["release"] for entry in fleet.facts("a")["history"]] == ["r1", "r1", "r2"]


def test_a_forced_stage_that_hands_on_the_same_runs_alone(fleet: Fleet) -> None:
    fleet.run(limit="a").ok()
    fleet.log("a")
    fleet.run(limit="a", stages_force=["build"]).ok()
    assert fleet.log("a") == ["build r1"]


def test_a_failing_stage_says_why_and_the_next_run_goes_on_there(fleet: Fleet) -> None:
    run = fleet.run(limit="a,b", shop_fails="install")
    run.refused("the disk of the shop is on fire")
    assert fleet.log("a") == ["build r1", "stage r1", "install r1", "recover install"]
    record = fleet.facts("a")["stages"]["install"]
    assert (record["status"], record["cause"]) == ("failed", "the disk of the shop is on fire")
    assert "configure" not in fleet.facts("a")["stages"]
    fleet.run(limit="a,b").ok()
    assert fleet.log("a") == ["install r1", "configure r1"]


def test_a_stage_that_may_not_begin_leaves_nothing(fleet: Fleet) -> None:
    fleet.run(limit="a,b", shop_open=["build"]).refused("the shop is closed for stage")
    assert fleet.log("a") == fleet.log("b") == ["build r1"]
    assert list(fleet.facts("a")["stages"]) == ["build"]
    fleet.run(limit="a,b", shop_open=ORDER).ok()
    assert fleet.log("a") == ["%s r1" % stage for stage in ORDER[1:]]


def test_a_stage_without_the_one_before_is_refused(fleet: Fleet) -> None:
    fleet.run(limit="a", stages_run=["configure"]).refused("stages_run", "build, stage, install", "is not complete")
    assert fleet.log("a") == []


@pytest.mark.parametrize("arguments", [("--tags", "shop"), ("--skip-tags", "shop")])
def test_tags_that_would_skip_the_engine_are_refused(fleet: Fleet, arguments: tuple[str, str]) -> None:
    fleet.run(*arguments, limit="a").refused("tags would leave out parts of a stage")
    assert fleet.log("a") == []


@pytest.mark.parametrize("content, texts", [
    ("{", ["stagecraft.fact"]),
    ('{"schema": 99, "units": {}}', ["stagecraft.fact", "99"]),
])
def test_facts_that_cannot_be_read_are_an_error(fleet: Fleet, content: str, texts: list[str]) -> None:
    path = Path(fleet.hosts["a"]["stages_facts_path"])
    path.parent.mkdir(parents=True)
    path.write_text(content)
    fleet.run(limit="a").refused(*texts)
    assert fleet.log("a") == []
    assert path.read_text() == content


def test_a_role_name_without_dots_is_refused(fleet: Fleet) -> None:
    fleet.run(limit="a", stages_role="shop").refused("stages_role", "full name")

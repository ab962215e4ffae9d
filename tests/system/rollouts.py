# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rollout over hosts that are all this machine, with a clock that the tests set. The unit is the shop of the engine's tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records, switches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import Layout
from tests.system.playbooks import ROOT, Run, environ

COLLECTIONS = Path(__file__).resolve().parent / "engine" / "collections"
DAY = "20140211"


class Rollout:
    """Hosts, a schedule, a state directory and an inventory of all of it.

    :param rings: by name of ring, what the schedule says of it and ``hosts``, how many it has.
    :param top: what else the schedule says.
    """

    def __init__(self, directory: Path, rings: dict[str, dict[str, Any]], **top: Any) -> None:
        self.directory, self.state_dir = directory, directory / "state"
        self.layout = Layout(str(self.state_dir))
        for name in ("snapshots", "targets"):
            (self.state_dir / name).mkdir(parents=True)
        self.hosts = {ring: [f"{ring}{number}" for number in range(1, said.get("hosts", 1) + 1)] for ring, said in rings.items()}
        said = [dict({"name": ring, "selector": {"groups": [f"g_{ring}"]}}, **{key: value for key, value in keys.items() if key != "hosts"})
                for ring, keys in rings.items()]
        (directory / "schedule.yml").write_text(json.dumps(dict(top, rings=said)), encoding="utf-8")
        (directory / "zz.rollout.yml").write_text(
            "plugin: stagecraft.release.rollout\nschedule: schedule.yml\nstate_dir: state\nhosts: [release_targets]\n", encoding="utf-8")
        place = "%s/hosts/{{ inventory_hostname }}" % directory
        self.variables: dict[str, Any] = {
            "release_role": "example.site.shop", "stages_release": "{{ stagecraft_release }}", "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable, "shop_log": f"{place}/log", "stages_facts_path": f"{place}/facts.d/stagecraft.fact",
            "stages_journal_path": f"{place}/journal.jsonl", "stages_state_directory": f"{place}/state"}
        self.builders: list[str] = []
        for name in self.names:
            (directory / "hosts" / name).mkdir(parents=True)

    @property
    def names(self) -> list[str]:
        """All hosts, ring by ring."""
        return [name for names in self.hosts.values() for name in names]

    def snapshot(self, *hours: str) -> None:
        """Snapshots of these hours of the day, such as 0800."""
        for hour in hours:
            name = f"{DAY}-{hour}"
            Path(self.layout.content(name)).mkdir()
            at = naming.instant(name)
            Path(self.layout.description(name)).write_text(records.line({
                "schema": 1, "name": name, "at": at, "commit": f"c{hour}", "digest": "sha256:" + "0" * 64, "files": 1, "barrier": "", "dead_end": "",
                "repository": "r", "ref": "main", "taken_at": at, "taken_by": "tests"}), encoding="utf-8")

    def command(self, playbook: str, at: str = "", *arguments: str, **extra: Any) -> list[str]:
        """The command line of a run at a time of the day, such as 10:16."""
        (self.directory / "hosts.json").write_text(json.dumps({"all": {"vars": self.variables, "children": {
            "release_targets": {"children": {f"g_{ring}": {"hosts": dict.fromkeys(names, {})} for ring, names in self.hosts.items()}},
            **({"release_build": {"hosts": dict.fromkeys(self.builders, {})}} if self.builders else {})}}}), encoding="utf-8")
        given = dict({"rollout_now": f"{DAY[:4]}-{DAY[4:6]}-{DAY[6:]} {at}"} if at else {}, **extra)
        return ["ansible-playbook", "-i", str(self.directory / "hosts.json"), "-i", str(self.directory / "zz.rollout.yml"),
                f"stagecraft.release.{playbook}", "-e", json.dumps(given), *arguments]

    def environ(self) -> dict[str, str]:
        """The environment variables of a run."""
        return dict(environ(ANSIBLE_FORKS="10", ANSIBLE_SHOW_CUSTOM_STATS="1"),
                    ANSIBLE_COLLECTIONS_PATH=os.pathsep.join([str(ROOT / ".cache" / "collections"), str(COLLECTIONS)]))

    def run(self, at: str, *arguments: str, playbook: str = "rollout", **extra: Any) -> Run:
        """Run a playbook to its end."""
        began = time.monotonic()
        done = subprocess.run(self.command(playbook, at, *arguments, **extra), env=self.environ(), text=True, check=False, cwd=self.directory,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def start(self, at: str, *arguments: str, **extra: Any) -> subprocess.Popen[str]:
        """Start a rollout."""
        return subprocess.Popen(self.command("rollout", at, *arguments, **extra), env=self.environ(), text=True, cwd=self.directory,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def running(self, name: str) -> str:
        """The hour of the snapshot that a host runs by its own stage facts, empty where none."""
        path = self.directory / "hosts" / name / "facts.d" / "stagecraft.fact"
        history = json.loads(path.read_text(encoding="utf-8"))["units"]["shop"].get("history") if path.exists() else None
        return history[-1]["release"].rpartition("-")[2] if history else ""

    @property
    def now(self) -> list[str]:
        """What the first host of each ring runs, in the order of the rings."""
        return [self.running(names[0]) for names in self.hosts.values()]

    def ran(self, name: str) -> list[str]:
        """The stages that a host ran, with the hour of the snapshot, in order; read and emptied."""
        path = self.directory / "hosts" / name / "log"
        lines = [line.replace(f"{DAY}-", "") for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def begun(self) -> list[float]:
        """When stages began on any host, sorted."""
        found = []
        for path in (self.directory / "hosts").glob("*/journal.jsonl"):
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            found += [line["at"] for line in lines if line.get("status") == "running"]
        return sorted(found)

    def recorded(self, name: str) -> list[tuple[str, bool]]:
        """What the state says that a host ran."""
        path = Path(self.layout.target(name))
        runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []
        return [(run["snapshot"].rpartition("-")[2], run["ok"]) for run in runs]

    @property
    def marks(self) -> dict[str, str]:
        """State of each snapshot that was marked."""
        path = self.state_dir / "marks.jsonl"
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        return {mark["snapshot"]: mark["state"] for mark in found}

    def stop(self, level: str = "fleet", name: str = "", message: str = "stop it") -> None:
        """Throw a kill switch."""
        assert switches.engage(str(self.state_dir), level, name, message, "ada", 1) == ""

    def go(self, level: str = "fleet", name: str = "") -> None:
        """Take it off."""
        assert switches.release(str(self.state_dir), level, name, "well again", "ada", 2) == ""


def command(*argv: object, env: dict[str, str] | None = None) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run([str(part) for part in argv], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0, f"{argv}: {done.stdout}"
    return done.stdout.strip()


def stats(run: Run) -> dict[str, Any]:
    """What a run handed on to the next job."""
    found = re.search(r"RUN: (\{.*)", run.output) or re.search(r"CUSTOM STATS: \*+\n(.*)", run.output, re.DOTALL)
    assert found, run.output[-3000:]
    return json.loads(found.group(1)[found.group(1).index("{"):])["stagecraft_rollout"]

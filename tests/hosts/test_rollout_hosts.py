# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenario of the seed on hosts that are reached by ssh: their configuration is a snapshot of a repository, and the clock is set by the tests."""

from __future__ import annotations

import calendar
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import rollout_mark, rollout_snapshot
from tests.fleet import Hosts
from tests.system.playbooks import Run
from tests.system.rollouts import DAY, Rollout, command, stats

RINGS = {"dev": {}, "qa": {"delay": "1h"}, "stg": {"delay": "2h"}, "proda": {"delay": "3h"}, "prod": {"delay": "4h"}}
WEB = [f"web{number}" for number in range(1, 6)]
ROOT = "/opt/doors"
GOOD, BAD = "doors = two", "doors = none"
FROM, TO = "0800", "1000"  # the snapshots with the bad change
APPLY = """#!/bin/sh
set -e
cat doors.conf >> /var/log/doors
"""
UNNOTICED = {
    "08:30": ["0800", "0700", "0600", "0500", "0400"],
    "09:05": ["0900", "0800", "0700", "0600", "0500"],
    "10:03": ["1000", "0900", "0800", "0700", "0600"],
}
WITH_BAD = {
    **UNNOTICED,
    "10:16": ["0700", "0700", "0700", "0700", "0600"],
    "11:05": ["1100", "0700", "0700", "0700", "0700"],
    "12:30": ["1200", "1100", "0700", "0700", "0700"],
    "13:30": ["1300", "1200", "1100", "0700", "0700"],
    "14:00": ["1400", "1300", "1200", "1100", "0700"],
    "15:00": ["1500", "1400", "1300", "1200", "1100"],
}
WITH_BADFWD = {
    **UNNOTICED,
    "10:16": ["1000", "0900", "0800", "0700", "0600"],
    "11:05": ["1100", "1100", "0800", "0700", "0700"],
    "12:30": ["1200", "1100", "1100", "0700", "0700"],
    "13:30": ["1300", "1200", "1100", "0700", "0700"],
    "14:00": ["1400", "1300", "1200", "1100", "0700"],
    "15:00": ["1500", "1400", "1300", "1200", "1100"],
}


def conf(hour: str) -> str:
    """The configuration that a snapshot has."""
    return f"{hour} {BAD if FROM <= hour <= TO else GOOD}\n"


class Doors(Rollout):
    """A rollout of doors.conf to hosts of the fleet, a ring each; the controller builds.

    :param rings: the rings, all five unless told otherwise.
    """

    def __init__(self, directory: Path, hosts: Hosts, *rings: str) -> None:
        super().__init__(directory, {ring: keys for ring, keys in RINGS.items() if ring in (rings or RINGS)})
        self.fleet, self.repository = hosts, directory / "repository"
        self.hosts = {ring: [name] for ring, name in zip(RINGS, WEB) if ring in self.hosts}
        hosts.reset(*self.names)
        self.builders = ["workshop"]
        self.commits: dict[str, str] = {}
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "key")
        (directory / "signers").write_text("builder@example.com " + (directory / "key.pub").read_text(encoding="utf-8"), encoding="utf-8")
        (directory / "workshop.ini").write_text(
            f"workshop ansible_connection=local ansible_python_interpreter={sys.executable} config_tree_facts_path={directory}/built/stagecraft.fact"
            f" config_tree_journal_path={directory}/built/journal.jsonl config_tree_state_directory={directory}/built/state"
            f" release_artifacts_store={directory}/built/store\n", encoding="utf-8")
        self.variables = {
            "release_role": "stagecraft.release.config_tree", "config_tree_name": "doors", "config_tree_release": "{{ stagecraft_release }}",
            "config_tree_directory": "{{ rollout_state_dir }}/snapshots/{{ stagecraft_release }}", "config_tree_root": ROOT,
            "config_tree_apply": ["./apply.sh"], "release_artifacts_cache": str(directory / "cache"),
            "release_artifacts_root": str(directory / "releases"), "release_artifacts_sources": [f"controller:{directory}/releases"],
            "release_artifacts_sign_key": str(directory / "key"), "release_artifacts_allowed_signers": str(directory / "signers")}
        command("git", "init", "-q", "-b", "main", self.repository)
        (self.repository / "apply.sh").write_text(APPLY, encoding="utf-8")
        (self.repository / "apply.sh").chmod(0o755)

    def command(self, playbook: str, at: str = "", *arguments: str, **extra: Any) -> list[str]:
        """The command line of a run, with the inventory of the fleet."""
        program, *rest = super().command(playbook, at, *arguments, **extra)
        return [program, "-i", str(self.fleet.inventory), "-i", str(self.directory / "workshop.ini"), *rest]

    def call(self, module: Any, **options: Any) -> Call:
        """A call of a module without a playbook."""
        defaults = {key: option.get("default") for key, option in module.SPEC["argument_spec"].items()}
        return Call(dict(defaults, state_dir=str(self.state_dir), **options))

    def snapshot(self, *hours: str) -> None:
        """Commit the configuration of these hours and take a snapshot of each, at the hour."""
        for hour in hours:
            (self.repository / "doors.conf").write_text(conf(hour), encoding="utf-8")
            command("git", "-C", self.repository, "add", "--all")
            command("git", "-C", self.repository, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "-m", hour)
            self.commits[hour] = command("git", "-C", self.repository, "rev-parse", "HEAD")
            at = calendar.timegm(time.strptime(DAY + hour, "%Y%m%d%H%M"))
            taken = rollout_snapshot.execute(self.call(rollout_snapshot, repository=str(self.repository)), clock=lambda at=at: at)
            assert (taken["snapshot"]["name"], taken["snapshot"]["commit"]) == (f"{DAY}-{hour}", self.commits[hour])

    def running(self, name: str) -> str:
        """The hour of what a host really has in use, which must be what was committed in that hour."""
        text = self.fleet.ssh(name, f"cat {ROOT}/current/doors.conf").stdout
        assert text == conf(text[:4])
        return text[:4]

    def applied(self) -> dict[str, list[str]]:
        """The hours of the configurations that each host applied, in order, by its own log."""
        return {name: [line[:4] for line in self.fleet.ssh(name, "cat /var/log/doors").stdout.splitlines()] for name in self.names}

    def everything(self) -> dict[str, str]:
        """All that a rollout writes on the hosts, with the times of its changes."""
        look = f"find {ROOT} /var/log/doors /var/log/stagecraft /var/lib/stagecraft /etc/ansible -printf '%p %l %C@\\n' | sort"
        return {name: self.fleet.ssh(name, look).stdout for name in self.names}

    def moved(self, at: str) -> list[str]:
        """Roll out at a time of the day: what each ring has in use then."""
        self.run(at).ok()
        return self.now

    def run(self, at: str, *arguments: str, playbook: str = "rollout", **extra: Any) -> Run:
        """Run a playbook to its end, and print how long that took."""
        done = super().run(at, *arguments, playbook=playbook, **extra)
        print(f"{playbook} {at}: {done.seconds:.0f} s")
        return done

    def stands(self, at: str) -> None:
        """Roll out at a time of the day at which the kill switch is on: nothing changes on any host."""
        before = self.everything()
        assert all(f"{ROOT}/current " in text for text in before.values())
        run = self.run(at).ok()
        held = stats(run)["held"]
        assert sorted(held) == self.names and all("the doors are gone" in reason for reason in held.values()), held
        assert self.everything() == before

    def mark(self, state: str) -> None:
        """Mark what came with the bad commit, which finds its snapshots."""
        found = rollout_mark.execute(self.call(rollout_mark, commit=self.commits[FROM], state=state, why="no doors"))
        assert sorted(found["marked"]) == [f"{DAY}-{hour}" for hour in self.commits if FROM <= hour <= TO]

    def incident(self, state: str) -> None:
        """From 10:05, when the kill switch is thrown, to 10:15, when the change was marked and the switch is still on."""
        self.stop(message="the doors are gone")
        self.stands("10:14")
        self.mark(state)
        self.stands("10:15")
        self.go()


def test_what_is_marked_while_the_kill_switch_is_on_goes_back_when_it_is_off(fleet: Hosts, tmp_path: Path) -> None:
    doors = Doors(tmp_path, fleet, "dev", "prod")
    doors.snapshot("0600", "0700", "0800", "1000")
    assert doors.moved("10:03") == ["1000", "0600"]
    doors.stop(message="the doors are gone")
    doors.mark("bad")
    doors.stands("10:15")
    doors.go()
    assert doors.moved("10:16") == ["0700", "0600"]
    assert doors.applied() == {"web1": ["1000", "0700"], "web5": ["0600"]}


@pytest.mark.slow
@pytest.mark.parametrize("state, after", [("bad", WITH_BAD), ("badfwd", WITH_BADFWD)])
def test_the_day_of_the_seed_hour_by_hour(fleet: Hosts, tmp_path: Path, state: str, after: dict[str, list[str]]) -> None:
    doors = Doors(tmp_path, fleet)
    doors.snapshot("0400", "0500", "0600", "0700")
    seen = {}
    for at in UNNOTICED:
        doors.snapshot(at[:2] + "00")
        seen[at] = doors.moved(at)
    assert seen == UNNOTICED
    doors.incident(state)
    unmarked = doors.applied()
    seen["10:16"] = doors.moved("10:16")
    doors.snapshot("1100")
    doors.stop(message="the doors are gone again")
    doors.stands("11:02")
    doors.go()
    seen["11:05"] = doors.moved("11:05")
    for at in ("12:30", "13:30", "14:00", "15:00"):
        doors.snapshot(at[:2] + "00")
        seen[at] = doors.moved(at)
    assert seen == after
    every = doors.applied()
    for ring, name in enumerate(WEB):
        hours = [row[ring] for row in after.values()]
        assert every[name] == [hour for at, hour in enumerate(hours) if hours[at - 1:at] != [hour]]
        assert all(GOOD in conf(hour) for hour in every[name][len(unmarked[name]):])
    assert all(GOOD in conf(hour) for name in WEB[3:] for hour in every[name])

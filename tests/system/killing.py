# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed at one point, and what an environment must look like after the next run."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bed import Hub, processes
from tests.bed.api import ApiError
from tests.system.playbooks import EXPECT_ALL, Run, Target

KILLER = Path(__file__).parent / "killer"
RELEASED = ("active", "retired")


class ReleaseLine(Target):
    """An environment that goes from release to release: v1 is deployed.

    :param nulls: number of resources without effect, beside the file ``motd`` that says which release it is of.
    """

    def __init__(self, bed: Hub, name: str, directory: Path, nulls: int = 20) -> None:
        self._nulls = nulls
        self._number = 0
        name = "%s-%s" % (name, uuid.uuid4().hex[:6])
        self.repository = bed.repository(name)
        self.next_release()
        environment = bed.environment(name, self.repository)
        environment.deploy()
        super().__init__(environment, environment.api.url, directory)

    def next_release(self) -> tuple[str, str]:
        """Make the next release: its tag, and the content of ``motd``."""
        self._number += 1
        tag = "v%d" % self._number
        self.repository.release(tag, {"motd": "%s\n" % tag}, nulls=self._nulls)
        return tag, "%s\n" % tag


@dataclass(frozen=True)
class Point:
    """Where a run is killed: see the callback in the directory ``killer``.

    :param mode: ``tree``: with its workers; ``main``: they survive; ``frozen``: they are stopped and go on when told to.
    """

    task: str
    count: int = 1
    line: str | None = None
    after: float = 0
    mode: str = "tree"


@dataclass(frozen=True)
class Killed:
    """What was killed: the main process, and its descendants with their start times."""

    main: int
    below: tuple[tuple[int, int], ...]

    def survivors(self) -> list[int]:
        """The descendants that still run."""
        return [pid for pid, started in self.below if alive(pid, started)]

    def resume(self) -> None:
        """Let stopped descendants go on."""
        for pid in self.survivors():
            os.kill(pid, signal.SIGCONT)

    def wait(self, seconds: float = 30) -> None:
        """Wait until no descendant runs any more."""
        deadline = time.monotonic() + seconds
        while self.survivors():
            assert time.monotonic() < deadline, "these workers of a killed run go on: %s" % self.survivors()
            time.sleep(0.2)


def alive(pid: int, started: int) -> bool:
    """Whether that process runs; one that ended and was not waited for does not."""
    stat = processes._read(pid, "stat").rpartition(b")")[2].split()
    return len(stat) > 19 and stat[0] not in (b"Z", b"X") and int(stat[19]) == started


def killer(point: Point, **more: Any) -> dict[str, str]:
    """The environment variables that make a run kill itself at the point."""
    return {"ANSIBLE_CALLBACK_PLUGINS": str(KILLER), "ANSIBLE_CALLBACKS_ENABLED": "stagecraft_killer",
            "STAGECRAFT_KILL": json.dumps(dict(asdict(point), **more))}


def kill_at(point: Point, target: Target, playbook: str, release: str | None, directory: Path, **extra: Any) -> Killed:
    """Run a playbook, which is killed at the point."""
    record = directory / "killed.json"
    record.unlink(missing_ok=True)
    run = target.run(playbook, release, env=killer(point, record=str(record)), **dict({"inmanta_model_policy": EXPECT_ALL}, **extra))
    assert run.rc == -signal.SIGKILL, "the run was not killed at %s: rc %d\n%s" % (point, run.rc, run.output[-4000:])
    found = json.loads(record.read_text())
    return Killed(found["main"], tuple((pid, started) for pid, started in found["below"]))


def parameter(target: Target, name: str) -> str | None:
    """The text of a parameter of the environment."""
    try:
        answer = target.environment.api.call("GET", "/api/v1/parameter/stagecraft.%s" % name, env=target.environment.id)
    except ApiError as error:
        assert error.status == 404, error
        return None
    return answer["parameter"]["value"] or None


def lock(target: Target) -> dict[str, Any] | None:
    """The holder of the lock."""
    text = parameter(target, "lock-%s" % target.environment.id)
    return json.loads(text) if text else None


def journal(target: Target) -> list[dict[str, Any]]:
    """The lines of the journal."""
    return [json.loads(line) for line in (parameter(target, "journal") or "").splitlines()]


def released(target: Target) -> set[int]:
    """The versions that were promoted at some time."""
    return {version for version, status in target.versions.items() if status in RELEASED}


@dataclass
class Before:
    """What is known before a release is delivered."""

    released: set[int]
    lines: int

    @classmethod
    def of(cls, target: Target) -> "Before":
        """Of the environment now."""
        return cls(released(target), len(journal(target)))


def complete(target: Target, release: str) -> dict[str, Any]:
    """The records of the stages that are complete for the release."""
    if not parameter(target, "facts"):
        return {}
    stages = target.facts()["stages"]
    return {name: record for name, record in stages.items() if record["status"] == "done" and record["release"] == release}


def check_delivered(target: Target, release: str, before: Before, content: str, done: dict[str, Any] | None = None) -> None:
    """The release was deployed once, no complete stage ran again, and nothing is left behind.

    :param done: records of the stages that were complete before the last run.
    """
    new = released(target) - before.released
    assert len(new) == 1, "versions promoted: %s" % new
    version = new.pop()
    assert target.versions[version] == "active"
    assert target.repository.deployed("motd") == content
    facts = target.facts()
    assert facts["stages"]["configure"]["output"]["version"] == version
    assert set(complete(target, release)) == {"build", "stage", "install", "configure"}
    for name, record in (done or {}).items():
        assert facts["stages"][name] == record, "%s ran again" % name
    begun = Counter(line["stage"] for line in journal(target)[before.lines:] if line.get("status") == "running" and line["release"] == release)
    assert all(begun[name] == 1 for name in done or {}), begun
    check_clean(target)


def check_clean(target: Target) -> None:
    """Settings are as before the upgrade, nothing is saved, nobody holds the lock."""
    assert target.settings["auto_deploy"] is True
    assert target.settings["protected_environment"] is True
    assert parameter(target, "facts") is None or target.facts()["saved"] == {}
    assert lock(target) is None


def rerun(target: Target, release: str) -> Run:
    """One plain run of upgrade.yml, which must succeed."""
    return target.upgrade(release).ok()

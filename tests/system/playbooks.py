# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the collection's playbooks against an environment of a bed, as an operator does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bed import Environment

ROOT = Path(__file__).resolve().parents[2]
EXPECT_ALL = {"rules": [{"actions": ["added", "modified", "removed"]}]}


@dataclass
class Run:
    """One finished run of ansible-playbook."""

    rc: int
    output: str
    seconds: float

    @property
    def text(self) -> str:
        """The output with all white space folded, so that a wrapped message can be searched."""
        return " ".join(self.output.split())

    def ok(self) -> "Run":
        """This run, which must have succeeded."""
        assert self.rc == 0, self.output[-6000:]
        return self

    def refused(self, *texts: str) -> "Run":
        """This run, which must have failed and said each of the texts."""
        assert self.rc != 0, "the run succeeded: %s" % self.output[-3000:]
        for text in texts:
            assert text in self.text, "%r is not in: %s" % (text, self.output[-6000:])
        return self


def environ(**more: str) -> dict[str, str]:
    """The environment variables that ansible-playbook runs with in tests."""
    return dict(
        os.environ,
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".cache" / "collections"),
        ANSIBLE_NOCOLOR="1", ANSIBLE_HOST_KEY_CHECKING="0", ANSIBLE_RETRY_FILES_ENABLED="0", ANSIBLE_LOCALHOST_WARNING="0",
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]), **more)


class Target:
    """An environment as an inventory host.

    :param environment: the environment of a bed.
    :param directory: where the inventory is written.
    :param variables: more host variables, such as ``inmanta_model_policy``.
    """

    def __init__(self, environment: Environment, url: str, directory: Path, **variables: Any) -> None:
        self.environment = environment
        self.repository = environment.repository
        self.name = "target"
        self.inventory = directory / "inventory.json"
        self.variables = dict(inmanta_model_url=url, inmanta_model_environment=environment.id,
                              inmanta_model_repository=self.repository.url, **variables)
        self.write(self.variables)

    def write(self, *hosts: dict[str, Any]) -> None:
        """Write the inventory: one host for each set of variables."""
        names = [self.name] + ["%s%d" % (self.name, number) for number in range(2, len(hosts) + 1)]
        self.inventory.write_text(json.dumps({"inmanta_environments": {"hosts": dict(zip(names, hosts))}}))

    def command(self, playbook: str, release: str | None = None, *arguments: str, **extra: Any) -> list[str]:
        """The command line of a run; ``playbook`` is one of the collection's or a path, ``extra`` are extra variables."""
        given = dict(extra, **({"inmanta_model_release": release} if release else {}))
        name = playbook if "/" in playbook else "stagecraft.release.%s" % playbook
        return ["ansible-playbook", "-i", str(self.inventory), name, "-e", json.dumps(given), *arguments]

    def start(self, playbook: str, release: str | None = None, *arguments: str, env: dict[str, str] | None = None, **extra: Any):
        """Start a run in a session of its own, its output in one pipe."""
        return subprocess.Popen(self.command(playbook, release, *arguments, **extra), env=environ(**(env or {})), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, playbook: str, release: str | None = None, *arguments: str, env: dict[str, str] | None = None,
            timeout: float = 900, **extra: Any) -> Run:
        """Run a playbook to its end."""
        began = time.monotonic()
        done = subprocess.run(self.command(playbook, release, *arguments, **extra), env=environ(**(env or {})), text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def upgrade(self, release: str, *arguments: str, **extra: Any) -> Run:
        """``upgrade.yml`` with a policy that expects every change, unless another is given."""
        return self.run("upgrade", release, *arguments, **dict({"inmanta_model_policy": EXPECT_ALL}, **extra))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the environment now."""
        return self.environment.api.settings(self.environment.id)

    @property
    def versions(self) -> dict[int, str]:
        """Status of each version of the environment."""
        return {item["version"]: item["status"] for item in self.environment.api.versions(self.environment.id)}

    def facts(self) -> dict[str, Any]:
        """The unit's stage facts, read from the orchestrator itself."""
        answer = self.environment.api.call("GET", "/api/v1/parameter/stagecraft.facts", env=self.environment.id)
        return json.loads(answer["parameter"]["value"])["units"][self.environment.id]

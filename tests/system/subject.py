# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One environment that the tests of a file share: each takes it from the release that runs to its own next one."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bed import Environment
from tests.bed.api import ApiError, wait_for

from tests.system.playbooks import EXPECT_ALL, Run, Target, environ

COVER_NOTHING: dict[str, Any] = {}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Subject(Target):
    """A target whose releases number themselves.

    :param environment: an environment of a bed, with a release deployed.
    :param directory: an empty directory, for the inventory and whatever a test writes.
    """

    def __init__(self, environment: Environment, directory: Path, **variables: Any) -> None:
        super().__init__(environment, environment.api.url, directory, **variables)
        self.directory = directory
        self.api = environment.api
        self.id = environment.id
        self.number = 1

    def release(self, files: dict[str, str | None] | None = None, **options: Any) -> str:
        """Tag the next release, on the branch unless told otherwise: its tag. The file motd holds the tag.

        It is on top of whatever is on the branch, so that the orchestrator can pull it after an abort as well.
        """
        self.number += 1
        tag = "v%d" % self.number
        self.repository.git("fetch", "-q", "origin")
        self.repository.git("merge", "-q", "-s", "ours", "-m", "On top of the branch", "origin/release")
        self.repository.release(tag, dict({"motd": "release %s\n" % tag}, **(files or {})), **options)
        return tag

    @property
    def motd(self) -> str | None:
        """The release that the file on disk names."""
        text = self.repository.deployed("motd")
        return text.split()[-1] if text else text

    def reset(self) -> None:
        """Undo what an earlier test may have left: nothing begun, nothing saved, the settings as at first; the history stays."""
        if self.described["halted"]:
            self.api.call("POST", "/api/v2/actions/environment/resume", env=self.id)
        if self.parameter("stagecraft.facts"):
            unit = {"stages": {}, "saved": {}, "history": self.facts()["history"]}
            self.write_parameter("stagecraft.facts", json.dumps({"schema": 1, "units": {self.id: unit}}))
        self.declare(self.repository.url, self.environment.branch)
        for name, value in {"auto_deploy": True, "server_compile": True, "protected_environment": True}.items():
            if self.settings.get(name, True) is not value:
                self.api.set(self.id, name, value)
        self.write(self.variables)
        if set(self.api.by_state(self.id)) != {"deployed"}:
            self.release()
            self.environment.deploy(timeout=300)

    def declare(self, repository: str, branch: str) -> None:
        """What the orchestrator takes as the environment's repository and branch."""
        now = self.described
        if (now["repo_url"], now["repo_branch"]) != (repository, branch):
            self.api.call("POST", "/api/v2/environment/%s" % self.id,
                          {"name": self.environment.name, "repository": repository, "branch": branch})

    @property
    def runs(self) -> str | None:
        """The release that is on record, on disk and on the branch; None when these are not one and the same."""
        history = self.facts()["history"] if self.parameter("stagecraft.facts") else []
        release = history[-1]["release"] if history else None
        return release if release and release == self.motd and self.tree("release") == self.tree(release) else None

    @property
    def described(self) -> dict[str, Any]:
        """The environment as the orchestrator describes it."""
        return self.api.data("GET", "/api/v2/environment/%s" % self.id)

    def parameter(self, name: str) -> str | None:
        """A parameter of the environment; None when it is empty or not there."""
        try:
            return self.api.call("GET", "/api/v1/parameter/%s" % name, env=self.id)["parameter"]["value"] or None
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def write_parameter(self, name: str, value: str) -> None:
        """Write a parameter; never removed, as that makes the orchestrator compile."""
        self.api.call("PUT", "/api/v1/parameter/%s" % name, {"source": "user", "value": value, "resource_id": "", "metadata": {}}, self.id)

    @property
    def parameters(self) -> dict[str, str]:
        """Every parameter of the environment."""
        found = self.api.call("POST", "/api/v1/parameter", {"query": {}}, self.id)["parameters"]
        return {item["name"]: item["value"] for item in found}

    @property
    def compiles(self) -> int:
        """How many compiles there were."""
        return len(self.api.data("GET", "/api/v2/compilereport?limit=1000", env=self.id))

    def wait_idle(self) -> None:
        """Wait until the orchestrator compiles nothing for this environment."""
        wait_for(lambda: all(report["completed"] for report in self.api.data("GET", "/api/v2/compilereport?limit=20", env=self.id)),
                 300, "the end of the compile")

    @property
    def active(self) -> int:
        """The active version."""
        return next(version for version, status in self.versions.items() if status == "active")

    def branch_head(self) -> str:
        """The commit at the head of the release branch."""
        return self.repository.commit(self.environment.branch)

    def tree(self, revision: str) -> str:
        """The tree of a tag or commit."""
        return git(self.repository.origin, "rev-parse", "%s^{tree}" % revision)

    def everything(self) -> dict[str, Any]:
        """All that a run could change, to be compared before and after."""
        versions = self.versions
        return {
            "settings": self.settings,
            "environment": self.described,
            "versions": versions,
            "dry runs": {version: len(self.api.data("GET", "/api/v2/dryrun/%d" % version, env=self.id)) for version in versions},
            "parameters": self.parameters,
            "compiles": self.compiles,
            "refs": git(self.repository.origin, "for-each-ref"),
            "files": {path.name: path.read_text(encoding="utf-8") for path in self.repository.target.iterdir()},
        }

    def play(self, path: Path, release: str, *arguments: str, **extra: Any) -> Run:
        """Run a playbook of a site's own."""
        return self.run(str(path), release, *arguments, **dict({"inmanta_model_policy": EXPECT_ALL}, **extra))

    def at_terminal(self, release: str, answer: str, think: Callable[[], object] | None = None, **extra: Any) -> Run:
        """``upgrade.yml`` at a terminal, with somebody who thinks and then types ``answer`` when asked."""
        command = self.command("upgrade", release, inmanta_model_approval="prompt", **extra)
        return converse(command, "Type yes", answer, think)


def git(repository: Path, *arguments: str) -> str:
    """What git says about a repository."""
    return subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True).stdout.strip()


def converse(command: list[str], question: str, answer: str, think: Callable[[], object] | None = None) -> Run:
    """Run a command at a pseudo terminal; type ``answer`` once ``question`` appears, and again where it got lost.

    What is typed before Ansible reads is thrown away, and it asks a moment before it reads.

    :param think: called before the answer is typed for the first time.
    :returns: the run, its seconds 0; a question that never came is seen in its output.
    """
    master, slave = os.openpty()
    process = subprocess.Popen(command, env=environ(), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               preexec_fn=_take_terminal)
    os.close(slave)
    output, asked = b"", False
    while True:
        if select.select([master], [], [], 2 if asked else None)[0]:
            try:
                output += os.read(master, 65536)
            except OSError:  # the other side is closed
                break
        elif question.encode() in output.splitlines()[-1]:
            if think:
                think = think()
            os.write(master, answer.encode() + b"\r")
        asked = question.encode() in output
    os.close(master)
    return Run(process.wait(), output.decode(errors="replace"), 0.0)


def _take_terminal() -> None:
    """Make the pseudo terminal the controlling one of the new session, as a login does."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def digest_of(run: Run) -> str:
    """The digest that a waiting run wants approved."""
    found = DIGEST.findall(run.text)
    assert found, run.output[-4000:]
    return found[-1]


def new_subject(bed: Any, directory: Path, **options: Any) -> Subject:
    """A new environment with v1 deployed. The orchestrator repairs nothing by itself, so what a test changes by hand stays."""
    name = "t-%s" % uuid.uuid4().hex[:8]
    repository = bed.repository(name)
    repository.release("v1", {"motd": "release v1\n"}, **options)
    environment = bed.environment(name, repository)
    environment.api.set(environment.id, "autostart_agent_repair_interval", "0")
    environment.deploy(timeout=300)
    return Subject(environment, directory)


def journal_of(subject: Subject) -> list[dict[str, Any]]:
    """The journal's entries in the environment."""
    return [json.loads(line) for line in (subject.parameter("stagecraft.journal") or "").splitlines()]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bed: PostgreSQL, an orchestrator and repositories, all of which vanish at the end."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import processes, pythons, releases, tokens
from .api import Api
from .postgres import Postgres
from .releases import Release
from .repository import ModelRepository
from .server import Server

AGENTS = ("internal", "local", *(f"a{i}" for i in range(10)))
KEEPER_LOG = "keeper.log"  # what `up --detach` printed


@dataclass
class Environment:
    """An environment on the bed's orchestrator."""

    id: str
    name: str
    project: str
    project_name: str
    repository: ModelRepository
    branch: str
    api: Api

    def compile(self, update: bool = True, timeout: float = 180) -> dict[str, Any]:
        """See Api.compile; raises when the compile fails."""
        report = self.api.compile(self.id, update, timeout)
        if not report["success"]:
            failed = next((r for r in report["reports"] if r["returncode"]), {})
            text = (failed.get("outstream", "") + failed.get("errstream", ""))[-3000:]
            raise RuntimeError(f"The compile of {self.name} failed at {failed.get('name')}:\n{text}")
        return report

    def deploy(self, timeout: float = 180) -> int:
        """Compile the newest commit, release it if auto_deploy does not, wait: the version."""
        version = self.compile(timeout=timeout)["version"]
        if self.api.settings(self.id).get("auto_deploy") is False:
            self.api.promote(self.id, version)
        self.api.wait_deployed(self.id, version, timeout)
        return version

    def delete(self) -> None:
        """Delete the environment and its project."""
        self.api.delete_environment(self.id)
        self.api.delete_project(self.project)


class Hub:
    """What tests use of a bed, whether this process started it or not."""

    directory: Path
    release: Release

    def __init__(self, directory: Path, release: Release) -> None:
        self.directory = directory
        self.release = release

    def api(self) -> Api:
        raise NotImplementedError

    def repository(self, name: str | None = None) -> ModelRepository:
        """A new, empty repository."""
        return ModelRepository(self.directory / "repositories" / (name or uuid.uuid4().hex[:8]), self.release)

    def environment(
        self,
        name: str,
        repository: ModelRepository,
        branch: str = "release",
        auto_deploy: bool = True,
        protected: bool = True,
        agents: Sequence[str] = AGENTS,
    ) -> Environment:
        """A new environment in a project of its own (named project-NAME); nothing is compiled yet.

        agents: what the orchestrator may start (<= 14 only, later releases need no list).
        """
        api = self.api()
        project = api.create_project(f"project-{name}")
        env = api.create_environment(project, name, repository.url, branch)
        api.set(env, "auto_deploy", auto_deploy)
        api.set(env, "protected_environment", protected)
        if self.release.era == "agents":
            api.set(env, "autostart_agent_map", {agent: "local:" for agent in agents})
            # New agents wait a random part of this before their first deployment.
            api.set(env, "autostart_agent_deploy_splay_time", 0)
        return Environment(env, name, project, f"project-{name}", repository, branch, api)


class AttachedBed(Hub):
    """A bed that another process keeps up (`python3 -m tests.bed up --detach`)."""

    def __init__(self, directory: Path) -> None:
        self.state = json.loads((directory / "bed.json").read_text(encoding="utf-8"))
        super().__init__(Path(self.state["directory"]), releases.get(self.state["release"]))

    def api(self) -> Api:
        token = tokens.mint(self.state["key"]) if self.state["key"] else None
        return Api(self.state["url"], token, self.state["ca"])

    def describe(self) -> dict[str, Any]:
        return self.state


class Bed(Hub):
    """Context manager: a running orchestrator with its database.

    release: default the newest that this machine's Pythons can run. directory: default a temporary one;
    it is deleted at the end. auth, tls: see Server.
    """

    def __init__(
        self, release: Release | str | None = None, directory: Path | None = None, auth: bool = False, tls: bool = False
    ) -> None:
        if isinstance(release, str):
            release = releases.get(release)
        release = release or releases.newest(pythons.find())
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="stagecraft-bed-"))
        directory = directory.resolve()
        check_free(directory)
        super().__init__(directory, release)
        self.postgres = Postgres()
        self.server = Server(directory, release, self.postgres, auth, tls)
        self.timings: dict[str, float] = {}

    def start(self) -> None:
        """Start everything; what was started is stopped again when a step fails."""
        atexit.register(self.stop)
        _stop_on_signals()
        try:
            began = time.monotonic()
            self.postgres.start()
            self.timings["postgres"] = time.monotonic() - began
            self.server.start()
            self.timings["up"] = time.monotonic() - began
        except BaseException:
            self.stop()
            raise
        state = self.describe() | {"key": self.server.key}
        path = self.directory / "bed.json"
        with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as handle:
            json.dump(state, handle, indent=2)

    def stop(self) -> None:
        """Stop everything and delete the directory. Harmless when called twice."""
        atexit.unregister(self.stop)
        try:
            self.server.stop(kill=True)  # quicker, and nothing of it is kept
        finally:
            self.postgres.stop()
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Bed:
        self.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.stop()

    def api(self) -> Api:
        return self.server.api()

    def describe(self) -> dict[str, Any]:
        """What a user of the bed needs to know; times in seconds."""
        return {
            "url": self.server.url,
            "release": self.release.version,
            "directory": str(self.directory),
            "log": str(self.server.directory / "logs" / "console.log"),
            "ca": str(self.server.ca) if self.server.ca else None,
            "pid": os.getpid(),
            "server_pid": self.server.pid,
            "postgres_pid": self.postgres.pid,
            "postgres_port": self.postgres.port,
            "postgres_directory": str(self.postgres.directory),
            "timings": {name: round(seconds, 1) for name, seconds in self.timings.items()},
        }


def check_free(directory: Path) -> None:
    """Make the directory of a new bed; one with anything in it is refused, as the bed deletes it at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    if {entry.name for entry in directory.iterdir()} - {KEEPER_LOG}:
        raise FileExistsError(
            f"{directory} is not empty. If it holds a bed, end that with: python3 -m tests.bed down --dir {directory}"
        )


def _stop_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this process the way an exception does, so that atexit runs."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may set handlers
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, leave)


def clean_up(state: dict[str, Any]) -> None:
    """Remove what is left of a bed whose own process was killed."""
    directory = Path(state["directory"])
    processes.end(directory)
    try:
        executable = os.readlink(f"/proc/{state['postgres_pid']}/exe")
        if executable.startswith(state["postgres_directory"] + "/"):
            os.kill(state["postgres_pid"], signal.SIGKILL)
            time.sleep(0.5)
    except OSError:
        pass
    shutil.rmtree(state["postgres_directory"], ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)

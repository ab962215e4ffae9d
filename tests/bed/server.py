# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One orchestrator server."""

from __future__ import annotations

import configparser
import os
import subprocess
import time
import urllib.error
from collections.abc import Sequence
from pathlib import Path

from . import processes, tokens
from .api import Api, ApiError
from .network import free_port
from .postgres import USER, Postgres
from .provision import provision
from .releases import Release

_TRANSPORTS = ("agent", "compiler", "client", "cmdline")
_CLIENT_TYPES = ("agent", "compiler", "api")


class Server:
    """A server of that release, with all its files below `directory`/server.

    auth: bearer tokens are needed (auth_method database); tls: HTTPS with a certificate of its own authority.
    """

    def __init__(
        self,
        directory: Path,
        release: Release,
        postgres: Postgres,
        auth: bool = False,
        tls: bool = False,
        database: str = "inmanta",
    ) -> None:
        self.bed = directory
        self.directory = directory / "server"
        self.release = release
        self.postgres = postgres
        self.database = database
        self.port = 0
        self.key = tokens.new_key() if auth else None
        self.ca: Path | None = None
        self._tls = tls
        self._venv = provision(release)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{'localhost' if self._tls else '127.0.0.1'}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def api(self) -> Api:
        """A client that may do everything."""
        return Api(self.url, self.token() if self.key else None, str(self.ca) if self.ca else None)

    def token(self, env: str | None = None, client_types: Sequence[str] = ("api",), expire: float | None = None) -> str:
        """A bearer token, see tokens.mint."""
        if self.key is None:
            raise LookupError("This server has no authentication: start the bed with auth=True")
        return tokens.mint(self.key, env, client_types, expire)

    def start(self, timeout: float = 90) -> None:
        """Start, or start again with the same port and data, and wait until the API answers (seconds)."""
        if self.pid is not None:
            raise RuntimeError("The server runs already")
        if not self.port:
            self._prepare()
        for attempt in range(3):
            if attempt:
                self.port = free_port()  # somebody else took it between the look and the start
                self._write_config()
            self._launch()
            if self._wait(timeout):
                return
            if "already in use" not in self.log():
                break
        text = self.log()[-4000:]
        self.stop(kill=True)
        raise RuntimeError(f"The server did not start:\n{text}")

    def stop(self, kill: bool = False, timeout: float = 30) -> None:
        """End the server and its compilers and agents; `kill`: without warning, as a crash would."""
        if self._process:
            if kill:
                self._process.kill()
            else:
                self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        processes.end(self.bed, grace=0 if kill else 5)

    def log(self) -> str:
        """What the server printed."""
        path = self.directory / "logs" / "console.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _prepare(self) -> None:
        for name in ("state", "logs", "config.d"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        if self._tls:
            self.ca, self._certificate, self._certificate_key = tokens.certificates(self.directory / "tls")
        self.postgres.create_database(self.database)
        self.port = free_port()
        self._write_config()

    def _write_config(self) -> None:
        config = configparser.RawConfigParser()
        host = "localhost" if self._tls else "127.0.0.1"
        config["config"] = {"state_dir": str(self.directory / "state"), "log_dir": str(self.directory / "logs")}
        config["database"] = {
            "host": self.postgres.host,
            "port": str(self.postgres.port),
            "name": self.database,
            "username": USER,
        }
        config["server"] = {
            "bind-address": "127.0.0.1",
            "bind-port": str(self.port),
            "server_address": host,
            "internal_server_address": host,
        }
        for name in _TRANSPORTS:
            config[f"{name}_rest_transport"] = {"host": host, "port": str(self.port)}
        if self._tls:
            files = {
                "ssl_cert_file": self._certificate,
                "ssl_key_file": self._certificate_key,
                "ssl_ca_cert_file": self.ca,
            }
            config["server"].update({name: str(path) for name, path in files.items()})
            for name in _TRANSPORTS:
                config[f"{name}_rest_transport"].update({"ssl": "true", "ssl_ca_cert_file": str(self.ca)})
        if self.key:
            config["server"].update({"auth": "true", "auth_method": "database"})
            config["auth_jwt_default"] = {
                "algorithm": "HS256",
                "sign": "true",
                "client_types": ",".join(_CLIENT_TYPES),
                "key": self.key,
                "expire": "0",
                "issuer": tokens.ISSUER,
                "audience": tokens.ISSUER,
            }
        path = self.directory / "server.cfg"
        with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as handle:
            config.write(handle)

    def _environment(self) -> dict[str, str]:
        drop = ("PYTHON", "VIRTUAL_ENV", "PIP_", "ANSIBLE_", "INMANTA_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
        # The modules come from the wheels fetched with the pins: quick, and the same without a network.
        env |= {
            processes.MARKER: str(self.bed),
            "PIP_NO_INPUT": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self._venv.wheels),
        }
        if self.release.constrain:
            constraint = self.directory / "constraint.txt"
            constraint.write_text("\n".join(self.release.requirements) + "\n", encoding="utf-8")
            env["PIP_CONSTRAINT"] = str(constraint)
        return env

    def _launch(self) -> None:
        command = [
            self._venv.path / "bin" / "inmanta",
            "-c",
            self.directory / "server.cfg",
            "--config-dir",
            self.directory / "config.d",
            "-vvv",
            "--timed-logs",
            "server",
        ]
        with open(self.directory / "logs" / "console.log", "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.directory,
                start_new_session=True,
            )

    def _wait(self, timeout: float) -> bool:
        assert self._process
        api, deadline = self.api(), time.monotonic() + timeout
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                api.status()
                return True
            except (urllib.error.URLError, ApiError, OSError):
                time.sleep(0.2)
        return False

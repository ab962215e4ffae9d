# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small client of the orchestrator's API, independent of the collection that it tests."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any


class ApiError(Exception):
    """An answer other than 2xx; `status` is the HTTP code, `body` the decoded JSON or the text."""

    def __init__(self, status: int, body: Any, call: str) -> None:
        super().__init__(f"{call}: {status} {body}")
        self.status = status
        self.body = body


class Api:
    """url: such as http://127.0.0.1:8888; token: for a server with auth; ca: path of a CA file."""

    def __init__(self, url: str, token: str | None = None, ca: str | None = None) -> None:
        self.url = url
        self.token = token
        self._context = ssl.create_default_context(cafile=ca) if ca else None
        # Proxies of the machine have no business on the loopback interface.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self._context:
            handlers.append(urllib.request.HTTPSHandler(context=self._context))
        self._opener = urllib.request.build_opener(*handlers)

    def call(self, method: str, path: str, body: Any = None, env: str | None = None, timeout: float = 90) -> Any:
        """The decoded answer, None when it is empty. path: from /api on; env: environment id; timeout in seconds."""
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if env:
            request.add_header("X-Inmanta-tid", env)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise ApiError(error.code, _decode(text), f"{method} {path}") from None
        return _decode(text)

    def data(self, method: str, path: str, body: Any = None, env: str | None = None) -> Any:
        """What a v2 answer holds in `data`."""
        answer = self.call(method, path, body, env)
        return answer["data"] if answer else None

    def status(self) -> dict[str, Any]:
        """The server's own status."""
        return self.data("GET", "/api/v1/serverstatus")

    # Projects and environments

    def create_project(self, name: str) -> str:
        """The new project's id."""
        return self.data("PUT", "/api/v2/project", {"name": name})["id"]

    def delete_project(self, project: str) -> None:
        self.call("DELETE", f"/api/v2/project/{project}")

    def create_environment(self, project: str, name: str, repository: str, branch: str) -> str:
        """The new environment's id."""
        body = {"project_id": project, "name": name, "repository": repository, "branch": branch}
        return self.data("PUT", "/api/v2/environment", body)["id"]

    def delete_environment(self, env: str) -> None:
        """Delete it, protected or not."""
        self.set(env, "protected_environment", False)
        self.call("DELETE", f"/api/v2/environment/{env}")

    def settings(self, env: str) -> dict[str, Any]:
        """The values that are set; others have the default of their definition."""
        return self.data("GET", "/api/v2/environment_settings", env=env)["settings"]

    def set(self, env: str, name: str, value: Any) -> None:
        """Change one environment setting."""
        self.call("POST", f"/api/v2/environment_settings/{name}", {"value": value}, env=env)

    # Compiles and versions

    def compile(self, env: str, update: bool = True, timeout: float = 180) -> dict[str, Any]:
        """Compile and wait, at most `timeout` seconds: the report, also of a failed compile."""
        message = f"bed {uuid.uuid4()}"
        body = {"update": update, "metadata": {"type": "bed", "message": message}}
        self.call("POST", f"/api/v1/notify/{env}", body)

        def report() -> dict[str, Any] | None:
            reports = self.data("GET", "/api/v2/compilereport?limit=50", env=env)
            mine = [r for r in reports if r["metadata"].get("message") == message]
            return mine[0] if mine and mine[0]["completed"] else None

        found = wait_for(report, timeout, "the compile")
        return self.data("GET", f"/api/v2/compilereport/{found['id']}", env=env)

    def versions(self, env: str) -> list[dict[str, Any]]:
        """Versions, the newest first."""
        return self.data("GET", "/api/v2/desiredstate", env=env)

    def version_status(self, env: str, version: int) -> str | None:
        """candidate, active, retired or skipped_candidate; None when it does not exist."""
        return next((v["status"] for v in self.versions(env) if v["version"] == version), None)

    def promote(self, env: str, version: int) -> None:
        """Release a candidate."""
        self.call("POST", f"/api/v2/desiredstate/{version}/promote", env=env)

    def dryrun(self, env: str, version: int, timeout: float = 180) -> dict[str, Any]:
        """Run one and wait: {"summary": ..., "diff": [...]}."""
        run = self.data("POST", f"/api/v2/dryrun/{version}", env=env)

        def done() -> bool:
            runs = self.data("GET", f"/api/v2/dryrun/{version}", env=env)
            return any(r["id"] == run and r["todo"] <= 0 for r in runs)

        wait_for(done, timeout, "the dry run")
        return self.data("GET", f"/api/v2/dryrun/{version}/{run}", env=env)

    def by_state(self, env: str) -> dict[str, int]:
        """How many resources of the active version are in each state; states with none are left out."""
        answer = self.call("GET", "/api/v2/resource?limit=1&deploy_summary=true", env=env)
        return {state: n for state, n in answer["metadata"]["deploy_summary"]["by_state"].items() if n}

    def wait_deployed(self, env: str, version: int | None = None, timeout: float = 180) -> dict[str, int]:
        """Wait until that version (None: any) is active and nothing is left to do: the final states.

        Two equal looks, because a scheduler that has not read the version yet shows the old states.
        """
        last: list[dict[str, int] | None] = [None]

        def done() -> dict[str, int] | None:
            now = [v["version"] for v in self.versions(env) if v["status"] == "active"]
            if not now or (version is not None and now[0] != version):
                return None
            states = self.by_state(env)
            settled = bool(states) and not {"available", "deploying"} & set(states)
            same, last[0] = settled and states == last[0], states
            return states if same else None

        return wait_for(done, timeout, f"the deployment of version {version or 'any'}, last seen {last}")

    def resource_log(self, env: str, resource: str, level: str = "INFO") -> list[dict[str, Any]]:
        """Log lines of a resource, such as fs::File[local,path=/x]."""
        path = f"/api/v2/resource/{urllib.parse.quote(resource, safe='')}/logs?filter.minimal_log_level={level}"
        return self.data("GET", path, env=env)

    def agents(self, env: str) -> list[dict[str, Any]]:
        return self.data("GET", "/api/v2/agents", env=env)

    # Users, on a server with auth

    def create_user(self, username: str, password: str) -> None:
        """The password needs 12 characters of three classes (lower, upper, digit, other)."""
        self.call("POST", "/api/v2/user", {"username": username, "password": password})

    def login(self, username: str, password: str) -> str:
        """A bearer token of that user."""
        return self.data("POST", "/api/v2/login", {"username": username, "password": password})["token"]


def _decode(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def wait_for(look: Callable[[], Any], timeout: float, what: str, interval: float = 0.25) -> Any:
    """The first true result of `look`; TimeoutError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout:.0f} s for {what}")
        time.sleep(interval)

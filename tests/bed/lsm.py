# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that answers the calls of LSM by itself and hands all others on to a real orchestrator.

LSM is a commercial extension: what it answers is known from the clients that are public. State is in memory, and instances go from state to state
as time passes.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.serving import Quiet, WebServer

# What follows each state by itself; of what an attribute `fail` names, the other branch.
NEXT = {"start": "acknowledged", "acknowledged": "inprogress", "inprogress": "up", "update_start": "update_inprogress", "update_inprogress": "up",
        "deleting": "terminated"}
TRANSFERS = ("up", "failed", "rejected", "update_failed")
HOPS = ("Connection", "Transfer-Encoding", "Content-Length", "Keep-Alive", "Date", "Server")
PREFIX = {400: "Invalid request: ", 404: "Request or referenced resource does not exist: ",
          409: "Request conflicts with the current state of the resource: "}


class Refused(Exception):
    """An answer with a failure."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Instance:
    """One service instance and its log."""

    def __init__(self, entity: dict[str, Any], given: dict[str, Any], identifier: str) -> None:
        self.entity = entity
        self.log: list[dict[str, Any]] = []
        self.data = {
            "id": identifier, "service_entity": entity["name"], "version": 0, "state": "", "deleted": False, "config": {},
            "candidate_attributes": dict(given["attributes"]), "active_attributes": None, "rollback_attributes": None,
            "service_identity_attribute_value": str(given["attributes"].get(entity.get("service_identity"))),
            "created_at": _now(), "deployment_progress": None, "callback": [], "referenced_by": None}
        self.enter(given.get("initial_state") or "start")

    def enter(self, state: str) -> None:
        """Come to a state: a new version, and a line of the log."""
        self.data = dict(self.data, version=self.data["version"] + 1, state=state, last_updated=_now(), deleted=state == "terminated")
        if state == "up":
            self.data.update(active_attributes=self.data["candidate_attributes"] or self.data["active_attributes"], candidate_attributes=None)
        entry = {key: value for key, value in self.data.items() if key not in ("id", "deployment_progress", "referenced_by")}
        self.log.append(dict(entry, service_instance_id=self.data["id"], timestamp=_now(), events=[]))
        self.since = time.monotonic()

    def advance(self, step: float) -> None:
        """Go on as far as the time allows; what `fail` names is come to in place of what would follow."""
        while time.monotonic() - self.since >= step:
            state = self.data["state"]
            fail = (self.data["candidate_attributes"] or {}).get("fail")
            following = fail if fail and NEXT.get(state) in TRANSFERS else NEXT.get(state)
            if not following:
                return
            since = self.since + step
            self.enter(following)
            self.since = since


class LsmServer(WebServer):
    """Context manager.

    :param upstream: url of the orchestrator that gets everything else; None answers that with 404.
    :param step: seconds that an instance stays in a state which it leaves by itself.
    """

    def __init__(self, upstream: str | None = None, step: float = 0.2) -> None:
        super().__init__(_Handler)
        self.upstream = upstream
        self.step = step
        self.catalog: dict[str, dict[str, Any]] = {}
        self.instances: dict[str, Instance] = {}
        self.seen: list[dict[str, Any]] = []
        self.lock = threading.RLock()
        # Called with each request before it is answered.
        self.before = lambda request: None

    def declare(self, name: str, identity: str | None = "name", required: tuple[str, ...] = ("name",)) -> None:
        """Put a service entity into the catalog."""
        self.catalog[name] = {"name": name, "service_identity": identity, "required": list(required), "lifecycle": {"states": sorted(NEXT)}}

    def called(self, *prefixes: str) -> list[str]:
        """The calls that changed something, as METHOD PATH, in their order; those whose path begins with one of the prefixes."""
        calls = ["%s %s" % (item["method"], item["path"].split("?")[0]) for item in self.seen if item["method"] not in ("GET", "HEAD")]
        return [call for call in calls if not prefixes or call.split(" ", 1)[1].startswith(prefixes)]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """What LSM answers: the data, or :class:`Refused`."""
        with self.lock:
            for instance in self.instances.values():
                instance.advance(self.step)
            for verb, pattern, reply in ROUTES:
                match = re.fullmatch(pattern, path)
                if match and verb == method:
                    return reply(self, *match.groups(), query=query, body=body or {})
        raise Refused(404, "no such call")

    # One method for each call

    def entities(self, query: dict[str, str], body: Any) -> Any:
        return list(self.catalog.values())

    def one_entity(self, name: str, query: dict[str, str], body: Any) -> Any:
        if name not in self.catalog:
            raise Refused(404, "service entity %s does not exist" % name)
        return self.catalog[name]

    def put_entity(self, name: str, query: dict[str, str], body: Any) -> Any:
        self.catalog[name] = dict(body, name=name)
        return self.catalog[name]

    def inventory(self, name: str, query: dict[str, str], body: Any) -> Any:
        self.one_entity(name, query, body)
        return [item.data for item in self.instances.values() if item.data["service_entity"] == name and not item.data["deleted"]]

    def create(self, name: str, query: dict[str, str], body: Any) -> Any:
        entity = self.one_entity(name, query, body)
        missing = [key for key in entity["required"] if key not in body.get("attributes", {})]
        if missing:
            raise Refused(400, "attributes %s are missing" % missing)
        value = str(body["attributes"].get(entity.get("service_identity")))
        if entity.get("service_identity") and any(item["service_identity_attribute_value"] == value for item in self.inventory(name, query, body)):
            raise Refused(409, "an instance with identity %s exists already" % value)
        identifier = body.get("service_instance_id") or str(uuid.uuid4())
        if identifier in self.instances:
            raise Refused(409, "instance %s exists already" % identifier)
        self.instances[identifier] = Instance(entity, body, identifier)
        return self.instances[identifier].data

    def get(self, name: str, identifier: str, query: dict[str, str], body: Any) -> Any:
        return self._instance(name, identifier).data

    def patch(self, name: str, identifier: str, query: dict[str, str], body: Any) -> Any:
        instance = self._current(name, identifier, query)
        before = instance.data["active_attributes"] or {}
        instance.data.update(candidate_attributes=dict(before, **body["attributes"]), rollback_attributes=before)
        instance.enter("update_start")

    def delete(self, name: str, identifier: str, query: dict[str, str], body: Any) -> Any:
        self._current(name, identifier, query).enter("deleting")

    def log_of(self, name: str, identifier: str, query: dict[str, str], body: Any) -> Any:
        lowest = int(query.get("filter.version", "ge:0").removeprefix("ge:"))
        return [entry for entry in reversed(self._instance(name, identifier).log) if entry["version"] >= lowest]

    def diagnose(self, name: str, identifier: str, query: dict[str, str], body: Any) -> Any:
        reason = (self._instance(name, identifier).data["candidate_attributes"] or {}).get("reason")
        return {"failures": [{"message": reason}] if reason else [], "rejections": []}

    def _instance(self, name: str, identifier: str) -> Instance:
        found = self.instances.get(identifier)
        if not found or found.data["service_entity"] != name:
            raise Refused(404, "service instance %s does not exist" % identifier)
        return found

    def _current(self, name: str, identifier: str, query: dict[str, str]) -> Instance:
        instance = self._instance(name, identifier)
        if "current_version" not in query:
            raise Refused(400, "Field 'current_version' is required.")
        if int(query["current_version"]) != instance.data["version"]:
            raise Refused(409, "the version of the instance is %d" % instance.data["version"])
        return instance


CATALOG, INVENTORY = r"/lsm/v1/service_catalog", r"/lsm/v1/service_inventory/([^/]+)"
ROUTES = (
    ("GET", CATALOG, LsmServer.entities), ("GET", CATALOG + r"/([^/]+)", LsmServer.one_entity), ("PUT", CATALOG + r"/([^/]+)", LsmServer.put_entity),
    ("GET", INVENTORY, LsmServer.inventory), ("POST", INVENTORY, LsmServer.create),
    ("GET", INVENTORY + r"/([^/]+)", LsmServer.get), ("PATCH", INVENTORY + r"/([^/]+)", LsmServer.patch),
    ("DELETE", INVENTORY + r"/([^/]+)", LsmServer.delete), ("GET", INVENTORY + r"/([^/]+)/log", LsmServer.log_of),
    ("GET", INVENTORY + r"/([^/]+)/diagnose", LsmServer.diagnose))
EXPORT = "/lsm/v1/exporter/export_service_definition"


class _Handler(Quiet, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LsmServer

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length) if length else b""
        parts = urllib.parse.urlsplit(self.path)
        request = {"method": self.command, "path": self.path, "at": time.monotonic(), "body": content.decode()}
        self.server.before(request)
        self.server.seen.append(request)
        if parts.path == EXPORT and self.server.upstream:
            # The server has the model compiled, with the exporter of the definitions.
            note = {"update": False, "metadata": {"type": "lsm", "message": "Export of the service definition"}}
            self._hand_on("POST", "/api/v1/notify/%s" % self.headers["X-Inmanta-tid"], json.dumps(note).encode())
        elif parts.path.startswith("/lsm/"):
            query = {key: values[0] for key, values in urllib.parse.parse_qs(parts.query).items()}
            try:
                if not self.headers.get("X-Inmanta-tid"):
                    raise Refused(400, "Field 'tid' is required.")
                data = self.server.answer(self.command, urllib.parse.unquote(parts.path), query, json.loads(content) if content else None)
                self._reply(200, b"" if data is None else json.dumps({"data": data, "links": {}, "metadata": {}}).encode())
            except Refused as refused:
                self._reply(refused.status, json.dumps({"message": PREFIX[refused.status] + str(refused)}).encode())
        elif self.server.upstream:
            self._hand_on(self.command, self.path, content)
        else:
            self._reply(404, b"<html>no such page</html>", "text/html")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _hand_on(self, method: str, path: str, content: bytes) -> None:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(str(self.server.upstream)).netloc, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name not in (*HOPS, "Host", "Accept-Encoding")}
        try:
            connection.request(method, path, content or None, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        self._reply(answer.status, text, answer.getheader("Content-Type", "application/json"))

    def _reply(self, status: int, text: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An orchestrator's API in memory, below ``requests``: what real servers answered, status, body and content type."""

from __future__ import annotations

import copy
import json
import re
import uuid
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.stagecraft.release.plugins.module_utils.running import Call

URL = "http://orchestrator.example.com:8888"
ENV = "5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10"
OTHER = "00000000-9f3a-4dd0-9d39-6a2d4d2d6f10"
NO_ENV = "Request or referenced resource does not exist: The given environment id does not exist!"
SCOPED = "Access denied: The authorization token is scoped to a specific environment."
BAD_VALUE = "An unexpected error occurred in the server while processing the request: Invalid value"


def definition(name, kind, default, allowed=None, **more):
    return dict({"name": name, "type": kind, "default": default, "allowed_values": allowed}, **more)


def definitions():
    methods = ["push_incremental_deploy", "push_full_deploy"]
    return {item["name"]: item for item in [
        definition("auto_deploy", "bool", True),
        definition("protected_environment", "bool", False),
        definition("notification_retention", "int", 365),
        definition("recompile_backoff", "positive_float", 0.1),
        definition("autostart_agent_deploy_interval", "str", "600"),
        definition("autostart_agent_repair_interval", "str", "86400"),
        definition("agent_trigger_method_on_auto_deploy", "enum", methods[0], methods),
        definition("autostart_agent_map", "dict", {"internal": "local:"}),
    ]}


def version(number, status, released=None):
    item = {"version": number, "date": "2026-11-21T09:59:24+00:00", "total": 2, "labels": [], "status": status}
    return item if released is None else dict(item, released=released)


def agent(name, paused=False, unpause_on_resume=None):
    return {"name": name, "paused": paused, "status": "paused" if paused else "up", "process_id": None, "unpause_on_resume": unpause_on_resume}


def row(name, status, requires=()):
    """A resource of an agent as it is listed; ``requires`` names the agents of those that it needs."""
    return {"resource_id": "std::File[%s,path=/x[1]]" % name, "id_details": {"agent": name}, "status": status,
            "requires": ["std::File[%s,path=/x[1]]" % other for other in requires]}


def action(name, status, second=0, kind="deploy", messages=None):
    """A resource action on an agent."""
    return {"resource_version_ids": ["std::File[%s,path=/x[1]],v=2" % name], "action": kind, "status": status, "action_id": "id-%s" % name,
            "started": "2126-11-21T10:00:%02d+00:00" % second, "messages": messages or []}


class Refusal(Exception):
    """Ends a route with a status, a message (None: no body) and a content type."""

    def __init__(self, status, message=None, kind="application/json; charset=UTF-8"):
        super().__init__(message)
        self.status, self.message, self.kind = status, message, kind


class Server:
    """The state of an orchestrator; ``writes`` lists (method, path, body) of everything that was not a reading."""

    def __init__(self):
        self.projects = [{"id": "p1", "name": "customer"}]
        self.environments = {ENV: {"id": ENV, "name": "network", "project_id": "p1", "repo_url": "/repo", "repo_branch": "release",
                                   "halted": False, "description": "", "settings": {}}}
        self.definitions = definitions()
        self.queue, self.rows, self.actions, self.repaired, self.unreached = [], [], [], {}, 0
        self.settings, self.versions, self.agents, self.resources, self.parameters = {}, [], [], [], {}
        self.counts = {"deployed": 2, "failed": 0}
        self.writes, self.reads, self.timeouts = [], [], []
        self.scoped = False
        self.page = 1000
        self.fail = lambda method, path, body: None

    def request(self, _session, method, url, **given):
        """Stands in for ``requests.Session.request``."""
        parts = urlsplit(url)
        query = dict(parse_qs(parts.query), **{name: value if isinstance(value, list) else [str(value)]
                                               for name, value in (given.get("params") or {}).items()})
        body, path = copy.deepcopy(given.get("json")), parts.path
        (self.reads if method in ("GET", "HEAD") else self.writes).append((method, path, body))
        self.timeouts.append(given.get("timeout"))
        answer = requests.Response()
        answer.headers["Content-Type"] = "application/json; charset=UTF-8"
        answer.status_code, answer.reason = 200, "OK"
        try:
            self.fail(method, path, body)
            data = self._route(method, path, (given.get("headers") or {}).get("X-Inmanta-tid"), query, body)
            answer._content = b"" if data is None else json.dumps(data).encode()
        except Refusal as exc:
            answer.status_code, answer.reason, answer.headers["Content-Type"] = exc.status, "Refused", exc.kind
            answer._content = b"" if exc.message is None else json.dumps({"message": exc.message}).encode()
            if exc.kind == "text/html":
                answer._content = b"<html>not here</html>"
        return answer

    def _route(self, method, path, tid, query, body):
        for wanted, pattern, route, bound in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and wanted == method:
                if bound and tid not in self.environments:
                    raise Refusal(404, NO_ENV)
                return route(self, *[unquote(group) for group in match.groups()], query=query, body=body, tid=tid)
        raise Refusal(404, kind="text/html")

    def _environment(self, identity):
        if identity not in self.environments:
            raise Refusal(404, "Request or referenced resource does not exist: The environment id does not exist.")
        return self.environments[identity]

    def _only_unbound(self):
        if self.scoped:
            raise Refusal(403, SCOPED)

    def list_projects(self, **_given):
        self._only_unbound()
        return {"data": [dict(item, environments=[env for env in self.environments.values() if env["project_id"] == item["id"]])
                         for item in self.projects]}

    def create_project(self, body, **_given):
        self.projects.append({"id": "p%d" % (len(self.projects) + 1), "name": body["name"]})
        return {"data": self.projects[-1]}

    def create_environment(self, body, **_given):
        made = {"id": body.get("environment_id") or str(uuid.uuid4()), "name": body["name"], "project_id": body["project_id"], "halted": False,
                "repo_url": body.get("repository", ""), "repo_branch": body.get("branch", ""), "description": body.get("description", "")}
        self.environments[made["id"]] = made
        return {"data": made}

    def get_environment(self, identity, query, **_given):
        found = dict(self._environment(identity))
        if query.get("details") != ["true"]:
            found["description"] = ""
        return {"data": found}

    def modify_environment(self, identity, body, **_given):
        self._only_unbound()
        names = {"repository": "repo_url", "branch": "repo_branch"}
        self._environment(identity).update({names.get(name, name): value for name, value in body.items()})
        return {"data": self.environments[identity]}

    def delete_environment(self, identity, **_given):
        self._environment(identity)
        del self.environments[identity]

    def halt(self, action, tid, **_given):
        halted = action == "halt"
        self.environments[tid]["halted"] = halted
        for item in self.agents:
            item.update(paused=halted or item["unpause_on_resume"] is False, unpause_on_resume=True if halted else None)

    def get_settings(self, **_given):
        return {"data": {"settings": self.settings, "definition": self.definitions}}

    def set_setting(self, name, body, **_given):
        if body["value"] in ("abc", {"a0": "x"}):
            raise Refusal(500, BAD_VALUE)
        # Real servers keep 030 as 30.
        interval = name.endswith("_interval") and body["value"].isdigit()
        self.settings[name] = str(int(body["value"])) if interval else body["value"]
        return {"data": None}

    def list_versions(self, query, **_given):
        found = sorted(self.versions, key=lambda item: -item["version"])
        for rule in query.get("filter.version", []):
            number = int(rule[3:])
            found = [item for item in found if (item["version"] >= number if rule.startswith("ge:") else item["version"] <= number)]
        if "filter.status" in query:
            found = [item for item in found if item["status"] in query["filter.status"]]
        return {"data": found[:int(query["limit"][0])]}

    def version_resources(self, number, query, **_given):
        return self._paged("/api/v2/desiredstate/%s" % number, self.resources, query)

    def list_agents(self, query, **_given):
        return self._paged("/api/v2/agents", self.agents, query)

    def _paged(self, path, items, query):
        start = int(query.get("start", ["0"])[0])
        end = start + min(self.page, int(query["limit"][0]))
        links = {"next": "%s?limit=%s&start=%d" % (path, query["limit"][0], end)} if end < len(items) else {}
        return {"data": items[start:end], "links": links}

    def diff_versions(self, older, newer, **_given):
        if newer not in [str(item["version"]) for item in self.versions]:
            raise Refusal(404, "Request or referenced resource does not exist: Version %s not found" % newer)
        return {"data": [{"resource_id": "std::File[a0,path=/%s]" % older, "status": "deleted", "attributes": {}}]}

    def delete_version(self, number, **_given):
        self.versions = [item for item in self.versions if str(item["version"]) != number]

    def agent_action(self, name, action, **_given):
        for item in self.agents:
            if item["name"] == name:
                self._act(item, action)

    def agents_action(self, action, **_given):
        for item in self.agents:
            self._act(item, action)

    @staticmethod
    def _act(item, action):
        if action in ("pause", "unpause"):
            item["paused"] = action == "pause"
        else:
            item["unpause_on_resume"] = action == "unpause_on_resume"

    def list_resources(self, query, **_given):
        wanted = query.get("filter.status")
        rows = [item for item in self.rows if wanted is None or item["status"] in wanted]
        return {"data": rows, "metadata": {"deploy_summary": {"total": sum(self.counts.values()), "by_state": self.counts}}}

    def list_actions(self, query, **_given):
        """As the server does it: the earliest that follow, the latest of them first."""
        after = (query["first_timestamp"][0], query.get("action_id", [""])[0])
        later = sorted((item for item in self.actions if (item["started"], item["action_id"]) > after),
                       key=lambda item: (item["started"], item["action_id"]))
        return {"data": later[:int(query["limit"][0])][::-1]}

    def deploy(self, body, **_given):
        """A repair: each resource of these agents gets a new record, and the state that ``repaired`` says."""
        if self.unreached:
            self.unreached -= 1
            raise Refusal(404, "Request or referenced resource does not exist: No agent could be reached")
        for item in self.rows:
            name = item["id_details"]["agent"]
            if name in body["agents"] and name in self.repaired:
                item["status"] = self.repaired[name]
                self.actions.append(action(name, item["status"], len(self.actions)))
        return {"agents": body["agents"]}

    def resource_logs(self, _identity, **_given):
        return {"data": [{"msg": "no room", "kwargs": {}}]}

    def list_queue(self, **_given):
        return {"queue": self.queue}

    def get_parameter(self, name, **_given):
        if name not in self.parameters:
            raise Refusal(404)
        return {"parameter": {"name": name, "value": self.parameters[name]}}

    def put_parameter(self, name, body, **_given):
        self.parameters[name] = body["value"]
        return self.get_parameter(name)


ID = "([^/]+)"
# (method, path, route, needs the header that names an environment)
ROUTES = [
    ("GET", "/api/v2/project", Server.list_projects, False),
    ("PUT", "/api/v2/project", Server.create_project, False),
    ("PUT", "/api/v2/environment", Server.create_environment, False),
    ("GET", "/api/v2/environment/" + ID, Server.get_environment, False),
    ("POST", "/api/v2/environment/" + ID, Server.modify_environment, False),
    ("DELETE", "/api/v2/environment/" + ID, Server.delete_environment, False),
    ("POST", "/api/v2/actions/environment/(halt|resume)", Server.halt, True),
    ("GET", "/api/v2/environment_settings", Server.get_settings, True),
    ("POST", "/api/v2/environment_settings/" + ID, Server.set_setting, True),
    ("GET", "/api/v2/desiredstate", Server.list_versions, True),
    ("GET", "/api/v2/desiredstate/([0-9]+)", Server.version_resources, True),
    ("GET", "/api/v2/desiredstate/diff/([0-9]+)/([0-9]+)", Server.diff_versions, True),
    ("DELETE", "/api/v1/version/" + ID, Server.delete_version, True),
    ("GET", "/api/v2/agents", Server.list_agents, True),
    ("POST", "/api/v2/agents/" + ID, Server.agents_action, True),
    ("POST", "/api/v2/agent/%s/%s" % (ID, ID), Server.agent_action, True),
    ("GET", "/api/v2/resource", Server.list_resources, True),
    ("GET", "/api/v2/resource/%s/logs" % ID, Server.resource_logs, True),
    ("GET", "/api/v2/resource_actions", Server.list_actions, True),
    ("POST", "/api/v1/deploy", Server.deploy, True),
    ("GET", "/api/v1/compilequeue", Server.list_queue, True),
    ("GET", "/api/v1/parameter/" + ID, Server.get_parameter, True),
    ("PUT", "/api/v1/parameter/" + ID, Server.put_parameter, True),
]


def run(module, check_mode=False, heartbeat=lambda: None, warn=lambda text: None, **given):
    """Run a module's ``execute`` with validated options, as module and action do."""
    rules = {name: value for name, value in module.SPEC.items() if name not in ("argument_spec", "supports_check_mode")}
    validation = ArgumentSpecValidator(module.SPEC["argument_spec"], **rules).validate(dict({"url": URL, "environment": ENV, "retries": 0}, **given))
    assert not validation.error_messages, validation.error_messages
    return module.execute(Call(validation.validated_parameters, check_mode, True, heartbeat=heartbeat, warn=warn))

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments: found by UUID or by name, read, made, changed, removed, halted."""

from __future__ import annotations

import uuid

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import paging
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import AccessDenied, NotFound


def is_uuid(text):
    """Whether the server would take ``text`` for an id."""
    try:
        return str(uuid.UUID(str(text))) == str(text).lower()
    except ValueError:
        return False


def resolve(client, params):
    """The UUID of the environment that ``params`` name.

    A token that is bound to one environment may not list environments, so a UUID is taken as it is.

    :param params: options ``environment`` (UUID or name) and ``project`` (name, wanted where the name is not unique).
    """
    wanted = params.get("environment")
    if not wanted:
        raise InputError("environment", wanted, "is empty", "Give the UUID of the environment, or its name and 'project'")
    if is_uuid(wanted):
        return str(wanted).lower()
    projects = listing(client, wanted)
    project = params.get("project")
    if project and project not in [item["name"] for item in projects]:
        raise InputError("project", project, "is not a project of %s" % client.url,
                         "Choose one of: %s" % names(item["name"] for item in projects))
    found = lookup(projects, wanted, project)
    if found:
        return found["id"]
    known = [env["name"] for item in projects if project in (None, "", item["name"]) for env in item["environments"]]
    raise InputError("environment", wanted, "is not an environment of %s" % client.url, "Choose one of: %s" % names(known))


def listing(client, wanted):
    """All projects with their environments.

    :param wanted: the name that is looked for, for the message to a token that may not list.
    """
    try:
        return client.get("/api/v2/project")["data"]
    except AccessDenied as exc:
        if exc.status == 401:
            raise
        raise InputError("environment", wanted, "is a name, and the server does not let this token list environments (%s)"
                         % exc.server_message, "Give the UUID of the environment, or a token that is valid and not bound to one") from exc


def lookup(projects, name, project):
    """The environment of that name as the list describes it, or None; two of the name are an error.

    :param projects: what :func:`listing` returned.
    :param project: name of the project to look in; None for all of them.
    """
    found = [(item["name"], env) for item in projects if project in (None, "", item["name"])
             for env in item["environments"] if env["name"] == name]
    if len(found) > 1:
        raise InputError("environment", name, "is the name of environments in several projects (%s)" % names(owner for owner, env in found),
                         "Give 'project', or the UUID")
    return found[0][1] if found else None


def names(items):
    """Names for a message."""
    return ", ".join(sorted(items)) or "none are there"


def fetch(client, environment):
    """The environment as the server describes it.

    :raises InputError: there is no such environment.
    """
    try:
        return client.get(_path(environment), query={"details": "true"})["data"]
    except NotFound as exc:
        raise InputError("environment", environment, "does not exist on %s" % client.url,
                         "Check the UUID, or give the name and 'project'") from exc


def find(client, environment):
    """Like :func:`fetch`, with None where there is no such environment."""
    try:
        return fetch(client, environment)
    except InputError:
        return None


def describe(environment):
    """The server's description in the words of the modules' returns; None stays None."""
    if environment is None:
        return None
    return dict(id=environment["id"], name=environment["name"], project_id=environment["project_id"],
                repository=environment.get("repo_url") or "", branch=environment.get("repo_branch") or "",
                halted=bool(environment.get("halted")), description=environment.get("description") or "")


def create_project(client, name):
    """Make a project.

    :returns: its id.
    """
    return client.put("/api/v2/project", body={"name": name})["data"]["id"]


def create(client, project_id, fields):
    """Make an environment.

    :param fields: name and, where wanted, environment_id, repository with branch, description.
    :returns: the server's description of it.
    """
    made = client.put("/api/v2/environment", body=dict(fields, project_id=project_id))["data"]
    return fetch(client, made["id"])


def modify(client, environment, fields):
    """Change what ``fields`` hold: name (always needed), repository, branch, description.

    :returns: the server's description afterwards.
    """
    client.post(_path(environment), body=fields, repeat=True)
    return fetch(client, environment)


def delete(client, environment):
    """Remove the environment with everything in it."""
    client.delete(_path(environment))


def is_halted(client, environment):
    """Whether the environment is halted."""
    return bool(fetch(client, environment)["halted"])


def set_halted(client, environment, halted):
    """Ask for the emergency stop, or for its end. Both may take many seconds, and asking twice does no harm."""
    client.post("/api/v2/actions/environment/%s" % ("halt" if halted else "resume"), environment, repeat=True)


def resource_counts(client, environment):
    """How the resources of the released version are doing.

    :returns: ``{"total": int, "by_state": {state: int}}``; all zero where nothing was ever released.
    """
    answer = client.get("/api/v2/resource", environment, query={"limit": 1, "deploy_summary": "true"})
    summary = answer["metadata"]["deploy_summary"]
    return dict(total=summary["total"], by_state=dict(summary["by_state"]))


def deploying(client, environment):
    """The resources that agents are deploying now, at most as many as one page holds: resource, agent and state."""
    rows = client.get("/api/v2/resource", environment, {"filter.status": "deploying", "limit": paging.PAGE_SIZE})["data"]
    return [dict(resource=row["resource_id"], agent=row["id_details"]["agent"], state=row["status"]) for row in rows]


def is_healthy(counts):
    """Whether every resource is deployed: nothing failed or skipped, nothing left to do."""
    return counts["by_state"].get("deployed", 0) == counts["total"]


def compiles(client, environment):
    """The compiles that are queued or running, oldest first."""
    queue = client.get("/api/v1/compilequeue", environment)["queue"]
    return [dict(id=item["id"], requested=item["requested"], started=item["started"], message=(item.get("metadata") or {}).get("message"))
            for item in queue]


def _path(environment):
    return "/api/v2/environment/%s" % segment(environment)

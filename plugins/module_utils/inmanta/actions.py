# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What agents deployed since a moment, as the orchestrator's own record of resource actions has it."""

from __future__ import annotations

import re

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import eras
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.paging import PAGE_SIZE

PATH = "/api/v2/resource_actions"
RESOURCE = re.compile(r"^(?P<id>[^\[]+\[(?P<agent>[^,\]]+),.*\]),v=\d+$", re.S)


def deployed_since(client, environment, since):
    """The resources that agents began to deploy after ``since``, each once, in the order of the last beginning.

    :param since: a moment by the server's clock, as ``client.moment()`` tells it.
    :returns: a list of resource, agent and state.
    """
    found = {}
    for action in _actions(client, environment, since):
        if action["action"] != "deploy" or eras.is_only_noted(action):
            continue
        for resource in action["resource_version_ids"]:
            identity, agent = split(resource)
            found.pop(identity, None)
            found[identity] = dict(resource=identity, agent=agent, state=action.get("status"))
    return list(found.values())


def split(resource_version):
    """The id of a resource without its version, and its agent."""
    match = RESOURCE.match(resource_version)
    return match.group("id", "agent") if match else (resource_version, "")


def _actions(client, environment, since):
    query = {"first_timestamp": since, "limit": PAGE_SIZE}
    while True:
        # A page holds the earliest that follow, and has the latest of them first.
        page = client.get(PATH, environment, query)["data"]
        yield from reversed(page)
        if len(page) < PAGE_SIZE:
            return
        query = dict(query, first_timestamp=page[0]["started"], action_id=page[0]["action_id"])

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_environment_info: what an environment is and how it is doing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_environment_info
short_description: Read an Inmanta environment, its settings, versions and the health of its resources
version_added: 0.1.0
description:
  - Reads one environment. Nothing is changed.
  - What is not in O(gather) costs no request, so that a guard can be cheap.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.attributes
  - stagecraft.release.connection
  - stagecraft.release.environment
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  gather:
    description: What to read beside the environment itself, one request for each.
    type: list
    elements: str
    choices: [settings, versions, resources, compiles, agents]
    default: [settings, versions, resources]
  limit:
    description: How many of the newest versions to list.
    type: int
    default: 20
seealso:
  - module: stagecraft.release.inmanta_environment
  - module: stagecraft.release.inmanta_version_info
"""

EXAMPLES = r"""
- name: Read everything of an environment
  stagecraft.release.inmanta_environment_info:
    url: https://orchestrator.example.com:8888
    environment: network
    project: customer
  register: network

- name: Stop where the environment is halted
  stagecraft.release.inmanta_environment_info:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    gather: []
  register: guard
  failed_when: guard.environment.halted
"""

RETURN = r"""
environment:
  description: The environment.
  returned: success
  type: dict
  contains:
    id: {description: UUID., type: str}
    name: {description: Name., type: str}
    project_id: {description: UUID of the project., type: str}
    repository: {description: Url of the repository; empty where there is none., type: str}
    branch: {description: Branch of the repository; empty where there is none., type: str}
    halted: {description: Whether the environment is halted., type: bool}
    description: {description: Description., type: str}
settings:
  description: For each setting of this server its value in force, be it set or a default.
  returned: when O(gather) has V(settings)
  type: dict
  sample: {auto_deploy: true, autostart_agent_deploy_interval: "600"}
versions:
  description: The versions of the environment.
  returned: when O(gather) has V(versions)
  type: dict
  contains:
    active: {description: Number of the active version; null where nothing was released., type: int}
    newest: {description: Number of the newest version; null where there is none., type: int}
    list:
      description: The newest versions, newest first, each with version, status, released, date, total and labels.
      type: list
      elements: dict
resources:
  description: How many resources the active version has, in total and by their state.
  returned: when O(gather) has V(resources)
  type: dict
  sample: {total: 4, by_state: {deployed: 4, failed: 0}}
compiles:
  description: The compiles that are queued or running, oldest first.
  returned: when O(gather) has V(compiles)
  type: list
  elements: dict
  contains:
    id: {description: Id of the compile report., type: str}
    requested: {description: When the compile was asked for., type: str}
    started: {description: When it started; null while it is queued., type: str}
    message: {description: What was given as its reason., type: str}
agents:
  description: The agents, by their name, each with name, paused, status and unpause_on_resume.
  returned: when O(gather) has V(agents)
  type: list
  elements: dict
healthy:
  description:
    - Whether every resource of the active version is deployed, so nothing is failed, skipped, unavailable, undefined or still
      to be deployed. True where nothing was ever released.
  returned: when O(gather) has V(resources)
  type: bool
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import agents, arguments, environment, settings, versions
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

PARTS = ["settings", "versions", "resources"]
SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        gather=dict(type="list", elements="str", choices=PARTS + ["compiles", "agents"], default=PARTS),
        limit=dict(type="int", default=versions.NEWEST),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Read what was asked for."""
    gather, limit = call.params["gather"], versions.check_limit(call.params["limit"])
    client, uuid = open_environment(call)
    result = dict(changed=False, environment=environment.describe(environment.fetch(client, uuid)))
    if "settings" in gather:
        result["settings"] = settings.read(client, uuid).values
    if "versions" in gather:
        result["versions"] = versions.summary(client, uuid, limit)
    if "resources" in gather:
        result["resources"] = environment.resource_counts(client, uuid)
        result["healthy"] = environment.is_healthy(result["resources"])
    if "compiles" in gather:
        result["compiles"] = environment.compiles(client, uuid)
    if "agents" in gather:
        result["agents"] = agents.listing(client, uuid)
    return result


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

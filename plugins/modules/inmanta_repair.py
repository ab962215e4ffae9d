#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Force repair of an agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_repair
short_description: Let one agent deploy all its resources and watch it until they have settled
version_added: 0.1.0
description:
  - Does what I(force repair) of the web console does for one agent, and waits until every resource of the agent in the active version was
    deployed since, or has come to another end.
  - Resources that depend on a resource of an agent that is paused cannot be deployed yet. They are returned, and waited for no longer than
    the agent does anything else.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.attributes
  - stagecraft.release.connection
  - stagecraft.release.environment
  - stagecraft.release.waiting
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  agent:
    description: Name of the agent. It must have a resource in the active version and must not be paused.
    type: str
    required: true
  version:
    description: The version that must be the active one.
    type: int
    required: true
  since:
    description:
      - From which moment on a deployment of a resource counts, as RV(stagecraft.release.inmanta_deployed_info#module:moment) of an earlier task gives it;
        by default from when the repair is asked for.
      - Give a moment from before the agent was unpaused. What it deploys by itself then is not deployed a second time.
    type: str
  max_failed:
    description: The wait ends with an error as soon as more resources of the agent than this have failed, or are unavailable for good.
    type: int
  lock:
    description: The lock of the run, as stagecraft.release roles hand it over; renewed while waiting.
    type: dict
  wait_timeout:
    default: 1800.0
seealso:
  - module: stagecraft.release.inmanta_agent
  - module: stagecraft.release.inmanta_deploy
  - module: stagecraft.release.inmanta_deployed_info
"""

EXAMPLES = r"""
- name: Force repair of the agent internal
  stagecraft.release.inmanta_repair:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    agent: internal
    version: 42
    max_failed: 0
"""

RETURN = r"""
agent:
  description: The agent.
  returned: always
  type: str
counts:
  description: Number of the agent's resources by state.
  returned: always
  type: dict
  sample: {deployed: 12, available: 1}
total:
  description: Number of the agent's resources.
  returned: always
  type: int
waiting:
  description: Ids of its resources that wait for resources of agents that are paused.
  returned: always
  type: list
  elements: str
over_max_failed:
  description: Whether the wait was ended because more resources failed than O(max_failed) allows.
  returned: always
  type: bool
failed_resources:
  description: Its resources that failed or are unavailable, the first 20.
  returned: always
  type: list
  elements: dict
  contains:
    resource: {description: Id of the resource., type: str}
    state: {description: "V(failed) or V(unavailable).", type: str}
    error: {description: "Its last error, without secrets; null where the orchestrator kept none.", type: str}
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments, repair
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        agent=dict(type="str", required=True),
        version=dict(type="int", required=True),
        since=dict(type="str"),
        max_failed=dict(type="int"),
        lock=dict(type="dict"),
        **arguments.waiting(1800)
    ),
    supports_check_mode=True,
)


def execute(call):
    """Check, ask for the repair, wait."""
    client, environment = open_environment(call)
    work = repair.Repair(client, environment, call)
    work.check()
    if not call.check_mode:
        work.run() if call.params["wait"] else work.start()
    return dict(work.result(), changed=True)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

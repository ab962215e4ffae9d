#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_agent: pauses and unpauses agents."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_agent
short_description: Pause or unpause agents of an Inmanta environment
version_added: 0.1.0
description:
  - Pauses agents, so that they deploy nothing, or unpauses them. In a halted environment it says what they do after the halt.
  - From release 15 of the orchestrator on, an agent that has worked once still deploys one resource of the next version that is
    promoted after it was paused. Halt the environment, set O(on_resume=paused) and end the halt to hold everything back.
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
    support: full
options:
  names:
    description: Names of the agents. Without it, all agents that the environment has now. An unknown name is an error.
    type: list
    elements: str
    aliases: [name]
  state:
    description: What the agents are afterwards. Not possible while the environment is halted.
    type: str
    choices: [paused, unpaused]
  on_resume:
    description: What the agents are after the halt. Only possible while the environment is halted.
    type: str
    choices: [paused, unpaused]
seealso:
  - module: stagecraft.release.inmanta_halt
"""

EXAMPLES = r"""
- name: Pause one agent
  stagecraft.release.inmanta_agent:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    name: spine-1
    state: paused

- name: Keep all agents paused after the halt
  stagecraft.release.inmanta_agent:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    on_resume: paused
"""

RETURN = r"""
agents:
  description: The agents that were meant, as they are now.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name., type: str}
    paused: {description: Whether it is paused., type: bool}
    status: {description: "One of up, down and paused.", type: str}
    unpause_on_resume: {description: Whether it works again after the halt; null where the environment is not halted., type: bool}
changed_agents:
  description: Names of the agents that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import agents, arguments, environment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

CHOICES = ["paused", "unpaused"]
SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        names=dict(type="list", elements="str", aliases=["name"]),
        state=dict(type="str", choices=CHOICES),
        on_resume=dict(type="str", choices=CHOICES),
    ),
    mutually_exclusive=[["state", "on_resume"]],
    required_one_of=[["state", "on_resume"]],
    supports_check_mode=True,
)


def execute(call):
    """Ask for what is not yet so."""
    names, state, on_resume = call.params["names"], call.params["state"], call.params["on_resume"]
    client, uuid = open_environment(call)
    agents.check_halted(environment.is_halted(client, uuid), state, on_resume)
    before = agents.select(agents.listing(client, uuid), names)
    action, key, value = agents.choose(state, on_resume)
    changed = [agent["name"] for agent in before if agent[key] != value]
    after = [dict(agent, **{key: value}) for agent in before]
    if changed and not call.check_mode:
        agents.act(client, uuid, action, None if names is None else changed)
        after = agents.select(agents.listing(client, uuid), [agent["name"] for agent in before])
    return dict(changed=bool(changed), agents=after, changed_agents=changed,
                diff=dict(before={agent["name"]: agent[key] for agent in before},
                          after={agent["name"]: agent[key] for agent in after}))


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

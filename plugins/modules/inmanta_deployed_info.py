#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read what was deployed since a moment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_deployed_info
short_description: Read which resources agents deployed since a moment
version_added: 0.1.0
description:
  - Lists the resources that agents of an environment began to deploy after a moment, from the orchestrator's own record. Nothing is changed.
  - The moment is told by the orchestrator's clock, so no two clocks are compared. Run the module once without O(since) to get it.
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
  since:
    description:
      - The moment, as RV(moment) of an earlier task gives it, in whole seconds rounded down. What was begun within that second before the
        earlier task is listed too.
      - Without it, only the moment is returned.
    type: str
seealso:
  - module: stagecraft.release.inmanta_repair
"""

EXAMPLES = r"""
- name: Note the moment
  stagecraft.release.inmanta_deployed_info:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
  register: before

- name: Read what was deployed since
  stagecraft.release.inmanta_deployed_info:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    since: "{{ before.moment }}"
  register: since
  failed_when: since.resources | rejectattr('agent', 'in', ['internal']) | list | length > 0
"""

RETURN = r"""
moment:
  description: When the orchestrator answered this task, by its own clock.
  returned: success
  type: str
  sample: "2026-11-21T17:03:09+00:00"
resources:
  description: The resources, each once, in the order in which agents began to deploy them last.
  returned: when O(since) is given
  type: list
  elements: dict
  contains:
    resource: {description: Id of the resource., type: str}
    agent: {description: Its agent., type: str}
    state: {description: What became of it; V(deploying) while it goes on., type: str}
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import actions, arguments, environment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(argument_spec=dict(arguments.environment(), since=dict(type="str")), supports_check_mode=True)


def execute(call):
    """The moment, and what was deployed since another one."""
    client, uuid = open_environment(call)
    environment.fetch(client, uuid)
    result = dict(changed=False, moment=client.moment())
    if call.params["since"]:
        result["resources"] = actions.deployed_since(client, uuid, call.params["since"])
    return result


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

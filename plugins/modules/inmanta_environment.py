#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_environment: makes, changes and removes environments."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_environment
short_description: Manage an environment of an Inmanta orchestrator
version_added: 0.1.0
description:
  - Makes an environment, gives it the wanted repository, branch and description, or deletes it with everything in it.
  - A token that is bound to one environment can prove with the UUID that the environment is as wanted, but the server does not let it
    change anything here.
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
  environment:
    description:
      - Name of the environment, or its UUID where it exists already.
      - With O(environment_id) the name that the environment has afterwards, or nothing to keep the present name.
    aliases: [name]
  environment_id:
    description: UUID that the environment has, or gets when it is made.
    type: str
  project:
    description:
      - Name of the environment's project. Needed to make an environment, or where the name of the environment is not unique.
      - An existing environment is not moved to another project.
  create_project:
    description: Whether to make the project too where it is not there.
    type: bool
    default: false
  repository:
    description: Url of the git repository with the model.
    type: str
  branch:
    description: Branch of the repository. Needed with O(repository) when the environment is made.
    type: str
  description:
    description: Description of the environment.
    type: str
  state:
    description: Whether the environment is there afterwards. A protected environment is not deleted.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: stagecraft.release.inmanta_environment_info
  - module: stagecraft.release.inmanta_settings
"""

EXAMPLES = r"""
- name: An environment for a model
  stagecraft.release.inmanta_environment:
    url: https://orchestrator.example.com:8888
    name: network
    project: customer
    create_project: true
    repository: https://git.example.com/customer/network.git
    branch: release

- name: Delete it
  stagecraft.release.inmanta_environment:
    url: https://orchestrator.example.com:8888
    name: network
    project: customer
    state: absent
"""

RETURN = r"""
environment:
  description: The environment as it is now, or would be in check mode; null where there is none.
  returned: success
  type: dict
  contains:
    id: {description: UUID; null in check mode for one that would be made., type: str}
    name: {description: Name., type: str}
    project_id: {description: UUID of the project., type: str}
    repository: {description: Url of the repository; empty where there is none., type: str}
    branch: {description: Branch of the repository; empty where there is none., type: str}
    halted: {description: Whether the environment is halted., type: bool}
    description: {description: Description., type: str}
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.keeping import Keeper
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_client
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        environment=dict(type="str", aliases=["name"]),
        environment_id=dict(type="str"),
        create_project=dict(type="bool", default=False),
        repository=dict(type="str"),
        branch=dict(type="str"),
        description=dict(type="str"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
    ),
    required_one_of=[["environment", "environment_id"]],
    supports_check_mode=True,
)


def execute(call):
    """Make, change or remove."""
    keeper = Keeper(open_client(call), call.params, call.check_mode)
    before = keeper.present()
    after = keeper.absent(before) if call.params["state"] == "absent" else keeper.wanted(before)
    return dict(changed=after != before, environment=after, diff=dict(before=before or {}, after=after or {}))


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

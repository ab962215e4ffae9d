#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_version_info: versions of the desired state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_version_info
short_description: Read versions of an Inmanta environment
version_added: 0.1.0
description:
  - Lists the newest versions of an environment, or reads one, with its resources and with what it changes in an older one.
  - Nothing is changed.
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
  version:
    description: Number of the version to read. Without it the newest ones are listed.
    type: int
  limit:
    description: How many of the newest versions to list.
    type: int
    default: 20
  resources:
    description: Whether to read the resources of O(version) too.
    type: bool
    default: false
  diff_from:
    description: Number of an older version; what O(version) changes in it is returned in RV(changes).
    type: int
seealso:
  - module: stagecraft.release.inmanta_version
  - module: stagecraft.release.inmanta_environment_info
"""

EXAMPLES = r"""
- name: List the newest versions
  stagecraft.release.inmanta_version_info:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    limit: 5

- name: See what version 42 changes in the desired state of version 41
  stagecraft.release.inmanta_version_info:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    version: 42
    diff_from: 41
    resources: true
"""

RETURN = r"""
versions:
  description: The versions, newest first. With O(version) it holds that one, or nothing where there is no such version.
  returned: success
  type: list
  elements: dict
  contains:
    version: {description: Number., type: int}
    status: {description: "One of active, candidate, retired and skipped_candidate.", type: str}
    released: {description: Whether it was ever released., type: bool}
    date: {description: When it was made., type: str}
    total: {description: Number of its resources., type: int}
    labels: {description: "What it was compiled for, each with name and message.", type: list}
resources:
  description: The resources of the version, each with resource, type, agent and requires.
  returned: when O(resources) is true
  type: list
  elements: dict
changes:
  description:
    - What O(version) changes in O(diff_from), each with resource, type, agent, action and attributes, as a dry run's changes are.
    - This compares two desired states; what is deployed may be different from both.
  returned: when O(diff_from) is given
  type: list
  elements: dict
"""

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments, versions
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        version=dict(type="int"),
        limit=dict(type="int", default=versions.NEWEST),
        resources=dict(type="bool", default=False),
        diff_from=dict(type="int"),
    ),
    required_by=dict(diff_from=["version"]),
    supports_check_mode=True,
)


def execute(call):
    """Read one version or the list."""
    version, limit = call.params["version"], versions.check_limit(call.params["limit"])
    if call.params["resources"] and version is None:
        raise InputError("resources", True, "was given without a version", "Give 'version' too")
    client, uuid = open_environment(call)
    if version is None:
        return dict(changed=False, versions=versions.newest(client, uuid, limit))
    found = versions.find(client, uuid, version)
    result = dict(changed=False, versions=[found] if found else [])
    if call.params["resources"]:
        result["resources"] = versions.resources(client, uuid, version)
    if call.params["diff_from"] is not None:
        result["changes"] = versions.differences(client, uuid, call.params["diff_from"], version)
    return result


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

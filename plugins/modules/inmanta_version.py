#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_version: removes a version of the desired state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_version
short_description: Delete a version of an Inmanta environment
version_added: 0.1.0
description:
  - Deletes one version together with its dry runs. Versions are made by M(stagecraft.release.inmanta_compile).
  - The active version cannot be deleted.
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
  version:
    description: Number of the version.
    type: int
    required: true
  state:
    description: The version is not there afterwards.
    type: str
    choices: [absent]
    default: absent
seealso:
  - module: stagecraft.release.inmanta_version_info
"""

EXAMPLES = r"""
- name: Give up a candidate
  stagecraft.release.inmanta_version:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    version: 42
    state: absent
"""

RETURN = r"""
version:
  description: The version as it was before; null where there was none.
  returned: always
  type: dict
  contains:
    version: {description: Number., type: int}
    status: {description: "One of active, candidate, retired and skipped_candidate.", type: str}
    released: {description: Whether it was ever released., type: bool}
    date: {description: When it was made., type: str}
    total: {description: Number of its resources., type: int}
    labels: {description: "What it was compiled for, each with name and message.", type: list}
"""

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments, versions
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        version=dict(type="int", required=True),
        state=dict(type="str", choices=["absent"], default="absent"),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Delete the version, if it is there."""
    client, uuid = open_environment(call)
    number = call.params["version"]
    found = versions.find(client, uuid, number)
    if found and found["status"] == "active":
        raise InputError("version", number, "is the active version, which cannot be deleted",
                         "Promote another version first, or choose a version that is not active", version=found)
    if found and not call.check_mode:
        versions.delete(client, uuid, number)
    return dict(changed=bool(found), version=found, diff=dict(before=found or {}, after={}))


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

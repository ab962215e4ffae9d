#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_service_export: fills the service catalog from the model."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_service_export
short_description: Export the service definition of a model to the catalog of an Inmanta environment with LSM
version_added: 0.1.0
description:
  - Needs an orchestrator with LSM (Lifecycle and Service Management), which is a commercial extension.
  - Lets the orchestrator compile the model that it has and fill the service catalog from it, and waits for the end of every compile that was
    requested since.
  - The orchestrator does this from C(main.cf). For a model that needs another entry point, the role inmanta_model runs the exporter of the model on the
    orchestrator's machine.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.connection
  - stagecraft.release.environment
  - stagecraft.release.waiting
  - stagecraft.release.attributes
attributes:
  check_mode:
    support: none
    details: What an export would change is known to the orchestrator alone, and only afterwards.
  diff_mode:
    support: full
options:
  lock:
    description: The lock of the run, as stagecraft.release roles hand it over; renewed while waiting.
    type: dict
  wait_timeout:
    default: 1800.0
seealso:
  - module: stagecraft.release.inmanta_service_instance
"""

EXAMPLES = r"""
- name: Tell the orchestrator the service definition of the release
  stagecraft.release.inmanta_service_export:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
"""

RETURN = r"""
service_entities:
  description: Names of the service entities in the catalog afterwards.
  returned: success
  type: list
  elements: str
reports:
  description: Ids of the compile reports of the export.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.service_export import export
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.services import catalog
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        lock=dict(type="dict"),
        **arguments.waiting(1800)
    ),
)


def execute(call):
    """Export, and tell what the catalog holds."""
    client, environment = open_environment(call)
    before = catalog(client, environment)
    reports = export(client, environment, call)
    after = catalog(client, environment)
    return dict(changed=after != before or not call.params["wait"], reports=reports, service_entities=sorted(after),
                diff=dict(before=before, after=after))


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_service_instance: creates, updates and deletes instances of a service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_service_instance
short_description: Create, update or delete a service instance of an Inmanta environment with LSM
version_added: 0.1.0
description:
  - Needs an orchestrator with LSM (Lifecycle and Service Management), which is a commercial extension.
  - Creates the instance when there is none, updates the given attributes where they differ, or deletes it.
  - Every write names the version that the instance was read at, so that a change by somebody else in between is an error and never lost.
  - Waits over the log of the instance, so that states which it only passes through are seen.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.connection
  - stagecraft.release.environment
  - stagecraft.release.waiting
  - stagecraft.release.attributes
attributes:
  check_mode:
    support: full
    details: Tells what would be written, and waits for nothing.
  diff_mode:
    support: full
options:
  service_entity:
    description: Name of the service entity in the catalog.
    type: str
    required: true
  id:
    description:
      - UUID of the instance. With O(state=present), the one that a new instance gets.
      - Without it, the instance is found by O(identity).
    type: str
    aliases: [service_instance_id]
  identity:
    description: Value of the service identity of the instance. By default that attribute of O(attributes).
    type: str
  state:
    description: Whether the instance is there afterwards.
    type: str
    choices: [present, absent]
    default: present
  attributes:
    description:
      - Attributes of the service. Of an instance that exists already, only these are compared and updated, the rest stays.
      - They are shown in the diff; set C(no_log) on the task when one of them is a secret.
    type: dict
  initial_state:
    description: State that a new instance begins in, where the lifecycle has several.
    type: str
  current_version:
    description: The version that the instance must have; the task fails when it has another.
    type: int
  target_states:
    description:
      - States of the lifecycle, one of which ends the wait. Without it the module does not wait, except with O(state=absent), where it is V(terminated).
      - An instance that is there, is as wanted and is in one of them is not waited for.
    type: list
    elements: str
  bad_states:
    description:
      - States that end the wait with an error, at once.
      - By default those of the usual lifecycles, V(rejected) and V(failed) after a creation, V(failed) and those of a failed update after an update, and
        none after a deletion.
    type: list
    elements: str
  lock:
    description: The lock of the run, as stagecraft.release roles hand it over; renewed while waiting.
    type: dict
seealso:
  - module: stagecraft.release.inmanta_service_export
"""

EXAMPLES = r"""
- name: A link, up
  stagecraft.release.inmanta_service_instance:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    service_entity: link
    attributes:
      name: ams-1
      bandwidth: 100
    target_states: [up]
    bad_states: [rejected, failed]

- name: No link
  stagecraft.release.inmanta_service_instance:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    service_entity: link
    identity: ams-1
    state: absent
"""

RETURN = r"""
id:
  description: UUID of the instance; null where there is none.
  returned: always
  type: str
state:
  description: Its state when last looked at.
  returned: always
  type: str
  sample: up
version:
  description: Its version when last looked at.
  returned: always
  type: int
log:
  description: The states that it came through during the wait, each with its version.
  returned: always
  type: list
  elements: dict
  sample: [{version: 2, state: acknowledged}, {version: 3, state: up}]
diagnosis:
  description: After a bad state, what the orchestrator knows of its cause, as JSON without secrets; null where it knows nothing.
  returned: always
  type: str
instance:
  description: The instance, with its attributes; null where there is none.
  returned: always
  type: dict
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.services import ServiceInstance, target_states
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        service_entity=dict(type="str", required=True),
        id=dict(type="str", aliases=["service_instance_id"]),
        identity=dict(type="str"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        attributes=dict(type="dict"),
        initial_state=dict(type="str"),
        current_version=dict(type="int"),
        target_states=dict(type="list", elements="str"),
        bad_states=dict(type="list", elements="str"),
        lock=dict(type="dict"),
        **arguments.waiting(600)
    ),
    supports_check_mode=True,
)


def execute(call):
    """Write what is not yet so, and wait."""
    client, environment = open_environment(call)
    instance = ServiceInstance(client, environment, call)
    before = instance.find()
    if call.params["state"] == "absent":
        diff = dict(before=before or {}, after={})
        if before and not call.check_mode:
            instance.delete()
            instance.wait(before["version"], "deleted")
        return dict(instance.result(), changed=bool(before), diff=diff)
    given = call.params["attributes"] or {}
    changes = instance.differing() if before else {name: (None, value) for name, value in given.items()}
    diff = dict(before={name: old for name, (old, new) in changes.items()} if before else {}, after={name: new for name, (old, new) in changes.items()})
    if not call.check_mode:
        if not before:
            instance.create()
            instance.wait(0, "created")
        elif changes:
            instance.update(changes)
            instance.wait(before["version"], "updated")
        elif before["state"] not in target_states(call.params):
            instance.wait(before["version"] - 1, "unchanged")
    return dict(instance.result(), changed=not before or bool(changes), diff=diff)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_settings: settings of an environment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_settings
short_description: Set settings of an Inmanta environment
version_added: 0.1.0
description:
  - Gives settings of an environment the wanted values. Settings that are not named are left as they are.
  - Names and types are checked against the server's own definitions before the first write. When a write fails half-way, the
    settings already written are put back.
  - Texts are taken for what they say where a setting is no text, so V(-e auto_deploy=false) works. Intervals are texts for the server and
    are compared as such, so V(600) and V("600") are the same.
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
  settings:
    description: The wanted values, by the name of the setting. They are written in this order.
    type: dict
    required: true
  only_if:
    description:
      - The values that must be in force, by the name of the setting. A setting that has another value is left alone, with a warning,
        and listed in RV(left_alone).
      - Give the values that an earlier task wrote when putting RV(previous) back, so that what somebody else changed meanwhile stays.
    type: dict
    default: {}
  unsupported:
    description: What to do about a setting that this server does not have.
    type: str
    choices: [fail, warn, ignore]
    default: fail
  new:
    description:
      - Compares with the settings that an environment has when it is made, since this one is not there yet. Only in check mode.
      - The server tells its settings for environments that exist. Where it has none yet, nothing is compared; see RV(compared).
    type: bool
    default: false
seealso:
  - module: stagecraft.release.inmanta_environment_info
"""

EXAMPLES = r"""
- name: Keep new versions from being deployed
  stagecraft.release.inmanta_settings:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    settings:
      auto_deploy: false
      push_on_auto_deploy: false
    unsupported: ignore
  register: careful

- name: Put back what was changed, where nobody else changed it
  stagecraft.release.inmanta_settings:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    settings: "{{ careful.previous }}"
    only_if: "{{ careful.settings }}"
"""

RETURN = r"""
previous:
  description: The former values of the settings that were changed, or would be in check mode.
  returned: success, or when a write failed (then those that could not be put back)
  type: dict
  sample: {auto_deploy: true}
settings:
  description: The values of the wanted settings that are in force now, or would be in check mode.
  returned: success
  type: dict
  sample: {auto_deploy: false}
in_force:
  description: The values of all settings of the environment that are in force now, or would be in check mode.
  returned: success
  type: dict
changed_settings:
  description: Names of the settings that were changed, or would be in check mode.
  returned: success, or when a write failed (then those that could not be put back)
  type: list
  elements: str
left_alone:
  description: The values in force of the settings that O(only_if) kept from being written.
  returned: success
  type: dict
compared:
  description: Whether names, types and values could be compared with those of the server.
  returned: success
  type: bool
unsupported_settings:
  description: Names of the wanted settings that this server does not have.
  returned: success, or when it failed for them
  type: list
  elements: str
"""

import json

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments, settings
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_client, open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        settings=dict(type="dict", required=True),
        only_if=dict(type="dict", default={}),
        unsupported=dict(type="str", choices=["fail", "warn", "ignore"], default="fail"),
        new=dict(type="bool", default=False),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Check, write, read back."""
    if call.params["new"]:
        client, uuid, present = None, None, _of_new(call)
        if present is None:
            return _uncompared(call)
    else:
        client, uuid = open_environment(call)
        present = settings.read(client, uuid)
    plan = settings.plan(present, call.params["settings"], call.params["only_if"], call.params["unsupported"])
    if plan.unsupported and call.params["unsupported"] == "warn":
        call.warn("settings: this server does not have %s" % ", ".join(plan.unsupported))
    for name, now in plan.left_alone.items():
        call.warn("settings.%s: is %s now and not %s as only_if has it: somebody else set it, so it was left alone. %s was wanted."
                  % (name, json.dumps(now), json.dumps(call.params["only_if"][name]), json.dumps(plan.wanted[name])))
    in_force = dict(present.values, **plan.writes)
    if plan.writes and not call.check_mode:
        settings.write(client, uuid, present, plan.writes)
        in_force = settings.read(client, uuid).values
    return dict(
        changed=bool(plan.writes),
        previous={name: present.values[name] for name in plan.writes},
        settings={name: in_force[name] for name in plan.wanted},
        in_force=in_force,
        changed_settings=list(plan.writes),
        left_alone=plan.left_alone,
        unsupported_settings=plan.unsupported,
        compared=True,
        diff=dict(before={name: present.values[name] for name in plan.wanted},
                  after={name: in_force[name] for name in plan.wanted}),
    )


def _of_new(call):
    if not call.check_mode:
        raise InputError("new", True, "is for check mode", "Make the environment first (stagecraft.release.inmanta_environment)")
    return settings.of_new(open_client(call), call.params["environment"])


def _uncompared(call):
    wanted = call.params["settings"]
    call.warn("settings: the server has no environment yet, so what it makes of these is seen when there is one")
    return dict(changed=bool(wanted), previous={}, settings=wanted, in_force=wanted, changed_settings=list(wanted), left_alone={},
                unsupported_settings=[], compared=False, diff=dict(before={}, after=wanted))


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

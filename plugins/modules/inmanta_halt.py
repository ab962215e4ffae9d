#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_halt: the emergency stop of an environment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_halt
short_description: Halt an Inmanta environment or let it run again
version_added: 0.1.0
description:
  - Halts an environment, so that nothing is deployed or compiled in it, or ends the halt.
  - What is only read to tell it never keeps the halt from being asked for.
  - Halting takes effect when the request returns, not at once. Resources that are being deployed meanwhile are finished, many of them on a fast
    model.
  - After the end of a halt the orchestrator goes on where it was, and runs the compiles that were queued.
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
    support: full
options:
  state:
    description: What the environment is afterwards.
    type: str
    choices: [halted, running]
    required: true
  timeout:
    description:
      - Seconds that one request may take. The orchestrator answers when it has halted, so less than 60 is taken as 60.
    default: 120.0
  wait_timeout:
    default: 120.0
seealso:
  - module: stagecraft.release.inmanta_agent
  - module: stagecraft.release.inmanta_environment_info
"""

EXAMPLES = r"""
- name: Emergency stop
  stagecraft.release.inmanta_halt:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    state: halted

- name: Go on
  stagecraft.release.inmanta_halt:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    state: running
"""

RETURN = r"""
halted:
  description: Whether the environment is halted now; in check mode, whether it would be.
  returned: success
  type: bool
resources:
  description: How many resources the active version has, in total and by their state, before and after. Null where that could not be read.
  returned: success
  type: dict
  contains:
    before: {description: Before the request., type: dict, sample: {total: 4, by_state: {deploying: 1, available: 2, deployed: 1}}}
    after: {description: After the wait., type: dict, sample: {total: 4, by_state: {deploying: 0, available: 2, deployed: 2}}}
deployed_meanwhile:
  description:
    - The resources that agents were deploying when the halt was asked for, or began to deploy before it had taken effect, with what became of them.
    - By the orchestrator's record, which is searched in whole seconds, so one that ended within the second before may be among them.
    - Null where that could not be read. Empty when nothing was halted.
  returned: success
  type: list
  elements: dict
  contains:
    resource: {description: Id of the resource., type: str}
    agent: {description: Its agent., type: str}
    state: {description: Its state then., type: str}
paused_agents:
  description: Names of the agents that are paused although the environment runs. Null where that could not be read.
  returned: success, with O(state=running)
  type: list
  elements: str
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import actions, agents, arguments, environment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError, Unreachable
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.waiting import Waiter
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

LEAST_TIMEOUT = 60.0
SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        **arguments.waiting(120),
        state=dict(type="str", choices=["halted", "running"], required=True),
        timeout=dict(type="float", default=120.0),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Halt or resume, and wait until the environment says so."""
    wanted = call.params["state"] == "halted"
    call.params["timeout"] = max(call.params["timeout"], LEAST_TIMEOUT)
    client, uuid = open_environment(call)
    halted = environment.is_halted(client, uuid)
    before = after = _read(call, "the resources", lambda: environment.resource_counts(client, uuid))
    busy, since = [], client.moment()
    changed = halted != wanted
    if changed and not call.check_mode:
        if wanted:
            busy = _read(call, "what is being deployed", lambda: environment.deploying(client, uuid)) or []
        environment.set_halted(client, uuid, wanted)
        if call.params["wait"]:
            Waiter(call, "environment %s to be %s" % (uuid, call.params["state"])).until(
                lambda: _poll(client, uuid, wanted), lambda now: "environment %s is %s" % (uuid, "halted" if now else "running"))
        after = _read(call, "the resources", lambda: environment.resource_counts(client, uuid))
    result = dict(changed=changed, halted=wanted, resources=dict(before=before, after=after),
                  deployed_meanwhile=[], diff=dict(before=dict(halted=halted), after=dict(halted=wanted)))
    if changed and wanted and not call.check_mode:
        began = _read(call, "what was deployed meanwhile", lambda: actions.deployed_since(client, uuid, since))
        result["deployed_meanwhile"] = began if began is None else _joined(busy, began)
    if not wanted:
        result["paused_agents"] = _read(call, "the agents", lambda: [item["name"] for item in agents.listing(client, uuid) if item["paused"]])
    return result


def _read(call, what, read):
    """What ``read`` returns; None, with a warning, where the server does not tell."""
    try:
        return read()
    except (ApiError, Unreachable) as exc:
        call.warn("%s could not be read: %s" % (what, exc.message))
        return None


def _joined(busy, began):
    known = {item["resource"] for item in began}
    return [item for item in busy if item["resource"] not in known] + began


def _poll(client, uuid, wanted):
    halted = environment.is_halted(client, uuid)
    return halted == wanted, halted


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dry run a version."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_dryrun
short_description: Find out what deploying a version would change
version_added: 0.1.0
description:
  - Starts a dry run of a version on the orchestrator, waits for it and returns the changes in a form that does not depend
    on order or wording, with the digest that an approval is bound to.
  - A resource whose agent is down, that is undefined or whose handler failed is listed in RV(unchecked), never taken for
    unchanged.
  - A dry run changes no resource, so the module never reports a change.
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
    details: Starts nothing; answers from the newest complete dry run of the version, marked RV(stale), if there is one.
  diff_mode:
    support: full
    details: Shows what deploying the version would change.
options:
  version:
    description: The version, such as RV(stagecraft.release.inmanta_compile#module:version).
    type: int
    required: true
  stuck_after:
    description:
      - Seconds without progress after which the dry run is started once more; a restart of the orchestrator leaves dry
        runs standing still for good. The second that stands still is an error.
      - After a broken connection 30 seconds are enough.
    type: float
    default: 120.0
  lock:
    description: The lock of the run, as stagecraft.release roles hand it over; renewed while waiting.
    type: dict
  wait_timeout:
    default: 1800.0
notes:
  - With O(wait=false) the module returns when the dry run is started; only RV(dryrun) is then known.
seealso:
  - module: stagecraft.release.inmanta_compile
  - module: stagecraft.release.changes_judge
"""

EXAMPLES = r"""
- name: See what the candidate would change
  stagecraft.release.inmanta_dryrun:
    url: https://orchestrator.example.com:8888
    token: "{{ orchestrator_token }}"
    environment: 4dbf8ee6-5d8b-4a2c-8a4e-1a5f3bd5b1d9
    version: "{{ candidate.version }}"
  register: dryrun
  diff: true

- name: Stop when something could not be checked
  ansible.builtin.assert:
    that: dryrun.unchecked | length == 0
"""

RETURN = r"""
dryrun:
  description: The dry run; null when none was started.
  returned: always
  type: dict
  contains:
    id: {description: Id of the dry run., type: str}
    version: {description: The version., type: int}
    date: {description: When it was started., type: str}
changes:
  description: What deploying the version would change, sorted by resource; null when nothing is known.
  returned: always
  type: list
  elements: dict
  contains:
    resource: {description: Id of the resource., type: str}
    type: {description: Its type., type: str}
    agent: {description: Its agent., type: str}
    action: {description: "V(added), V(modified) or V(removed).", type: str}
    attributes: {description: "The value now and the value wanted, by attribute.", type: dict}
unchecked:
  description: What the dry run could not check, sorted by resource; null when nothing is known.
  returned: always
  type: list
  elements: dict
  contains:
    resource: {description: Id of the resource., type: str}
    type: {description: Its type., type: str}
    agent: {description: Its agent., type: str}
    reason: {description: "Why, such as V(agent_down), V(undefined) or V(handler_failed).", type: str}
counts:
  description: Number of resources that are C(added), C(modified), C(removed), C(unchecked) and C(unmodified).
  returned: always
  type: dict
digest:
  description: Digest of RV(changes) and RV(unchecked); the same for every dry run that finds the same.
  returned: always
  type: str
  sample: sha256:9f2c...
total:
  description: Number of resources of the dry run.
  returned: always
  type: int
stale:
  description: Whether an earlier dry run was read instead of doing one.
  returned: always
  type: bool
retriggered:
  description: Whether the dry run stood still and was started again.
  returned: always
  type: bool
"""

from ansible_collections.stagecraft.release.plugins.module_utils.changes import table
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments, dryrun as dryruns
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        version=dict(type="int", required=True),
        stuck_after=dict(type="float", default=120.0),
        lock=dict(type="dict"),
        **arguments.waiting(1800)
    ),
    supports_check_mode=True,
)


def execute(call):
    """Dry run the version, or read the last dry run of it.

    :returns: the result with ``changed``.
    """
    client, environment = open_environment(call)
    version = call.params["version"]
    dryruns.check(client, environment, version)
    if call.check_mode:
        return _shown(call, dict(dryruns.newest(client, environment, version), changed=False))
    running = dryruns.DryRun(client, environment, call, version)
    if not call.params["wait"]:
        running.start()
        return dict(running.result(), changed=False)
    return _shown(call, dict(running.run(), changed=False))


def _shown(call, result):
    """The result, its diff displayed: Ansible itself displays that of a changed task only, and a dry run changes nothing."""
    if call.diff and result.get("diff"):
        for line in table.unified(result["diff"]):
            call.progress(line)
    return result


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deploy a version."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_deploy
short_description: Deploy one version and watch it until it has settled
version_added: 0.1.0
description:
  - Promotes exactly this version and waits until it is the active one and none of its resources is waiting or deploying.
  - A version that is active already is only watched. One that was superseded, before or meanwhile, is an error.
  - Failed resources are returned with their last error; they fail the task where there are more than O(max_failed).
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
    details:
      - Answers from the newest complete dry run of the version if there is one; otherwise a version that is not active is
        a change.
  diff_mode:
    support: partial
    details: In check mode, what the dry run found.
options:
  version:
    description: The version, such as RV(stagecraft.release.inmanta_compile#module:version).
    type: int
    required: true
  max_failed:
    description:
      - The wait ends with an error as soon as more resources than this have failed; a resource that is unavailable for
        good counts too. V(0) lets none fail.
      - Newer orchestrators do not deploy a resource again that failed under the version before and is the same in this
        one; it counts as failed.
      - Without it, failed resources are only reported.
    type: int
  lock:
    description: The lock of the run, as stagecraft.release roles hand it over; renewed while waiting.
    type: dict
  wait_timeout:
    default: 1800.0
notes:
  - With O(wait=false) the module returns when the version is promoted.
  - Up to release 14 of the orchestrator, agents are told to deploy when the version stays where it is because the setting
    C(push_on_auto_deploy) is off.
seealso:
  - module: stagecraft.release.inmanta_dryrun
  - module: stagecraft.release.inmanta_halt
"""

EXAMPLES = r"""
- name: Deploy the candidate, and give up at the first failure
  stagecraft.release.inmanta_deploy:
    url: https://orchestrator.example.com:8888
    token: "{{ orchestrator_token }}"
    environment: 4dbf8ee6-5d8b-4a2c-8a4e-1a5f3bd5b1d9
    version: "{{ candidate.version }}"
    max_failed: 0
"""

RETURN = r"""
version:
  description: The version.
  returned: always
  type: int
status:
  description: Its status when last looked at, such as V(active).
  returned: always
  type: str
over_max_failed:
  description: Whether the wait was ended because more resources failed than O(max_failed) allows.
  returned: always
  type: bool
promoted:
  description: Whether this task promoted it.
  returned: always
  type: bool
counts:
  description: Number of resources by state, without zeros; null while the version is not active.
  returned: always
  type: dict
  sample: {deployed: 997, failed: 3}
total:
  description: Number of its resources; null while the version is not active.
  returned: always
  type: int
failed_resources:
  description: The first 20 resources that failed or are unavailable.
  returned: always
  type: list
  elements: dict
  contains:
    resource: {description: Id of the resource., type: str}
    state: {description: "V(failed) or V(unavailable).", type: str}
    error: {description: "Its last error, without secrets; null where the orchestrator kept none.", type: str}
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments, deploy as deployments, dryrun as dryruns
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        version=dict(type="int", required=True),
        max_failed=dict(type="int"),
        lock=dict(type="dict"),
        **arguments.waiting(1800)
    ),
    supports_check_mode=True,
)


def execute(call):
    """Deploy the version, or tell from its last dry run what would change.

    :returns: the result with ``changed``.
    """
    client, environment = open_environment(call)
    version = call.params["version"]
    found = deployments.check(client, environment, version)
    deployment = deployments.Deployment(client, environment, call, version)
    if call.check_mode:
        if found["status"] == "active":
            return dict(deployment.read(), changed=False)
        known = dryruns.newest(client, environment, version)
        changes = known["dryrun"] is None or bool(known["changes"] or known["unchecked"])
        return dict(deployment.read(), changed=changes, diff=known.get("diff", {}))
    if call.params["wait"]:
        return dict(deployment.run(), changed=deployment.changed)
    deployment.promote()
    return dict(deployment.result(), changed=deployment.changed)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_approval: let a snapshot into a ring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_approval
short_description: Approve a snapshot for a ring of a rollout
version_added: 0.1.0
description:
  - A ring with C(approval) in the schedule takes only snapshots that a person approved for it. This records who did, and why.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.rollout
  - stagecraft.release.recording
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  ring:
    description: Name of the ring.
    type: str
    required: true
  snapshot:
    description: The snapshot. One that is not there, or that marks keep targets from, is refused.
    type: str
    required: true
  state:
    description: V(absent) takes the approval back.
    type: str
    choices: [present, absent]
    default: present
  why:
    description: The reason, such as the number of the change request.
    type: str
    default: ""
  schedule:
    description: File with the schedule. With it a ring that is not in it is refused.
    type: path
"""

EXAMPLES = r"""
- name: Let a snapshot into production
  stagecraft.release.rollout_approval:
    ring: prod
    snapshot: 20261121-0900
    why: CHG-1234
    by: carol
"""

RETURN = r"""
approval:
  description: The approval that counts, null when there is none.
  returned: success
  type: dict
  sample: {ring: prod, snapshot: 20261121-0900, present: true, at: 1795251600, by: carol, why: CHG-1234}
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import marking
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_options.RECORDING,
        ring=dict(type="str", required=True),
        snapshot=dict(type="str", required=True),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        why=dict(type="str", default=""),
        schedule=dict(type="path"),
    ),
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Record the approval."""
    params = call.params
    ring, snapshot = rollout_options.ring("ring", params["ring"], params["schedule"]), params["snapshot"].strip()
    with rollout_options.opened(call, "approving a snapshot", targets=False) as store:
        store.need("approvals", "snapshots", "marks")
        before = marking.newest_approval(store.state, ring, snapshot)
        entries = marking.approvals(store.state, ring, snapshot, params["state"] == "present", int(clock()), rollout_options.who(params),
                                    params["why"].strip())
        store.add("approvals", entries)
        after = marking.newest_approval(store.state, ring, snapshot)
    result = dict(changed=bool(entries), approval=after)
    if call.diff:
        result["diff"] = dict(before=before, after=after)
    return result


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

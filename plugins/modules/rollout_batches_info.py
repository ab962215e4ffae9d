#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_batches_info: the batches of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_batches_info
short_description: Make the batches of a rollout
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Orders the targets that take part in a run by their rings, and makes the C(serial) of a play of them by the schedule, so that no batch has targets of two
    rings. For playbooks; M(stagecraft.release.rollout_batch_info) is asked before each batch.
options:
  schedule:
    description: File of the schedule on the controller.
    type: path
    required: true
  rings:
    description: Names of the targets by ring, all that there are, each ring in its order.
    type: dict
    required: true
  targets:
    description: Names of those that take part, in any order.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: Can run in check mode; it never writes.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
seealso:
  - module: stagecraft.release.rollout_batch_info
"""

EXAMPLES = r"""
- name: Make the batches
  stagecraft.release.rollout_batches_info:
    schedule: "{{ rollout_schedule }}"
    rings: {qa: [web1, web2], prod: [web3, web4, web5, web6]}
    targets: [web1, web2, web3, web4, web5]
  register: rollout_batches
"""

RETURN = r"""
targets:
  description: The targets in rollout order, for C(hosts).
  returned: success
  type: list
  elements: str
  sample: [web1, web2, web3, web4, web5]
serial:
  description: The sizes of the batches, for C(serial).
  returned: success
  type: list
  elements: int
  sample: [2, 1, 2]
"""

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import batches
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        schedule=dict(type="path", required=True),
        rings=dict(type="dict", required=True),
        targets=dict(type="list", elements="str", required=True),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Order and count."""
    schedule, rings = rollout_options.schedule(call.params["schedule"]), call.params["rings"]
    unknown = set(rings) - {ring.name for ring in schedule.rings}
    if unknown:
        raise InputError("rings", min(unknown), "is not a ring of the schedule", "The schedule was changed after the inventory was read: run again")
    wanted = set(call.params["targets"])
    chosen = [(ring, [name for name in rings.get(ring.name, ()) if name in wanted]) for ring in schedule.rings]
    return dict(changed=False, targets=[name for _ring, names in chosen for name in names],
                serial=batches.serial([(ring, len(names)) for ring, names in chosen]))


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_batch_info: whether the decisions of a batch still stand."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_batch_info
short_description: Ask whether a batch of a rollout may begin
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - What a target runs is decided once, when the run begins. Before each batch this module reads the state anew and tells which targets hold after all -
    a kill switch was thrown, a window closed, the snapshot was marked, another run brought the target elsewhere, or the ring before did not come to it.
  - No target gets another release by it.
extends_documentation_fragment:
  - stagecraft.release.rollout
  - stagecraft.release.rollout_reading
options:
  ring:
    description: The ring of the batch.
    type: str
    required: true
  targets:
    description: The targets of the batch by name, each with what was decided for it - the variable C(stagecraft_rollout) of the inventory source.
    type: dict
    required: true
  rings:
    description: Names of the targets by ring, all that there are.
    type: dict
    required: true
  taking_part:
    description: How many targets of the ring take part in the run.
    type: int
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: stagecraft.release.rollout_batches_info
"""

EXAMPLES = r"""
- name: Ask whether the batch may begin
  stagecraft.release.rollout_batch_info:
    schedule: "{{ rollout_schedule }}"
    state_dir: "{{ rollout_state_dir }}"
    ring: qa
    targets: {web1: "{{ hostvars.web1.stagecraft_rollout }}"}
    rings: {dev: [web0], qa: [web1, web2]}
    taking_part: 2
"""

RETURN = r"""
held:
  description: By name, why a target holds; empty where all may go.
  returned: success
  type: dict
  sample: {web1: "the kill switch of ring qa is on, thrown by ada: payday"}
may_fail:
  description: How many targets of the ring may fail before the rollout stops.
  returned: success
  type: int
health:
  description: The health gate of the ring.
  returned: success
  type: dict
gates_before:
  description: The health gates with checks of the rings before that have targets, in the order of the rings. No batch begins while one of them is not passed.
  returned: success
  type: list
  elements: dict
  sample: [{ring: dev, checks: [{url: "https://dev.example.com/health"}], retries: 3}]
"""

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_deciding
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import batches, standing
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_deciding.ARGUMENTS,
        ring=dict(type="str", required=True),
        targets=dict(type="dict", required=True),
        rings=dict(type="dict", required=True),
        taking_part=dict(type="int", required=True),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Decide anew, and compare."""
    params = call.params
    rollout = rollout_deciding.load(params, params["rings"], {name: decided["disabled"] for name, decided in params["targets"].items()})
    plan = rollout.now_plan(reached=not call.check_mode)
    held = {}
    for name, decided in params["targets"].items():
        reason = standing.objection(plan, rollout.targets[name], rollout.pins.get(name), decided["release"], decided["current"] or None)
        if reason:
            held[name] = reason
    ring = rollout.schedule.ring(params["ring"])
    health = dict(ring.health)
    if "max_failed" in health:
        health["max_failed"] = batches.number(health["max_failed"], params["taking_part"])
    before = rollout.schedule.rings[:rollout.schedule.rings.index(ring)]
    gates = [dict(earlier.health, ring=earlier.name) for earlier in before if earlier.health.get("checks") and params["rings"].get(earlier.name)]
    return dict(changed=False, held=held, may_fail=batches.may_fail(ring, params["taking_part"]), health=health, gates_before=gates)


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

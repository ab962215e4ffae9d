#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_record: what a target ran."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_record
short_description: Record what targets of a rollout ran
version_added: 0.1.0
description:
  - Keeps which snapshot each target ran, since when, and whether it worked. Soaks, rolls forward and the removal of old snapshots go by it.
  - The same again is no change, so a target that stays where it is keeps the time since which its snapshot works.
  - The last 200 changes of a target are kept.
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
  targets:
    description: Names of the targets, inventory hosts in general.
    type: list
    elements: str
    required: true
  state:
    description: V(absent) forgets targets that there are no more. Until then they count in the share of their ring where rings are split over jobs.
    type: str
    choices: [present, absent]
    default: present
  snapshot:
    description: The snapshot that they ran. Required with O(state=present).
    type: str
  ok:
    description: Whether it worked on them. Record V(false) as well, for such a target may have the bad part of a change.
    type: bool
    default: true
  ring:
    description: The ring that they belong to.
    type: str
"""

EXAMPLES = r"""
- name: Record that the batch runs its release
  stagecraft.release.rollout_record:
    targets: "{{ ansible_play_batch }}"
    snapshot: 20261121-0900
    ring: qa
  delegate_to: localhost
  run_once: true

- name: Forget a host that is gone
  stagecraft.release.rollout_record:
    targets: [web7]
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
targets:
  description: The targets whose record changed.
  returned: success
  type: list
  elements: str
  sample: [web1]
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_options.RECORDING,
        targets=dict(type="list", elements="str", required=True),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        snapshot=dict(type="str"),
        ok=dict(type="bool", default=True),
        ring=dict(type="str"),
    ),
    required_if=[("state", "present", ["snapshot"])],
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Record the runs."""
    params = call.params
    names = list(dict.fromkeys(params["targets"]))
    if not all(name.strip() for name in names):
        raise InputError("targets", params["targets"], "has an empty name", "Give names of targets")
    with rollout_options.opened(call, "recording what targets ran", targets=names) as store:
        before = {name: store.state.targets.get(name, []) for name in names}
        if params["state"] == "absent":
            changed = store.forget(names)
        else:
            snapshot = rollout_options.text("snapshot", params["snapshot"], "Give the name of the snapshot")
            changed = store.ran(names, snapshot, params["ok"], int(clock()), params["ring"] or "", rollout_options.who(params))
        after = {name: store.state.targets.get(name, []) for name in names}
    result = dict(changed=bool(changed), targets=changed)
    if call.diff:
        result["diff"] = dict(before={name: before[name][-1:] for name in changed}, after={name: after[name][-1:] for name in changed})
    return result


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_explain_info: why a host runs what it runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_explain_info
short_description: Explain what one host runs now, and why
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Tells what a host runs now, every candidate that was passed over before it, and why. Changes nothing.
  - An action of the same name prints it line by line.
extends_documentation_fragment:
  - stagecraft.release.rollout
  - stagecraft.release.rollout_reading
options:
  host:
    description: The host.
    type: str
    required: true
  rings:
    description: Names of the targets by ring, all that there are, since a ring waits for the one before it.
    type: dict
    required: true
  disabled:
    description: Why the host itself takes no release; empty where it does.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: stagecraft.release.rollout_plan_info
"""

EXAMPLES = r"""
- name: Explain what web7 runs
  stagecraft.release.rollout_explain_info:
    schedule: "{{ rollout_schedule }}"
    state_dir: "{{ rollout_state_dir }}"
    host: web7
    rings: "{{ rollout_rings }}"
"""

RETURN = r"""
ring:
  description: The ring of the host.
  returned: success
  type: str
action:
  description: V(run) or V(hold).
  returned: success
  type: str
release:
  description: The snapshot to run; with V(hold) the one that the host has, empty where it has none.
  returned: success
  type: str
code:
  description: The reason in one word.
  returned: success
  type: str
  sample: due
reason:
  description: The reason in one sentence.
  returned: success
  type: str
passed_over:
  description: The candidates before it, with why they were not taken.
  returned: success
  type: list
  elements: dict
  sample: [{snapshot: 20300131-0900, code: bad, reason: "it is marked bad by ada: no doors"}]
runs:
  description: What the host is recorded to have run, oldest first.
  returned: success
  type: list
  elements: dict
  sample: [{snapshot: 20300131-0700, at: "2030-01-31T08:02:11Z", ok: true, by: ada}]
lines:
  description: The same for people.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_deciding
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import summary
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import utc
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_deciding.ARGUMENTS,
        host=dict(type="str", required=True),
        rings=dict(type="dict", required=True),
        disabled=dict(type="str", default=""),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Decide, and tell why."""
    host = call.params["host"]
    rollout = rollout_deciding.load(call.params, call.params["rings"], {host: call.params["disabled"]})
    if host not in rollout.targets:
        raise InputError("host", host, "takes no part in the rollout", "Look at the groups of the inventory, and at 'hosts' of the inventory source")
    target, decision = rollout.targets[host], rollout.decisions[host]
    ring = rollout.schedule.ring(target.ring).name
    found = summary.decision(decision)
    runs = [dict(run, at=utc(run["at"], summary.ISO)) for run in rollout.state.targets.get(host, ())]
    lines = ["%s, ring %s, %s UTC: %s %s" % (host, ring, utc(rollout.now), found["action"], found["release"] or "nothing"), found["reason"]]
    lines += ["%s was passed over: %s" % (passed.snapshot, passed.reason) for passed in decision.passed_over]
    lines += ["ran %s from %s%s" % (run["snapshot"], run["at"], "" if run["ok"] else ", without success") for run in runs[-5:]] or ["ran nothing yet"]
    for line in lines:
        call.progress(line)
    return dict(found, changed=False, ring=ring, runs=runs, lines=lines)


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

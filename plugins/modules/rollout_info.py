#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_info: the state of a rollout as a whole."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_info
short_description: Read the state of a rollout
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Reads which snapshots there are, how they are marked, what is pinned and approved, which kill switches are on, and how far each ring has come.
  - Changes nothing. A state that cannot be read is told in RV(problems), and is no failure.
extends_documentation_fragment:
  - stagecraft.release.rollout
  - stagecraft.release.rollout_reading
options:
  rings:
    description: Names of the targets by ring, all that there are. Without it, the targets that a run has recorded.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: stagecraft.release.rollout_explain_info
  - module: stagecraft.release.rollout_plan_info
"""

EXAMPLES = r"""
- name: Read the state of the rollout
  stagecraft.release.rollout_info:
    schedule: /etc/stagecraft/schedule.yml
    state_dir: /var/lib/stagecraft/rollout
  register: rollout
"""

RETURN = r"""
problems:
  description: Why the state cannot be relied on; every target holds while there is one.
  returned: success
  type: list
  elements: str
snapshots:
  description: The complete snapshots, oldest first, each with its mark and the number of targets that run it.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: 20300131-0800, at: "2030-01-31T08:00:00Z", commit: 5d41402abc4b, barrier: "", dead_end: "", mark: bad, by: ada, why: no doors, targets: 12}
stops:
  description: The kill switches that are on.
  returned: success
  type: list
  elements: dict
  sample: [{level: ring, name: prod, message: payday, by: ada, at: "2030-01-31T10:05:00Z"}]
pins:
  description: The pins that have not expired.
  returned: success
  type: list
  elements: dict
  sample: [{target: web7, snapshot: 20300131-0600, until: "2030-02-01T00:00:00Z", by: ada, why: a test, emergency: false}]
approvals:
  description: By ring, the snapshots that were approved for it.
  returned: success
  type: dict
  sample: {prod: [20300131-0700]}
rings:
  description: The rings in order.
  returned: success
  type: list
  elements: dict
  sample: [{name: prod, targets: 40, runs: {20300131-0700: 38, 20300131-0600: 2}, held: 2, closed: ""}]
"""

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_deciding
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import summary
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(argument_spec=dict(rollout_deciding.ARGUMENTS, rings=dict(type="dict", default={})), supports_check_mode=True)


def execute(call):
    """Read, and tell."""
    rollout = rollout_deciding.load(call.params, call.params["rings"])
    return dict(summary.told(rollout), changed=False, problems=rollout.state.problems)


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

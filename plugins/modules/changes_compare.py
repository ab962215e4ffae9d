#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare two dry runs, to prove that an abort leads back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: changes_compare
short_description: Prove that an abort leads back to the state before a release
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Compares the dry run of a reverted model with a dry run that was recorded earlier, as the last step of the written abort procedure asks.
  - It changes nothing and does not fail when they differ; what differs is returned.
options:
  expect:
    description:
      - V(same) wants the two dry runs to have found the same. Use it when nothing of the release was deployed, with the dry run recorded
        before the upgrade.
      - V(leads_back) wants every change to be on a resource that the release changed, and to lead to the value from before. Use it when
        something was deployed, with the recorded dry run of the candidate.
    type: str
    choices: [same, leads_back]
    required: true
  recorded:
    description: The recorded dry run with its C(changes) and C(unchecked), as kept by M(stagecraft.release.stages_evidence).
    type: dict
    required: true
  found:
    description: The dry run of the reverted model with its C(changes) and C(unchecked).
    type: dict
    required: true
attributes:
  check_mode:
    description: Can run in check mode; it never writes.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
seealso:
  - module: stagecraft.release.inmanta_dryrun
  - module: stagecraft.release.stages_evidence
"""

EXAMPLES = r"""
- name: Compare with the drift from before the upgrade
  stagecraft.release.changes_compare:
    expect: same
    recorded: "{{ drift.content }}"
    found:
      changes: "{{ dryrun.changes }}"
      unchecked: "{{ dryrun.unchecked }}"
  register: compared

- name: Stop when the abort does not lead back
  ansible.builtin.fail:
    msg: "{{ compared.differences | join('; ') }}"
  when: compared.differences | length > 0
"""

RETURN = r"""
differences:
  description: What differs, each as one sentence that names the resource; empty when all is as expected.
  returned: success
  type: list
  elements: str
  sample: ["std::File[web1,path=/etc/motd]: would be modified, but the candidate's dry run did not change it"]
"""

from ansible_collections.stagecraft.release.plugins.module_utils.changes.compare import leads_back, same
from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import Changes
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        expect=dict(type="str", choices=["same", "leads_back"], required=True),
        recorded=dict(type="dict", required=True),
        found=dict(type="dict", required=True),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Compare."""
    params = call.params
    recorded, found = (_changes(params[name], name) for name in ("recorded", "found"))
    differences = same(recorded, found) if params["expect"] == "same" else leads_back(found, recorded)
    return dict(changed=False, differences=differences)


def _changes(given, name):
    return Changes.from_dict({key: given.get(key) for key in ("changes", "unchecked")}, name)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

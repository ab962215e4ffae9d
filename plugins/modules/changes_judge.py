#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the changes of a dry run by a policy and by approvals."""

from __future__ import annotations

DOCUMENTATION = r"""
module: changes_judge
short_description: Judge the changes of a dry run by a policy and by approvals
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Says whether the changes that a dry run found may be deployed. It changes nothing and does not fail when they may not be.
  - A change is expected when a rule of the policy covers it. Without a policy nothing is expected, and a resource that could
    not be checked is never expected.
  - What is not expected needs an approval, a person's yes that is bound to the digest of exactly these changes.
requirements:
  - jmespath, for rules with C(match)
  - PyYAML, for a policy in a file
options:
  changes:
    description: The changes, as RV(stagecraft.release.inmanta_dryrun#module:changes) gives them.
    type: list
    elements: dict
    required: true
  unchecked:
    description: What could not be checked, as RV(stagecraft.release.inmanta_dryrun#module:unchecked) gives it.
    type: list
    elements: dict
    default: []
  policy:
    description:
      - The policy as a mapping, as a list of rules, or as the absolute path of a YAML or JSON file on the controller.
      - Its keys are C(rules), C(max_changes) and C(max_removed). With more changes or removals than that, an approval is needed.
      - A rule has one or more of the conditions C(types), C(agents), C(actions), C(attributes) and C(match), which must all
        hold, and may have a C(name). The first four are lists. C(types), C(agents) and C(attributes) take shell-style globs.
        C(actions) takes V(added), V(modified) and V(removed).
      - C(attributes) holds when every changed attribute is in the list, and at least one is changed.
      - C(match) is a JMESPath expression over the change, C({resource, type, agent, action, attributes}) where
        C(attributes) maps a name to the values before and after. When it cannot be evaluated, it does not hold.
    type: raw
  subject:
    description:
      - What the changes belong to, such as the commit that the candidate was compiled from. It is part of the digest, so an approval does not
        hold for the same changes of something else. A dry run does not show the content of what is added, only the commit fixes it.
    type: dict
  approve:
    description:
      - The digests that are approved, as a list, or as text with commas or spaces between them.
      - An entry may also be a mapping with C(digest), C(who) and C(expires), an ISO 8601 time (UTC without a zone) or a date
        (until the end of that day in UTC).
      - Digests of other changes are allowed and approve nothing here.
    type: raw
  approve_by:
    description: Who approves, for the entries of O(approve) that do not say.
    type: str
  approve_hint:
    description: How RV(message) tells the operator to approve. V(<digest>) stands for the digest.
    type: str
    default: -e inmanta_model_approve=<digest>
  table_limit:
    description: How many resources RV(table) shows. Unexpected ones come first.
    type: int
    default: 50
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without writing anything.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
"""

EXAMPLES = r"""
- name: Judge the candidate
  stagecraft.release.changes_judge:
    changes: "{{ dryrun.changes }}"
    unchecked: "{{ dryrun.unchecked }}"
    policy:
      max_changes: 200
      max_removed: 0
      rules:
        - name: files of the service
          types: [std::File]
          actions: [added, modified]
          match: starts_with(resource, 'std::File[web1,path=/etc/demo/')
        - name: package versions
          types: ["pkg::*"]
          attributes: [version]
    approve: "{{ inmanta_model_approve | default(omit) }}"
  register: judgement

- name: Stop when a person has to look
  ansible.builtin.fail:
    msg: "{{ judgement.message }}"
  when: judgement.verdict == 'needs_approval'
"""

RETURN = r"""
verdict:
  description:
    - V(unchanged) when there is no change, V(covered) when the policy covers all of them within its caps, V(approved) when
      an approval holds for them, else V(needs_approval).
  returned: success
  type: str
  sample: needs_approval
digest:
  description: Digest of the changes and of what could not be checked; this is what a person approves.
  returned: success
  type: str
  sample: sha256:5a1f0c35d3c8a2fe1f0f8f5c1d9b6f6d6dbb0b7a0e2b6f1a9d0c8e7f6a5b4c3d
unexpected:
  description: The changes that no rule covers, each with the C(reason).
  returned: success
  type: list
  elements: dict
unchecked:
  description: What the dry run could not check, each with the C(reason).
  returned: success
  type: list
  elements: dict
covered:
  description: Number of changes that the policy covers.
  returned: success
  type: int
over_caps:
  description: The caps that are exceeded, as texts.
  returned: success
  type: list
  elements: str
approval:
  description: The approval that holds, with C(digest), C(who) and C(expires); empty when none was needed or none holds.
  returned: success
  type: dict
counts:
  description: Numbers of C(added), C(modified) and C(removed) resources, and of C(unchecked) ones.
  returned: success
  type: dict
table:
  description: The changes as lines of text, unexpected ones first and marked C(!).
  returned: success
  type: list
  elements: str
message:
  description: One paragraph for the operator, what is not expected and how to approve it.
  returned: success
  type: str
"""

import datetime

from ansible_collections.stagecraft.release.plugins.module_utils import controller_files
from ansible_collections.stagecraft.release.plugins.module_utils.changes import approval, policy_text, report
from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import Changes
from ansible_collections.stagecraft.release.plugins.module_utils.changes.policy import judge
from ansible_collections.stagecraft.release.plugins.module_utils.changes.table import table
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        changes=dict(type="list", elements="dict", required=True),
        unchecked=dict(type="list", elements="dict", default=[]),
        policy=dict(type="raw"),
        subject=dict(type="dict"),
        approve=dict(type="raw"),
        approve_by=dict(type="str"),
        approve_hint=dict(type="str", default="-e inmanta_model_approve=<digest>"),
        table_limit=dict(type="int", default=50),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Judge; progress lines only when a person has to look."""
    params = call.params
    if params["table_limit"] < 0:
        raise InputError("table_limit", params["table_limit"], "is negative", "Give 0 or more")
    changes = Changes.from_dict({"changes": params["changes"], "unchecked": params["unchecked"]})
    approvals = approval.parse(params["approve"], "approve", params["approve_by"])
    policy = policy_text.from_option(params["policy"], controller_files.text)
    verdict = judge(changes, policy, approvals, datetime.datetime.now(datetime.timezone.utc), params["subject"])
    lines = table(changes, {row["resource"]: row["reason"] for row in verdict.unexpected}, params["table_limit"])
    for line in lines if verdict.verdict == "needs_approval" else ():
        call.progress(line)
    message = report.message(changes, verdict, params["approve_hint"])
    return dict(verdict.as_dict(), changed=False, counts=changes.counts(), table=lines, message=message)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

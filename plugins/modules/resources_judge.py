#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the resources of a version by what is expected of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: resources_judge
short_description: Judge the resources of a version by what is expected of it
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Says whether a version holds what is expected of it. It changes nothing and does not fail when the version does not.
  - Meant for a first version. A dry run has nothing to compare it with but what happens to be there, so what it holds is judged instead.
  - The expectation is checked before anything is compared. One that expects nothing is an error.
requirements:
  - PyYAML, for an expectation in a file
options:
  expect:
    description:
      - The expectation, as a mapping or as the absolute path of a YAML or JSON file on the controller.
      - C(types) has the number of resources by type; the version must hold exactly so many of each.
      - C(resources) is a list of resource ids, all of which the version must hold.
      - A resource whose type is not in C(types) and whose id is not in C(resources) is not expected.
    type: raw
    required: true
  resources:
    description:
      - The resources of the version, as RV(stagecraft.release.inmanta_version_info#module:resources) gives them.
      - Without it, the expectation is only checked.
    type: list
    elements: dict
  modules:
    description:
      - Names of the modules that the expected types may be of, as RV(stagecraft.release.git_release_info#module:release_info) has them.
      - A type of another module is an error. The types of C(std) and of the model itself are always allowed.
    type: list
    elements: str
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without writing anything.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
seealso:
  - module: stagecraft.release.inmanta_version_info
  - module: stagecraft.release.changes_judge
"""

EXAMPLES = r"""
- name: Judge the first version
  stagecraft.release.resources_judge:
    expect:
      types:
        fs::File: 12
        std::testing::NullResource: 2
      resources:
        - fs::Symlink[web1,dst=/srv/portal]
    resources: "{{ first.resources }}"
  register: judgement

- name: Stop when it is not as expected
  ansible.builtin.assert:
    that: judgement.verdict == 'expected'
    fail_msg: "{{ judgement.message }}"
"""

RETURN = r"""
verdict:
  description: V(expected), V(unexpected), or V(unjudged) without O(resources).
  returned: success
  type: str
  sample: expected
digest:
  description: Digest of the ids of the resources.
  returned: with O(resources)
  type: str
types:
  description: Number of resources by type.
  returned: with O(resources)
  type: dict
  sample: {"fs::File": 12}
counts:
  description: The resources as C(added) ones, in the form of RV(stagecraft.release.changes_judge#module:counts).
  returned: with O(resources)
  type: dict
approval:
  description: Always empty, as nobody can approve what is not expected.
  returned: with O(resources)
  type: dict
problems:
  description: What is not as expected, as texts.
  returned: with O(resources)
  type: list
  elements: str
missing:
  description: Ids that are expected and not there.
  returned: with O(resources)
  type: list
  elements: str
unexpected:
  description: Ids that are there and not expected.
  returned: with O(resources)
  type: list
  elements: str
message:
  description: One paragraph for the operator.
  returned: with O(resources)
  type: str
"""

from ansible_collections.stagecraft.release.plugins.module_utils import controller_files
from ansible_collections.stagecraft.release.plugins.module_utils.changes.expectation import Expectation, Verdict
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        expect=dict(type="raw", required=True),
        resources=dict(type="list", elements="dict"),
        modules=dict(type="list", elements="str"),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Check the expectation, and compare."""
    expectation = Expectation.parse(call.params["expect"], controller_files.text, call.params["modules"])
    resources = call.params["resources"]
    if resources is None:
        return dict(changed=False, verdict="unjudged")
    found = Verdict(expectation, resources)
    return dict(changed=False, verdict="unexpected" if found.problems else "expected", digest=found.digest, types=found.types,
                counts=dict(added=len(resources), modified=0, removed=0, unchecked=0), approval={}, problems=found.problems,
                missing=found.missing, unexpected=found.unexpected, message=found.message())


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

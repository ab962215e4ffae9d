#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a release from its git repository."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: git_release_info
version_added: 0.1.0
short_description: Read a release from its git repository
description:
  - Reads the tag of a release, checks that its C(project.yml) is released, and says where the release branch stands towards it.
  - A project is released when every module in C(requires) is pinned with C(==), C(pip.pre) is absent or false, and C(install_mode) is absent
    or C(release).
  - Works on a temporary bare copy that is removed afterwards; the repository is only read.
options:
  repository:
    description:
      - Address of the repository, by https, ssh or path. Credentials in it are hidden in every message.
      - Keys, credential helpers and settings of the user who runs this apply; nothing is ever asked for on a terminal.
    type: str
    required: true
  release:
    description: The tag of the release.
    type: str
    required: true
  branch:
    description: The release branch. Without it RV(release_info.branch) is null.
    type: str
  previous:
    description: The tag or full commit id of the release before, when it is to be looked up too.
    type: str
  timeout:
    description: Seconds that each call of git may take.
    type: int
    default: 120
attributes:
  check_mode:
    description: Can run in check mode; it only reads.
    support: full
  diff_mode:
    description: Shows what changed in diff mode.
    support: none
  platform:
    description: Runs on the controller; a task delegated to a remote host runs there.
    support: full
    platforms: posix
requirements:
  - git 2.31 or newer
  - PyYAML
seealso:
  - module: stagecraft.release.git_release_branch
author:
  - Contributors to the stagecraft.release project (@stagecraft)
"""

EXAMPLES = r"""
- name: Read release v36-1
  stagecraft.release.git_release_info:
    repository: git@git.example.com:network/model.git
    release: v36-1
    branch: release
  register: model

- name: Refuse what is not frozen
  ansible.builtin.assert:
    that: model.release_info.released
    fail_msg: "{{ model.release_info.problems | join('; ') }}"
"""

RETURN = r"""
release_info:
  description: What the repository says about the release.
  returned: success
  type: dict
  contains:
    release:
      description: The tag.
      type: str
      sample: v36-1
    commit:
      description: The commit that the tag names.
      type: str
    tree:
      description: The tree of that commit.
      type: str
    annotated:
      description: Whether the tag is an annotated one.
      type: bool
    released:
      description: Whether the project is released, that is RV(release_info.problems) is empty.
      type: bool
    problems:
      description: What keeps the project from being released, each with key and value.
      type: list
      elements: str
      sample: ["requires: 'std': not pinned with '==' to one version"]
    modules:
      description: Names of the modules that its C(project.yml) requires.
      type: list
      elements: str
      sample: [fs, std]
    settings:
      description: The C(environment_settings) of its C(project.yml).
      type: dict
    branch:
      description:
        - Where the release branch stands, null when O(branch) was not given. C(name), C(head) and C(tree) of the branch.
        - C(at_release) when its tree is that of the release, C(contains_release) when the release's commit is in its history, and
          C(fast_forward) when it can be moved to the release without losing anything.
      type: dict
    aborted:
      description:
        - Whether the release was on the branch and was taken back, that is the branch returned to a tree from before the release.
        - A branch that went on to a later release does not count.
      type: bool
    previous:
      description: C(release) as given, C(commit) and C(tree) of O(previous), null when it was not given.
      type: dict
"""

from ansible_collections.stagecraft.release.plugins.module_utils.repository.release import inspect
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        repository=dict(type="str", required=True),
        release=dict(type="str", required=True),
        branch=dict(type="str"),
        previous=dict(type="str"),
        timeout=dict(type="int", default=120),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Read the release.

    :param call: the options.
    """
    given = call.params
    found = inspect(given["repository"], given["release"], given["branch"], given["previous"], given["timeout"])
    return dict(changed=False, release_info=found)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a release branch to a release, or take the release back."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: git_release_branch
version_added: 0.1.0
short_description: Bring a release branch to a release, or take the release back
description:
  - Makes the tree at the head of the release branch the tree of a release, by a fast-forward to the tag's commit.
  - Or takes a release back with one new commit whose tree is exactly that of the release before, whatever was merged in between.
  - A push is never forced. The head of the branch is read from the repository before and after it, and a rejected push leaves the branch as it was.
options:
  repository:
    description:
      - Address of the repository, by https, ssh or path. Credentials in it are hidden in every message.
      - Keys, credential helpers and settings of the user who runs this apply; nothing is ever asked for on a terminal.
    type: str
    required: true
  branch:
    description: The release branch. It must exist.
    type: str
    required: true
  release:
    description: The tag of the release to bring the branch to, or to take back.
    type: str
    required: true
  state:
    description:
      - V(at_release) makes the tree of the branch that of O(release); refused when this is not a fast-forward.
      - V(reverted) makes the tree of the branch that of O(previous); refused when the tree of the branch is no longer that of O(release).
    type: str
    choices: [at_release, reverted]
    default: at_release
  previous:
    description: The tag or full commit id to go back to. Required with O(state=reverted).
    type: str
  push:
    description: Whether to push. If not, a branch that would have to be pushed to is refused.
    type: bool
    default: true
  commit_message:
    description: First lines of the commit message of a revert, instead of the usual subject. The list of reverted commits follows it.
    type: str
  author:
    description:
      - Author and committer of the commit of a revert, as C(Name <mail@example.com>).
      - By default what git is configured with, else C(stagecraft.release <stagecraft@localhost>).
    type: str
  timeout:
    description: Seconds that each call of git may take.
    type: int
    default: 120
attributes:
  check_mode:
    description: Can run in check mode; it says what would be pushed and pushes nothing.
    support: full
  diff_mode:
    description: Shows the head and the tree of the branch before and after.
    support: full
  platform:
    description: Runs on the controller; a task delegated to a remote host runs there.
    support: full
    platforms: posix
requirements:
  - git 2.31 or newer
seealso:
  - module: stagecraft.release.git_release_info
author:
  - Contributors to the stagecraft.release project (@stagecraft)
"""

EXAMPLES = r"""
- name: Bring the release branch to v36-1
  stagecraft.release.git_release_branch:
    repository: git@git.example.com:network/model.git
    branch: release
    release: v36-1

- name: Take v36-1 back
  stagecraft.release.git_release_branch:
    repository: git@git.example.com:network/model.git
    branch: release
    release: v36-1
    previous: v35-4
    state: reverted
    author: Release robot <robot@example.com>
"""

RETURN = r"""
head:
  description: The commit at the head of the branch afterwards; null in check mode of a revert, whose commit does not exist yet.
  returned: when the branch was found
  type: str
head_before:
  description: The commit at the head of the branch before.
  returned: when the branch was found
  type: str
tree:
  description: The tree of the branch afterwards.
  returned: when the branch was found
  type: str
tree_before:
  description: The tree of the branch before.
  returned: when the branch was found
  type: str
commits:
  description: The commits that were put on the branch, or that were reverted, newest first, each as short id and subject.
  returned: when the branch was found
  type: list
  elements: str
  sample: ["3f2a9c1 Freeze the modules", "a81d07e Add the access routers"]
"""

from ansible_collections.stagecraft.release.plugins.module_utils.repository.branch import bring_to_release, difference, revert_to
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        repository=dict(type="str", required=True),
        branch=dict(type="str", required=True),
        release=dict(type="str", required=True),
        state=dict(type="str", choices=["at_release", "reverted"], default="at_release"),
        previous=dict(type="str"),
        push=dict(type="bool", default=True),
        commit_message=dict(type="str"),
        author=dict(type="str"),
        timeout=dict(type="int", default=120),
    ),
    required_if=[("state", "reverted", ("previous",))],
    supports_check_mode=True,
)


def execute(call):
    """Move the branch.

    :param call: the options.
    """
    given = call.params
    place = (given["repository"], given["branch"], given["release"])
    options = dict(timeout=given["timeout"], push=given["push"], check_mode=call.check_mode, heartbeat=call.heartbeat)
    if given["state"] == "reverted":
        result = revert_to(*place, given["previous"], given["commit_message"], given["author"], **options)
    else:
        result = bring_to_release(*place, **options)
    return dict(result, diff=difference(given["branch"], result))


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a release of a checkout."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: git_release_commit
version_added: 0.1.0
short_description: Commit, tag and push a release from a checkout
description:
  - Commits new texts of files on the release branch, makes an annotated tag, and pushes both at once, or none of them.
  - Where every file has its text already there is no commit; the tag is put on the commit that is checked out.
  - A push is never forced, and a tag that is there is never moved.
  - Commit and tag are made in a temporary copy. The checkout changes only after the repository has taken them, so after any failure it is as it was.
  - Refused are a checkout with changes, on another branch, or behind the branch in the repository.
options:
  path:
    description: The top directory of the checkout.
    type: path
    required: true
  remote:
    description: The remote to push to. Its address may be a push address of its own.
    type: str
    default: origin
  branch:
    description: The release branch. It must exist in the repository and be checked out.
    type: str
    required: true
  release:
    description: The tag of the release to make.
    type: str
    required: true
  files:
    description: New texts by path, of files that are in the commit that is checked out.
    type: dict
    default: {}
  commit_message:
    description: Message of the commit.
    type: str
  note:
    description: A text for the message of the tag, below its first line.
    type: str
    default: ""
  author:
    description:
      - Author and committer, as C(Name <mail@example.com>).
      - By default who the checkout is configured with, else C(stagecraft.release <stagecraft@localhost>).
    type: str
  timeout:
    description: Seconds that each call of git may take.
    type: int
    default: 120
attributes:
  check_mode:
    description: Can run in check mode; it checks everything, says what would be pushed and pushes nothing.
    support: full
  diff_mode:
    description: Shows the head and the tree of the branch before and after.
    support: full
  platform:
    description: Runs where the project is checked out.
    support: full
    platforms: posix
requirements:
  - git 2.31 or newer
seealso:
  - module: stagecraft.release.inmanta_project_freeze
  - module: stagecraft.release.git_release_branch
author:
  - Contributors to the stagecraft.release project (@stagecraft)
"""

EXAMPLES = r"""
- name: Release the frozen project
  stagecraft.release.git_release_commit:
    path: ~/model
    branch: release
    release: v36-1
    files:
      project.yml: "{{ model_frozen.text }}"
"""

RETURN = r"""
commit:
  description: The commit of the release; null in check mode of one that has yet to be made.
  returned: success
  type: str
committed:
  description: Whether there was something to commit.
  returned: success
  type: bool
tagged:
  description: Whether the tag was made; it may have been there already.
  returned: success
  type: bool
head:
  description: The commit at the head of the branch in the repository afterwards; null in check mode of a commit that has yet to be made.
  returned: when the branch was found
  type: str
head_before:
  description: The commit at the head of the branch in the repository before.
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
  description: The commits that were put on the branch, newest first, each as short id and subject.
  returned: when the branch was found
  type: list
  elements: str
  sample: ["3f2a9c1 Freeze the modules for v36-1"]
"""

from ansible_collections.stagecraft.release.plugins.module_utils.repository.branch import difference
from ansible_collections.stagecraft.release.plugins.module_utils.repository.publishing import publish
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        path=dict(type="path", required=True),
        remote=dict(type="str", default="origin"),
        branch=dict(type="str", required=True),
        release=dict(type="str", required=True),
        files=dict(type="dict", default={}),
        commit_message=dict(type="str"),
        note=dict(type="str", default=""),
        author=dict(type="str"),
        timeout=dict(type="int", default=120),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Make the release.

    :param call: the options.
    """
    given = call.params
    place = (given["path"], given["remote"], given["branch"], given["release"])
    options = dict(author=given["author"], note=given["note"], timeout=given["timeout"], check_mode=call.check_mode)
    result = publish(*place, given["files"], given["commit_message"], **options)
    return dict(result, diff=difference(given["branch"], result))


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

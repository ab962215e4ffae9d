# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a repository says about a release: its tag, its project file, and where the release branch stands."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.repository.clone import Clone
from ansible_collections.stagecraft.release.plugins.module_utils.repository.project import PROJECT_FILE, check_released, declared


def inspect(url, release, branch=None, previous=None, timeout=120):
    """Read everything about a release in one connection.

    :param url: address of the repository.
    :param release: the tag.
    :param branch: the release branch; without it nothing is said about a branch.
    :param previous: the tag or full commit id of the release before, if asked for.
    :param timeout: seconds that each call of git may take.
    """
    with Clone(url, timeout) as clone:
        clone.fetch(branch)
        tag = clone.tag(release)
        files = {PROJECT_FILE: clone.text(tag.commit, PROJECT_FILE)}
        problems = check_released(files)
        modules, settings = declared(files)
        result = {
            "release": release,
            "commit": tag.commit,
            "tree": tag.tree,
            "annotated": tag.annotated,
            "released": not problems,
            "problems": [clone.repository.mask(problem) for problem in problems],
            "modules": modules,
            "settings": settings,
            "branch": None,
            "aborted": False,
            "previous": None,
        }
        if branch is not None:
            head = clone.branch(branch)
            result["branch"] = standing(clone, branch, head, tag)
            result["aborted"] = was_aborted(clone, head, tag)
        if previous:
            found = clone.tag_or_commit(previous)
            result["previous"] = {"release": previous, "commit": found.commit, "tree": found.tree}
        return result


def standing(clone, branch, head, tag):
    """Where a branch stands towards a release.

    :param clone: the :class:`Clone` that has both.
    :param branch: name of the branch.
    :param head: the revision at its head.
    :param tag: the revision of the release.
    """
    return {
        "name": branch,
        "head": head.commit,
        "tree": head.tree,
        "at_release": head.tree == tag.tree,
        "contains_release": clone.is_ancestor(tag.commit, head.commit),
        "fast_forward": clone.is_ancestor(head.commit, tag.commit),
    }


def was_aborted(clone, head, tag):
    """Whether a release was on the branch and was taken back: a commit after it has a tree from before it.

    A branch that merely went on to later releases does not count.

    :param clone: the :class:`Clone` that has both.
    :param head: the revision at the head of the branch.
    :param tag: the revision of the release.
    """
    if head.tree == tag.tree or not clone.is_ancestor(tag.commit, head.commit):
        return False
    after = clone.history("--ancestry-path", "%s..%s" % (tag.commit, head.commit))
    before = {tree for commit, tree in clone.history(tag.commit)}
    before.discard(tag.tree)
    return any(tree in before for commit, tree in after)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release made of a checkout: one commit if there is something to commit, a tag, and one push of both.

Commit and tag are made in a temporary copy. The checkout changes only when the repository has taken them.
"""

from __future__ import annotations

import os

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import names
from ansible_collections.stagecraft.release.plugins.module_utils.repository.branch import (
    FALLBACK_IDENTITY,
    Move,
    identity_env,
    parse_identity,
)
from ansible_collections.stagecraft.release.plugins.module_utils.repository.checkout import Checkout
from ansible_collections.stagecraft.release.plugins.module_utils.repository.clone import Clone


def publish(path, remote, branch, release, files, message=None, author=None, note="", timeout=120, check_mode=False):
    """Commit files, tag the commit and push both to the release branch, never with force.

    :param path: the checkout.
    :param remote: its remote to push to.
    :param branch: the release branch, which must be checked out.
    :param release: the tag to make.
    :param files: new texts by path; a file that already has its text needs no commit.
    :param message: of the commit.
    :param author: ``Name <mail>`` of commit and tag; by default who commits in the checkout.
    :param note: text for the message of the tag, below its first line.
    :param timeout: seconds that each call of git may take.
    :param check_mode: say what would be done, and do nothing.
    :returns: what moving a branch returns, and commit (the release's, None while it is not made), committed, tagged.
    """
    names.check_ref("release", release)
    checkout = Checkout(path, timeout)
    head = checkout.check_branch(branch)
    checkout.check_clean("path")
    env = identity_env(*parse_identity(author or checkout.identity() or FALLBACK_IDENTITY))
    with Clone(checkout.url(remote), timeout) as clone:
        clone.fetch(branch)
        move = Move(clone, branch, {"check_mode": check_mode})
        clone.take(path, head)
        _check_not_behind(clone, move, head, path)
        tree = _tree(clone, head, files)
        committed = tree != clone.git.read("rev-parse", "--verify", head + "^{tree}")
        done = _tagged(clone, move, release, None if committed else head)
        if not done:
            _check_local_tag(checkout, move, release)
        commits = clone.subjects(move.before.commit, head)
        if done and head == move.before.commit:
            return dict(move.result(), commit=head, committed=False, tagged=False)
        text = (message or "").strip() or "Freeze the modules for %s" % release
        if check_mode:
            commits = (["(new) %s" % text.splitlines()[0]] if committed else []) + commits
            planned = None if committed else head
            return dict(move.result(True, planned, tree, commits), commit=planned, committed=committed, tagged=not done)
        commit = clone.git.read("commit-tree", tree, "-p", head, "-F", "-", text=text + "\n", env=env) if committed else head
        tag = None if done else (_tag(clone, release, commit, note, env), release)
        result = move.push(commit, tree, clone.subjects(move.before.commit, commit), tag)
        result.update(commit=commit, committed=committed, tagged=not done)
        problem = checkout.advance(clone.directory, commit, remote, branch, release)
        if problem:
            raise StagecraftError(
                "path: %s was pushed to %r, but the checkout %s could not be brought there: %s. Run git pull --ff-only in it."
                % (commit, branch, path, problem),
                **result
            )
        return result


def _check_not_behind(clone, move, head, path):
    if not clone.is_ancestor(move.before.commit, head):
        ahead = "and has commits of its own" if not clone.is_ancestor(head, move.before.commit) else "and has nothing new"
        raise move.refusal(
            "was moved in the repository by somebody else: %s lacks %d commits of it, %s"
            % (path, len(clone.subjects(head, move.before.commit)), ahead),
            "Look at what was pushed, take it in (git pull), test the project again, then run again",
        )


def _tagged(clone, move, release, commit):
    """Whether the repository has the tag already, at the very commit that is released."""
    if not clone.git.run("rev-parse", "--verify", "--quiet", "refs/tags/" + release).ok:
        return False
    found = clone.tag(release).commit
    if found != commit:
        raise move.refusal(
            "is a tag of %s already, at commit %s" % (clone.repository.shown, found), "Choose a new tag; one that is pushed is never moved",
            "release", release,
        )
    return True


def _check_local_tag(checkout, move, release):
    if checkout.git.run("rev-parse", "--verify", "--quiet", "refs/tags/" + release).ok:
        raise move.refusal(
            "is a tag of the checkout that was never pushed", "Delete it there (git tag -d %s), the release makes its own" % release,
            "release", release,
        )


def _tree(clone, head, files):
    """The tree of a commit with other texts in some of its files."""
    index = {"GIT_INDEX_FILE": os.path.join(clone.directory, "release-index")}
    clone.git.read("read-tree", head, env=index)
    for path, text in sorted(files.items()):
        known = clone.git.read("ls-tree", head, "--", path).split()
        before = clone.text(head, path)
        if len(known) != 4 or known[0] not in ("100644", "100755"):
            raise InputError("files", path, "is not a file of the commit that is checked out", "Commit it first, or leave it out")
        if "\r\n" not in before:
            text = text.replace("\r\n", "\n")  # git keeps the lines of such a checkout without carriage return
        blob = clone.git.read("hash-object", "-w", "--stdin", text=text)
        clone.git.read("update-index", "--cacheinfo", "%s,%s,%s" % (known[0], blob, path), env=index)
    return clone.git.read("write-tree", env=index)


def _tag(clone, release, commit, note, env):
    """Make an annotated tag, known by its id alone until it is pushed."""
    who = clone.git.read("var", "GIT_COMMITTER_IDENT", env=env)
    text = "object %s\ntype commit\ntag %s\ntagger %s\n\nRelease %s\n" % (commit, release, who, release)
    if note.strip():
        text += "\n%s\n" % note.strip()
    return clone.git.read("mktag", text=text)

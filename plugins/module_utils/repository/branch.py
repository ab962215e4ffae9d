# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving the release branch: forward to a release, or back to the one before by one new commit. Never forced."""

from __future__ import annotations

import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import failures
from ansible_collections.stagecraft.release.plugins.module_utils.repository.clone import Clone
from ansible_collections.stagecraft.release.plugins.module_utils.repository.release import was_aborted

FALLBACK_IDENTITY = "stagecraft.release <stagecraft@localhost>"
_IDENTITY = re.compile(r"\s*([^<>\r\n]*[^<>\s])\s*<([^<>\s]+)>\s*\Z")
_LISTED = 200


def _quiet():
    """No heartbeat: nobody holds a lock for this run."""


class Move:
    """One movement of a branch: what it was, what it shall be, and the push that is checked from both sides."""

    def __init__(self, clone, branch, options):
        self.clone = clone
        self.name = branch
        self.before = clone.branch(branch)
        self.check_mode = options.get("check_mode", False)
        self.may_push = options.get("push", True)
        self.heartbeat = options.get("heartbeat") or _quiet

    def result(self, changed=False, head=None, tree=None, commits=()):
        """The return value, with the same keys whether the branch moved or not."""
        return {
            "changed": changed,
            "head": head if changed else self.before.commit,
            "head_before": self.before.commit,
            "tree": tree if changed else self.before.tree,
            "tree_before": self.before.tree,
            "commits": list(commits),
        }

    def refusal(self, problem, remedy, field="branch", value=None):
        """An error about this branch, which stays as it is."""
        return InputError(field, self.name if value is None else value, problem, remedy, **self.result())

    def need_push(self, by_hand):
        """Refuse to go on when nothing may be pushed.

        :param by_hand: what the operator can do instead.
        """
        if not self.may_push:
            raise self.refusal(
                "would have to be pushed to, and pushing is switched off",
                "%s, or set inmanta_model_push (option 'push') to true" % by_hand,
            )

    def push(self, commit, tree, commits, tag=None):
        """Push a descendant of the head, and prove from the repository's own answers what became of it.

        :param tag: a new tag to push with it, as ``(id of the tag, name)``.
        """
        clone = self.clone
        self.heartbeat()
        self._expect_unmoved()
        finished = clone.push(commit, self.name, tag)
        try:
            now = clone.remote_head(self.name)
        except StagecraftError as exc:
            raise StagecraftError(
                "branch: the push of %s to %r ended (%s) and the repository cannot be read any more, so whether the "
                "branch moved from %s is not known. Run again once it answers. %s"
                % (commit, self.name, self._why(finished), self.before.commit, exc.message),
                **self.result()
            )
        moved = self.result(True, commit, tree, commits)
        if now == commit and (finished.ok or now != self.before.commit or not tag):
            clone.fetch(self.name)
            if clone.branch(self.name).tree == tree:
                return moved
        if finished.ok:
            moved["head"] = now
            raise StagecraftError(
                "branch: %s was pushed to %r, but the branch is at %s now: somebody pushed at the same time. "
                "Look at what was pushed, then run again." % (commit, self.name, now),
                **moved
            )
        place = "The branch is as it was, at %s" % now
        if now != self.before.commit:
            place = "Somebody else moved it meanwhile, from %s to %s" % (self.before.commit, now)
        raise StagecraftError(
            "branch: the push of %s to %r was rejected: %s. %s. Allow this push on the server (a protected branch, "
            "a hook, missing rights), or push it by hand, then run again."
            % (commit, self.name, self._why(finished), place),
            **self.result()
        )

    def _expect_unmoved(self):
        now = self.clone.remote_head(self.name)
        if now != self.before.commit:
            raise StagecraftError(
                "branch: %r moved from %s to %s while this run looked at it; nothing was pushed. "
                "Look at what was pushed, then run again." % (self.name, self.before.commit, now),
                **self.result()
            )

    def _why(self, finished):
        if finished.code is None:
            return "no answer within %s s" % self.clone.timeout
        return "accepted" if finished.ok else self.clone.repository.mask(failures.refused(finished))


def bring_to_release(url, branch, release, timeout=120, **options):
    """Make the tree at the head of a branch the tree of a release, by a fast-forward to the tag's commit.

    :param url: address of the repository.
    :param branch: the release branch.
    :param release: the tag.
    :param timeout: seconds that each call of git may take.
    :param options: ``check_mode``, ``push`` (False: refuse when one is needed), ``heartbeat`` (called before the push).
    :returns: changed, head, head_before, tree, tree_before, commits (those that the push puts on the branch).
    """
    with Clone(url, timeout) as clone:
        clone.fetch(branch)
        tag = clone.tag(release)
        move = Move(clone, branch, options)
        if move.before.tree == tag.tree:
            return move.result()
        if not clone.is_ancestor(move.before.commit, tag.commit):
            raise _no_fast_forward(move, release, tag)
        move.need_push("Push release %r there yourself (git push REPOSITORY %s:refs/heads/%s)" % (release, tag.commit, branch))
        commits = clone.subjects(move.before.commit, tag.commit)
        if move.check_mode:
            return move.result(True, tag.commit, tag.tree, commits)
        return move.push(tag.commit, tag.tree, commits)


def _no_fast_forward(move, release, tag):
    clone, head = move.clone, move.before
    if was_aborted(clone, head, tag):
        return move.refusal(
            "was aborted: its commit %s is on branch %r and was reverted" % (tag.commit, move.name),
            "Revert the revert on the project's branch, make a new tag and ask for that one",
            "release",
            release,
        )
    if clone.is_ancestor(tag.commit, head.commit):
        return move.refusal(
            "is behind branch %r, which has gone on since: %s" % (move.name, _listed(clone, tag, head)),
            "Ask for the release that the branch is at; to go back to this one, make a tag whose tree is that of this "
            "release on top of the branch",
            "release",
            release,
        )
    return move.refusal(
        "cannot be moved to release %r by a fast-forward: it has commits that the release lacks: %s"
        % (release, _listed(clone, tag, head)),
        "Make the release on top of the branch and give it a new tag; the branch is never forced",
    )


def _listed(clone, old, new, limit=5):
    commits = clone.subjects(old.commit, new.commit)
    more = ", ... %d more" % (len(commits) - limit) if len(commits) > limit else ""
    return ", ".join(repr(commit) for commit in commits[:limit]) + more


def revert_to(url, branch, release, previous, message=None, author=None, timeout=120, **options):
    """Take a release back: one new commit on the branch whose tree is exactly that of the release before.

    :param url: address of the repository.
    :param branch: the release branch.
    :param release: the tag that is taken back; the head must still have its tree.
    :param previous: the tag or full commit id to go back to.
    :param message: first lines of the commit message instead of the usual subject.
    :param author: ``Name <mail>`` of the commit; by default git's own configuration, or the collection's name.
    :param timeout: seconds that each call of git may take.
    :param options: ``check_mode``, ``push`` (False: refuse when one is needed), ``heartbeat`` (called before the push).
    :returns: changed, head (None in check mode), head_before, tree, tree_before, commits (the reverted ones).
    """
    identity = parse_identity(author) if author else None
    with Clone(url, timeout) as clone:
        clone.fetch(branch)
        tag = clone.tag(release)
        target = clone.tag_or_commit(previous)
        move = Move(clone, branch, options)
        if move.before.tree == target.tree:
            return move.result()
        if move.before.tree != tag.tree:
            raise _not_at_release(move, release, tag)
        base = _last_with_tree(move, previous, target)
        commits = clone.subjects(base, move.before.commit)
        move.need_push("Push a commit with the tree of %r yourself" % previous)
        if move.check_mode:
            return move.result(True, None, target.tree, commits)
        text = revert_message(branch, release, previous, (base, move.before.commit), commits, message)
        made = ("commit-tree", target.tree, "-p", move.before.commit, "-F", "-")
        commit = clone.git.read(*made, text=text, env=_identity_env(clone, identity))
        return move.push(commit, target.tree, commits)


def _not_at_release(move, release, tag):
    clone, head = move.clone, move.before
    if clone.is_ancestor(tag.commit, head.commit):
        listed = _listed(clone, tag, head)
        problem = "has gone on since release %r: %s; a revert would take that back too" % (release, listed)
    else:
        problem = "is not at release %r" % release
    return move.refusal(
        problem,
        "Decide with its authors what shall be on the branch and push that; then run again",
    )


def _last_with_tree(move, previous, target):
    """The last commit of the branch with the tree to go back to: what came after it is what is reverted."""
    for commit, tree in move.clone.history(move.before.commit):
        if tree == target.tree:
            return commit
    raise move.refusal(
        "was never on branch %r: no commit there has its tree" % move.name,
        "Give the release that was on the branch before, or its full commit id",
        "previous",
        previous,
    )


def revert_message(branch, release, previous, span, commits, message=None):
    """The message of a commit that takes a release back.

    :param branch: the release branch.
    :param release: the release that is taken back.
    :param previous: what the branch goes back to.
    :param span: commit ids before and at the end of what is reverted.
    :param commits: the reverted commits, newest first.
    :param message: the operator's own first lines.
    """
    subject = message.strip() if message and message.strip() else 'Revert "%s": back to %s' % (release, previous)
    listed = ["  " + commit for commit in commits[:_LISTED]]
    if len(commits) > _LISTED:
        listed.append("  ... %d more" % (len(commits) - _LISTED))
    body = "The tree of this commit is that of %s. Reverted on %s, %s..%s:" % (previous, branch, span[0], span[1])
    return "\n".join([subject, "", body, ""] + listed) + "\n"


def difference(name, result):
    """What moving a branch changed, for diff mode.

    :param name: of the branch.
    :param result: what moving it returned.
    """
    return dict(before=dict(branch=name, head=result["head_before"], tree=result["tree_before"]),
                after=dict(branch=name, head=result["head"], tree=result["tree"]))


def parse_identity(author):
    """Name and mail address of ``Name <mail>``."""
    match = _IDENTITY.match(author)
    if not match:
        raise InputError("author", author, "is not an author", "Write it as 'Name <mail@example.com>'")
    return match.groups()


def _identity_env(clone, identity):
    if identity is None:
        known = clone.git.run("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        also = clone.git.run("-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
        if known.ok and also.ok:
            return {}
        identity = parse_identity(FALLBACK_IDENTITY)
    return identity_env(*identity)


def identity_env(name, mail):
    """What tells git who makes commits and tags.

    :param name: of author and committer.
    :param mail: their address.
    """
    return {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": mail,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": mail,
    }

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checkout on disk: is it clean, on its branch, on a tag, and how a commit that was pushed gets into it."""

from __future__ import annotations

import os

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import failures, names
from ansible_collections.stagecraft.release.plugins.module_utils.repository.git import Git
from ansible_collections.stagecraft.release.plugins.module_utils.repository.virtualenv import CACHE


class Checkout:
    """A directory with a work tree.

    :param path: its path.
    :param timeout: seconds that each call of git may take.
    """

    def __init__(self, path, timeout):
        self.path = path
        self.git = Git(names.Repository(path), path, timeout, checkout=True)

    def top(self):
        """The top directory of the work tree, None when the directory is in none."""
        if not os.path.isdir(self.path):
            return None
        found = self.git.run("rev-parse", "--show-toplevel")
        return os.path.realpath(found.out.strip()) if found.ok else None

    def changes(self):
        """What differs from the commit, one line for each file, files that git does not know included."""
        return self.git.read("status", "--porcelain", "--untracked-files=normal", "--", ".", ":(exclude)%s" % CACHE).splitlines()

    def check_clean(self, field):
        """Refuse uncommitted changes.

        :param field: the option that holds the path.
        """
        found = [line.strip() for line in self.changes()]
        if found:
            more = ", ... %d more" % (len(found) - 5) if len(found) > 5 else ""
            raise InputError(
                field, self.path, "has changes that are not committed (%s%s)" % (", ".join(found[:5]), more),
                "Commit them, stash them, or let .gitignore name what is not part of it",
            )

    def check_tagged(self, name, version, project):
        """Refuse a module whose source is not exactly what its release is tagged with.

        :param name: name of the module.
        :param version: its version.
        :param project: path of the project, whose repository may hold modules of its own.
        :returns: the tag; None for a module that the project's own repository holds.
        """
        top = self.top()
        if top == os.path.realpath(project) and self.git.read("ls-files", "--", "."):
            return None
        if top != os.path.realpath(self.path):
            raise InputError(name, self.path, "is not a git checkout", "Check the module out at the tag of its version %s" % version)
        self.check_clean(name)
        tags = self.git.read("tag", "--points-at", "HEAD").splitlines()
        for tag in (version, "v" + version):
            if tag in tags:
                return tag
        raise InputError(
            name, self.path, "is not at the tag of its version %s (tags of its commit: %s)" % (version, ", ".join(tags) or "none"),
            "Release the module, or check it out at the tag of a release, then run again",
        )

    def check_branch(self, branch):
        """Refuse any other branch, and a project that is not the top of its repository.

        :param branch: the release branch.
        :returns: the commit.
        """
        names.check_ref("branch", branch)
        if self.top() != os.path.realpath(self.path):
            raise InputError("path", self.path, "is not the top directory of a git checkout", "Give the directory with project.yml and .git")
        found = self.git.run("symbolic-ref", "--quiet", "--short", "HEAD")
        if found.out.strip() != branch:
            raise InputError(
                "branch", branch, "is not what %s is on, that is %s" % (self.path, found.out.strip() or "no branch at all"),
                "Check the release branch out (git switch %s), or name the branch that is released from" % branch,
            )
        head = self.git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if not head.ok:
            raise InputError("branch", branch, "has no commit", "Commit the project first")
        return head.out.strip()

    def url(self, remote):
        """Where a remote is pushed to.

        :param remote: its name.
        """
        found = self.git.run("remote", "get-url", "--push", "--", remote)
        if not found.ok:
            known = ", ".join(self.git.read("remote").splitlines()) or "none"
            raise InputError("remote", remote, "is not a remote of %s (it has: %s)" % (self.path, known), "Give the one to push to")
        url = found.out.strip()
        return os.path.join(os.path.realpath(self.path), url) if names.is_local(url) and "://" not in url else url

    def identity(self):
        """Who commits here, as ``Name <mail>``; None when git was told nobody."""
        found = self.git.run("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        return found.out.rpartition(">")[0] + ">" if found.ok else None

    def advance(self, clone, commit, remote, branch, tag):
        """Bring what was pushed from a clone into the checkout: branch, tag and files.

        :param clone: path of the clone.
        :returns: what git said when it did not work, else None.
        """
        wanted = ["+refs/heads/%s:refs/remotes/%s/%s" % (branch, remote, branch)]
        wanted += ["refs/tags/%s:refs/tags/%s" % (tag, tag)]
        for command in (["fetch", "--quiet", "--no-tags", "--", clone] + wanted, ["merge", "--quiet", "--ff-only", commit]):
            finished = self.git.run(*command)
            if not finished.ok:
                return failures.reason(finished.err)
        return None

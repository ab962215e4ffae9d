# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A temporary bare copy of a repository: what is read and made of releases happens in it, then it is removed."""

from __future__ import annotations

import collections
import shutil
import tempfile

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import failures, names
from ansible_collections.stagecraft.release.plugins.module_utils.repository.git import Git

Revision = collections.namedtuple("Revision", "commit tree annotated")
# A repository on this machine may belong to another user; git does not hand the setting on to its other end by itself.
_OTHER_END = "git -c 'safe.directory=*' "


class Clone:
    """Context manager around one repository.

    :param url: address of the repository, possibly with credentials.
    :param timeout: seconds that each call of git may take.
    """

    def __init__(self, url, timeout=120):
        self.repository = names.Repository(url)
        self.timeout = timeout
        self.git = None
        self.directory = None

    def __enter__(self):
        try:
            self.directory = tempfile.mkdtemp(prefix="stagecraft-git-")
        except OSError as exc:
            raise StagecraftError("No temporary directory for a copy of %s: %s. Free some space or set TMPDIR." % (
                self.repository.shown, exc))
        try:
            self.git = Git(self.repository, self.directory, self.timeout)
            self.git.read("init", "--bare", "--quiet", "--template=")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exc):
        shutil.rmtree(self.directory, ignore_errors=True)

    def _far(self, command, program, *args):
        """Run a command that talks to the repository."""
        other = ["--%s=%s%s" % (program, _OTHER_END, program)] if names.is_local(self.repository.url) else []
        return self.git.run(command, *(other + list(args)))

    def fetch(self, branch=None):
        """Bring the branch and every tag here, in one connection.

        :param branch: name of a branch, or None for the tags alone.
        """
        wanted = ["+refs/tags/*:refs/tags/*"]
        if branch is not None:
            names.check_ref("branch", branch)
            wanted.append("+refs/heads/%s:refs/heads/%s" % (branch, branch))
        finished = self._fetch(wanted)
        if finished.ok:
            return
        if branch is not None and "couldn't find remote ref refs/heads/%s" % branch in finished.err:
            raise InputError(
                "branch",
                branch,
                "is not a branch of %s" % self.repository.shown,
                "Give the branch that the environment is declared with (there: %s)" % _some(self._branches()),
            )
        raise failures.unreachable(self.repository, finished, self.timeout)

    def _fetch(self, wanted):
        options = ["--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--recurse-submodules=no"]
        return self._far("fetch", "upload-pack", *(options + ["--", self.repository.url] + wanted))

    def _remote_refs(self, *patterns):
        finished = self._far("ls-remote", "upload-pack", "--quiet", "--", self.repository.url, *patterns)
        if not finished.ok:
            raise failures.unreachable(self.repository, finished, self.timeout)
        return {ref: commit for commit, ref in (line.split("\t", 1) for line in finished.out.splitlines())}

    def _branches(self):
        return sorted(ref[len("refs/heads/"):] for ref in self._remote_refs("refs/heads/*"))

    def remote_head(self, branch):
        """The commit at which the repository has a branch at this moment, None if it has no such branch.

        :param branch: name of the branch.
        """
        return self._remote_refs("refs/heads/" + branch).get("refs/heads/" + branch)

    def branch(self, name):
        """A fetched branch as a :class:`Revision`."""
        return self._revision("refs/heads/" + name)

    def tag(self, name, field="release"):
        """A tag as a :class:`Revision`.

        :param name: name of the tag.
        :param field: the option that holds it.
        """
        names.check_ref(field, name)
        ref = "refs/tags/" + name
        if not self.git.run("rev-parse", "--verify", "--quiet", ref).ok:
            tags = self.git.read("for-each-ref", "--sort=-creatordate", "--format=%(refname:strip=2)", "refs/tags")
            raise InputError(
                field,
                name,
                "is not a tag of %s" % self.repository.shown,
                "Push the tag of the release, or give one that is there (%s)" % _some(tags.splitlines()),
            )
        found = self._revision(ref)
        if found is None:
            remedy = "Give a tag that was made on a commit"
            raise InputError(field, name, "is a tag of %s that names no commit" % self.repository.shown, remedy)
        return found

    def tag_or_commit(self, name, field="previous"):
        """A tag or a full commit id as a :class:`Revision`.

        :param name: name of the tag, or the id.
        :param field: the option that holds it.
        """
        if not names.is_commit(name):
            return self.tag(name, field)
        found = self._revision(name)
        if found is None and self._fetch([name]).ok:
            found = self._revision(name)
        if found is None:
            remedy = "Give a tag, or the full id of a commit on the release branch"
            raise InputError(field, name, "is not a commit of %s" % self.repository.shown, remedy)
        return found

    def _revision(self, name):
        finished = self.git.run("rev-parse", "--verify", "--quiet", name + "^{commit}")
        if not finished.ok:
            return None
        commit = finished.out.strip()
        annotated = self.git.read("rev-parse", "--verify", name) != commit
        return Revision(commit, self.git.read("rev-parse", "--verify", commit + "^{tree}"), annotated)

    def is_ancestor(self, old, new):
        """Whether one commit is in the history of another (or is it)."""
        finished = self.git.run("merge-base", "--is-ancestor", old, new)
        if finished.code not in (0, 1):
            raise StagecraftError("git could not compare the commits %s and %s: %s" % (old, new, finished.err.strip()))
        return finished.ok

    def history(self, *revisions):
        """Commits with their trees, newest first, as ``(commit, tree)``.

        :param revisions: arguments of ``git log`` that choose them.
        """
        text = self.git.read("log", "--topo-order", "--format=%H %T", *(list(revisions) + ["--"]))
        return [tuple(line.split(" ")) for line in text.splitlines()]

    def subjects(self, old, new):
        """The commits that ``new`` has and ``old`` has not, newest first, each as ``id subject``."""
        text = self.git.read("log", "--topo-order", "--no-decorate", "--format=%h %s", "%s..%s" % (old, new), "--")
        return text.splitlines()

    def text(self, commit, path):
        """The content of a file of a commit, None if it is not there."""
        finished = self.git.run("cat-file", "blob", "%s:%s" % (commit, path))
        return finished.out if finished.ok else None

    def take(self, path, commit):
        """Bring a commit of a checkout on this machine here, with what it is made of.

        :param path: path of the checkout.
        :param commit: full id of the commit at its head.
        """
        if self._revision(commit) is None:
            other = "--upload-pack=%supload-pack" % _OTHER_END
            self.git.read("fetch", other, "--quiet", "--no-tags", "--no-write-fetch-head", "--", path, "HEAD:refs/stagecraft/head")

    def push(self, commit, branch, tag=None):
        """Move a branch of the repository forward to a commit: a plain push, so nothing but a fast-forward can pass.

        :param commit: full id of the commit.
        :param branch: name of the branch.
        :param tag: a new tag to push with it, both or none, as ``(id of the tag, name)``.
        :returns: how git ended.
        """
        refspecs = ["%s:refs/heads/%s" % (commit, branch)] + (["%s:refs/tags/%s" % tag] if tag else [])
        options = ["--porcelain", "--no-follow-tags", "--recurse-submodules=no"] + (["--atomic"] if tag else [])
        return self._far("push", "receive-pack", *(options + ["--", self.repository.url] + refspecs))


def _some(found, limit=8):
    """A few names for a message."""
    shown = ", ".join(found[:limit]) or "none"
    return shown + (", ... %d more" % (len(found) - limit) if len(found) > limit else "")

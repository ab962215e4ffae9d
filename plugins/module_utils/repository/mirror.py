# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bare copy of a repository that stays: what snapshots were made of is found in it, whatever becomes of the repository itself."""

from __future__ import annotations

import contextlib
import os
import re
import shutil

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import failures, names
from ansible_collections.stagecraft.release.plugins.module_utils.repository.clone import Clone
from ansible_collections.stagecraft.release.plugins.module_utils.repository.git import Git

FETCHED = "refs/stagecraft/fetched"
KEPT = "refs/stagecraft/snapshots/"
# git makes packs of its objects when it has so many loose ones or packs.
LOOSE, PACKS = 5000, 40
_ID = re.compile(r"[0-9a-f]{7,64}\Z")
_GITLINK = "160000"


class Mirror(Clone):
    """Context manager around the copy. One process at a time may change it: the caller sees to that.

    :param directory: where it is; None for a temporary one.
    :param url: address of the repository, possibly with credentials; needed only to fetch.
    :param timeout: seconds that each call of git may take.
    :param change: make it where it is not there or broken, and take away what a git left that was killed.
    """

    def __init__(self, directory, url=None, timeout=120, change=True):
        super().__init__(url or directory, timeout)
        self._change = change
        self.directory = self._stays = directory

    def __enter__(self):
        if not self._stays:
            return super().__enter__()
        self.git = Git(self.repository, self.directory, self.timeout)
        if not self._change:
            return self
        if self.git.run("rev-parse", "--git-dir").ok:
            self._unlock()
            return self
        try:
            shutil.rmtree(self.directory, ignore_errors=True)
            os.makedirs(self.directory)
        except OSError as exc:
            raise StagecraftError("%s: a copy of the repository could not be made there: %s. Look at the path and its file system."
                                  % (self.directory, exc.strerror or exc)) from exc
        self.git.read("init", "--bare", "--quiet", "--template=")
        return self

    def __exit__(self, *exc):
        if not self._stays:
            super().__exit__(*exc)

    def bring(self, ref):
        """Fetch a branch, a tag or a commit.

        :param ref: name of a branch or tag, or a full commit id.
        :returns: :class:`Revision`.
        :raises InputError: the repository cannot be read, or has no such thing.
        """
        wanted = self._wanted(ref)
        # Without what was fetched before, a shallow answer could pass for the new one.
        finished = self._fetch(["+%s:%s" % (wanted, FETCHED)])
        if not finished.ok:
            raise failures.unreachable(self.repository, finished, self.timeout)
        found = self._revision(FETCHED)
        if found is None:
            raise InputError("ref", ref, "names no commit of %s" % self.repository.shown, "Give a branch, or a tag that was made on a commit")
        return found

    def _wanted(self, ref):
        if names.is_commit(ref):
            return ref
        names.check_ref("ref", ref)
        there = self._remote_refs("refs/heads/" + ref, "refs/tags/" + ref)
        found = [name for name in ("refs/heads/" + ref, "refs/tags/" + ref) if name in there]
        if not found:
            known = ", ".join(self._branches()[:8]) or "none"
            raise InputError("ref", ref, "is neither a branch nor a tag of %s" % self.repository.shown,
                             "Give one that is there (branches: %s) or a full commit id" % known)
        if len(found) > 1:
            raise InputError("ref", ref, "is both a branch and a tag of %s" % self.repository.shown, "Rename one of them, or give the full commit id")
        return found[0]

    def committed(self, commit):
        """When a commit was made, in seconds since 1970."""
        return int(self.git.read("show", "--no-patch", "--format=%ct", commit))

    def follows(self, old, new):
        """Whether a commit has another one in its history; False too where that one is not known any more."""
        return self._revision(old) is not None and self.is_ancestor(old, new)

    def files(self, commit):
        """How many files a commit has.

        :raises InputError: it has a submodule, whose files it does not hold.
        """
        count = 0
        for line in self.git.read("ls-tree", "-r", "-z", "--full-tree", commit).split("\0"):
            if line.startswith(_GITLINK):
                raise InputError("ref", commit, "has the submodule %s, whose files are not in this repository" % line.partition("\t")[2],
                                 "Use a repository that holds all of its files")
            count += bool(line)
        return count

    def archive(self, commit, path):
        """Write the files of a commit to a tar archive."""
        self.git.read("archive", "--format=tar", "--output=" + path, commit)

    def keep(self, snapshot, commit):
        """Keep a commit, and that a snapshot was made from it."""
        names.check_ref("name", snapshot)
        self.git.read("update-ref", KEPT + snapshot, commit)

    def forget(self, snapshot):
        """Let go what :meth:`keep` kept."""
        self.git.run("update-ref", "-d", KEPT + snapshot)

    def tidy(self):
        """Pack the copy, now and then: fetching leaves many small files in it."""
        self.git.run("-c", "gc.auto=%d" % LOOSE, "-c", "gc.autoPackLimit=%d" % PACKS, "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet")

    def commit(self, text, field):
        """The full id of a commit that is known here, None where it is not.

        :param text: its id, or at least its first seven digits.
        :param field: the option that holds it.
        """
        if not _ID.match(text or ""):
            raise InputError(field, text, "is not the id of a commit", "Give the id as git log shows it, or at least its first seven digits")
        finished = self.git.run("rev-parse", "--verify", "--quiet", text + "^{commit}")
        if not finished.ok and "ambiguous" in finished.err:
            raise InputError(field, text, "is the beginning of several ids", "Give more digits of the id")
        return finished.out.strip() if finished.ok else None

    def containing(self, commit, without=None):
        """The snapshots that have a commit in their history, sorted.

        :param commit: full id.
        :param without: full id of a commit that they must not have.
        """
        limit = ["--no-contains", without] if without else []
        return sorted(self.git.read("for-each-ref", "--format=%(refname:strip=3)", "--contains", commit, *(limit + [KEPT])).splitlines())

    def _unlock(self):
        """Take away what a git that was killed left; no other one is at work here."""
        places = [self.directory] + [folder for folder, _folders, _files in os.walk(os.path.join(self.directory, "refs"))]
        for folder in places:
            for base in os.listdir(folder):
                if base.endswith(".lock"):
                    with contextlib.suppress(OSError):
                        os.unlink(os.path.join(folder, base))

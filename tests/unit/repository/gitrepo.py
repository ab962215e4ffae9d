# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real git repositories for the tests: a project's work tree and the bare repository it is pushed to."""

from __future__ import annotations

import os
import shutil
import subprocess

FROZEN = "name: model\nrequires:\n  - fs == 1.2.0\n  - std == 8.7.5\n"
IDENTITY = dict(
    GIT_AUTHOR_NAME="Dev",
    GIT_AUTHOR_EMAIL="dev@example.com",
    GIT_COMMITTER_NAME="Dev",
    GIT_COMMITTER_EMAIL="dev@example.com",
    GIT_CONFIG_GLOBAL=os.devnull,
    GIT_CONFIG_NOSYSTEM="1",
)


def git(directory, *args, **options):
    """Run git as a developer would, on a directory; return its output."""
    env = dict(os.environ, **IDENTITY)
    done = subprocess.run(
        ["git", "-C", str(directory)] + list(args), env=env, text=True, capture_output=True, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Project:
    """A project with a release branch ``release``, pushed to ``origin.git`` beside it."""

    def __init__(self, path, create=True):
        self.work = path / "work"
        self.origin = path / "origin.git"
        self.url = str(self.origin)
        if create:
            self._create(path)

    def _create(self, path):
        git(path, "init", "--quiet", "--bare", "--initial-branch=release", str(self.origin))
        git(path, "init", "--quiet", "--initial-branch=release", str(self.work))
        git(self.work, "remote", "add", "origin", self.url)

    def copy(self, path):
        """The same project somewhere else: making one takes twenty calls of git, copying it none."""
        shutil.copytree(self.work, path / "work")
        shutil.copytree(self.origin, path / "origin.git")
        other = Project(path, create=False)
        other.git("remote", "set-url", "origin", other.url)
        return other

    def commit(self, message, **files):
        """Commit files (``main_cf="..."`` is main.cf; None removes) and return the commit."""
        for name, text in files.items():
            path = self.work / name.replace("_", ".")
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--allow-empty", "-m", message)
        return git(self.work, "rev-parse", "HEAD")

    def git(self, *args):
        """Run git in the work tree."""
        return git(self.work, *args)

    def push(self, what="release:release"):
        """Push a refspec."""
        self.git("push", "--quiet", "origin", what)

    def tag(self, name, annotated=True, at="HEAD"):
        """Make and push a tag."""
        self.git(*(["tag"] + (["-a", "-m", name] if annotated else []) + [name, at]))
        self.push("refs/tags/" + name)

    def head(self, branch="release"):
        """Where the bare repository has a branch."""
        return git(self.origin, "rev-parse", "refs/heads/" + branch)

    def tree(self, revision):
        """The tree of a revision in the bare repository."""
        return git(self.origin, "rev-parse", revision + "^{tree}")

    def log(self, revision="release"):
        """The whole message of the commit at a revision of the bare repository."""
        return git(self.origin, "log", "-1", "--format=%an <%ae> / %cn <%ce>%n%B", revision)

    def hook(self, name, script):
        """Install a hook in the bare repository."""
        path = self.origin / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)


def released(path):
    """A project at release v1, with v2 (a merge and two commits) tagged but not yet on the branch."""
    project = Project(path)
    project.commit("Start", project_yml=FROZEN, main_cf="one")
    project.tag("v1")
    project.push()
    project.git("checkout", "--quiet", "-b", "dev")
    project.commit("Second file", extra_cf="extra")
    project.git("checkout", "--quiet", "-b", "side", "v1")
    project.commit("Side work", side_cf="side")
    project.git("checkout", "--quiet", "dev")
    project.git("merge", "--quiet", "--no-ff", "-m", "Merge side work", "side")
    project.commit("Second model", main_cf="two")
    project.tag("v2")
    project.git("checkout", "--quiet", "release")
    return project


def upgraded(path):
    """A project whose branch is at release v2."""
    project = released(path)
    project.git("merge", "--quiet", "--ff-only", "v2")
    project.push()
    return project

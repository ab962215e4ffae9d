# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``git_release_commit`` on real repositories."""

from __future__ import annotations

import subprocess

import pytest

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import publishing
from ansible_collections.stagecraft.release.plugins.module_utils.repository.clone import Clone
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import git_release_commit as module
from ansible_collections.stagecraft.release.tests.unit.repository.gitrepo import FROZEN, git

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.repository.fixtures import (  # noqa: F401
    own_git_settings,
    prepared,
    project,
)

NEW = FROZEN + "# ✓ frozen\n"


def execute(on, check_mode=False, files=None, **given):
    files = {"project.yml": NEW} if files is None else files
    options = dict({"path": str(on.work), "branch": "release", "release": "v3", "files": files}, **given)
    validated = ArgumentSpecValidator(module.SPEC["argument_spec"]).validate(options)
    assert not validated.error_messages, validated.error_messages
    return module.execute(Call(validated.validated_parameters, check_mode))


def everything(on):
    """What a refused release must not change."""
    files = {str(path.relative_to(on.work)): path.read_bytes() for path in on.work.rglob("*") if path.is_file() and ".git" not in path.parts}
    return files, on.git("for-each-ref"), git(on.origin, "for-each-ref"), on.git("status", "--porcelain"), on.git("symbolic-ref", "-q", "HEAD")


def refused(on, *texts, kind=InputError, **given):
    """Both refused and left alone, in check mode too."""
    before = everything(on)
    for check_mode in (True, False):
        with pytest.raises(kind) as raised:
            execute(on, check_mode, **given)
        assert [text for text in texts if text not in raised.value.message] == [], raised.value.message
        assert everything(on) == before
    return raised.value


def test_released_once(project):  # noqa: F811
    before = everything(project)
    head = project.head()
    said = execute(project, check_mode=True)
    assert everything(project) == before
    first = execute(project, author="Robot <r@example.com>", commit_message="Frozen\n\nfor v3")
    assert {key for key in first if first[key] != said[key]} == {"head", "commit", "commits", "diff"}
    assert (first["changed"], first["committed"], first["tagged"], first["head_before"]) == (True, True, True, head)
    assert project.git("show", "origin/release:project.yml") + "\n" == (project.work / "project.yml").read_text() == NEW
    assert project.head() == first["commit"] == project.git("rev-parse", "HEAD") == git(project.origin, "rev-parse", "v3^{commit}")
    assert project.log() == "Robot <r@example.com> / Robot <r@example.com>\nFrozen\n\nfor v3"
    assert git(project.origin, "for-each-ref", "--format=%(objecttype) %(taggername) %(contents:subject)", "refs/tags/v3") == "tag Robot Release v3"
    assert project.git("status", "--porcelain", "--branch") in ("## release", "## release...origin/release")
    assert project.git("fsck", "--strict") == git(project.origin, "fsck", "--strict") == ""
    after = everything(project)
    again = execute(project)
    assert (again["changed"], again["committed"], again["tagged"], again["commit"]) == (False, False, False, first["commit"])
    assert everything(project) == after


def test_nothing_to_commit_means_no_commit(project):  # noqa: F811
    head = project.head()
    said, made = execute(project, True, {"project.yml": FROZEN}), execute(project, False, {"project.yml": FROZEN})
    assert (made["changed"], made["committed"], made["tagged"], made["commit"], said["commit"]) == (True, False, True, head, head)
    assert project.head() == head == git(project.origin, "rev-parse", "v3^{commit}")
    assert not execute(project, False, {})["changed"]


def test_commits_that_were_not_pushed_go_with_it(project):  # noqa: F811
    project.commit("One", main_cf="1")
    project.commit("Two", main_cf="2")
    said, made = execute(project, True)["commits"], execute(project)["commits"]
    assert [line.split(" ", 1)[1] for line in made] == ["Freeze the modules for v3", "Two", "One"]
    assert said == ["(new) Freeze the modules for v3"] + made[1:]


def test_identity_of_the_checkout(project):  # noqa: F811
    project.git("config", "user.name", "Own")
    project.git("config", "user.email", "own@example.com")
    execute(project)
    assert project.log().startswith("Own <own@example.com> / Own <own@example.com>\n")


def test_dirty(project):  # noqa: F811
    (project.work / "main.cf").write_text("other")
    refused(project, "path", str(project.work), "not committed", "M main.cf")


def test_file_that_git_does_not_know(project):  # noqa: F811
    (project.work / "new.cf").write_text("other")
    refused(project, "not committed", "new.cf", ".gitignore")
    (project.work / ".git/info/exclude").write_text("new.cf\n")
    (project.work / ".cfcache").mkdir()
    (project.work / ".cfcache/x").write_text("the compiler's")
    assert execute(project)["changed"]


def test_staged(project):  # noqa: F811
    (project.work / "main.cf").write_text("other")
    project.git("add", "main.cf")
    refused(project, "not committed", "M  main.cf")


@pytest.mark.parametrize("branch, texts", [("dev", ["branch", "'release'", "that is dev", "git switch release"]),
                                           ("--detach", ["that is no branch at all"])])
def test_wrong_branch(project, branch, texts):  # noqa: F811
    project.git("checkout", "--quiet", branch)
    head = project.git("rev-parse", "HEAD")
    with pytest.raises(InputError) as raised:
        execute(project)
    assert not [text for text in texts if text not in raised.value.message] and project.git("rev-parse", "HEAD") == head


def test_branch_that_is_not_in_the_repository(project):  # noqa: F811
    project.git("checkout", "--quiet", "-b", "new")
    refused(project, "branch", "'new'", "is not a branch of", branch="new")


def test_not_the_top_of_a_checkout(project, tmp_path):  # noqa: F811
    (project.work / "sub").mkdir()
    for path in (project.work / "sub", tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputError, match="path: .*is not the top directory of a git checkout"):
            execute(project, path=str(path))


def test_unknown_remote(project):  # noqa: F811
    refused(project, "remote", "'upstream'", "it has: origin", remote="upstream")


@pytest.mark.parametrize("release", ["a b", "-x", "x..y", ""])
def test_bad_tag(project, release):  # noqa: F811
    refused(project, "release", "is not a name that git allows", release=release)


def test_tag_that_is_taken(project):  # noqa: F811
    refused(project, "release", "'v2'", "is a tag of", "never moved", release="v2")
    refused(project, "release", "'v1'", "never moved", release="v1")


def test_tag_that_is_only_in_the_checkout(project):  # noqa: F811
    project.git("tag", "v3")
    refused(project, "release", "'v3'", "never pushed", "git tag -d v3")


def test_file_that_is_not_there(project):  # noqa: F811
    refused(project, "files", "'none.yml'", "is not a file of the commit", files={"none.yml": "x"})


def elsewhere(on, path, name="main.cf"):
    """Somebody else pushes to the release branch."""
    git(path, "clone", "--quiet", "--branch", "release", on.url, "other")
    (path / "other" / name).write_text("theirs")
    git(path / "other", "commit", "--quiet", "--all", "-m", "Theirs")
    git(path / "other", "push", "--quiet", "origin", "release")


def test_somebody_else_pushed_before(project, tmp_path):  # noqa: F811
    elsewhere(project, tmp_path)
    refused(project, "branch", "moved in the repository by somebody else", "lacks 1 commits", "git pull")


def test_diverged(project, tmp_path):  # noqa: F811
    elsewhere(project, tmp_path)
    project.commit("Ours", side_cf="ours")
    refused(project, "lacks 1 commits", "has commits of its own")


def test_somebody_else_pushed_meanwhile(project, tmp_path, monkeypatch):  # noqa: F811
    """Between the look at the repository and the push."""
    real = publishing._tag

    def meanwhile(*given):
        elsewhere(project, tmp_path)
        return real(*given)

    monkeypatch.setattr(publishing, "_tag", meanwhile)
    local = everything(project)[:2]
    with pytest.raises(StagecraftError, match="'release' moved from .* while this run looked at it; nothing was pushed"):
        execute(project)
    assert everything(project)[:2] == local
    assert "v3" not in git(project.origin, "tag") and project.log().splitlines()[1] == "Theirs"


def test_somebody_else_pushed_at_the_very_moment(project, tmp_path, monkeypatch):  # noqa: F811
    """Between the last look and the push: git refuses it, and the tag does not get in either."""
    real = Clone.push

    def late(self, *given):
        elsewhere(project, tmp_path)
        return real(self, *given)

    monkeypatch.setattr(Clone, "push", late)
    local = everything(project)[:2]
    with pytest.raises(StagecraftError, match="was rejected: .*fetch first.*Somebody else moved it meanwhile"):
        execute(project)
    assert everything(project)[:2] == local and "v3" not in git(project.origin, "tag").split()
    assert project.log().splitlines()[1] == "Theirs"


def test_push_that_arrived_though_git_failed_counts(project, monkeypatch):  # noqa: F811
    real = Clone.push

    def cut_off(self, *given):
        finished = real(self, *given)
        finished.code = None
        return finished

    monkeypatch.setattr(Clone, "push", cut_off)
    made = execute(project)
    assert made["changed"] and project.git("rev-parse", "HEAD") == project.head() == git(project.origin, "rev-parse", "v3^{commit}")


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_push_rejected(project, hook):  # noqa: F811
    project.hook(hook, "echo releases are frozen this week >&2; exit 1\n")
    before = everything(project)
    with pytest.raises(StagecraftError, match="was rejected.*frozen this week.*The branch is as it was"):
        execute(project)
    assert everything(project) == before


def test_tag_rejected_keeps_the_branch_too(project):  # noqa: F811
    project.hook("update", "case $1 in refs/tags/*) echo no tags today >&2; exit 1;; esac\n")
    before = everything(project)
    for files in ({"project.yml": NEW}, {}):
        with pytest.raises(StagecraftError, match="was rejected.*no tags today.*The branch is as it was"):
            execute(project, files=files)
        assert everything(project) == before


def test_pushed_and_the_checkout_cannot_follow(project, monkeypatch):  # noqa: F811
    """A file appeared in the way meanwhile: the release is made, and the message says how the checkout gets it."""
    real = publishing._tag

    def meanwhile(*given):
        (project.work / "project.yml").write_text("edited meanwhile")
        return real(*given)

    monkeypatch.setattr(publishing, "_tag", meanwhile)
    with pytest.raises(StagecraftError, match="was pushed to 'release', but the checkout .* git pull --ff-only") as raised:
        execute(project)
    assert project.head() == raised.value.details["commit"] and (project.work / "project.yml").read_text() == "edited meanwhile"


def test_hooks_and_credentials_of_nobody(project, tmp_path):  # noqa: F811
    """No hook of the checkout runs, and a remote with a relative address is the one that git means."""
    for name in ("pre-commit", "pre-push", "post-merge", "commit-msg"):
        path = project.work / ".git/hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\ntouch %s\n" % (tmp_path / "ran"))
        path.chmod(0o755)
    project.git("remote", "set-url", "origin", "../origin.git")
    assert execute(project)["changed"] and not (tmp_path / "ran").exists()


def test_carriage_returns_of_the_checkout_are_not_committed(project):  # noqa: F811
    execute(project, files={"project.yml": NEW.replace("\n", "\r\n")})
    raw = subprocess.run(["git", "-C", str(project.origin), "show", "release:project.yml"], capture_output=True, check=True).stdout
    assert raw == NEW.encode()

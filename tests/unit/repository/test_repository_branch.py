# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving a release branch in real repositories: forward, back, refused, rejected, raced."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import branch as room
from ansible_collections.stagecraft.release.plugins.module_utils.repository.clone import Clone

RESULT = {"changed", "head", "head_before", "tree", "tree_before", "commits"}


def forward(project, release="v2", **options):
    return room.bring_to_release(project.url, "release", release, **options)


def back(project, release="v2", previous="v1", **options):
    return room.revert_to(project.url, "release", release, previous, **options)


def subjects(result):
    return [line.split(" ", 1)[1] for line in result["commits"]]


def test_fast_forward_to_the_tags_commit(project):
    before = project.head()
    result = forward(project)
    assert result["changed"] and set(result) == RESULT
    assert project.head() == project.git("rev-parse", "v2^{commit}") == result["head"]
    assert (result["head_before"], result["tree"]) == (before, project.tree("v2"))
    assert set(subjects(result)) == {"Second file", "Side work", "Merge side work", "Second model"}
    again = forward(project)
    assert not again["changed"] and again["commits"] == [] and again["head"] == result["head"]


def test_check_mode_says_and_pushes_nothing(project):
    before = project.head()
    said = forward(project, check_mode=True)
    assert project.head() == before
    assert said == forward(project)


def test_equal_tree_on_another_commit_is_at_the_release(project):
    project.git("merge", "--quiet", "--squash", "v2")
    squashed = project.commit("Release two, squashed")
    project.push()
    result = forward(project)
    assert not result["changed"] and result["head"] == squashed


def test_pushing_switched_off_names_the_variable(project):
    before = project.head()
    for check_mode in (False, True):
        with pytest.raises(InputError, match="inmanta_model_push") as caught:
            forward(project, push=False, check_mode=check_mode)
        assert set(caught.value.details) == RESULT and not caught.value.details["changed"]
    assert project.head() == before
    assert not forward(project, "v1", push=False)["changed"]


def test_diverged_branch_is_refused_with_its_commits(project):
    hotfix = project.commit("Hot fix", main_cf="fix")
    project.push()
    with pytest.raises(InputError, match=r"branch: 'release' cannot be moved to release 'v2'.*Hot fix.*never forced"):
        forward(project)
    assert project.head() == hotfix


def test_an_aborted_release_has_an_error_of_its_own(at_v2):
    back(at_v2)
    with pytest.raises(InputError, match=r"release: 'v2' was aborted: its commit .* was reverted. Revert the revert"):
        forward(at_v2)
    assert not forward(at_v2, "v1")["changed"]


def test_aborted_release_can_come_back_under_a_new_tag(at_v2):
    back(at_v2)
    at_v2.git("pull", "--quiet", "--ff-only", "origin", "release")
    at_v2.git("revert", "--no-edit", "HEAD")
    at_v2.tag("v2-1")
    assert forward(at_v2, "v2-1")["changed"]
    assert at_v2.tree("release") == at_v2.tree("v2")


def test_a_release_that_later_ones_followed_is_not_called_aborted(at_v2):
    with pytest.raises(InputError, match=r"release: 'v1' is behind branch 'release'.*Second model") as caught:
        forward(at_v2, "v1")
    assert "aborted" not in caught.value.message


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
@pytest.mark.parametrize("move", [forward, back])
def test_rejection_by_the_server_gives_its_words(at_v2, hook, move):
    at_v2.commit("Third", main_cf="three")
    at_v2.tag("v3")
    before = at_v2.head()
    at_v2.hook(hook, "echo 'only on Tuesdays' >&2; exit 1\n")
    with pytest.raises(StagecraftError, match="was rejected: .*only on Tuesdays.*declined.* is as it was") as caught:
        move(at_v2, **({"release": "v3"} if move is forward else {}))
    assert not isinstance(caught.value, InputError)
    assert at_v2.head() == before
    assert set(caught.value.details) == RESULT and not caught.value.details["changed"]


def test_protected_branch_is_a_rejection(project):
    before = project.head()
    project.hook("pre-receive", "exit 0\n")
    (project.origin / "config").open("a").write("[receive]\n\tdenyCurrentBranch = refuse\n[core]\n\tbare = false\n")
    with pytest.raises(StagecraftError, match="rejected: .*checked out"):
        forward(project)
    assert project.head() == before


@pytest.mark.parametrize("move", [forward, back])
def test_push_of_another_person_before_ours_is_noticed(at_v2, move):
    """The heartbeat runs right before the push: somebody pushes just then."""
    at_v2.commit("Third", main_cf="three")
    at_v2.tag("v3")
    at_v2.git("checkout", "--quiet", "-b", "other", "v2")
    theirs = at_v2.commit("Their work", other_cf="other")
    with pytest.raises(StagecraftError, match="moved from .* nothing was pushed"):
        options = {"release": "v3"} if move is forward else {}
        move(at_v2, heartbeat=lambda: at_v2.push("other:release"), **options)
    assert at_v2.head() == theirs


@pytest.mark.parametrize("move", [forward, back])
def test_push_of_another_person_during_ours_is_never_overwritten(at_v2, move, monkeypatch):
    """Between the last look and the push: git itself has to refuse."""
    at_v2.commit("Third", main_cf="three")
    at_v2.tag("v3")
    at_v2.git("checkout", "--quiet", "-b", "other", "v2")
    theirs = at_v2.commit("Their work", other_cf="other")
    real = Clone.push

    def late(self, *given):
        at_v2.push("other:release")
        return real(self, *given)

    monkeypatch.setattr(Clone, "push", late)
    with pytest.raises(StagecraftError, match="rejected: .*fetch first.* Somebody else moved it meanwhile"):
        move(at_v2, **({"release": "v3"} if move is forward else {}))
    assert at_v2.head() == theirs


def test_push_of_another_person_while_the_server_takes_ours(project):
    """The server's hook moves the branch after git compared: the server's own check refuses, or the proof fails."""
    project.git("checkout", "--quiet", "-b", "other", "v1")
    theirs = project.commit("Their work", other_cf="other")
    project.push("other:refs/keep/other")
    project.hook("pre-receive", "unset GIT_QUARANTINE_PATH; git update-ref refs/heads/release %s\n" % theirs)
    with pytest.raises(StagecraftError, match="rejected: .* Somebody else moved it meanwhile"):
        forward(project)
    assert project.head() == theirs


def test_push_on_top_of_ours_fails_the_proof(project):
    project.git("checkout", "--quiet", "-b", "other", "v2")
    theirs = project.commit("Their work", other_cf="other")
    project.push("other:refs/keep/other")
    project.hook("post-receive", "git update-ref refs/heads/release %s\n" % theirs)
    with pytest.raises(StagecraftError, match="somebody pushed at the same time") as caught:
        forward(project)
    assert caught.value.details["head"] == theirs and caught.value.details["changed"]


def test_push_that_arrived_though_git_failed_counts(project, monkeypatch):
    real = Clone.push

    def cut_off(self, *given):
        finished = real(self, *given)
        finished.code = None
        return finished

    monkeypatch.setattr(Clone, "push", cut_off)
    assert forward(project)["changed"]


def test_heartbeat_that_raises_stops_the_push(project):
    before = project.head()

    def stop():
        raise StagecraftError("the lock was taken")

    with pytest.raises(StagecraftError, match="lock was taken"):
        forward(project, heartbeat=stop)
    assert project.head() == before


def test_settings_of_the_operator_force_and_hook_nothing(project, tmp_path):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-push").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-push").chmod(0o755)
    (tmp_path / "gitconfig").write_text(
        "[core]\n\thooksPath = %s\n[push]\n\tfollowTags = true\n[fetch]\n\tprune = true\n" % hooks
    )
    assert forward(project)["changed"]


def test_revert_of_a_merge_gives_the_previous_tree(at_v2):
    before = at_v2.head()
    result = back(at_v2)
    assert result["changed"] and set(result) == RESULT
    assert at_v2.head() == result["head"] != before
    assert at_v2.tree("release") == at_v2.tree("v1") == result["tree"]
    assert at_v2.git("ls-remote", "origin", "refs/heads/release").split()[0] == result["head"]
    assert at_v2.tree("release~1") == result["tree_before"] == at_v2.tree("v2")
    log = at_v2.log()
    assert 'Revert "v2": back to v1' in log
    assert "%s..%s" % (at_v2.git("rev-parse", "v1^{commit}"), before) in log
    for subject in ("Second file", "Side work", "Merge side work", "Second model"):
        assert subject in log and subject in subjects(result)


def test_revert_again_changes_nothing(at_v2):
    head = back(at_v2)["head"]
    result = back(at_v2)
    assert not result["changed"] and result["head"] == head == at_v2.head()


def test_revert_before_the_release_was_on_the_branch_changes_nothing(project):
    assert not back(project)["changed"]


def test_check_mode_of_a_revert(at_v2):
    before = at_v2.head()
    said = back(at_v2, check_mode=True)
    assert said["changed"] and said["head"] is None and said["tree"] == at_v2.tree("v1")
    assert at_v2.head() == before
    assert said["commits"] == back(at_v2)["commits"]


def test_revert_to_a_commit_id(at_v2):
    result = back(at_v2, previous=at_v2.git("rev-parse", "v1^{commit}"))
    assert result["changed"] and at_v2.tree("release") == at_v2.tree("v1")


def test_revert_after_the_branch_went_back_and_forth_lists_only_the_last_step(at_v2):
    back(at_v2)
    at_v2.git("pull", "--quiet", "--ff-only", "origin", "release")
    at_v2.git("revert", "--no-edit", "HEAD")
    at_v2.tag("v2-1")
    forward(at_v2, "v2-1")
    assert len(back(at_v2, "v2-1")["commits"]) == 1
    assert at_v2.tree("release") == at_v2.tree("v1")


def test_revert_refuses_when_somebody_pushed_more(at_v2):
    more = at_v2.commit("Their work", other_cf="other")
    at_v2.push()
    with pytest.raises(InputError, match=r"branch: 'release' has gone on since release 'v2': '\w+ Their work'"):
        back(at_v2)
    assert at_v2.head() == more


def test_revert_refuses_a_release_that_never_was_there(project):
    project.commit("Hot fix", main_cf="fix")
    project.push()
    with pytest.raises(InputError, match="branch: 'release' is not at release 'v2'"):
        back(project)


def test_revert_refuses_a_previous_that_never_was_there(at_v2):
    at_v2.commit("Third", main_cf="three")
    at_v2.tag("v3")
    with pytest.raises(InputError, match="previous: 'v3' was never on branch 'release'"):
        back(at_v2, previous="v3")


def test_revert_with_pushing_switched_off(at_v2):
    before = at_v2.head()
    with pytest.raises(InputError, match="inmanta_model_push"):
        back(at_v2, push=False)
    assert at_v2.head() == before


@pytest.mark.parametrize(
    ("config", "author", "expected"),
    [
        ("", None, room.FALLBACK_IDENTITY),
        ("[user]\n\tname = Op\n", None, room.FALLBACK_IDENTITY),
        ("[user]\n\tname = Op\n\temail = op@example.com\n", None, "Op <op@example.com>"),
        ("[user]\n\tname = Op\n\temail = op@example.com\n", "A Robot <r@example.com>", "A Robot <r@example.com>"),
    ],
)
def test_identity_of_a_revert(at_v2, tmp_path, config, author, expected):
    (tmp_path / "gitconfig").write_text(config)
    back(at_v2, author=author)
    assert at_v2.log().splitlines()[0] == "%s / %s" % (expected, expected)


def test_message_of_a_revert(at_v2):
    back(at_v2, message="Abort v2\n\nCHG-17 went wrong.\n")
    log = at_v2.log()
    assert "Abort v2\n\nCHG-17 went wrong.\n" in log and "Second model" in log and "Revert" not in log.splitlines()[1]


@pytest.mark.parametrize("author", ["Robot", "<r@example.com>", "Robot <r@example.com", "A\nB <r@example.com>"])
def test_bad_author(at_v2, author):
    with pytest.raises(InputError, match="author: .* is not an author"):
        back(at_v2, author=author)


def test_long_lists_are_cut_in_the_message():
    text = room.revert_message("release", "v2", "v1", ("a", "b"), ["%d x" % number for number in range(500)])
    assert text.endswith("  ... 300 more\n") and len(text.splitlines()) < 210

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of a release from real repositories."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.branch import revert_to
from ansible_collections.stagecraft.release.plugins.module_utils.repository.release import inspect


def read(project, release="v2", branch="release", previous=None):
    return inspect(project.url, release, branch, previous)


def standing(found):
    branch = found["branch"]
    return branch["at_release"], branch["contains_release"], branch["fast_forward"], found["aborted"]


def test_everything_about_a_release(project):
    found = read(project, previous="v1")
    assert found == {
        "release": "v2",
        "commit": project.git("rev-parse", "v2^{commit}"),
        "tree": project.tree("v2"),
        "annotated": True,
        "released": True,
        "problems": [],
        "modules": ["fs", "std"],
        "settings": {},
        "aborted": False,
        "branch": {
            "name": "release",
            "head": project.head(),
            "tree": project.tree("v1"),
            "at_release": False,
            "contains_release": False,
            "fast_forward": True,
        },
        "previous": {"release": "v1", "commit": project.git("rev-parse", "v1^{commit}"), "tree": project.tree("v1")},
    }


def test_without_a_branch(project):
    found = read(project, branch=None)
    assert found["branch"] is None and found["previous"] is None and found["aborted"] is False


def test_at_the_release(at_v2):
    assert standing(read(at_v2)) == (True, True, True, False)


def test_gone_on_since_is_not_aborted(at_v2):
    assert standing(read(at_v2, "v1")) == (False, True, False, False)


def test_taken_back_is_aborted(at_v2):
    revert_to(at_v2.url, "release", "v2", "v1")
    assert standing(read(at_v2)) == (False, True, False, True)
    assert standing(read(at_v2, "v1")) == (True, True, False, False)


def test_taken_back_by_hand_and_gone_on_is_aborted(at_v2):
    at_v2.git("rm", "--quiet", "extra.cf", "side.cf")
    at_v2.commit("Undo", main_cf="one")
    at_v2.commit("Another way", main_cf="three")
    at_v2.push()
    assert standing(read(at_v2)) == (False, True, False, True)


def test_diverged(project):
    project.commit("Hot fix", main_cf="fix")
    project.push()
    assert standing(read(project)) == (False, False, False, False)


def test_side_branch_with_an_old_tree_is_no_abort(at_v2):
    """A branch that forked before the release and was merged after it brings commits with trees from before."""
    at_v2.git("checkout", "--quiet", "-b", "old", "v1")
    at_v2.commit("Try", main_cf="try")
    at_v2.git("revert", "--no-edit", "HEAD")
    at_v2.git("checkout", "--quiet", "release")
    at_v2.git("merge", "--quiet", "--no-ff", "-m", "Merge old", "old")
    at_v2.commit("Third", main_cf="three")
    at_v2.push()
    assert standing(read(at_v2)) == (False, True, False, False)


def test_lightweight_tag(project):
    project.tag("light", annotated=False)
    found = read(project, "light")
    assert found["annotated"] is False and found["branch"]["at_release"] is True


def test_problems_are_those_of_the_tag_not_of_the_branch(project):
    project.commit("Thaw", project_yml="requires: [std, 'x @ git+https://u:s3cret@h/x']\n")
    project.tag("thawed")
    found = read(project, "thawed")
    assert found["released"] is False and len(found["problems"]) == 2 and "s3cret" not in str(found)
    project.commit("No project", project_yml=None)
    project.tag("none")
    assert "not there" in read(project, "none")["problems"][0]
    assert read(project)["released"] is True


def test_previous_as_commit_id(project):
    commit = project.head()
    assert read(project, previous=commit)["previous"]["commit"] == commit


def test_previous_that_is_only_reached_by_its_id(project):
    project.git("checkout", "--quiet", "-b", "elsewhere", "v1")
    commit = project.commit("Elsewhere", main_cf="x")
    project.push("elsewhere:elsewhere")
    assert read(project, previous=commit)["previous"]["commit"] == commit


@pytest.mark.parametrize("previous", ["0" * 40, "v0", "abcdef1"])
def test_previous_that_is_not_there(project, previous):
    with pytest.raises(InputError, match="previous: '%s' is not a (tag|commit) of" % previous):
        read(project, previous=previous)

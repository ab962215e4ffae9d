# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that mark, pin, approve and record."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Pin
from ansible_collections.stagecraft.release.plugins.modules import rollout_approval, rollout_mark, rollout_pin, rollout_record, rollout_snapshot
from ansible_collections.stagecraft.release.tests.unit.repository.fixtures import own_git_settings  # noqa: F401  # pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.repository.gitrepo import Project
from ansible_collections.stagecraft.release.tests.unit.rollout.store_samples import at, load, make, named, ran, run, tree


@pytest.fixture
def state_dir(tmp_path):
    """A state with three snapshots."""
    make(tmp_path / "state", 7, 8, 9)
    return tmp_path / "state"


def do(module, state_dir, now=at(10), **given):
    """Run a module."""
    return run(module, now, state_dir=str(state_dir), **dict({"by": "carol"}, **given))


def marks(state_dir):
    """Every record of a mark, in short."""
    return [(mark.snapshot[-4:], mark.state, mark.by, mark.why, mark.approved) for mark in load(state_dir).marks]


# Marks

def test_marks_are_made_and_kept(state_dir):
    ran(state_dir, 8, "web1", "web2")
    ran(state_dir, 7, "web3")
    done = do(rollout_mark, state_dir, snapshots=[named(8), named(9)], state="bad", why=" breaks dns ")
    assert done["changed"] and done["marked"] == done["snapshots"] == [named(8), named(9)] and done["targets"] == ["web1", "web2"]
    assert done["message"] == "Marked bad: %s, %s. 2 targets run one of them." % (named(8), named(9))
    again = do(rollout_mark, state_dir, snapshots=[named(8)], state="bad", why="breaks dns", by="dave")
    assert not again["changed"] and again["marked"] == [] and "Already marked bad" in again["message"]
    do(rollout_mark, state_dir, snapshots=[named(8)], state="badfwd", why="breaks dns", approved="eve")
    do(rollout_mark, state_dir, snapshots=[named(9)], state="none")
    assert not do(rollout_mark, state_dir, snapshots=[named(9)], state="none", by="dave")["changed"]
    assert marks(state_dir) == [("0800", "bad", "carol", "breaks dns", ""), ("0900", "bad", "carol", "breaks dns", ""),
                                ("0800", "badfwd", "carol", "breaks dns", "eve"), ("0900", "none", "carol", "", "")]
    assert load(state_dir).last_marks.get(named(8)).approved == "eve" and load(state_dir).last_marks.get(named(9)) is None


@pytest.mark.parametrize(("given", "field"), [
    ({"snapshots": ["20140211-0600"]}, "snapshots"), ({"snapshots": []}, "snapshots"), ({"why": " "}, "why"), ({"approved": "eve"}, "approved"),
    ({"snapshots": None, "commit": "HEAD"}, "commit"), ({"snapshots": None, "range": "1234567"}, "range"), ({"state_dir": "none"}, "state_dir"),
    ({"snapshots": [named(8), "gone"]}, "snapshots"),
])
def test_what_cannot_be_marked_is_refused_whole(state_dir, given, field):
    before = tree(state_dir)
    with pytest.raises(InputError) as caught:
        run(rollout_mark, at(10), **dict({"snapshots": [named(8)], "state": "bad", "why": "x", "state_dir": str(state_dir)}, **given))
    assert caught.value.field == field and tree(state_dir) == before


def test_an_unknown_snapshot_is_told_with_those_that_are_there(state_dir):
    with pytest.raises(InputError, match="is no snapshot that is there. Give the name of one .the newest: %s, %s, %s." % (named(7), named(8), named(9))):
        do(rollout_mark, state_dir, snapshots=["20140211-800"], state="bad", why="x")


def test_check_mode_and_diff(state_dir):
    before = tree(state_dir)
    done = do(rollout_mark, state_dir, snapshots=[named(8)], state="bad", why="x", check_mode=True)
    assert done["changed"] and done["diff"] == {"before": {named(8): "none"}, "after": {named(8): "bad"}} and "Would be marked bad" in done["message"]
    assert tree(state_dir) == before


def test_by_commit_and_by_range(tmp_path):
    project, state_dir = Project(tmp_path), tmp_path / "state"
    commits = {}
    for hour, name in ((7, "before"), (8, "bad"), (9, "more"), (10, "fix"), (11, "after")):
        commits[name] = project.commit(name, main_cf=name)
        project.push()
        do(rollout_snapshot, state_dir, at(hour), repository=project.url, ref="release")
    side = project.commit("never taken", main_cf="side")

    def found(**given):
        return [name[-4:] for name in do(rollout_mark, state_dir, state="bad", why="x", check_mode=True, **given)["snapshots"]]

    assert found(commit=commits["bad"]) == ["0800", "0900", "1000", "1100"] and found(commit=commits["bad"][:8]) == ["0800", "0900", "1000", "1100"]
    assert found(range="%s..%s" % (commits["bad"], commits["fix"])) == ["0800", "0900"]
    assert found(range="%s..%s" % (commits["bad"][:9], side)) == ["0800", "0900", "1000", "1100"]  # no snapshot has that fix yet
    done = do(rollout_mark, state_dir, state="bad", why="x", range="%s..%s" % (commits["bad"], commits["fix"]))
    record = json.loads((state_dir / "marks.jsonl").read_text().splitlines()[0])
    assert done["marked"] == [named(8), named(9)] and (record["commit"], record["fix"]) == (commits["bad"], commits["fix"])
    for given, said in (({"commit": side}, "is in no snapshot that is there"), ({"commit": "0" * 40}, "is in no snapshot"),
                        ({"commit": "abc"}, "is not the id"),
                        ({"range": "%s..%s" % (commits["fix"], commits["bad"])}, "the first commit is not in the history of the second"),
                        ({"range": commits["fix"] + ".."}, "is not a range"), ({"range": "-x..%s" % commits["fix"]}, "is not the id")):
        with pytest.raises(InputError, match=said):
            found(**given)
    # The repository is not needed, and a history that was rewritten changes nothing about what was taken.
    project.origin.rename(tmp_path / "gone")
    assert found(commit=commits["more"]) == ["0900", "1000", "1100"]
    do(rollout_snapshot, state_dir, at(11), state="absent", name=named(9))
    assert found(commit=commits["more"]) == ["1000", "1100"]


def test_a_commit_needs_a_repository(state_dir):
    with pytest.raises(InputError, match="no snapshot was taken"):
        do(rollout_mark, state_dir, commit="1234567", state="good")


# Pins

def test_pins_are_made_and_taken_away(state_dir):
    given = {"targets": ["web1", "web2"], "snapshot": named(7), "duration": "4h", "why": "INC-1"}
    done = do(rollout_pin, state_dir, **given)
    assert done["changed"] and done["targets"] == ["web1", "web2"] and done["expires"] == "2014-02-11 14:00 UTC"
    assert load(state_dir).pins == {name: Pin(name, named(7), at(14), "carol", "INC-1", False) for name in ("web1", "web2")}
    assert not do(rollout_pin, state_dir, **given)["changed"]
    assert do(rollout_pin, state_dir, **{**given, "targets": ["web1", "web1"], "duration": "5h"})["targets"] == ["web1"]
    done = do(rollout_pin, state_dir, at(11), targets=["web1", "web9"], state="absent")
    assert done["targets"] == ["web1"] and done["expires"] is None and set(load(state_dir).pins) == {"web2"}
    assert not do(rollout_pin, state_dir, targets=["web1"], state="absent")["changed"]
    assert len((state_dir / "pins.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(("given", "field"), [
    ({"snapshot": "20140211-0600"}, "snapshot"), ({"snapshot": named(8)}, "snapshot"), ({"snapshot": None}, "snapshot"), ({"why": ""}, "why"),
    ({"duration": "0"}, "duration"), ({"duration": "long"}, "duration"), ({"duration": ""}, "duration"), ({"duration": None}, "expires"),
    ({"duration": None, "expires": "2014-02-11 10:00"}, "expires"), ({"duration": None, "expires": "tomorrow"}, "expires"),
    ({"targets": []}, "targets"), ({"targets": ["a", " "]}, "targets"),
])
def test_a_pin_that_could_not_work_is_refused(state_dir, given, field):
    do(rollout_mark, state_dir, snapshots=[named(8)], state="bad", why="x")
    before = tree(state_dir)
    with pytest.raises(InputError) as caught:
        do(rollout_pin, state_dir, **dict({"targets": ["web1"], "snapshot": named(7), "duration": "1h", "why": "w"}, **given))
    assert caught.value.field == field and tree(state_dir) == before


def test_an_emergency_goes_to_a_bad_one_on_record(state_dir):
    do(rollout_mark, state_dir, snapshots=[named(8)], state="bad", why="x")
    do(rollout_pin, state_dir, targets=["web1"], snapshot=named(8), expires="2014-02-11T12:30+01:00", why="only one that boots", emergency=True)
    assert load(state_dir).pins["web1"] == Pin("web1", named(8), at(11.5), "carol", "only one that boots", True)


def test_pins_in_check_mode(state_dir):
    before = tree(state_dir)
    done = do(rollout_pin, state_dir, targets=["a"], snapshot=named(7), duration="1h", why="w", check_mode=True)
    assert done["changed"] and done["diff"]["before"] == {"a": None} and done["diff"]["after"]["a"]["until"] == at(11) and tree(state_dir) == before


# Approvals

def test_approvals_are_given_and_taken_back(state_dir, tmp_path):
    done = do(rollout_approval, state_dir, ring="prod", snapshot=named(8), why="CHG-1")
    assert done["changed"] and done["approval"]["by"] == "carol" and load(state_dir).approvals == {"prod": {named(8)}}
    assert not do(rollout_approval, state_dir, ring="prod", snapshot=named(8), by="dave")["changed"]
    done = do(rollout_approval, state_dir, ring="prod", snapshot=named(8), state="absent")
    assert done["changed"] and done["approval"] is None and load(state_dir).approvals == {}
    assert not do(rollout_approval, state_dir, ring="prod", snapshot="gone", state="absent")["changed"]
    (tmp_path / "schedule.yml").write_text("rings:\n  - {name: dev, selector: {groups: [dev]}}\n")
    do(rollout_mark, state_dir, snapshots=[named(9)], state="bad", why="x")
    for given, field in (({"snapshot": "gone"}, "snapshot"), ({"snapshot": named(9)}, "snapshot"), ({"ring": " "}, "ring"),
                         ({"schedule": str(tmp_path / "schedule.yml")}, "ring")):
        with pytest.raises(InputError) as caught:
            do(rollout_approval, state_dir, **dict({"ring": "prod", "snapshot": named(8)}, **given))
        assert caught.value.field == field
    before = tree(state_dir)
    assert do(rollout_approval, state_dir, ring="dev", snapshot=named(8), check_mode=True)["changed"] and tree(state_dir) == before


# What targets ran

def test_runs_are_recorded_and_forgotten(state_dir):
    done = do(rollout_record, state_dir, targets=["web1", "web2", "web1"], snapshot=named(7), ring="dev")
    assert done["changed"] and done["targets"] == ["web1", "web2"] and done["diff"]["before"] == {"web1": [], "web2": []}
    assert not do(rollout_record, state_dir, at(11), targets=["web1"], snapshot=named(7), ring="dev")["changed"]
    assert load(state_dir).targets["web1"] == [{"snapshot": named(7), "ok": True, "at": at(10), "by": "carol"}]
    before = tree(state_dir)
    assert do(rollout_record, state_dir, targets=["web1"], state="absent", check_mode=True)["targets"] == ["web1"] and tree(state_dir) == before
    assert do(rollout_record, state_dir, targets=["web1", "web9"], state="absent")["targets"] == ["web1"] and set(load(state_dir).targets) == {"web2"}
    for given, field in (({"targets": ["a", ""]}, "targets"), ({"snapshot": " "}, "snapshot")):
        with pytest.raises(InputError) as caught:
            do(rollout_record, state_dir, **dict({"targets": ["a"], "snapshot": named(7)}, **given))
        assert caught.value.field == field


@pytest.mark.parametrize(("module", "part", "given"), [
    (rollout_mark, "marks", {"snapshots": [named(7)], "state": "good"}),
    (rollout_pin, "pins", {"targets": ["a"], "snapshot": named(7), "duration": "1h", "why": "w"}),
    (rollout_pin, "marks", {"targets": ["a"], "snapshot": named(7), "duration": "1h", "why": "w"}),
    (rollout_approval, "approvals", {"ring": "prod", "snapshot": named(7)}),
])
def test_nothing_is_recorded_over_what_is_damaged(state_dir, module, part, given):
    (state_dir / (part + ".jsonl")).write_text('{"half')
    before = tree(state_dir)
    with pytest.raises(StagecraftError, match="nothing was recorded.*%s.jsonl: line 1 is cut off" % part) as caught:
        do(module, state_dir, **given)
    assert caught.value.details["problems"] and tree(state_dir) == before

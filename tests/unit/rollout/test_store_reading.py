# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the state: what is there, and that whatever is wrong holds everything."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan as plans
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decide import decide
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Mark, Pin, Target
from ansible_collections.stagecraft.release.tests.unit.rollout.store_samples import as_nobody, at, load, make, mark, named, ran

PLAIN = {"snapshot": named(8), "state": "bad", "at": 5, "by": "ann", "why": "x", "approved": ""}


@pytest.fixture
def state_dir(tmp_path):
    """A state with two snapshots."""
    make(tmp_path / "state", 7, 8)
    return tmp_path / "state"


def line(**changed):
    """A record of a mark as a line; None takes a field out."""
    return json.dumps({key: value for key, value in dict(PLAIN, **changed).items() if value is not None}) + "\n"


def held(state):
    """Whether a target that is due a new snapshot holds."""
    plan = plans.compile(at(12), Schedule((Ring("dev"),)), state.snapshots, state.marks, state.stops)
    return decide(plan, Target("h", "dev")).action == HOLD


def test_what_was_recorded_is_read(state_dir):
    mark(state_dir, 8)
    ran(state_dir, 7, "web1", "db/1")
    state = load(state_dir)
    assert state.problems == [] and state.stops == [] and not held(state)
    assert [snapshot.name for snapshot in state.snapshots] == [named(7), named(8)]
    assert state.marks == [Mark(named(8), "bad", at(10), "ann", "broken")] and list(state.last_marks.values()) == state.marks
    assert state.targets["db/1"] == [{"snapshot": named(7), "ok": True, "at": at(7), "by": ""}] and state.rings == {"web1": "dev", "db/1": "dev"}
    assert state.target("web1", "dev") == Target("web1", "dev", named(7), frozenset([named(7)]), "", at(7))
    assert state.running([named(7)]) == ["db/1", "web1"] and state.running([named(8)]) == []


def test_a_target_that_failed_has_what_worked_and_ran_both(state_dir):
    ran(state_dir, 7, "web1")
    ran(state_dir, 8, "web1", ok=False)
    state = load(state_dir)
    assert state.target("web1", "dev") == Target("web1", "dev", named(7), frozenset([named(7), named(8)]), "", at(7))
    assert state.running([named(7)]) == state.running([named(8)]) == ["web1"]
    assert state.target("new", None) == Target("new", None)


def test_only_the_targets_that_are_asked_for_are_read(state_dir):
    ran(state_dir, 7, "web1", "web2")
    assert set(reading.load(str(state_dir), ["web2", "web3"]).targets) == {"web2"} and reading.load(str(state_dir), False).targets == {}


def test_no_state_directory_holds(tmp_path):
    state = load(tmp_path / "none")
    assert "is not there" in state.problems[0] and held(state)
    with pytest.raises(InputError, match="state_dir: 'here' is not an absolute path"):
        reading.load("here")


@pytest.mark.parametrize(("text", "said"), [
    (line(state="BAD"), "line 1 has the unknown state 'BAD'"),
    (line(state=None), "line 1 has no 'state'"),
    (line(at="noon"), "line 1 has 'noon' as 'at', which is not a number of seconds"),
    (line(at=True), "line 1 has True as 'at'"),
    (line(at=-1), "line 1 has -1 as 'at'"),
    (line(snapshot=""), "line 1 has '' as 'snapshot', which is not a name"),
    (line(by=7), "line 1 has 7 as 'by', which is not a text"),
    (line() + line()[:20], "line 2 is cut off"),
    (line() + line()[:-1], "line 2 is cut off"),
    (line() + "\n" + line(), "line 2 is not JSON"),
    (line()[:20] + "\n", "line 1 is not JSON"),
    ("[" * 100000 + "\n", "line 1 is not JSON"),
    ("[]\n", "line 1 is not an object"),
    ('{"snapshot": "a", "snapshot": "b"}\n', "line 1 has a key twice"),
    ("\n".join("x" * 5) + "\n", "line 1 is not JSON, line 2 is not JSON, line 3 is not JSON and 2 more"),
])
def test_a_wrong_line_holds_everything(state_dir, text, said):
    (state_dir / "marks.jsonl").write_text(text)
    state = load(state_dir)
    assert len(state.problems) == 1 and said in state.problems[0] and str(state_dir / "marks.jsonl") in state.problems[0]
    assert state.broken == {"marks"} and held(state) and "cannot be relied on" in state.stops[0].message


def test_what_is_not_text_or_no_file_holds_everything(state_dir):
    path = state_dir / "pins.jsonl"
    path.write_bytes(b"{}\n\xff")
    assert "is not UTF-8 text (byte 3)" in load(state_dir).problems[0]
    path.unlink()
    path.mkdir()
    assert "cannot be read" in load(state_dir).problems[0]
    path.rmdir()
    path.symlink_to("nowhere")
    assert "is a link to what is not there" in load(state_dir).problems[0] and held(load(state_dir))


def test_an_unreadable_file_holds_everything():
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        state_dir = Path(place) / "state"
        make(state_dir, 7, 8)
        mark(state_dir, 8)
        assert as_nobody(lambda: load(state_dir).problems) == "[]"
        (state_dir / "marks.jsonl").chmod(0)
        assert "marks.jsonl cannot be read: Permission denied" in as_nobody(lambda: load(state_dir).problems)
        assert as_nobody(lambda: held(load(state_dir))) == "True"
        state_dir.chmod(0o700)
        assert "cannot be read: Permission denied" in as_nobody(lambda: load(state_dir).problems)


def test_a_journal_that_lost_records_holds_everything(state_dir):
    mark(state_dir, 7)
    mark(state_dir, 8)
    path = state_dir / "marks.jsonl"
    whole = path.read_text()
    for less in (whole.splitlines(True)[0], ""):
        path.write_text(less)
        assert "records and had 2" in load(state_dir).problems[0] and held(load(state_dir))
    path.unlink()
    assert "has 0 records and had 2" in load(state_dir).problems[0]
    (state_dir / "last_valid.json").unlink()
    assert load(state_dir).problems == []


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda path: path.write_text(path.read_text()[:30]), "is not JSON"),
    (lambda path: path.write_text("{}"), "has no 'name'"),
    (lambda path: path.rename(path.with_name("other.json")), "is about"),
    (lambda path: shutil.rmtree(path.with_suffix("")), "whose directory"),
])
def test_a_snapshot_that_cannot_be_told_holds_everything(state_dir, spoil, said):
    spoil(state_dir / "snapshots" / (named(8) + ".json"))
    state = load(state_dir)
    assert said in state.problems[0] and state.broken == {"snapshots"} and held(state)


def test_content_without_description_is_not_there(state_dir):
    (state_dir / "snapshots" / (named(8) + ".json")).unlink()
    state = load(state_dir)
    assert state.problems == [] and [snapshot.name for snapshot in state.snapshots] == [named(7)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"target": "other", "ring": "", "runs": []}', '{"target": "web1", "ring": "", "runs": [{}]}',
                                  '{"target": "web1", "ring": "", "runs": 3}'])
def test_a_damaged_record_of_a_target_holds_that_target(state_dir, text):
    ran(state_dir, 7, "web1", "web2")
    (state_dir / "targets/web1.json").write_text(text)
    state = load(state_dir)
    plan = plans.compile(at(12), Schedule((Ring("dev"),)), state.snapshots, state.marks, state.stops)
    assert state.problems == [] and set(state.targets) == {"web2"} and "targets/web1.json" in state.damaged["web1"]
    assert decide(plan, state.target("web1", "dev")).action == HOLD and decide(plan, state.target("web2", "dev")).action != HOLD


def test_the_last_valid_state_is_kept(state_dir):
    mark(state_dir, 8)
    (state_dir / "marks.jsonl").write_text("nonsense\n")
    state = load(state_dir)
    kept = state.last_valid
    assert state.problems and [entry["snapshot"] for entry in kept["state"]["marks"]] == [named(8)] and kept["counts"]["marks"] == 1 and kept["at"] > at(8)
    assert kept["digest"] == reading.digest(kept["state"])
    path = state_dir / "last_valid.json"
    path.write_text(path.read_text().replace('"why": "broken"', '"why": "fine"'))
    assert load(state_dir).last_valid is None


def test_the_last_pin_and_approval_count(state_dir):
    def pin(target, hour, present=True):
        return json.dumps({"target": target, "snapshot": named(hour), "until": at(20), "at": 1, "by": "a", "why": "w", "emergency": False, "present": present})

    def approval(hour, present=True):
        return json.dumps({"ring": "prod", "snapshot": named(hour), "at": 1, "by": "a", "why": "", "present": present})

    (state_dir / "pins.jsonl").write_text("\n".join([pin("a", 7), pin("b", 7), pin("a", 8), pin("b", 7, False)]) + "\n")
    (state_dir / "approvals.jsonl").write_text("\n".join([approval(7), approval(8), approval(7, False)]) + "\n")
    state = load(state_dir)
    assert state.pins == {"a": Pin("a", named(8), at(20), "a", "w", False)} and state.approvals == {"prod": {named(8)}} and state.problems == []


def test_a_mark_that_was_taken_back_lets_targets_go(state_dir):
    mark(state_dir, 8)
    mark(state_dir, 8, "none", why="")
    state = load(state_dir)
    plan = plans.compile(at(12), Schedule((Ring("dev"),)), state.snapshots, state.marks, state.stops)
    assert state.last_marks.get(named(8)) is None and len(state.marks) == 2 and decide(plan, Target("h", "dev")).release == named(8)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the state: whole or not at all, one after the other, and never over what is damaged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import recording
from ansible_collections.stagecraft.release.tests.unit.rollout.store_samples import at, fill, load, make, mark, named, ran, small_disk, tree

CHILD = """
import sys, time
sys.path[:0] = sys.argv[3:]
from %s import recording
""" % recording.__name__.rpartition(".")[0]


@pytest.fixture
def state_dir(tmp_path):
    """A state with two snapshots."""
    make(tmp_path / "state", 7, 8)
    return tmp_path / "state"


def child(code, *arguments):
    """Another process that uses the state."""
    return subprocess.Popen([sys.executable, "-c", CHILD + code, *map(str, arguments), *sys.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_same_again_is_no_change_and_keeps_the_first_time(state_dir):
    assert ran(state_dir, 8, "a", "b") == ["a", "b"] and ran(state_dir, 8, "a", "b", when=at(9)) == []
    assert ran(state_dir, 8, "a", ok=False, when=at(9)) == ["a"] and ran(state_dir, 8, "a", ring="qa", ok=False, when=at(10)) == ["a"]
    state = load(state_dir)
    assert [(run["ok"], run["at"]) for run in state.targets["a"]] == [(True, at(8)), (False, at(9))] and state.rings == {"a": "qa", "b": "dev"}


def test_so_many_runs_of_a_target_are_kept(state_dir, monkeypatch):
    monkeypatch.setattr(recording, "RUNS", 3)
    for hour in range(5):
        ran(state_dir, hour, "a")
    assert [run["snapshot"] for run in load(state_dir).targets["a"]] == [named(hour) for hour in (2, 3, 4)]


def test_a_target_is_forgotten_damaged_or_not(state_dir):
    ran(state_dir, 7, "a", "b", "../c")
    (state_dir / "targets/b.json").write_text("{")
    with recording.opened(str(state_dir), "test") as store:
        assert store.forget(["a", "b", "../c", "x"]) == ["a", "b", "../c"]
    assert os.listdir(state_dir / "targets") == [] and not list(state_dir.parent.glob("c*"))


def test_nothing_is_recorded_over_what_is_damaged(state_dir):
    mark(state_dir, 7)
    path = state_dir / "marks.jsonl"
    path.write_text(path.read_text() + '{"half')
    before = tree(state_dir)
    with pytest.raises(StagecraftError, match="nothing was recorded.*line 2 is cut off"):
        mark(state_dir, 8)
    assert tree(state_dir) == before
    ran(state_dir, 7, "a")
    (state_dir / "targets/a.json").write_text("{")
    with pytest.raises(StagecraftError, match="target: 'a' was not recorded"):
        ran(state_dir, 8, "a")


def test_a_record_that_could_not_be_read_again_is_refused(state_dir):
    with pytest.raises(ValueError):
        mark(state_dir, 8, "BAD")
    assert load(state_dir).marks == []


def test_check_mode_writes_nothing_and_does_not_wait(state_dir):
    before = tree(state_dir)
    with recording.opened(str(state_dir), "test"):
        with recording.opened(str(state_dir), "test", timeout=0, check_mode=True) as store:
            store.add("marks", [{"snapshot": named(8), "state": "bad", "at": 1, "by": "", "why": "", "approved": ""}])
            assert store.ran(["a"], named(8), True, 5) == ["a"] and store.state.last_marks.get(named(8))
    assert tree(state_dir) == before


def test_a_directory_is_made_only_where_that_is_meant(tmp_path):
    with pytest.raises(InputError, match="state_dir: .* is not there"):
        with recording.opened(str(tmp_path / "a/b"), "test"):
            pass
    mask = os.umask(0o077)
    try:
        make(tmp_path / "a/b", 7)
    finally:
        os.umask(mask)
    assert all((tmp_path / name).stat().st_mode & 0o777 == 0o755 for name in ("a", "a/b", "a/b/snapshots", "a/b/targets"))
    assert (tmp_path / "a/b/last_valid.json").stat().st_mode & 0o777 == 0o644


def test_the_second_one_waits_and_then_names_the_first(state_dir):
    holder = child("with recording.opened(sys.argv[1], 'marking snapshots bad'):\n    print('held', flush=True)\n    time.sleep(60)\n", state_dir, "")
    try:
        assert holder.stdout.readline() == "held\n"
        begun = time.monotonic()
        with pytest.raises(StagecraftError, match=r"is held by \S+@\S+ \(process %d\): marking snapshots bad, and was so for the 0.3 s" % holder.pid):
            with recording.opened(str(state_dir), "test", timeout=0.3):
                pass
        assert 0.3 <= time.monotonic() - begun < 5
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    mark(state_dir, 8)  # a holder that was killed holds nothing


def test_recorders_at_once_lose_nothing(state_dir):
    code = """
for number in range(5):
    with recording.opened(sys.argv[1], "test") as store:
        store.add("marks", [dict(snapshot=sys.argv[2], state="bad", at=number, by="", why="", approved="")])
        store.ran([sys.argv[2]], "s%d" % number, True, number)
"""
    recorders = [child(code, state_dir, "c%d" % number) for number in range(3)]
    assert [recorder.communicate()[1] for recorder in recorders] == [""] * 3
    state = load(state_dir)
    assert state.problems == [] and len(state.marks) == 15
    for number in range(3):
        assert [mark.at for mark in state.marks if mark.snapshot == "c%d" % number] == list(range(5)) and len(state.targets["c%d" % number]) == 5


def test_readers_never_see_half_a_record(state_dir):
    recorder = child("""
for number in range(20):
    with recording.opened(sys.argv[1], "test") as store:
        store.add("marks", [dict(snapshot="s", state="bad", at=number, by="", why="x" * 4000, approved="")])
""", state_dir, "")
    seen = set()
    while recorder.poll() is None:
        state = load(state_dir)
        assert state.problems == []
        seen.add(len(state.marks))
    assert recorder.communicate()[1] == "" and len(load(state_dir).marks) == 20 and seen


@pytest.mark.parametrize("step", ["write", "fsync", "replace", "unlink"])
def test_killed_between_the_steps_of_a_write(state_dir, step):
    mark(state_dir, 7)
    killed = child("""
import os
def die(*_arguments, **_options):
    os._exit(9)
step = "%s"
with recording.opened(sys.argv[1], "test") as store:
    if step == "write":
        os.fchmod = die
    else:
        setattr(os, step, die)
    store.add("marks", [dict(snapshot="s", state="bad", at=5, by="", why="", approved="")])
    os._exit(9)
""" % step, state_dir, "")
    assert killed.wait(30) == 9
    killed.communicate()
    state = load(state_dir)
    assert state.problems == [] and [mark.snapshot for mark in state.marks] in ([named(7)], [named(7), "s"])
    mark(state_dir, 8)
    assert os.listdir(state_dir / ".work") == [] and load(state_dir).problems == [] and load(state_dir).last_marks.get(named(8))


def test_killed_between_the_journal_and_its_copy(state_dir):
    mark(state_dir, 7)
    copy = (state_dir / "last_valid.json").read_text()
    mark(state_dir, 8)
    (state_dir / "last_valid.json").write_text(copy)
    state = load(state_dir)
    assert state.problems == [] and len(state.marks) == 2


def test_a_full_disk_loses_nothing(tmp_path):
    undo = small_disk(tmp_path / "disk", "256k")
    try:
        state_dir = tmp_path / "disk/state"
        make(state_dir, 7, 8)
        mark(state_dir, 7)
        ran(state_dir, 7, "a")
        fill(tmp_path / "disk")
        before = tree(state_dir)
        with pytest.raises(StagecraftError, match=r"marks.jsonl: could not be written \(No space left on device\), and what was there is unchanged"):
            mark(state_dir, 8)
        with pytest.raises(StagecraftError, match="No space left"):
            ran(state_dir, 8, "a")
        assert tree(state_dir) == before and load(state_dir).problems == []
        os.unlink(tmp_path / "disk/filler")
        mark(state_dir, 8)
        assert load(state_dir).last_marks.get(named(8)) and load(state_dir).problems == []
    finally:
        undo()


def test_a_copy_that_cannot_be_written_is_a_warning(state_dir):
    (state_dir / "last_valid.json").unlink()
    (state_dir / "last_valid.json").mkdir()
    warnings = []
    with recording.opened(str(state_dir), "test", warn=warnings.append) as store:
        store.add("marks", [{"snapshot": named(8), "state": "bad", "at": 1, "by": "", "why": "", "approved": ""}])
    assert "Everything was recorded; only the copy of the state was not: " in warnings[0] and load(state_dir).last_marks.get(named(8))


def test_the_copy_holds_everything_but_the_targets(state_dir):
    mark(state_dir, 8)
    ran(state_dir, 7, "a")
    kept = json.loads((state_dir / "last_valid.json").read_text())["state"]
    assert set(kept) == {"snapshots", "kill_switches", "marks", "pins", "approvals"} and kept == load(state_dir).document()

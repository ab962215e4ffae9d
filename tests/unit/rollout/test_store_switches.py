# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kill switches: whatever is at the path is on, and they work when nothing else does."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import recording, switches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Stop
from ansible_collections.stagecraft.release.plugins.modules import kill_switch as module
from ansible_collections.stagecraft.release.tests.unit.rollout.store_samples import as_nobody, at, fill, load, make, ran, run, small_disk, tree

SCHEDULE = "rings:\n  - {name: dev, selector: {groups: [dev]}}\n  - {name: prod, selector: {groups: [prod]}, delay: 1h}\n"


@pytest.fixture
def state_dir(tmp_path):
    """A state with a snapshot."""
    make(tmp_path / "state", 7)
    return tmp_path / "state"


def switch(state_dir, state="engaged", now=at(10), **given):
    """Run the module."""
    return run(module, now, state_dir=str(state_dir), state=state, **dict({"by": "carol"}, **given))


def on(state_dir):
    """What is on, as the level and the name."""
    return [(stop.level, stop.name) for stop in switches.read(str(state_dir))]


def test_a_switch_is_thrown_and_taken_off(state_dir):
    ran(state_dir, 7, "web1", "web2")
    assert not on(state_dir)
    done = switch(state_dir, why="all stop")
    assert done["changed"] and done["targets"] == ["web1", "web2"] and done["kill_switches"] == [
        {"level": "fleet", "name": "", "message": "all stop", "by": "carol", "at": at(10)}]
    assert "The kill switch of the fleet was engaged. On now: the fleet (by carol since 2014-02-11 10:00 UTC: all stop)." == done["message"]
    assert load(state_dir).stops == [Stop("fleet", "", "all stop", "carol", at(10))]
    again = switch(state_dir, why="all stop", by="dave")
    assert not again["changed"] and again["kill_switches"] == done["kill_switches"] and "was already engaged" in again["message"]
    assert switch(state_dir, why="still", by="dave")["kill_switches"][0]["by"] == "dave"
    done = switch(state_dir, "released", at(11), why="fixed")
    assert done["changed"] and not done["kill_switches"] and "On now: none" in done["message"]
    assert not switch(state_dir, "released")["changed"]
    log = [json.loads(line) for line in (state_dir / "kill_switch.jsonl").read_text().splitlines()]
    assert [(entry["switch"], entry["by"], entry["message"]) for entry in log] == [
        ("engaged", "carol", "all stop"), ("engaged", "dave", "still"), ("released", "carol", "fixed")]


def test_levels_are_apart(state_dir):
    ran(state_dir, 7, "web1", ring="prod")
    warnings = []
    assert switch(state_dir, level="ring", name="prod", why="x", warnings=warnings)["targets"] == ["web1"] and not warnings
    assert switch(state_dir, level="host", name="../a b", why="x", warnings=warnings)["targets"] == [] and "no target is recorded" in warnings[0]
    assert on(state_dir) == [("ring", "prod"), ("host", "../a b")]
    assert switch(state_dir, "released", level="ring", name="prod")["changed"] and on(state_dir) == [("host", "../a b")]
    assert not list(state_dir.parent.glob("a*"))


def test_check_mode_writes_nothing(state_dir):
    before = tree(state_dir)
    done = switch(state_dir, why="x", check_mode=True)
    assert done["changed"] and done["diff"]["after"]["message"] == "x" and "would be engaged" in done["message"] and tree(state_dir) == before


@pytest.mark.parametrize(("given", "field"), [
    ({"why": " "}, "why"), ({"why": "x", "name": "prod"}, "name"), ({"why": "x", "level": "ring", "name": " "}, "name"),
    ({"why": "x", "level": "ring", "name": "prd", "schedule": "schedule.yml"}, "name"), ({"why": "x", "state_dir": "gone"}, "state_dir"),
])
def test_what_would_stop_nothing_is_refused(state_dir, given, field):
    (state_dir / "schedule.yml").write_text(SCHEDULE)
    given = {key: str(state_dir / value) if value in ("schedule.yml", "gone") else value for key, value in given.items()}
    with pytest.raises(InputError) as caught:
        switch(**dict({"state_dir": state_dir}, **given))
    assert caught.value.field == field and not on(state_dir)


def test_a_schedule_that_is_broken_stops_no_stop(state_dir):
    (state_dir / "schedule.yml").write_text("rings: [")
    warnings = []
    switch(state_dir, level="ring", name="prod", why="x", schedule=str(state_dir / "schedule.yml"), warnings=warnings)
    assert on(state_dir) == [("ring", "prod")] and "is not known" in warnings[0]


def _link_to_itself(path):
    path.symlink_to(path)


@pytest.mark.parametrize(("make_it", "message"), [
    (lambda path: path.write_text(""), ""), (lambda path: path.write_text("because\n"), "because"), (lambda path: path.mkdir(), "a directory is at"),
    (lambda path: path.write_text('{"other": 1}'), '{"other": 1}'), (lambda path: path.symlink_to("nowhere"), "nowhere"),
    (lambda path: path.write_bytes(b"\xff"), "\ufffd"), (os.mkfifo, ""), (lambda path: path.write_text("[" * 100000), "[[["),
    (_link_to_itself, "fleet"),
])
def test_whatever_is_there_is_on(state_dir, make_it, message):
    (state_dir / "kill_switch").mkdir()
    make_it(state_dir / "kill_switch/fleet")
    found = switches.read(str(state_dir))
    assert [(stop.level, stop.name) for stop in found] == [("fleet", "")] and message in found[0].message and found[0].by
    assert not switch(state_dir, why=found[0].message or "because")["changed"] or (state_dir / "kill_switch/fleet").is_file()
    assert on(state_dir) == [("fleet", "")]


@pytest.mark.parametrize("place", ["kill_switch", "kill_switch/rings", "kill_switch/hosts"])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_directory_where_one_belongs_stops_the_fleet(state_dir, place, kind):
    path = state_dir / place
    path.parent.mkdir(exist_ok=True)
    if kind == "file":
        path.write_text("stop")
    else:
        path.symlink_to("nowhere")
    assert on(state_dir) == [("fleet", "")]
    warnings = []
    done = switch(state_dir, level="ring", name="prod", why="x", warnings=warnings)
    assert ("fleet", "") in on(state_dir) and (done["changed"] or "was already" in done["message"])
    if (place, kind) == ("kill_switch", "file"):
        with pytest.raises(InputError, match="counts as on for the fleet"):
            switch(state_dir, "released", level="ring", name="prod")
    if (place, kind) == ("kill_switch", "link"):
        assert "what was there counts as on" in warnings[0]


def test_a_place_that_cannot_be_looked_at_stops_the_fleet():
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        state_dir = Path(place) / "state"
        make(state_dir, 7)
        assert as_nobody(lambda: on(state_dir)) == "[]"
        switch(state_dir, why="x", level="ring", name="prod")
        (state_dir / "kill_switch").chmod(0)
        assert as_nobody(lambda: on(state_dir)) == "[('fleet', '')]"
        assert "cannot be looked at (Permission denied), so it counts as on" in as_nobody(lambda: switches.read(str(state_dir)))


def test_only_what_can_be_told_is_removed(state_dir):
    path, kept = state_dir / "kill_switch/fleet", state_dir / "kept"
    path.parent.mkdir()
    kept.write_text("x")
    for make_it in (lambda: path.symlink_to("nowhere"), lambda: path.symlink_to(kept), path.mkdir):
        make_it()
        assert switch(state_dir, "released")["changed"] and not os.path.lexists(path) and kept.read_text() == "x"
    path.mkdir()
    (path / "why").write_text("x")
    with pytest.raises(InputError, match="is a directory with something in it and was left alone, so the kill switch is still on"):
        switch(state_dir, "released")
    (path / "why").unlink()
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(InputError, match="neither a file, a link nor a directory"):
        switch(state_dir, "released")
    assert on(state_dir) == [("fleet", "")]


def test_it_works_when_the_rest_is_broken_and_held(state_dir):
    with recording.opened(str(state_dir), "a long snapshot"):
        for name in ("marks.jsonl", "last_valid.json", "pins.jsonl"):
            (state_dir / name).write_text("{")
        (state_dir / "kill_switch.jsonl").mkdir()
        warnings = []
        assert switch(state_dir, why="x", warnings=warnings)["changed"] and "who did this is not kept" in warnings[0]
    assert on(state_dir) == [("fleet", "")] and switch(state_dir, "released")["changed"] and not on(state_dir)


def test_it_works_on_a_full_disk(tmp_path):
    undo = small_disk(tmp_path / "disk", "128k")
    try:
        state_dir = tmp_path / "disk/state"
        make(state_dir, 7)
        (state_dir / "kill_switch/rings").mkdir(parents=True)
        fill(tmp_path / "disk")
        warnings = []
        done = switch(state_dir, why="name servers fail, " + "x" * 200, warnings=warnings)
        assert done["changed"] and "No space left" in warnings[0] and done["kill_switches"][0]["message"].startswith("name servers fail, xxx")
        assert os.path.islink(state_dir / "kill_switch/fleet") and switch(state_dir, "released")["changed"] and not on(state_dir)
    finally:
        undo()


def test_what_cannot_be_thrown_is_said(state_dir, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(switches.durable, "write", refuse)
    monkeypatch.setattr(switches.os, "symlink", refuse)
    with pytest.raises(StagecraftError, match="it is NOT on"):
        switch(state_dir, why="x")

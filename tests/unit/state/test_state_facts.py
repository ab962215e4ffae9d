# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts document and the changes that can be made to it."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state import facts

NOW, LATER = "2026-11-21T09:30:00Z", "2026-11-21T09:40:00Z"
EMPTY = {"stages": {}, "saved": {}, "restart_pending": [], "history": [], "aborted": [], "records": []}


def started(**changes):
    unit = facts.start(facts.empty_unit(), "install", "v1", "sha256:aa", "run1", NOW)
    unit["stages"]["install"].update(changes)
    return unit


def install(unit):
    return unit["stages"]["install"]


def test_nothing_there_is_empty():
    assert facts.parse(None, "x") == {"schema": 1, "units": {}}
    assert facts.unit_of(facts.parse(None, "x"), "shop") == EMPTY


def test_a_document_comes_back_as_it_was():
    unit = facts.save(facts.finish(started(), "install", "run1", LATER), {"auto_deploy": {"was": True, "set": False}})
    document = facts.with_unit(facts.parse(None, "x"), "shop", unit)
    text = facts.serialise(document)
    assert facts.parse(text, "x") == document
    assert facts.serialise(json.loads(text)) == text and text.endswith("}\n")


def test_units_do_not_touch_each_other():
    document = facts.with_unit(facts.parse(None, "x"), "shop", started())
    both = facts.with_unit(document, "till", facts.empty_unit())
    assert facts.unit_of(both, "shop") == started() and list(document["units"]) == ["shop"]


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", '"x"', "{}", '{"schema": "1"}', '{"schema": true}', '{"schema": -1}', '{"schema": 1, "units": []}',
    '{"schema": 1, "units": {"u": 1}}', '{"schema": 1, "units": {"u": {"stages": []}}}', '{"schema": 1, "units": {"u": {"saved": []}}}',
    '{"schema": 1, "units": {"u": {"history": {}}}}', '{"schema": 1, "units": {"u": {"stages": {"install": 1}}}}',
    '{"schema": 1, "units": {"u": {"stages": {"install": {}}}}}', '{"schema": 1, "units": {"u": {"stages": {"install": {"status": "ok"}}}}}',
    '{"schema": 1, "units": {"u": {"stages": {"install": {"status": "done", "output": []}}}}}',
    '{"schema": 1, "units": {"u": {"stages": {"install": {"status": "done", "release": 1}}}}}',
    '{"schema": 1, "units": {"u": {"saved": {"auto_deploy": {"was": 1}}}}}', '{"schema": 1, "units": {"u": {"saved": {"auto_deploy": 1}}}}',
])
def test_what_is_not_facts_is_an_error_that_says_what_to_do(text):
    with pytest.raises(StagecraftError, match="^/etc/s.fact: .*move it away to start afresh: completed stages would run again"):
        facts.parse(text, "/etc/s.fact")


def test_a_newer_schema_asks_for_a_newer_collection():
    with pytest.raises(StagecraftError, match="schema: 2 was written by a newer version.*Update the collection"):
        facts.parse('{"schema": 2, "units": {}}', "/etc/s.fact")


def test_an_older_schema_is_migrated():
    record = {"status": "done", "release": "v1", "inputs": "sha256:aa", "output": {}, "run": "r"}
    document = facts.parse(json.dumps({"schema": 0, "units": {"shop": {"stages": {"install": record}}}}), "x")
    assert document == {"schema": 1, "units": {"shop": dict(EMPTY, stages={"install": record})}}


def test_start_is_visible_and_clears_what_is_over():
    unit = facts.start(started(status="failed", cause="boom", finished_at=NOW), "install", "v1", "sha256:bb", "run2", LATER)
    assert install(unit) == {"status": "running", "release": "v1", "inputs": "sha256:bb", "output": {}, "run": "run2", "started_at": LATER}


@pytest.mark.parametrize("status, release, kept", [
    ("running", "v1", True), ("failed", "v1", True), ("waiting", "v1", True), ("done", "v1", False), ("failed", "v2", False),
])
def test_start_keeps_the_output_of_an_unfinished_attempt_at_the_same_release(status, release, kept):
    unit = facts.start(started(status=status, output={"candidate": 7}), "install", release, "sha256:aa", "run2", LATER)
    assert install(unit)["output"] == ({"candidate": 7} if kept else {})


def test_output_is_merged():
    unit = facts.record_output(started(output={"a": 1, "b": 1}), "install", {"b": 2, "c": 3}, "run2")
    assert install(unit)["output"] == {"a": 1, "b": 2, "c": 3} and install(unit)["status"] == "running"


def test_finish_drops_the_cause():
    unit = facts.finish(started(status="failed", cause="boom"), "install", "run2", LATER, "sha256:cc")
    assert install(unit) == {"status": "done", "release": "v1", "inputs": "sha256:cc", "output": {}, "run": "run2", "started_at": NOW,
                             "finished_at": LATER}
    assert install(facts.finish(started(), "install", "run2", LATER))["inputs"] == "sha256:aa"


@pytest.mark.parametrize("length, expected", [(10, 10), (2000, 2000), (2001, 2000), (100000, 2000)])
def test_fail_cuts_the_cause(length, expected):
    record = install(facts.fail(started(), "install", "x" * length, "run1", LATER))
    assert record["status"] == "failed" and len(record["cause"]) == expected


def test_a_waiting_stage_goes_on_waiting():
    waiting = facts.wait(started(), "install", "approval of sha256:dd", "run1", NOW)
    assert install(waiting)["status"] == "waiting"
    assert facts.fail(waiting, "install", "the play stops here", "run1", LATER) == waiting
    assert facts.finish(waiting, "install", "run1", LATER) == waiting


@pytest.mark.parametrize("status", ["done", "waiting", "running"])
def test_reopen_makes_a_stage_pending_and_keeps_its_output(status):
    record = install(facts.reopen(started(status=status, output={"candidate": 7}), "install", "superseded", "run2", LATER))
    assert record["status"] == "failed" and record["cause"] == "superseded" and record["output"] == {"candidate": 7}


@pytest.mark.parametrize("change", [
    lambda unit: facts.finish(unit, "install", "r", NOW), lambda unit: facts.fail(unit, "install", "c", "r", NOW),
    lambda unit: facts.wait(unit, "install", "c", "r", NOW), lambda unit: facts.record_output(unit, "install", {}, "r"),
])
def test_what_never_began_cannot_end(change):
    with pytest.raises(StagecraftError, match="stage: 'install' has no record"):
        change(facts.empty_unit())


def test_a_saved_value_is_never_overwritten():
    once = facts.save(facts.empty_unit(), {"auto_deploy": {"was": True, "set": False}})
    twice = facts.save(once, {"auto_deploy": {"was": False, "set": False}, "interval": {"was": 600, "set": 0}})
    assert twice["saved"] == {"auto_deploy": {"was": True, "set": False}, "interval": {"was": 600, "set": 0}}
    assert facts.clear_saved(twice, ["auto_deploy", "unknown"])["saved"] == {"interval": {"was": 600, "set": 0}}


@pytest.mark.parametrize("setting", [1, None, {}, {"was": 1}, {"was": 1, "set": 2, "now": 3}])
def test_a_saved_setting_needs_both_values(setting):
    with pytest.raises(StagecraftError, match="save: interval: needs exactly"):
        facts.save(facts.empty_unit(), {"interval": setting})


def test_a_record_is_added_once_by_a_run():
    entry = {"release": "v1", "run": "r", "override": "", "at": NOW}
    unit = facts.add_record(facts.add_record(facts.empty_unit(), entry), dict(entry, at=LATER))
    assert unit["records"] == [entry]
    for changed in (dict(entry, run="s"), dict(entry, override="why"), dict(entry, release="v2")):
        assert facts.add_record(unit, changed)["records"] == [entry, changed]
    for number in range(25):
        unit = facts.add_record(unit, dict(entry, run=number))
    assert [item["run"] for item in unit["records"]] == list(range(5, 25))


def test_history_keeps_the_last_twenty_and_aborted_all():
    unit = facts.empty_unit()
    for number in range(25):
        unit = facts.add_aborted(facts.add_history(unit, {"release": number}), {"release": number})
    assert [entry["release"] for entry in unit["history"]] == list(range(5, 25)) and len(unit["aborted"]) == 25


def test_forget_drops_only_that_release():
    unit = facts.start(started(), "stage", "v2", "sha256:aa", "run1", NOW)
    assert list(facts.forget(unit, "v2")["stages"]) == ["install"]


CHANGES = [
    lambda unit: facts.start(unit, "stage", "v2", "sha256:aa", "r", LATER),
    lambda unit: facts.record_output(unit, "install", {"list": [1]}, "r"),
    lambda unit: facts.finish(unit, "install", "r", LATER),
    lambda unit: facts.fail(unit, "install", "c", "r", LATER),
    lambda unit: facts.wait(unit, "install", "c", "r", LATER),
    lambda unit: facts.reopen(unit, "install", "c", "r", LATER),
    lambda unit: facts.save(unit, {"b": {"was": 1, "set": 2}}),
    lambda unit: facts.clear_saved(unit, ["a"]),
    lambda unit: facts.add_history(unit, {"release": "v2"}),
    lambda unit: facts.add_aborted(unit, {"release": "v2"}),
    lambda unit: facts.set_restart_pending(unit, ["x"]),
    lambda unit: facts.forget(unit, "v1"),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_changes_leave_what_they_were_given(number):
    unit = facts.save(started(), {"a": {"was": {"deep": [1]}, "set": 2}})
    before = copy.deepcopy(unit)
    after = CHANGES[number](unit)
    assert after != before and unit == before
    after["saved"].setdefault("a", {"was": {"deep": []}})["was"]["deep"].append(2)
    assert unit == before

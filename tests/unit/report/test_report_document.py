# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's document: outcome, steps, settings, approvals, from what was recorded."""

from __future__ import annotations

import copy
import json

import pytest
import report_samples as samples
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.report import attempts, document


def built(name, change=lambda given: None):
    """The document of one of the samples, altered before."""
    given = getattr(samples, name)()
    change(given)
    return document.build(**given)


def boxes(report):
    """Every box of the checklist by its key."""
    return {box["key"]: box for section in report["steps"] for step in section["steps"] for box in [step] + step["boxes"] if box["key"]}


def states(report):
    return {key: box["state"] for key, box in boxes(report).items()}


ABORT = ("deleted", "reverted", "back", "back_dryrun", "identical")
UPGRADE = ("released", "protected", "held", "recompile", "health", "drift", "update", "dryrun", "inspected", "deploy", "restored")


def test_people_and_overrides_are_those_of_this_release():
    report = built("upgraded")
    assert report["about"] == {"Orchestrator": "https://orchestrator.example.com", "Crew chief": "Ada Example", "Driver": "Bob Example",
                               "Change ticket": "CHG-4711", "Window": "2030-01-31 17:00 to 2030-01-31 18:15 Europe/Brussels"}
    assert report["overrides"] == [{"at": "2030-01-31T17:29:59Z", "who": "bob", "reason": "the board agreed",
                                    "problems": ["window: is over: it closed at 18:15."]}]
    assert [(notice["name"], notice["state"]) for notice in report["notices"]] == [("mail to the users", "late")]
    assert [entry.get("override") for entry in report["journal"] if "record" in entry] == [None, "the board agreed"]
    assert built("aborted")["overrides"] == report["overrides"]
    without = built("upgraded", lambda given: given["facts"].pop("records"))
    assert (without["overrides"], without["notices"], set(without["about"])) == ([], [], {"Orchestrator"})


def test_upgrade():
    report = built("upgraded")
    assert report["outcome"] == {"state": "deployed", "text": "Deployed", "cause": ""}
    assert states(report) == dict(dict.fromkeys(UPGRADE, "done"), **dict.fromkeys(ABORT, "skipped"))
    assert {key: box["at"][11:19] for key, box in boxes(report).items() if box["at"]} == {
        "released": "16:00:01", "protected": "16:00:03", "held": "16:00:04", "recompile": "16:00:07", "health": "16:00:08", "drift": "16:00:10",
        "update": "16:00:15", "dryrun": "16:00:17", "inspected": "17:30:02", "deploy": "17:30:10", "restored": "17:30:09"}
    assert boxes(report)["inspected"]["evidence"] == ["approved by Ada", "digest %s" % samples.DIGEST]
    assert boxes(report)["dryrun"]["evidence"] == ["dry run of v13: 3 to change, 1 not checked"]
    assert [(run["run"], run["user"]) for run in report["runs"]] == [("run-1", "ada"), ("run-2", "bob")]
    assert [(item["stage"], item["status"]) for item in report["stages"]] == [
        ("build", "done"), ("stage", "done"), ("install", "done"), ("configure", "waiting"), ("configure", "done")]
    assert report["held"] == [{"began": "2030-01-31T16:00:04Z", "ended": "2030-01-31T17:30:09Z"}]
    assert report["settings"][1] == {"name": "protected_environment", "before": False, "after": True, "changed": True}
    assert report["changes"]["counts"] == {"added": 1, "modified": 1, "removed": 1, "unchecked": 1}
    assert report["changes"]["unexpected"] == 2
    assert report["approvals"] == [{"verdict": "approved", "digest": samples.DIGEST, "who": "Ada", "expires": None, "at": "2030-01-31T17:30:02Z"}]


def test_wait():
    report = built("waiting")
    assert report["outcome"] == {"state": "waiting", "text": "Waiting for approval", "cause": "waiting for approval: 4 of 4"}
    assert {key: state for key, state in states(report).items() if state not in ("done", "skipped")} == {
        "inspected": "waiting", "deploy": "open", "restored": "open"}
    assert report["approvals"][0]["who"] is None and report["approvals"][0]["digest"] == samples.DIGEST
    assert report["held"] == [{"began": "2030-01-31T16:00:04Z", "ended": None}]
    assert all(item["after"] is None and not item["changed"] for item in report["settings"])


def test_failed_deployment():
    report = built("failed")
    assert report["outcome"]["text"] == "Failed in configure" and report["outcome"]["cause"] == "1 failed"
    assert (states(report)["inspected"], states(report)["deploy"], states(report)["restored"]) == ("done", "failed", "open")
    assert boxes(report)["deploy"]["evidence"] == ["v13: 3 deployed, 1 failed", "1 failed"]
    assert report["failed"][0]["error"].startswith("No such file")


def test_abort():
    report = built("aborted")
    assert report["outcome"]["state"] == "aborted"
    assert {key: state for key, state in states(report).items() if key in ABORT} == dict(dict.fromkeys(ABORT, "done"), deleted="skipped")
    assert states(report)["deploy"] == "failed"
    assert boxes(report)["back"]["evidence"] == ["v14 appeared and waited", "compile report report-14"]
    assert not [item for item in report["settings"] if item["changed"]]
    assert report["runs"][-1]["user"] == "eve"
    assert document.newest(samples.aborted()["facts"]) == "v36-1"


def test_candidate_that_was_never_deployed_is_deleted():
    def never(given):
        given["evidence"]["abort"]["deployed"] = given["facts"]["aborted"][0]["deployed"] = False
    assert states(built("aborted", never))["deleted"] == "done"


def test_given_up_without_git():
    def alone(given):
        given["facts"]["aborted"] = []
    found = states(built("aborted", alone))
    assert {key: found[key] for key in ABORT} == {key: "skipped" for key in ABORT}


def test_emergency():
    def emergency(given):
        given["evidence"]["emergency"] = {"version": 14, "differences": ["a: is modified now"], "changes": [], "unchecked": []}
    report = built("failed", emergency)
    assert report["outcome"]["state"] == "emergency"
    assert boxes(report)["identical"]["state"] == "failed" and "a: is modified now" in boxes(report)["identical"]["evidence"]


@pytest.mark.parametrize("stage, output, failing", [
    ("build", {}, "released"), ("stage", {}, "protected"), ("stage", {"_settings_before": samples.BEFORE, "_protect": "enforce"}, "recompile"),
    ("stage", {"_settings_before": samples.BEFORE, "_protect": "enforce", "_probe": 3, "_health": {"failed": 1}, "_healthy": False, "_active": 2}, "health"),
    ("stage", {"_settings_before": samples.BEFORE, "_protect": "enforce", "_probe": 3, "_health": {"deployed": 1}, "_healthy": True, "_active": 2}, "drift"),
    ("install", {}, "update"),
])
def test_a_stage_fails_at_its_first_step_without_evidence(stage, output, failing):
    def fail(given):
        given["evidence"] = {"candidate": None, "drift": None}
        order = list(samples.STAGES)
        given["facts"]["stages"] = {name: record for name, record in given["facts"]["stages"].items() if order.index(name) <= order.index(stage)}
        given["facts"]["stages"][stage].update(status="failed", cause="the cause", output=output)
    report = built("upgraded", fail)
    assert [key for key, state in states(report).items() if state == "failed"] == [failing]
    assert "the cause" in boxes(report)[failing]["evidence"]
    assert report["outcome"]["text"] == "Failed in %s" % stage


@pytest.mark.parametrize("output, key, state, text", [
    ({"_protect": "ignore"}, "protected", "skipped", "left as it was"), ({"_probe": 0}, "recompile", "skipped", "left out"),
    ({"_healthy": False, "_health": {"failed": 1}}, "health", "done", "accepted as it is"),
    ({"_settings_before": dict(samples.BEFORE, auto_deploy=False)}, "held", "done", "off already"),
])
def test_steps_that_went_another_way(output, key, state, text):
    box = boxes(built("upgraded", lambda given: given["facts"]["stages"]["stage"]["output"].update(output)))[key]
    assert box["state"] == state and text in " ".join(box["evidence"])


@pytest.mark.parametrize("verdict, text", [("covered", "policy expects"), ("unchanged", "nothing to change")])
def test_nobody_has_to_approve(verdict, text):
    report = built("upgraded", lambda given: given["facts"]["stages"]["configure"]["output"].update(_verdict=verdict, _approval={}))
    assert boxes(report)["inspected"]["state"] == "done" and text in " ".join(boxes(report)["inspected"]["evidence"])


def test_evidence_of_another_release_does_not_count():
    def other(given):
        for name in ("candidate", "drift"):
            given["evidence"][name]["release"] = "v35-4"
    report = built("upgraded", other)
    assert report["changes"] is None and report["drift"] is None
    assert states(report)["dryrun"] == "open"


def test_entries_of_other_releases_and_of_earlier_attempts_stay_out():
    def more(given):
        given["journal"] = [samples.entry("15:00:00", stage="build", status="failed"), samples.entry("15:00:01", run="run-0", release="v35-4"),
                            samples.without_release("15:00:02", run="run-0", saved=["auto_deploy"]), *given["journal"],
                            samples.entry("19:00:00", run="run-9", release="v37-1", stage="build", status="running")]
    assert built("upgraded", more)["journal"] == built("upgraded")["journal"]


def test_interrupted_stage():
    journal = [samples.entry("16:00:00", stage="build", status="running"), samples.entry("16:05:00", stage="build", status="running", run="run-2"),
               samples.entry("16:05:01", stage="build", status="done", run="run-2"), samples.entry("16:05:02", stage="stage", status="running", run="run-2")]
    assert [(item["stage"], item["status"]) for item in attempts.attempts(journal)] == [("build", "interrupted"), ("build", "done"), ("stage", "running")]
    journal.append(samples.entry("16:06:00", stage="install", status="running", run="run-3"))
    assert [item["status"] for item in attempts.attempts(journal)] == ["interrupted", "done", "interrupted", "running"]


def test_any_unit_has_its_stages():
    report = built("upgraded", lambda given: given.update(procedure="stages"))
    assert states(report) == dict.fromkeys(("build", "stage", "install", "configure"), "done")
    assert boxes(report)["build"]["evidence"] == ["commit: c0ffee, tree: 7ee"]


def test_nothing_recorded_is_refused():
    with pytest.raises(InputError, match="^release: 'v99' has no record"):
        built("upgraded", lambda given: given.update(release="v99"))


def test_the_record_is_left_alone_and_the_same_record_is_the_same_report():
    given = samples.failed()
    before = copy.deepcopy(given)
    one, two = document.build(**given), document.build(**given)
    assert given == before
    assert json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def test_times_that_are_none_do_not_harm():
    report = built("upgraded", lambda given: given["journal"].insert(0, {"at": "yesterday", "unit": "x", "release": "v36-1"}))
    assert report["began"] == "2030-01-31T15:59:58Z"

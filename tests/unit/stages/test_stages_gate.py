# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stages are pending."""

from __future__ import annotations

import copy
import datetime

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.stages import gate

INPUTS = {"build": {"tag": "v1"}, "configure": {"port": 80}}
KNOWN = "sha256:0a642950c8aa4124f6bba966fd6ad92856ec8d8c2f413aeaec022a2e4dc587c8"
OUTPUTS = {"build": {"manifest": "aa"}, "stage": {}, "install": {"venv": "/opt/v1", "_took": 3}, "configure": {}}


def complete_unit():
    """Facts of a unit with every stage of v1 done."""
    unit = {"stages": {}}
    for number, stage in enumerate(gate.STAGES):
        mark = gate.fingerprint("v1", INPUTS.get(stage), gate.previous_output(unit, stage))
        unit["stages"][stage] = {"status": "done", "release": "v1", "inputs": mark, "output": copy.deepcopy(OUTPUTS[stage]),
                                 "started_at": "2026-11-21T09:3%d:00Z" % number, "finished_at": "2026-11-21T09:39:00Z", "run": "run1"}
    return unit


def changed(stage, **values):
    unit = complete_unit()
    unit["stages"][stage].update(values)
    return unit


def pending(unit, release="v1", **more):
    return gate.pending(unit, release, **dict({"inputs": INPUTS}, **more))


def test_everything_is_pending_at_first():
    answer = pending({})
    assert answer["pending"] == list(gate.STAGES) and answer["complete"] == []
    assert set(answer["reasons"].values()) == {"never run"}


def test_nothing_is_pending_when_all_is_done():
    assert pending(complete_unit()) == {"release": "v1", "pending": [], "complete": list(gate.STAGES), "dependent": [], "missing": [], "reasons": {}}


def test_another_release_makes_everything_pending():
    answer = pending(complete_unit(), "v2")
    assert answer["pending"] == list(gate.STAGES) and answer["reasons"]["build"] == "its facts are of release v1, not v2"


@pytest.mark.parametrize("stage", gate.STAGES)
def test_changed_inputs_make_only_their_stage_pending(stage):
    answer = pending(complete_unit(), inputs=dict(INPUTS, **{stage: {"other": 1}}))
    assert answer["pending"] == [stage] and "changed" in answer["reasons"][stage]
    assert answer["dependent"] == list(gate.STAGES[gate.STAGES.index(stage) + 1:])


@pytest.mark.parametrize("stage", gate.STAGES[:-1])
def test_changed_output_makes_the_next_stage_pending(stage):
    following = gate.STAGES[gate.STAGES.index(stage) + 1]
    assert pending(changed(stage, output={"manifest": "other"}))["pending"] == [following]


def test_evidence_in_an_output_does_not_count():
    assert pending(changed("install", output={"venv": "/opt/v1", "_took": 99, "_at": "now"}))["pending"] == []


@pytest.mark.parametrize("status, words", [
    ("running", ["interrupted", "2026-11-21T09:32:00Z", "run1"]), ("failed", ["failed at 2026-11-21T09:39:00Z", "boom"]),
    ("waiting", ["waiting since 2026-11-21T09:39:00Z", "boom"]),
])
def test_reasons_say_what_happened(status, words):
    answer = pending(changed("install", status=status, cause="boom"))
    assert answer["pending"] == ["install"] and answer["complete"] == ["build", "stage", "configure"]
    assert all(word in answer["reasons"]["install"] for word in words)


@pytest.mark.parametrize("force, expected", [
    ([], []), (["install"], ["install"]), (["configure", "build"], ["build", "configure"]), (["all"], list(gate.STAGES)), ("all", list(gate.STAGES)),
])
def test_force(force, expected):
    answer = pending(complete_unit(), force=force)
    assert answer["pending"] == expected and answer["reasons"] == {stage: "forced" for stage in expected}


def test_force_does_not_hide_another_reason():
    assert "failed" in pending(changed("install", status="failed"), force=["install"])["reasons"]["install"]


@pytest.mark.parametrize("run, force, expected, missing", [
    (["build", "stage", "install"], [], ["build", "stage", "install"], []),
    (["configure"], [], ["configure"], ["build", "stage", "install"]),
    (["stage"], ["all"], ["stage"], ["build"]),
    (["all"], [], list(gate.STAGES), []),
    (["install", "build"], [], ["build", "install"], ["stage"]),
])
def test_run_limits_and_what_is_missing_before_is_told(run, force, expected, missing):
    answer = pending({}, run=run, force=force)
    assert answer["pending"] == expected and answer["missing"] == missing
    assert sorted(answer["reasons"]) == sorted(expected + missing)


def test_what_is_complete_is_not_missing():
    assert pending(changed("configure", status="failed"), run=["configure"])["missing"] == []


def test_nothing_is_missing_for_what_is_not_pending():
    assert pending(changed("build", status="failed"), run=["configure"])["missing"] == []


@pytest.mark.parametrize("option, field", [("run", "stages_run"), ("force", "stages_force")])
@pytest.mark.parametrize("wrong", [["instal"], "built", ["build", ""], [3]])
def test_unknown_stages_are_refused(option, field, wrong):
    with pytest.raises(InputError, match="^%s: .*is not a stage.*build, stage, install, configure" % field):
        pending({}, **{option: wrong})


def test_no_stage_at_all_is_refused():
    with pytest.raises(InputError, match="^stages_run: "):
        pending({}, run=[])


def test_inputs_of_an_unknown_stage_are_refused():
    with pytest.raises(InputError, match="^inputs: 'deploy'"):
        pending({}, inputs={"deploy": {}})


def test_without_inputs_fingerprints_are_not_compared():
    assert pending(changed("install", inputs="sha256:other"), inputs=None)["pending"] == []


def test_without_a_release_the_one_started_last_counts():
    unit = complete_unit()
    unit["stages"]["build"].update(release="v2", started_at="2026-11-21T10:00:00Z")
    answer = gate.pending(unit, None)
    assert answer["release"] == "v2" and answer["complete"] == ["build"] and answer["pending"] == ["stage", "install", "configure"]
    assert gate.pending({}, None) == {"release": None, "pending": [], "complete": [], "dependent": [], "missing": [], "reasons": {}}


@pytest.mark.parametrize("one, other, same", [
    ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True), ({"a": (1, 2)}, {"a": [1, 2]}, True), ({1: "x"}, {"1": "x"}, True),
    ({"a": 1}, {"a": "1"}, False), ({"a": None}, {}, False), ([1, 2], [2, 1], False), (True, 1, False), ("ü", "u", False),
    (datetime.date(2026, 11, 21), "2026-11-21", True), ({1: "x", "b": "y"}, {"1": "x", "b": "y"}, True),
])
def test_digest_is_that_of_the_meaning(one, other, same):
    assert (gate.digest(one) == gate.digest(other)) is same


def test_digest_of_a_digest_is_itself():
    digest = gate.digest({"a": 1})
    assert digest.startswith("sha256:") and gate.digest(digest) == digest
    assert gate.digest(digest[:-1]) != digest[:-1]


def test_fingerprint_is_the_same_for_inputs_and_their_digest():
    assert gate.fingerprint("v1", {"a": 1}, None) == gate.fingerprint("v1", gate.digest({"a": 1}), {})
    assert gate.fingerprint("v1", None, None) == gate.fingerprint("v1", {}, None)


@pytest.mark.parametrize("other", [("v2", {"a": 1}, {"b": 1}), ("v1", {"a": 2}, {"b": 1}), ("v1", {"a": 1}, {"b": 2}), ("v1", {"b": 1}, {"a": 1})])
def test_fingerprint_covers_all_three(other):
    assert gate.fingerprint("v1", {"a": 1}, {"b": 1}) != gate.fingerprint(*other)


def test_a_known_fingerprint_stays_what_it_is():
    """Facts on hosts outlive the version that wrote them: another result would run every stage of a fleet again."""
    assert gate.fingerprint("v36-1", {"port": 80}, {"manifest": "aa", "_at": 1}) == KNOWN

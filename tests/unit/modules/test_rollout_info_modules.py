# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that read a rollout: state, explanation, plan, batches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records, recording, switches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import APPROVALS, MARKS, PINS, Layout
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import (
    rollout_batch_info, rollout_batches_info, rollout_explain_info, rollout_info, rollout_plan_info)

RINGS = {"dev": ["web1", "web2"], "prod": ["web3", "web4", "web5"]}
NOW = "2014-02-11 10:16"


def named(hour: str) -> str:
    """The name of a snapshot of the day."""
    return "20140211-%s" % hour


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    """Snapshots of 0700 to 0900; dev runs 0900, prod 0700; 0800 is bad."""
    layout = Layout(str(tmp_path / "state"))
    Path(layout.snapshots).mkdir(parents=True)
    for hour in ("0700", "0800", "0900"):
        Path(layout.content(named(hour))).mkdir()
        at = naming.instant(named(hour))
        Path(layout.description(named(hour))).write_text(records.line({
            "name": named(hour), "at": at, "commit": "c" + hour, "digest": "sha256:" + "0" * 64, "files": 1, "barrier": "", "dead_end": "",
            "repository": "r", "ref": "main", "taken_at": at, "taken_by": "tests"}), encoding="utf-8")
    with recording.opened(layout.directory, "tests") as store:
        store.ran(RINGS["dev"], named("0900"), True, naming.instant(named("0900")), "dev")
        store.ran(RINGS["prod"], named("0700"), True, naming.instant(named("0900")), "prod")
        store.add(MARKS, [{"snapshot": named("0800"), "state": "bad", "at": 5, "by": "ada", "why": "no doors", "approved": ""}])
        store.add(PINS, [{"target": "web5", "snapshot": named("0700"), "until": naming.instant(named("1200")), "at": 5, "by": "bob", "why": "a test",
                          "emergency": False, "present": True}])
        store.add(APPROVALS, [{"ring": "prod", "snapshot": named("0700"), "at": 5, "by": "eve", "why": "", "present": True}])
    schedule = tmp_path / "schedule.yml"
    schedule.write_text(json.dumps({"rings": [
        {"name": "dev", "selector": {"groups": ["dev"]}},
        {"name": "prod", "selector": {"groups": ["prod"]}, "delay": "1h", "batches": [1, "50%"], "max_unavailable": "34%",
         "health": {"max_failed": "100%", "wait": "1m"}}]}), encoding="utf-8")
    return {"schedule": str(schedule), "state_dir": layout.directory, "now": NOW}


def run(module, check_mode: bool = False, **params):
    """What a module returns and prints."""
    lines: list[str] = []
    validation = ArgumentSpecValidator(module.SPEC["argument_spec"]).validate(params)
    assert not validation.error_messages
    result = module.execute(Call(validation.validated_parameters, check_mode, progress=lines.append))
    return result, lines


def test_the_state_as_a_whole(options: dict[str, str]) -> None:
    switches.engage(options["state_dir"], "ring", "prod", "payday", "ada", 1392113000)
    for rings in (RINGS, {}):
        found, _lines = run(rollout_info, rings=rings, **options)
        assert [(item["name"], item["mark"], item["by"], item["targets"]) for item in found["snapshots"]] == [
            (named("0700"), "", "", 3), (named("0800"), "bad", "ada", 0), (named("0900"), "", "", 2)]
        assert found["stops"] == [{"level": "ring", "name": "prod", "message": "payday", "by": "ada", "at": "2014-02-11T10:03:20Z"}]
        assert [(pin["target"], pin["until"]) for pin in found["pins"]] == [("web5", "2014-02-11T12:00:00Z")]
        assert found["approvals"] == {"prod": [named("0700")]} and found["problems"] == []
        assert found["rings"] == [{"name": "dev", "targets": 2, "closed": "", "runs": {named("0900"): 2}, "held": 0},
                                  {"name": "prod", "targets": 3, "closed": "", "runs": {named("0700"): 3}, "held": 3}]
    later, _lines = run(rollout_info, rings=RINGS, **dict(options, now="2014-02-11 12:00"))
    assert later["pins"] == []
    with recording.opened(options["state_dir"], "tests") as store:
        store.add(MARKS, [{"snapshot": named("0800"), "state": "none", "at": 6, "by": "ada", "why": "", "approved": ""}])
    lifted, _lines = run(rollout_info, rings=RINGS, **options)
    assert [(item["name"], item["mark"], item["by"]) for item in lifted["snapshots"]][1] == (named("0800"), "", "")


def test_a_state_that_is_not_there_is_told(options: dict[str, str]) -> None:
    found, _lines = run(rollout_info, rings=RINGS, **dict(options, state_dir="/nowhere"))
    assert "/nowhere is not there" in found["problems"][0] and [ring["held"] for ring in found["rings"]] == [2, 3]


def test_why_a_host_runs_what_it_runs(options: dict[str, str]) -> None:
    found, lines = run(rollout_explain_info, host="web3", rings=RINGS, **dict(options, now="2014-02-11 09:50"))
    assert (found["ring"], found["action"], found["release"], found["code"]) == ("prod", "run", named("0700"), "due")
    assert [(passed["snapshot"], passed["code"]) for passed in found["passed_over"]] == [(named("0900"), "too_young"), (named("0800"), "bad")]
    assert found["runs"] == [{"snapshot": named("0700"), "at": "2014-02-11T09:00:00Z", "ok": True, "by": ""}]
    assert lines == found["lines"] and "20140211-0800 was passed over: it is marked bad by ada: no doors" in lines
    held, _lines = run(rollout_explain_info, host="web3", rings=RINGS, disabled="it burns", **options)
    assert (held["action"], held["reason"]) == ("hold", "the target is disabled: it burns")
    with pytest.raises(InputError, match="host: 'web9' takes no part"):
        run(rollout_explain_info, host="web9", rings=RINGS, **options)


def test_what_would_run_is_told_and_drawn(options: dict[str, str], tmp_path: Path) -> None:
    dest = tmp_path / "plan.svg"
    params = dict(options, rings=RINGS, hours=2, dest=str(dest), title="Shop")
    checked, _lines = run(rollout_plan_info, True, **params)
    assert checked["changed"] and not dest.exists()
    found, lines = run(rollout_plan_info, **params)
    assert found["changed"] and dest.read_text(encoding="utf-8") == found["picture"] and lines == found["table"]
    assert found["moments"] == ["2014-02-11T10:16:00Z", "2014-02-11T11:00:00Z", "2014-02-11T12:00:00Z"]
    assert [(row["ring"], row["targets"], [hour["release"] for hour in row["hours"]]) for row in found["plan"]] == [
        ("dev", ["web1", "web2"], [named("0900")] * 3), ("prod", ["web3", "web4"], [named("0900")] * 3),
        ("prod", ["web5"], [named("0700"), named("0700"), named("0900")])]
    assert not run(rollout_plan_info, **params)[0]["changed"]
    with pytest.raises(InputError, match="hours: 0"):
        run(rollout_plan_info, **dict(params, hours=0))
    with pytest.raises(InputError, match="dest: .*cannot be written"):
        run(rollout_plan_info, **dict(params, dest=str(tmp_path / "gone" / "plan.svg")))


def test_batches_are_of_one_ring_and_in_the_order_of_the_rings(options: dict[str, str]) -> None:
    found, _lines = run(rollout_batches_info, schedule=options["schedule"], rings=RINGS, targets=["web5", "web3", "web2", "web1"])
    assert (found["targets"], found["serial"]) == (["web1", "web2", "web3", "web5"], [2, 1, 1])
    assert run(rollout_batches_info, schedule=options["schedule"], rings=RINGS, targets=[])[0]["serial"] == []
    with pytest.raises(InputError, match="rings: 'qa' is not a ring of the schedule"):
        run(rollout_batches_info, schedule=options["schedule"], rings={"qa": []}, targets=[])


def test_the_gates_of_the_rings_before_are_those_with_checks_and_targets(options: dict[str, str]) -> None:
    path = Path(options["schedule"])
    schedule = json.loads(path.read_text(encoding="utf-8"))
    check = {"url": "https://dev.example.com/health"}
    schedule["rings"][0]["health"] = {"checks": [check], "retries": 2}
    path.write_text(json.dumps(schedule), encoding="utf-8")

    def before(ring: str, **rings: list[str]) -> list[dict]:
        return run(rollout_batch_info, **dict(options, ring=ring, rings=dict(RINGS, **rings), taking_part=1, targets={}))[0]["gates_before"]

    assert before("prod") == [{"ring": "dev", "checks": [check], "retries": 2}]
    assert before("dev") == before("prod", dev=[]) == []


def test_a_batch_is_asked_about_again(options: dict[str, str]) -> None:
    decided = {"release": named("0900"), "current": named("0700"), "disabled": ""}
    params = dict(options, ring="prod", rings=RINGS, taking_part=3, targets={"web3": decided, "web4": decided})
    found, _lines = run(rollout_batch_info, **params)
    assert (found["held"], found["may_fail"], found["health"]) == ({}, 1, {"max_failed": 3, "wait": 60})
    switches.engage(options["state_dir"], "host", "web4", "it burns", "ada", 1)
    assert run(rollout_batch_info, **params)[0]["held"] == {"web4": "the kill switch of host web4 is on, thrown by ada: it burns"}

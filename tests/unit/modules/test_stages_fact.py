# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one writer of stage facts: options in, documents out."""

from __future__ import annotations

import json
import os

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.module_utils.stages import gate
from ansible_collections.stagecraft.release.plugins.module_utils.state import lock
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend, ParameterBackend
from ansible_collections.stagecraft.release.plugins.modules import stages_fact

NOW = 1795253400.0  # 2026-11-21T09:30:00Z
SECRET = "hunter2"


class Host:
    """A host's files, and the module run on them."""

    def __init__(self, root):
        self.places = {"facts_path": str(root / "s.fact"), "journal_path": str(root / "log" / "j.jsonl"), "state_directory": str(root / "state")}
        self.backend = FileBackend(*self.places.values())
        self.warnings = []

    def run(self, check_mode=False, diff=False, now=NOW, **options):
        """The result for the options."""
        args = dict(self.places, unit="shop", run="run1", host="web1", **options)
        spec = stages_fact.SPEC
        validation = ArgumentSpecValidator(spec["argument_spec"], required_if=spec["required_if"], required_by=spec["required_by"]).validate(args)
        assert not validation.error_messages, validation.error_messages
        call = Call(validation.validated_parameters, check_mode, diff, warn=self.warnings.append)
        return stages_fact.execute(call, clock=lambda: now)

    def facts(self):
        """The facts document as it is in the file."""
        return json.loads(self.backend.read("facts"))

    def journal(self):
        """The lines of the journal."""
        with open(self.places["journal_path"], encoding="utf-8") as handle:
            return [json.loads(line) for line in handle]


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def finish_all(host, release="v1", **inputs):
    for stage in gate.STAGES:
        host.run(stage=stage, status="running", release=release, inputs=inputs.get(stage))
        host.run(stage=stage, status="done", output={"of": stage})


def test_a_stage_from_beginning_to_end_satisfies_the_gate(host):
    finish_all(host, build={"tag": "v1"}, configure={"port": 80})
    unit = host.facts()["units"]["shop"]
    assert gate.pending(unit, "v1", {"build": {"tag": "v1"}, "configure": {"port": 80}})["pending"] == []
    assert gate.pending(unit, "v1", {"build": {"tag": "v1"}, "configure": {"port": 81}})["pending"] == ["configure"]
    assert unit["stages"]["stage"] == {
        "status": "done", "release": "v1", "run": "run1", "output": {"of": "stage"}, "started_at": "2026-11-21T09:30:00Z",
        "finished_at": "2026-11-21T09:30:00Z", "inputs": gate.fingerprint("v1", None, {"of": "build"})}


def test_the_result_is_what_is_written(host):
    result = host.run(stage="build", status="running", release="v1")
    assert result == {"changed": True, "facts": host.facts()["units"]["shop"]}
    assert result["facts"]["stages"]["build"]["status"] == "running"


@pytest.mark.parametrize("status", ["done", "failed", "waiting"])
def test_a_stage_that_was_never_begun_can_end_when_the_release_is_known(host, status):
    host.run(stage="build", status="done", release="v1")
    record = host.run(stage="build", status=status, release="v2", cause="boom", inputs=1)["facts"]["stages"]["build"]
    assert (record["status"], record["release"], record["inputs"]) == (status, "v2", gate.fingerprint("v2", 1, None))


@pytest.mark.parametrize("status", ["done", "failed", "waiting"])
def test_without_record_and_release_the_remedy_is_told(host, status):
    with pytest.raises(StagecraftError, match="give 'release'"):
        host.run(stage="build", status=status)
    assert host.backend.read("facts") is None


def test_failed_after_waiting_changes_nothing_and_writes_nothing(host):
    host.run(stage="install", status="waiting", release="v1", cause="approval of sha256:aa")
    lines = len(host.journal())
    assert host.run(stage="install", status="failed", cause="the play stops")["changed"] is False
    assert len(host.journal()) == lines and host.facts()["units"]["shop"]["stages"]["install"]["status"] == "waiting"


def test_done_after_waiting_goes_on_waiting_and_enters_no_history(host):
    host.run(stage="configure", status="waiting", release="v1", cause="approval of sha256:aa")
    result = host.run(stage="configure", status="done", output={"url": "x"}, history={"release": "v1"})
    assert result["facts"]["history"] == [] and result["facts"]["stages"]["configure"]["status"] == "waiting"
    assert host.journal()[-1]["status"] == "waiting" and "history" not in host.journal()[-1]
    host.run(stage="configure", status="running", release="v1")
    assert host.run(stage="configure", status="done", history={"release": "v1", "output": {}})["facts"]["history"] == [
        {"release": "v1", "output": {}}]


def test_reopened_makes_pending_what_was_done_and_ignores_what_never_ran(host):
    assert host.run(stage="install", status="reopened", cause="gone")["changed"] is False
    host.run(stage="install", status="done", release="v1")
    record = host.run(stage="install", status="reopened", cause="gone")["facts"]["stages"]["install"]
    assert (record["status"], record["cause"]) == ("failed", "gone")


def test_output_alone_is_merged_into_a_running_stage(host):
    host.run(stage="install", status="running", release="v1")
    host.run(stage="install", output={"candidate": 7})
    record = host.run(stage="install", output={"digest": "sha256:aa"})["facts"]["stages"]["install"]
    assert record["output"] == {"candidate": 7, "digest": "sha256:aa"} and record["status"] == "running"


def test_saved_settings_survive_a_second_save_until_they_are_cleared(host):
    host.run(save={"auto_deploy": {"was": True, "set": False}})
    assert host.run(save={"auto_deploy": {"was": False, "set": False}})["changed"] is False
    assert host.run(clear=["auto_deploy"])["facts"]["saved"] == {}
    assert host.run(clear=["auto_deploy"])["changed"] is False


def test_everything_at_once_is_one_write_and_one_line(host):
    finish_all(host)
    before = len(host.journal())
    result = host.run(stage="configure", status="done", release="v1", output={"url": SECRET}, save={"a": {"was": SECRET, "set": 1}},
                      history={"release": "v1", "at": "now"}, aborted={"release": "v0"}, restart_pending=["shop.service"])
    assert SECRET not in json.dumps(host.journal())
    assert result["facts"]["history"] == [{"release": "v1", "at": "now", "output": {"of": "configure", "url": SECRET}}]
    assert result["facts"]["aborted"] == [{"release": "v0"}]
    assert result["facts"]["restart_pending"] == ["shop.service"]
    assert host.journal()[before:] == [{
        "at": "2026-11-21T09:30:00Z", "unit": "shop", "run": "run1", "host": "web1", "stage": "configure", "status": "done", "release": "v1",
        "output": ["url"], "saved": ["a"], "history": "v1", "aborted": "v0", "restart_pending": ["shop.service"]}]


def test_a_release_record_is_kept_and_its_override_is_in_the_journal(host):
    record = {"crew_chief": "Ada", "change_ticket": "CHG-1", "override": "the board agreed", "problems": ["window: is over"]}
    assert host.run(release="v1", record=record)["facts"]["records"] == [
        dict(record, release="v1", run="run1", user=None, at="2026-11-21T09:30:00Z")]
    assert host.run(release="v1", record=record, now=NOW + 60)["changed"] is False
    assert host.run(release="v1", record=dict(record, override="", change_ticket=None), now=NOW + 60)["changed"] is True
    base = {"unit": "shop", "run": "run1", "host": "web1", "release": "v1"}
    assert host.journal() == [dict(base, at="2026-11-21T09:30:00Z", record="CHG-1", override="the board agreed"),
                              dict(base, at="2026-11-21T09:31:00Z", record=True)]
    assert host.run(forget="v1")["facts"]["records"]


def test_forget_drops_a_release_that_was_given_up(host):
    finish_all(host, "v2")
    assert host.run(forget="v2", aborted={"release": "v2"})["facts"]["stages"] == {}


def test_inputs_are_written_nowhere(host):
    host.run(stage="configure", status="running", release="v1", inputs={"password": SECRET})
    for path in (host.places["facts_path"], host.places["journal_path"]):
        with open(path, encoding="utf-8") as handle:
            assert SECRET not in handle.read()


def test_restart_pending_can_be_emptied(host):
    host.run(restart_pending=["a"])
    assert host.run(restart_pending=[])["facts"]["restart_pending"] == []


def test_other_units_stay(host):
    host.run(stage="build", status="done", release="v1")
    before = host.facts()["units"]["shop"]
    host.places["unit"] = "till"
    args = dict(host.places, run="run1", stage="build", status="done", release="v9")
    params = ArgumentSpecValidator(stages_fact.SPEC["argument_spec"]).validate(args).validated_parameters
    stages_fact.execute(Call(params))
    assert host.facts()["units"]["shop"] == before and host.facts()["units"]["till"]["stages"]["build"]["release"] == "v9"


def test_check_mode_tells_and_writes_nothing(host, tmp_path):
    result = host.run(check_mode=True, diff=True, stage="build", status="running", release="v1")
    assert result["changed"] and result["facts"]["stages"]["build"]["status"] == "running"
    assert '"running"' in result["diff"]["after"] and '"running"' not in result["diff"]["before"]
    assert host.run(check_mode=True, stage="build", status="done", output={"a": 1})["changed"] is False
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", ["", "{", '{"schema": 7, "units": {}}'])
def test_malformed_facts_stop_the_write_and_stay(host, content):
    host.backend.write("facts", content)
    with pytest.raises(StagecraftError, match="s.fact: "):
        host.run(stage="build", status="running", release="v1")
    assert host.backend.read("facts") == content


def test_a_write_under_another_runs_lock_is_refused(host):
    lock.acquire(host.backend, "shop", {"run": "run2", "controller": "ci2:bb", "pid": 1, "user": "x"}, NOW, lambda holder: True)
    with pytest.raises(StagecraftError, match="held by x@ci2:bb"):
        host.run(stage="build", status="running", release="v1")
    assert host.backend.read("facts") is None
    assert host.run(now=NOW + 90, stage="build", status="running", release="v1")["changed"]


def test_a_write_for_another_target_of_the_same_run_is_refused(host):
    lock.acquire(host.backend, "shop", {"run": "run1", "target": "prod", "controller": "ci2:bb", "pid": 1, "user": "x"}, NOW, lambda holder: True)
    with pytest.raises(StagecraftError, match="unit shop: is declared twice: prod and web1"):
        host.run(stage="build", status="running", release="v1")
    assert host.backend.read("facts") is None


def test_a_journal_that_cannot_be_written_is_a_warning(host, tmp_path):
    (tmp_path / "log").write_text("in the way")
    assert host.run(stage="build", status="running", release="v1")["changed"]
    assert len(host.warnings) == 1 and "journal" in host.warnings[0]
    assert host.facts()["units"]["shop"]["stages"]["build"]["status"] == "running"


@pytest.mark.parametrize("options, message", [
    ({"status": "running", "release": "v1"}, "stage"), ({"stage": "build", "status": "running"}, "release"), ({"output": {"a": 1}}, "stage"),
    ({"stage": "deploy"}, "one of"), ({"stage": "build", "status": "ok"}, "one of"),
])
def test_options_that_do_not_go_together(options, message):
    spec = stages_fact.SPEC
    validation = ArgumentSpecValidator(spec["argument_spec"], required_if=spec["required_if"], required_by=spec["required_by"])
    errors = validation.validate(dict(options, unit="shop")).error_messages
    assert errors and message in errors[0]


def test_a_unit_that_cannot_name_a_document_is_refused(host):
    host.places["unit"] = "a/b"
    params = ArgumentSpecValidator(stages_fact.SPEC["argument_spec"]).validate(dict(host.places, clear=["a"])).validated_parameters
    with pytest.raises(InputError, match="^unit: "):
        stages_fact.execute(Call(params))


def test_with_parameters_the_heartbeat_comes_before_each_write(host, monkeypatch):
    class Store(dict):
        put = dict.__setitem__

    store, made = Store(), []

    def choose(params, before_write):
        made.append(before_write)
        return ParameterBackend(store)
    monkeypatch.setattr(stages_fact, "backend_for", choose)
    params = dict({name: None for name in stages_fact.SPEC["argument_spec"]}, unit="shop", stage="build", status="running", release="v1")
    beat = object()
    stages_fact.execute(Call(params, heartbeat=beat))
    assert made == [beat] and sorted(store) == ["stagecraft.facts", "stagecraft.journal"]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of stages_fact do to a unit's facts: the place where the rooms ``state`` and ``stages`` are joined."""

from __future__ import annotations

import json

from ansible_collections.stagecraft.release.plugins.module_utils.stages import gate
from ansible_collections.stagecraft.release.plugins.module_utils.state import facts


def apply(unit, params, now, check_mode=False):
    """The unit's facts after everything that the options ask for.

    :param unit: its facts before.
    :param params: options of stages_fact.
    :param now: time as text.
    :param check_mode: the stage's beginning may not have been written, so its end is no error.
    """
    if params["forget"]:
        unit = facts.forget(unit, params["forget"])
    if params["stage"]:
        unit = _stage(unit, params, now, check_mode)
    if params["save"]:
        unit = facts.save(unit, params["save"])
    if params["clear"]:
        unit = facts.clear_saved(unit, params["clear"])
    if params["history"] and not _waits(unit, params["stage"]):
        unit = facts.add_history(unit, dict({"output": _output(unit, params["stage"])}, **params["history"]))
    if params["aborted"]:
        unit = facts.add_aborted(unit, params["aborted"])
    if params["record"]:
        who = {"release": params["release"], "run": params["run"], "user": params["user"], "at": now}
        unit = facts.add_record(unit, dict(params["record"], **who))
    if params["restart_pending"] is not None:
        unit = facts.set_restart_pending(unit, params["restart_pending"])
    return unit


def _stage(unit, params, now, check_mode):
    stage, status, run = params["stage"], params["status"], params["run"] or ""
    record = unit["stages"].get(stage)
    release = params["release"] or (record or {}).get("release")
    if record is None and (status == "reopened" or (check_mode and not release)):
        return unit
    if record is None and status == "failed" and release in [entry.get("release") for entry in unit["aborted"]]:
        return unit  # given up in the middle of the stage: nothing of it is left to be pending
    print_of_inputs = gate.fingerprint(release, params["inputs"], gate.previous_output(unit, stage))
    new = release and (record is None or record.get("release") != release)
    if status == "running" or (status in ("done", "failed", "waiting") and new):
        unit = facts.start(unit, stage, release, print_of_inputs, run, now)
    if params["output"]:
        unit = facts.record_output(unit, stage, params["output"], run)
    if status == "done":
        return facts.finish(unit, stage, run, now, print_of_inputs if params["inputs"] is not None else None)
    if status in ("failed", "waiting", "reopened"):
        change = {"failed": facts.fail, "waiting": facts.wait, "reopened": facts.reopen}[status]
        return change(unit, stage, params["cause"], run, now)
    return unit


def journal_line(params, unit, now):
    """One line of the journal: what was written, by whom, and names in place of values.

    :param unit: the unit's facts after the write.
    """
    record = unit["stages"].get(params["stage"]) or {}
    waits = _waits(unit, params["stage"])
    line = {"at": now, "unit": params["unit"], "run": params["run"], "user": params["user"], "host": params["host"], "stage": params["stage"],
            "status": "waiting" if params["status"] and waits else params["status"], "release": params["release"] or record.get("release"),
            "cause": facts.cut(params["cause"]) or None, "output": sorted(params["output"] or ()) or None,
            "saved": sorted(params["save"] or ()) or None, "cleared": sorted(params["clear"] or ()) or None,
            "forgot": params["forget"], "history": None if waits else _release(params["history"]), "aborted": _release(params["aborted"]),
            "restart_pending": params["restart_pending"], "record": _ticket(params["record"]), "override": (params["record"] or {}).get("override") or None}
    return json.dumps({key: value for key, value in line.items() if value is not None}, sort_keys=True, ensure_ascii=False)


def _waits(unit, stage):
    return unit["stages"].get(stage, {}).get("status") == "waiting"


def _output(unit, stage):
    """What the release that enters the history handed on, unless the entry says so itself."""
    return unit["stages"].get(stage, {}).get("output", {})


def _ticket(record):
    return (record.get("change_ticket") or True) if record else None


def _release(entry):
    return (entry.get("release") or True) if entry else None

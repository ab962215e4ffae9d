# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts document: read, checked, migrated, and the changes that can be made to the facts of one unit.

The functions that change take a unit's facts and return new ones; what they were given stays as it was.
"""

from __future__ import annotations

import copy
import json

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError

SCHEMA = 1
STATUSES = ("running", "done", "failed", "waiting")
CAUSE_LIMIT = 2000
HISTORY_LIMIT = 20
AFRESH = "Restore it, or move it away to start afresh: completed stages would run again, and saved settings would be forgotten."
UNIT_SHAPES = {"stages": dict, "saved": dict, "restart_pending": list, "history": list, "aborted": list, "records": list}
RECORD_SHAPES = {"status": str, "release": str, "inputs": str, "output": dict, "started_at": str, "finished_at": str, "run": str, "cause": str}


def empty_unit():
    """The facts of a unit about which nothing is known."""
    return {key: shape() for key, shape in UNIT_SHAPES.items()}


def parse(text, source):
    """The facts document that ``text`` is.

    :param text: the document, or None where there is none.
    :param source: where it is, for messages.
    :raises StagecraftError: it is not a facts document, or one of a newer version.
    """
    if text is None:
        return {"schema": SCHEMA, "units": {}}
    try:
        document = json.loads(text)
    except ValueError as exc:
        raise StagecraftError("%s: is not valid JSON (%s). %s" % (source, exc, AFRESH)) from exc
    if not isinstance(document, dict):
        raise _malformed(source, "the document", dict)
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 0:
        raise StagecraftError("%s: schema: %r is not a known schema of stage facts. %s" % (source, schema, AFRESH))
    if schema > SCHEMA:
        raise StagecraftError("%s: schema: %d was written by a newer version of this collection, which knows up to %d. Update the "
                              "collection stagecraft.release on this controller." % (source, schema, SCHEMA))
    return _checked(document, source)


def _checked(document, source):
    units = document.get("units", {})
    if not isinstance(units, dict):
        raise _malformed(source, "units", dict)
    # Schema 0 had neither saved settings nor a history: what is not there is empty.
    return {"schema": SCHEMA, "units": {name: _checked_unit(unit, "units.%s" % name, source) for name, unit in units.items()}}


def _checked_unit(unit, place, source):
    if not isinstance(unit, dict):
        raise _malformed(source, place, dict)
    result = dict(empty_unit(), **copy.deepcopy(unit))
    _check_shapes(result, UNIT_SHAPES, place, source)
    for stage, record in result["stages"].items():
        where = "%s.stages.%s" % (place, stage)
        if not isinstance(record, dict):
            raise _malformed(source, where, dict)
        _check_shapes(record, RECORD_SHAPES, where, source)
        if record.get("status") not in STATUSES:
            raise StagecraftError("%s: %s.status: %r is not one of %s. %s"
                                  % (source, where, record.get("status"), ", ".join(STATUSES), AFRESH))
    for name, setting in result["saved"].items():
        if not isinstance(setting, dict) or not {"was", "set"} <= set(setting):
            raise StagecraftError("%s: %s.saved.%s: has no 'was' and 'set'. %s" % (source, place, name, AFRESH))
    return result


def _check_shapes(mapping, shapes, place, source):
    for key, shape in shapes.items():
        if mapping.get(key) is not None and not isinstance(mapping[key], shape):
            raise _malformed(source, "%s.%s" % (place, key), shape)
        if mapping.get(key) is None and key in mapping:
            mapping[key] = shape()


def _malformed(source, place, shape):
    return StagecraftError("%s: %s is not a %s, so this is not a document of stage facts. %s"
                           % (source, place, {dict: "mapping", list: "list", str: "text"}[shape], AFRESH))


def serialise(facts):
    """The text of a facts document: sorted, and readable for a person."""
    return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def unit_of(facts, name):
    """The facts of one unit, or empty ones."""
    return copy.deepcopy(facts["units"].get(name)) or empty_unit()


def with_unit(facts, name, unit):
    """The facts document with other facts for one unit."""
    return dict(facts, units=dict(facts["units"], **{name: unit}))


def start(unit, stage, release, inputs, run, now):
    """The stage begins.

    The output of an earlier attempt at the same release is kept, so that what was begun can be found again: a candidate, an
    approval. That of a completed stage is not: it would belong to another attempt.

    :param inputs: fingerprint of the stage.
    :param now: time as text.
    """
    before = unit["stages"].get(stage, {})
    again = before.get("release") == release and before.get("status") != "done"
    record = {"status": "running", "release": release, "inputs": inputs, "run": run, "started_at": now,
              "output": copy.deepcopy(before.get("output", {})) if again else {}}
    return _with_record(unit, stage, record)


def record_output(unit, stage, output, run):
    """Values that the stage hands on, merged into those it has handed on already."""
    record = _started(unit, stage)
    merged = dict(record.get("output", {}), **copy.deepcopy(output))
    return _with_record(unit, stage, dict(record, output=merged, run=run or record.get("run", "")))


def finish(unit, stage, run, now, inputs=None):
    """The stage is complete. One that waits for a person is not, and goes on waiting.

    :param inputs: fingerprint, where another one than at the start is known.
    """
    record = _started(unit, stage)
    if record["status"] == "waiting":
        return copy.deepcopy(unit)
    record = dict(record, status="done", run=run, finished_at=now)
    record.pop("cause", None)
    if inputs:
        record["inputs"] = inputs
    return _with_record(unit, stage, record)


def fail(unit, stage, cause, run, now):
    """The stage failed. A stage that waits for a person goes on waiting: that is what the next run must show."""
    record = _started(unit, stage)
    if record["status"] == "waiting":
        return copy.deepcopy(unit)
    return _with_record(unit, stage, dict(record, status="failed", cause=cut(cause), run=run, finished_at=now))


def wait(unit, stage, cause, run, now):
    """The stage waits for a person; ``cause`` says for what."""
    record = dict(_started(unit, stage), status="waiting", cause=cut(cause), run=run, finished_at=now)
    return _with_record(unit, stage, record)


def reopen(unit, stage, cause, run, now):
    """A stage that was complete, or waited, is not any more: it is pending again. Its output stays readable."""
    record = dict(_started(unit, stage), status="failed", cause=cut(cause), run=run, finished_at=now)
    return _with_record(unit, stage, record)


def save(unit, settings):
    """Settings that are about to be changed for a while. What is saved already is kept: it is the older truth.

    :param settings: ``{name: {"was": …, "set": …}}``.
    """
    for name, setting in settings.items():
        if not isinstance(setting, dict) or set(setting) != {"was", "set"}:
            raise StagecraftError("save: %s: needs exactly the keys 'was' and 'set'. Give both." % name)
    return dict(copy.deepcopy(unit), saved=dict(copy.deepcopy(settings), **copy.deepcopy(unit["saved"])))


def clear_saved(unit, names):
    """Settings that are as they were before."""
    kept = {name: setting for name, setting in unit["saved"].items() if name not in names}
    return dict(copy.deepcopy(unit), saved=copy.deepcopy(kept))


def add_history(unit, entry):
    """A release that the unit has come to run, newest last."""
    return dict(copy.deepcopy(unit), history=(copy.deepcopy(unit["history"]) + [copy.deepcopy(entry)])[-HISTORY_LIMIT:])


def add_record(unit, entry):
    """The release record that a run began with, newest last. The last 20 are kept; the same run adds the same one once.

    :param entry: has ``at``, which does not count in that.
    """
    last = unit["records"][-1] if unit["records"] else {}
    if dict(last, at=None) == dict(entry, at=None):
        return copy.deepcopy(unit)
    return dict(copy.deepcopy(unit), records=(copy.deepcopy(unit["records"]) + [copy.deepcopy(entry)])[-HISTORY_LIMIT:])


def add_aborted(unit, entry):
    """A release that was given up, newest last."""
    return dict(copy.deepcopy(unit), aborted=copy.deepcopy(unit["aborted"]) + [copy.deepcopy(entry)])


def set_restart_pending(unit, names):
    """What must be restarted in configure."""
    return dict(copy.deepcopy(unit), restart_pending=list(names))


def forget(unit, release):
    """Drop the records of the stages of a release that was given up."""
    kept = {stage: record for stage, record in unit["stages"].items() if record.get("release") != release}
    return dict(copy.deepcopy(unit), stages=copy.deepcopy(kept))


def cut(cause):
    """``cause`` in a length that a record can carry."""
    text = str(cause or "")
    return text if len(text) <= CAUSE_LIMIT else text[:CAUSE_LIMIT - 1] + "…"


def _started(unit, stage):
    record = unit["stages"].get(stage)
    if record is None:
        raise StagecraftError("stage: %r has no record for this unit, so there is nothing to finish. Write status 'running' first, "
                              "or give 'release'." % stage)
    return copy.deepcopy(record)


def _with_record(unit, stage, record):
    result = copy.deepcopy(unit)
    result["stages"][stage] = record
    return result

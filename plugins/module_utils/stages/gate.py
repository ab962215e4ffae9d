# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: which stages of a unit are pending. Pure: facts and wishes in, answer out."""

from __future__ import annotations

import hashlib
import json
import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

STAGES = ("build", "stage", "install", "configure")
ALL = "all"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def digest(value):
    """SHA-256 of the canonical JSON of ``value``; a digest stays what it is.

    So a caller can take the digest of inputs early and send that instead: inputs may hold what no log should show.
    """
    if isinstance(value, str) and DIGEST.match(value):
        return str(value)
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:%s" % hashlib.sha256(text.encode("utf-8")).hexdigest()


def fingerprint(release, inputs, previous_output):
    """What a stage depends on.

    :param inputs: the unit's own inputs for the stage, or their digest; None is the same as none at all.
    :param previous_output: output of the stage before, or None; keys that begin with ``_`` are evidence, which differs from one
        run to the next, and do not count.
    """
    handed = {key: value for key, value in (previous_output or {}).items() if not str(key).startswith("_")}
    return digest({"release": release, "inputs": digest({} if inputs is None else inputs), "previous": digest(handed)})


def previous_output(unit, stage):
    """What the stage before handed on, or None."""
    position = STAGES.index(stage)
    return unit.get("stages", {}).get(STAGES[position - 1], {}).get("output") if position else None


def current_release(unit):
    """The release of the stage that was started last, or None."""
    records = sorted((record.get("started_at", ""), record.get("release")) for record in unit.get("stages", {}).values())
    return records[-1][1] if records else None


def pending(unit, release, inputs=None, run=STAGES, force=()):
    """Which stages are pending by today's facts.

    The output of a pending stage is not known yet. So a later stage that is complete today is in ``complete`` and in
    ``dependent``; whoever runs the stages asks again right before each.

    :param unit: the unit's facts.
    :param release: the wanted release; None stands for the one that was started last.
    :param inputs: ``{stage: inputs}``; None compares no fingerprints.
    :param run: the stages that are meant.
    :param force: stages to run although they are complete, or ``all``.
    :returns: ``release``, lists ``pending``, ``complete``, ``dependent``, ``missing`` (not meant, not complete, and before one that is
        pending), and ``reasons``: ``{stage: text}`` for what is pending or missing.
    """
    meant, forced = names(run, "stages_run"), names(force, "stages_force")
    if not meant:
        raise InputError("stages_run", run, "names no stage", "Use some of: %s, or 'all'" % ", ".join(STAGES))
    check_inputs(inputs)
    wanted = release or current_release(unit)
    if not wanted:
        return {"release": None, "pending": [], "complete": [], "dependent": [], "missing": [], "reasons": {}}
    lacking = {}
    for stage in STAGES:
        reason = _reason(unit, stage, wanted, inputs)
        if stage in meant and stage in forced and not reason:
            reason = "forced"
        if reason:
            lacking[stage] = reason
    waiting = [stage for stage in STAGES if stage in lacking and stage in meant]
    complete = [stage for stage in STAGES if stage in meant and stage not in lacking]
    missing = [stage for stage in STAGES if stage in lacking and stage not in meant and waiting and _before(stage, waiting[-1])]
    return {
        "release": wanted,
        "pending": waiting,
        "complete": complete,
        "dependent": [stage for stage in complete if waiting and _before(waiting[0], stage)],
        "missing": missing,
        "reasons": {stage: lacking[stage] for stage in STAGES if stage in waiting + missing},
    }


def names(wanted, field):
    """The stages that an option names, in order.

    :param wanted: a list, or one name; ``all`` stands for every stage.
    :param field: the option, for messages.
    """
    listed = [wanted] if isinstance(wanted, str) else list(wanted or ())
    for name in listed:
        if name not in STAGES and name != ALL:
            raise InputError(field, name, "is not a stage", "Use some of: %s, or 'all'" % ", ".join(STAGES))
    return [stage for stage in STAGES if stage in listed or ALL in listed]


def check_inputs(inputs):
    """Refuse inputs for what is not a stage: they would never count."""
    for name in inputs or ():
        if name not in STAGES:
            raise InputError("inputs", name, "is not a stage", "Use some of: %s" % ", ".join(STAGES))


def _reason(unit, stage, release, inputs):
    """Why a stage is not complete, or None."""
    record = unit.get("stages", {}).get(stage)
    if not record:
        return "never run"
    status, had = record.get("status"), record.get("release")
    if had != release:
        return "its facts are of release %s, not %s" % (had, release)
    if status == "running":
        return "interrupted: started at %s by run %s and not finished" % (record.get("started_at", "?"), record.get("run", "?"))
    if status == "waiting":
        return "waiting since %s: %s" % (record.get("finished_at", "?"), record.get("cause", "?"))
    if status != "done":
        return "failed at %s: %s" % (record.get("finished_at", "?"), record.get("cause", "?"))
    if inputs is not None and record.get("inputs") != fingerprint(release, inputs.get(stage), previous_output(unit, stage)):
        return "its inputs, or what the stage before handed on, have changed"
    return None


def _before(one, other):
    return STAGES.index(one) < STAGES.index(other)


def _plain(value):
    """``value`` as JSON has it, with keys as texts, so that it has one canonical form."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)

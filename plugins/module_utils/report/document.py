# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of one release as a document: everything that the page, the Markdown and the JSON show. Pure.

Nothing in it depends on when it is made, so the same state gives the same report.
"""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import ACTIONS
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.report import attempts, steps
from ansible_collections.stagecraft.release.plugins.module_utils.stages.gate import STAGES

SCHEMA = 1
OUTCOMES = {"deployed": "Deployed", "waiting": "Waiting for approval", "failed": "Failed", "emergency": "Emergency stop", "aborted": "Aborted",
            "unfinished": "Not finished", "prepared": "Prepared"}


class Seen:
    """What is known about one release of a unit.

    :param release: the release.
    :param facts: the stage facts of the unit.
    :param journal: all entries of the journal, oldest first.
    :param evidence: ``candidate``, ``drift``, ``abort`` and ``emergency``; those of another release do not count.
    """

    def __init__(self, release, facts, journal, evidence):
        self.release = release
        self._evidence = evidence
        self.records = _records(facts, release)
        self.aborted = not self.records and any(entry.get("forgot") == release for entry in journal)
        if self.aborted:
            self.records = _records(self.evidence("abort"), release)
        self.abort_entry = self._last(facts.get("aborted")) if self.aborted else {}
        begun = [record["started_at"] for record in self.records.values() if record.get("started_at")]
        # The release record is written just before the first stage begins.
        runs = {record.get("run") for record in self.records.values()}
        self.people = [entry for entry in facts.get("records") or [] if entry.get("release") == release]
        since = min(begun + [entry["at"] for entry in self.people if entry.get("run") in runs and begun], default=None)
        self.entries = attempts.of_release(journal, release, since)
        self.before = self.output("stage").get("_settings_before") or {}
        self.after = self.output("configure").get("_settings_after") or {}
        if self.aborted:
            self.after = self.abort_entry.get("_settings_after") or {}

    def record(self, stage):
        """The record of a stage; empty where it was never begun."""
        return self.records.get(stage) or {}

    def output(self, stage):
        """What a stage handed on."""
        return self.record(stage).get("output") or {}

    def is_done(self, stage):
        """Whether a stage is complete."""
        return self.record(stage).get("status") == "done"

    def evidence(self, name):
        """A document of evidence, empty where there is none of this release."""
        content = self._evidence.get(name) or {}
        return content if content.get("release", self.release) == self.release else {}

    def when(self, **wanted):
        """See :func:`attempts.when`."""
        return attempts.when(self.entries, **wanted)

    def _last(self, entries):
        return next((entry for entry in reversed(entries or []) if entry.get("release") == self.release), {})


def _records(facts, release):
    return {stage: record for stage, record in (facts.get("stages") or {}).items() if record.get("release") == release}


def newest(facts):
    """The release whose stage was begun last, or else the one that was given up last; None where there is neither."""
    records = sorted((facts.get("stages") or {}).values(), key=lambda record: record.get("started_at") or "")
    if records:
        return records[-1].get("release")
    return next((entry.get("release") for entry in reversed(facts.get("aborted") or [])), None)


def build(target, unit, release, facts, journal, evidence, about=None, procedure="stages"):
    """The document.

    :param target: name of the inventory host.
    :param about: more texts for the head of the report, by their labels.
    :param procedure: see :func:`steps.checklist`.
    :raises InputError: nothing is recorded about the release.
    """
    seen = Seen(release, facts, journal, evidence)
    if not seen.entries and not seen.records:
        raise InputError("release", release, "has no record of this unit", "Name a release that was begun there, or leave it away for the last one")
    checklist = steps.checklist(procedure, seen)
    stages = attempts.attempts(seen.entries)
    state, text = _outcome(seen, procedure)
    times = [entry["at"] for entry in seen.entries] or [None]
    return {
        "schema": SCHEMA, "target": target, "unit": unit, "release": release, "about": dict(about or {}, **_people(seen)), "procedure": procedure,
        "outcome": {"state": state, "text": text, "cause": _cause(seen, state)},
        "began": times[0], "ended": times[-1], "runs": attempts.runs(seen.entries), "stages": stages,
        "held": attempts.held(seen.entries, "auto_deploy"), "steps": checklist, "boxes": steps.count(checklist),
        "settings": _settings(seen), "changes": _changes(seen.evidence("candidate"), seen), "drift": _changes(seen.evidence("drift"), seen),
        "approvals": _approvals(seen), "overrides": _overrides(seen), "notices": _notices(seen),
        "failed": seen.output("configure").get("_failed") or [], "journal": seen.entries,
    }


def _outcome(seen, procedure):
    state = "prepared"
    statuses = {seen.record(stage).get("status") for stage in STAGES}
    if seen.aborted:
        state = "aborted"
    elif seen.evidence("emergency"):
        state = "emergency"
    elif "failed" in statuses:
        state = "failed"
    elif "waiting" in statuses:
        state = "waiting"
    elif seen.is_done("configure"):
        state = "deployed"
    elif "running" in statuses:
        state = "unfinished"
    text = OUTCOMES[state] if procedure == "upgrade" or state != "waiting" else "Waiting for a person"
    failed = [stage for stage in STAGES if seen.record(stage).get("status") == "failed"]
    return state, "%s in %s" % (text, failed[-1]) if state == "failed" else text


def _cause(seen, state):
    causes = [seen.record(stage).get("cause") for stage in STAGES if seen.record(stage).get("status") == {"failed": "failed", "waiting": "waiting"}.get(state)]
    return [cause for cause in causes if cause][-1] if any(causes) else ""


def _settings(seen):
    names = sorted(set(seen.before) | set(seen.after))
    return [{"name": name, "before": seen.before.get(name), "after": seen.after.get(name) if seen.after else None,
             "changed": bool(seen.before and seen.after) and seen.before.get(name) != seen.after.get(name)} for name in names]


def _changes(evidence, seen):
    """A dry run; None where there is none of this release."""
    if "changes" not in evidence:
        return None
    unexpected = evidence.get("unexpected") or {}
    rows = [dict(row, unexpected=unexpected[row["resource"]]) if row.get("resource") in unexpected else row for row in evidence["changes"]]
    counts = dict.fromkeys(ACTIONS, 0)
    for row in rows:
        counts[row["action"]] = counts.get(row["action"], 0) + 1
    unchecked = evidence.get("unchecked") or []
    return {"version": evidence.get("version"), "digest": evidence.get("digest"), "dryrun": evidence.get("dryrun") or {},
            "counts": dict(counts, unchecked=len(unchecked)), "unexpected": len(unexpected) + len(unchecked), "changes": rows, "unchecked": unchecked}


def _approvals(seen):
    """What a person approved or has to approve, and what needed nobody: the judgement that counted last."""
    for stage in ("configure", "install"):
        output = seen.output(stage)
        if "_verdict" in output:
            given = output.get("_approval") or {}
            return [{"verdict": output["_verdict"], "digest": given.get("digest") or output.get("_digest"), "who": given.get("who"),
                     "expires": given.get("expires"), "at": seen.when(stage=stage, output="_approval")}]
    return []


def _people(seen):
    """What the newest release record says, for the head."""
    newest = seen.people[-1] if seen.people else {}
    window = newest.get("window") or {}
    told = {"Crew chief": newest.get("crew_chief"), "Driver": newest.get("driver"), "Change ticket": newest.get("change_ticket"), "Window": window.get("text")}
    return {label: text for label, text in told.items() if text}


def _notices(seen):
    """The notices of the newest release record, as they were when the run began."""
    newest = seen.people[-1] if seen.people else {}
    return [{key: notice.get(key) for key in ("name", "lead_working_days", "deadline", "sent", "state")} for notice in newest.get("notices") or []]


def _overrides(seen):
    """Each time that the release began although its record did not allow it: when, who, why and what."""
    return [{"at": entry.get("at"), "who": entry.get("user"), "reason": entry["override"], "problems": entry.get("problems") or []}
            for entry in seen.people if entry.get("override")]

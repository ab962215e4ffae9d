# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the written procedure as a checklist: what was done, when, and what shows it. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.report.wording import counted, in_utc, plain

STATES = ("done", "failed", "waiting", "running", "open", "skipped")

APPEARS = "A new version will appear but it will not start to deploy"
OPENS = ["The dryrun report will open", "Wait for the dryrun to finish"]
# Each line: key of the box (None where the line has none), text, notes below it, boxes below it. The shape is that of the issue template.
UPGRADE = (
    ("Context", (
        ("released", "The project is released", (), ()),)),
    ("Pre-Upgrade steps", (
        (None, "Verify that environment safety settings are on", (), (("protected", "`protected_environment = True`"),)),
        (None, "Temporarily disable auto_deploy", (), (("held", "`auto_deploy = False`"),)),
        ("recompile", "Click 'recompile' to verify that no new deploy would start", (APPEARS,), ()),
        ("health", "Inspect the current state of the latest active version: no failures, a healthy deploy", (), ()),
        ("drift", "(Optional) Perform a dryrun and take note of all changes. Ideally there are none", (), ()))),
    ("Upgrade procedure", (
        ("update", "Click `Update and recompile`", (APPEARS,), ()),
        ("dryrun", "Click dryrun on the new version", OPENS,
         (("inspected", "Inspect any changes found by the dryrun: are they expected? If not, abort"),)),
        ("deploy", "If all is OK, click deploy to make the changes effective", (), ()))),
    ("Post Upgrade procedure", (
        (None, "Re-enable auto_deploy", (), (("restored", "`auto_deploy = True`"),)),)),
    ("Upgrade abort/revert", (
        ("deleted", "Delete the bad (latest) version", (), ()),
        ("reverted", "Push a revert commit onto the release branch", (), ()),
        ("back", "Click `Update and recompile`", (APPEARS,), ()),
        ("back_dryrun", "Click dryrun on the new version", OPENS,
         (("identical", "Inspect any changes found by the dryrun: the same as before the upgrade? If not, emergency stop and support"),)))),
)
STAGES = (("Stages", (
    ("build", "Build: made once, touches no target", (), ()), ("stage", "Stage: brought to the target", (), ()),
    ("install", "Install: beside what runs", (), ()), ("configure", "Configure: made effective", (), ()))),)
# The boxes of each stage in order: in a stage that failed, the first that is open is the one that did.
BOXES = {"build": ("released",), "stage": ("protected", "held", "recompile", "health", "drift"), "install": ("update", "dryrun", "inspected"),
         "configure": ("inspected", "deploy", "restored")}


def checklist(procedure, seen):
    """The checklist: ``[{section, steps: [{key, title, notes, boxes, state, at, evidence}]}]``.

    :param procedure: ``upgrade`` for a service model, ``stages`` for any other unit.
    :param seen: what is known, see ``document.Seen``.
    """
    if procedure == "stages":
        return _laid_out(STAGES, {stage: _whole_stage(stage, seen) for stage in BOXES})
    boxes = {key: box(seen) for key, box in (("released", _released), ("protected", _protected), ("held", _held), ("recompile", _recompile),
                                             ("health", _health), ("drift", _drift), ("update", _update), ("dryrun", _dryrun),
                                             ("inspected", _inspected), ("deploy", _deploy), ("restored", _restored))}
    for stage, keys in BOXES.items():
        _place(boxes, keys, seen.record(stage), stage)
    return _laid_out(UPGRADE, dict(boxes, **_abort(seen)))


def count(sections):
    """Number of boxes by state."""
    counts = dict.fromkeys(STATES, 0)
    for section in sections:
        for step in section["steps"]:
            for box in [step] + step["boxes"]:
                if box["key"]:
                    counts[box["state"]] += 1
    return counts


def _box(state="open", at=None, *evidence):
    return {"state": state, "at": at, "evidence": [text for text in evidence if text]}


def _laid_out(template, boxes):
    return [{"section": section, "steps": [
        dict(boxes.get(key) or _box(), key=key, title=title, notes=list(notes), boxes=[
            dict(boxes[below], key=below, title=text, notes=[], boxes=[]) for below, text in under])
        for key, title, notes, under in steps]} for section, steps in template]


def _place(boxes, keys, record, stage):
    """Put the end of a stage that is not complete where it belongs: at the first box without evidence."""
    state = {"failed": "failed", "running": "running"}.get(record.get("status"))
    for key in keys:
        if state and boxes[key]["state"] in ("open", "failed"):
            boxes[key].update(state=state, at=record.get("finished_at") or record.get("started_at"))
            boxes[key]["evidence"] = boxes[key]["evidence"] + [record.get("cause") or "%s of %s was begun" % (stage, record.get("release"))]
            return


def _whole_stage(stage, seen):
    record = seen.record(stage)
    state = record.get("status", "open")
    named = sorted(name for name in seen.output(stage) if not name.startswith("_"))
    return _box(state, record.get("finished_at") or record.get("started_at"), record.get("cause"),
                ", ".join("%s: %s" % (name, plain(seen.output(stage)[name])) for name in named))


def _released(seen):
    output = seen.output("build")
    if "commit" not in output:
        return _box()
    problems = output.get("_problems") or []
    return _box("done", seen.record("build").get("finished_at"), "tag %s is commit %s" % (seen.release, output["commit"]),
                "accepted as it is: %s" % "; ".join(problems) if problems else "every module is frozen")


def _protected(seen):
    before, policy = seen.before.get("protected_environment"), seen.output("stage").get("_protect")
    at = seen.when(stage="stage", output="_settings_before")
    if policy is None:
        return _box()
    if policy == "ignore" and before is not True:
        return _box("skipped", at, "left as it was (%s)" % plain(before))
    return _box("done", at, "it was on already" if before is True else "it was off, and was switched on")


def _held(seen):
    if "auto_deploy" not in seen.before:
        return _box()
    if seen.before["auto_deploy"] is False:
        return _box("done", seen.when(stage="stage", output="_settings_before"), "it was off already")
    return _box("done", seen.when(saved="auto_deploy"), "it was on: saved, then switched off") if seen.when(saved="auto_deploy") else _box()


def _recompile(seen):
    output = seen.output("stage")
    if "_probe" not in output:
        return _box()
    if not output["_probe"]:
        return _box("skipped", None, "left out after an install that failed: the orchestrator has that model by now, and the update below proves the same")
    return _box("done", in_utc(output.get("_probe_at")), "v%s appeared and waited" % output["_probe"], _report(output.get("_probe_report")))


def _health(seen):
    output = seen.output("stage")
    if "_health" not in output:
        return _box()
    text = "v%s: %s" % (output.get("_active"), counted(output["_health"]))
    if output.get("_healthy", True):
        return _box("done", seen.when(stage="stage", output="_health"), text)
    return _box("done" if seen.is_done("stage") else "open", seen.when(stage="stage", output="_health"), text,
                "not healthy, and accepted as it is" if seen.is_done("stage") else "not healthy")


def _drift(seen):
    output, drift = seen.output("stage"), seen.evidence("drift")
    if drift:
        return _box("done", in_utc((drift.get("dryrun") or {}).get("date")) or seen.when(stage="stage", status="done"),
                    "dry run of v%s: %s" % (drift.get("version"), _found(drift)))
    return _box("skipped", None, "left out, as inmanta_model_drift: false has it") if output.get("_drift") == "" else _box()


def _update(seen):
    output = seen.output("install")
    if not output.get("candidate"):
        return _box()
    return _box("done", seen.when(stage="install", output="candidate"), "v%s appeared and waited" % output["candidate"], _report(output.get("_report")))


def _dryrun(seen):
    candidate = seen.evidence("candidate")
    if not candidate or candidate.get("version") != seen.output("install").get("candidate"):
        return _box()
    return _box("done", in_utc((candidate.get("dryrun") or {}).get("date")) or seen.when(stage="install", status="done"),
                "dry run of v%s: %s" % (candidate.get("version"), _found(candidate)))


def _inspected(seen):
    stage = "configure" if "_verdict" in seen.output("configure") else "install"
    output = seen.output(stage)
    verdict, digest, given = output.get("_verdict"), output.get("_digest"), output.get("_approval") or {}
    if verdict == "needs_approval":
        record = seen.record("configure")
        return _box("waiting", record.get("finished_at") if record.get("status") == "waiting" else seen.record("install").get("finished_at"),
                    "waits for approval", "digest %s" % digest)
    if verdict == "approved":
        return _box("done", seen.when(stage=stage, output="_approval"), "approved by %s" % (given.get("who") or "nobody who is named"),
                    "digest %s" % digest)
    texts = {"unchanged": "there is nothing to change", "covered": "the policy expects all of the changes",
             "expected": "the resources of the first version are as expected"}
    return _box("done", seen.when(stage=stage, output="_verdict"), texts[verdict], "digest %s" % digest) if verdict in texts else _box()


def _deploy(seen):
    output = seen.output("configure")
    if "_failed" not in output:
        return _box()
    return _box("done" if "version" in output else "open", seen.record("configure").get("finished_at"),
                "v%s: %s" % (seen.output("install").get("candidate"), counted(output.get("_counts"))))


def _restored(seen):
    if "auto_deploy" not in seen.after:
        return _box()
    at = seen.when(cleared="auto_deploy") or seen.record("configure").get("finished_at")
    if seen.after["auto_deploy"] is True:
        return _box("done", at, "put back")
    return _box("skipped", at, "it was off before" if seen.before.get("auto_deploy") is False else "it is off: somebody else set it meanwhile")


def _abort(seen):
    keys = ("deleted", "reverted", "back", "back_dryrun", "identical")
    evidence, emergency = seen.evidence("abort"), seen.evidence("emergency")
    if not seen.aborted and not emergency:
        return {key: _box("skipped", None, "not needed" if seen.is_done("configure") else "") for key in keys}
    entry = seen.abort_entry
    at = seen.when(forgot=seen.release) or seen.when()
    version = entry.get("_version") or emergency.get("version")
    boxes = {
        "deleted": _box("skipped", at, "it was deployed: the revert takes it back") if evidence.get("deployed") else _box("done", at),
        "reverted": _box("done", at, "back to %s" % evidence.get("back_to")),
        "back": _box("done", at, "v%s appeared and waited" % version, _report(entry.get("_report"))),
        "back_dryrun": _box("done", at, "dry run of v%s" % version),
        "identical": _box("failed", at, "%d differences" % len(emergency["differences"]), *emergency["differences"][:10])
        if emergency and not seen.aborted else _box("done", at, "it leads back what was changed" if evidence.get("deployed") else "it is the same"),
    }
    if seen.aborted and not entry:
        boxes.update({key: _box("skipped", at, "left out, as inmanta_model_abort_revert: false has it") for key in keys[1:]})
    return boxes


def _report(report):
    return "compile report %s" % report if report else ""


def _found(dryrun):
    changes, unchecked = len(dryrun.get("changes") or ()), len(dryrun.get("unchecked") or ())
    return "%d to change%s" % (changes, ", %d not checked" % unchecked if unchecked else "")

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A record of an upgrade as the journal, the stage facts and the evidence hold it."""

from __future__ import annotations

import copy

UNIT = "4dbf8ee6-5d8b-4a2c-8a4e-1a5f3bd5b1d9"
DIGEST = "sha256:" + "a" * 64
APPROVED = {"digest": DIGEST, "who": "Ada", "expires": None}
BEFORE = {"auto_deploy": True, "protected_environment": False, "server_compile": True}
AFTER = dict(BEFORE, protected_environment=True)
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u202e' onclick=alert(1) `~\u2028]]>-->"


def change(number=1, action="modified", name="web1", **attributes):
    return {"resource": "fs::File[%s,path=/srv/%d.html]" % (name, number), "type": "fs::File", "agent": name, "action": action,
            "attributes": {key.rstrip("_"): value for key, value in (attributes or {"hash": ["old", "new"]}).items()}}


CHANGES = [change(1), change(2, "added", hash=[None, "1"]), change(3, "removed", purged=[False, True])]
UNCHECKED = [{"resource": "net::Port[sw1,name=ge1]", "type": "net::Port", "agent": "sw1", "reason": "agent_down"}]


def entry(at, **more):
    return dict({"at": "2030-01-31T%sZ" % at, "unit": UNIT, "run": "run-1", "user": "ada", "host": "production", "release": "v36-1"}, **more)


def without_release(at, **more):
    found = entry(at, **more)
    del found["release"]
    return found


JOURNAL = [
    entry("15:59:58", record="CHG-4711"),
    entry("16:00:00", stage="build", status="running"), entry("16:00:01", stage="build", status="done", output=["commit", "tree"]),
    entry("16:00:02", stage="stage", status="running"), entry("16:00:03", stage="stage", output=["_protect", "_settings_before"]),
    without_release("16:00:04", saved=["auto_deploy"]), entry("16:00:08", stage="stage", output=["_active", "_health", "_healthy", "_probe"]),
    entry("16:00:10", stage="stage", status="done", output=["_drift"]), entry("16:00:11", stage="install", status="running"),
    entry("16:00:15", stage="install", output=["_report", "candidate"]), entry("16:00:18", stage="install", status="done", output=["_verdict"]),
    entry("16:00:19", stage="configure", status="running"), entry("16:00:21", stage="configure", status="waiting", cause="waiting for approval: 4 of 4"),
    entry("17:29:59", record="CHG-4711", override="the board agreed", run="run-2", user="bob"),
    entry("17:30:00", stage="configure", status="running", run="run-2", user="bob"),
    entry("17:30:02", stage="configure", output=["_approval", "_verdict"], run="run-2", user="bob"),
    without_release("17:30:09", cleared=["auto_deploy"], run="run-2", user="bob"),
    entry("17:30:10", stage="configure", status="done", output=["version"], history="v36-1", run="run-2", user="bob"),
]


def record(stage, began, ended, status="done", run="run-1", **output):
    return {"status": status, "release": "v36-1", "inputs": "sha256:1", "run": run, "started_at": "2030-01-31T%sZ" % began,
            "finished_at": "2030-01-31T%sZ" % ended, "output": output}


STAGES = {
    "build": record("build", "16:00:00", "16:00:01", commit="c0ffee", tree="7ee"),
    "stage": record("stage", "16:00:02", "16:00:10", _settings_before=BEFORE, _protect="enforce", _probe=12, _probe_report="report-12",
                    _probe_at="2030-01-31T16:00:07.1", _active=11, _health={"deployed": 4, "failed": 0}, _healthy=True, _drift="sha256:d"),
    "install": record("install", "16:00:11", "16:00:18", candidate=13, _report="report-13", _digest=DIGEST, _verdict="needs_approval", _approval={}),
    "configure": record("configure", "17:30:00", "17:30:10", run="run-2", version=13, _digest=DIGEST, _verdict="approved", _approval=APPROVED,
                        _counts={"deployed": 4}, _failed=[], _settings_after=AFTER),
}
RECORDS = [
    {"release": "v35-4", "run": "run-0", "user": "ada", "at": "2030-01-15T16:00:00Z", "crew_chief": "Nobody", "override": "of another release",
     "problems": ["x"]},
    {"release": "v36-1", "run": "run-1", "user": "ada", "at": "2030-01-31T15:59:58Z", "crew_chief": "Ada Example", "driver": "Bob Example",
     "change_ticket": "CHG-4711", "window": {"text": "2030-01-31 17:00 to 2030-01-31 19:00 Europe/Brussels"}, "override": "", "problems": [],
     "notices": [{"name": "mail to the users", "lead_working_days": 2, "deadline": "2030-01-29T17:00+01:00", "sent": "2030-01-28", "state": "sent"}]},
    {"release": "v36-1", "run": "run-2", "user": "bob", "at": "2030-01-31T17:29:59Z", "crew_chief": "Ada Example", "driver": "Bob Example",
     "change_ticket": "CHG-4711", "window": {"text": "2030-01-31 17:00 to 2030-01-31 18:15 Europe/Brussels"}, "override": "the board agreed",
     "problems": ["window: is over: it closed at 18:15."],
     "notices": [{"name": "mail to the users", "lead_working_days": 2, "deadline": "2030-01-29T17:00+01:00", "sent": None, "state": "late"}]},
]
EVIDENCE = {
    "candidate": {"release": "v36-1", "version": 13, "digest": "sha256:c", "dryrun": {"id": "d13", "version": 13, "date": "2030-01-31T16:00:17.5"},
                  "changes": CHANGES, "unchecked": UNCHECKED, "unexpected": {CHANGES[0]["resource"]: "no rule covers it"}},
    "drift": {"release": "v36-1", "version": 11, "digest": "sha256:e", "changes": [], "unchecked": []},
    "abort": None, "emergency": None,
}


def upgraded():
    """Everything that ``document.build`` takes, of an upgrade that a person approved."""
    return copy.deepcopy({"target": "production", "unit": UNIT, "release": "v36-1",
                          "facts": {"stages": STAGES, "saved": {}, "history": [], "aborted": [], "records": RECORDS},
                          "journal": JOURNAL, "evidence": EVIDENCE, "about": {"Orchestrator": "https://orchestrator.example.com"}, "procedure": "upgrade"})


def waiting():
    """The same before anybody approved it."""
    given = upgraded()
    given["journal"] = given["journal"][:13]
    configure = dict(record("configure", "16:00:19", "16:00:21", "waiting", _digest=DIGEST, _verdict="needs_approval", _approval={}),
                     cause="waiting for approval: 4 of 4")
    given["facts"]["stages"]["configure"] = configure
    return given


def failed():
    """The same with a resource that failed in the deployment."""
    given = upgraded()
    given["journal"][-2:] = [entry("17:30:10", stage="configure", status="failed", cause="1 failed", run="run-2", user="bob")]
    rows = [{"resource": "fs::File[web1,path=/missing]", "state": "failed", "error": "No such file\nor directory"}]
    configure = record("configure", "17:30:00", "17:30:10", "failed", "run-2", _digest=DIGEST, _verdict="approved", _approval=APPROVED,
                       _counts={"deployed": 3, "failed": 1}, _failed=rows)
    given["facts"]["stages"]["configure"] = dict(configure, cause="1 failed")
    return given


def aborted():
    """The failed one, taken back."""
    given = failed()
    given["journal"] += [
        without_release("18:00:05", run="run-3", user="eve", cleared=["auto_deploy"]),
        without_release("18:00:06", run="run-3", user="eve", forgot="v36-1", aborted="v36-1", history="v35-4")]
    given["evidence"]["abort"] = {"release": "v36-1", "back_to": "v35-4", "deployed": True, "stages": given["facts"]["stages"]}
    entries = [{"release": "v36-1", "deployed": True, "candidate": 13, "_version": 14, "_report": "report-14", "_settings_after": BEFORE}]
    given["facts"] = {"stages": {}, "saved": {}, "history": [], "aborted": entries, "records": RECORDS}
    return given

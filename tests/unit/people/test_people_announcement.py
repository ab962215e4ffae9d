# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is announced: events from stage facts, words, and payloads of a site's own."""

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.people import announcement, outcome

NOW = datetime.datetime(2030, 1, 31, 21, 30, tzinfo=datetime.timezone.utc)
ABOUT = {"release": "v36-1", "target": "production", "unit": "u", "procedure": "upgrade", "run": "r1", "user": "ada", "cause": "", "override": "",
         "problems": []}
RECORD = {"crew_chief": "Ada Example", "driver": "Bob Example", "change_ticket": "CHG-1", "window": {"text": "22:00 to 02:00", "start": "x"}}


def stage(status, run="r1", release="v36-1", **more):
    return dict({"status": status, "run": run, "release": release}, **more)


def facts(**stages):
    return {"stages": stages}


BEGUN = {"build": stage("done"), "stage": stage("done")}
DONE = dict(BEGUN, install=stage("done", output={"_verdict": "covered", "candidate": 3}))
JUDGED = dict(BEGUN, install=stage("done", output={"_verdict": "needs_approval", "candidate": 3, "_digest": "sha256:1"}))


@pytest.mark.parametrize("given, event, cause", [
    ({"stages": dict(DONE, configure=stage("done"))}, "success", ""),
    ({"stages": dict(JUDGED, configure=stage("waiting", cause="waiting for approval: 2"))}, "waiting", "waiting for approval: 2"),
    ({"stages": JUDGED}, "waiting", "The candidate v3 waits for approval, digest sha256:1."),
    ({"stages": DONE}, None, ""),
    (facts(build=stage("done"), stage=stage("failed", cause="not healthy")), "failure", "not healthy"),
    (facts(build=stage("running")), "failure", "The stage build did not come to its end."),
    (facts(), "failure", outcome.UNTOLD),
    # What another run or release left is not what became of this one.
    (facts(configure=stage("failed", run="r0", cause="old")), "failure", outcome.UNTOLD),
    (facts(configure=stage("done", run="r0")), "failure", outcome.UNTOLD),
    (facts(configure=stage("done", release="v36-0")), "failure", outcome.UNTOLD),
    (facts(**{name: dict(record, run="r0") for name, record in DONE.items()}, configure=stage("done")), "success", ""),
    (None, "failure", outcome.UNREAD),
])
def test_outcome_of_a_run(given, event, cause):
    assert outcome.of_run(given, "v36-1", "r1") == (event, cause)


@pytest.mark.parametrize("given, event", [
    (facts(), "abort"), (facts(configure=stage("done", release="v36-0")), "abort"), (facts(install=stage("done", run="r0")), "failure"), (None, "failure")])
def test_outcome_of_an_abort(given, event):
    assert outcome.of_run(given, "v36-1", "r1", aborting=True)[0] == event


def made(event="start", record=None, **about):
    return announcement.compose(event, dict(ABOUT, **about), RECORD if record is None else record, NOW)


def test_words_and_data():
    found = made("failure", cause="1 failed", override="the board agreed", problems=["window: is over.", "driver: is missing."])
    assert found["title"] == "Release v36-1 on production: FAILED"
    assert found["text"].splitlines() == [
        "Release: v36-1", "Target: production", "Procedure: upgrade", "Crew chief: Ada Example", "Driver: Bob Example", "Change ticket: CHG-1",
        "Window: 22:00 to 02:00", "Run by: ada", "At: 2030-01-31T21:30:00Z", "Overridden because: the board agreed",
        "What was overridden: window: is over. driver: is missing.", "Cause: 1 failed"]
    assert found["record"] == RECORD and found["problems"] == ["window: is over.", "driver: is missing."]
    json.dumps(found)


def test_without_a_record_there_are_no_people():
    found = made(record={}, target="")
    assert found["title"] == "Release v36-1: started"
    assert found["text"] == "Release: v36-1\nProcedure: upgrade\nRun by: ada\nAt: 2030-01-31T21:30:00Z"


def test_what_was_not_overridden_is_not_told():
    assert made(problems=["window: is over."])["problems"] == []


def test_an_id_is_that_of_one_event_of_a_run():
    ids = [made()["id"], made("success")["id"], made(run="r2")["id"], made(target="x")["id"], made(release="v2")["id"]]
    assert len(set(ids)) == 5 and made(user="eve", cause="x")["id"] == ids[0]
    assert made("abort", run="r2")["thread"] == made()["thread"] != made(target="x")["thread"]


def test_content_adds_no_lines_and_no_markers():
    found = made("failure", cause="a\nRelease: v99\u202e", target="p\r\nBcc: x", record={"driver": "x\ny"})
    assert len(found["text"].splitlines()) == 7 and "\n" not in found["title"] and "\u202e" not in found["text"]
    assert announcement.fill("{cause}", found, "f") == "a\\nRelease: v99\\u202e"


def test_payload_of_a_site():
    template = {"text": "*{title}*\n{text}", "parts": [{"title": "{driver}", "short": True, "none": None}, 5], "{release}": "{release}{release}",
                "brace": "{} {{x}"}
    data = made("waiting", cause="{driver}")
    with pytest.raises(InputError, match=r"^p.brace: '\{x\}' is replaced by nothing. Use \{id\}, "):
        announcement.fill(template, data, "p")
    template["brace"] = "{} { x }"
    assert announcement.fill(template, data, "p") == {
        "text": "*%s*\n%s" % (data["title"], data["text"]), "parts": [{"title": "Bob Example", "short": True, "none": None}, 5],
        "{release}": "v36-1v36-1", "brace": "{} { x }"}
    assert announcement.fill("{cause}", data, "p") == "{driver}"
    assert announcement.fill(None, data, "p") is data


def test_every_placeholder_has_a_text():
    data = made("failure", cause="c", override="o", problems=["p"], record=dict(RECORD, summary="s"))
    assert all(announcement.fill("{%s}" % name, data, "f") for name in announcement.PLACEHOLDERS)

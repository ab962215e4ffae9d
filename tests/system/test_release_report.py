# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a release, from real upgrades, looked at in a real browser.

With STAGECRAFT_PICTURES=1 the pictures in docs/images are made anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.report import document, page

from tests.system.browser import Browser
from tests.system.playbooks import EXPECT_ALL, ROOT
from tests.system.subject import COVER_NOTHING, digest_of

IMAGES = ROOT / "docs/images"
# Names of files are the operator's; this one is meant to be markup, a script and a title.
HOSTILE = "<img src=x onerror=document.title='owned'>"
PICTURES = 200 * 1024
STEPS = ("released", "protected", "held", "recompile", "health", "drift", "update", "dryrun", "inspected", "deploy", "restored")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    return Browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture
def reports(tmp_path):
    """The directory of the reports, which is not there yet."""
    return tmp_path / "reports" / "new"


def read(reports: Path, release: str) -> dict[str, Any]:
    return json.loads((reports / ("target-%s.json" % release)).read_text(encoding="utf-8"))


def boxes(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {box["key"]: box for section in report["steps"] for step in section["steps"] for box in [step, *step["boxes"]] if box["key"]}


def states(report: dict[str, Any]) -> dict[str, str]:
    return {key: box["state"] for key, box in boxes(report).items()}


def everything(reports: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in reports.iterdir()}


def test_upgrade_with_approval(subject, reports, browser):
    subject.release({"index.html": "<h1>Portal</h1>\n", "about.html": "<p>About</p>\n", "old.html": "<p>Old</p>\n"})
    subject.environment.deploy(timeout=300)
    release = subject.release({"index.html": "<h1>Portal, new</h1>\n", "about.html": "<p>About us</p>\n", "old.html": None,
                               "imprint.html": "<p>Imprint</p>\n", "%s.html" % HOSTILE: "<p>Not markup</p>\n"})
    extra = {"inmanta_model_policy": COVER_NOTHING, "inmanta_model_report_directory": str(reports)}
    waits = subject.run("upgrade", release, **extra).refused("waiting for approval")
    assert "report of %s (waiting): %s/target-%s.html" % (release, reports, release) in waits.text
    report = read(reports, release)
    assert report["outcome"]["state"] == "waiting" and digest_of(waits) == report["approvals"][0]["digest"]
    assert {key: state for key, state in states(report).items() if key in STEPS and state != "done"} == {
        "inspected": "waiting", "deploy": "open", "restored": "open"}
    assert report["changes"]["unexpected"] == 6 and report["held"][0]["ended"] is None

    subject.run("upgrade", release, inmanta_model_approve=[{"digest": digest_of(waits), "who": "Ada"}], **extra).ok()
    report = read(reports, release)
    assert report["outcome"]["state"] == "deployed"
    assert {key: box["state"] for key, box in boxes(report).items() if key in STEPS} == dict.fromkeys(STEPS, "done")
    assert all(boxes(report)[key]["at"] for key in STEPS)
    assert report["changes"]["counts"] == {"added": 2, "modified": 3, "removed": 1, "unchecked": 0}
    assert (report["approvals"][0]["who"], report["approvals"][0]["digest"]) == ("Ada", digest_of(waits))
    assert [item["name"] for item in report["settings"] if item["changed"]] == []
    assert {item["name"]: item["after"] for item in report["settings"]}["auto_deploy"] is True
    assert report["failed"] == [] and len(report["runs"]) == 2 and all(run["user"] for run in report["runs"])
    text = (reports / ("target-%s.md" % release)).read_text(encoding="utf-8")
    assert "* [x] `auto_deploy = True`" in text and "[x] If all is OK, click deploy" in text and "approved by `Ada`" in text

    look_at(browser, reports / ("target-%s.html" % release), report)
    written, before = everything(reports), subject.everything()
    assert "changed=0" in subject.run("release_report", None, inmanta_model_report_directory=str(reports)).ok().text
    assert (everything(reports), subject.everything()) == (written, before)
    if os.environ.get("STAGECRAFT_PICTURES"):
        pictures(browser, subject, report, reports)


def look_at(browser: Browser, path: Path, report: dict[str, Any]) -> None:
    """The browser shows what the report says, and nothing that a resource's name wanted."""
    dom = browser.dom(path)
    assert dom.texts[".badge"] == ["Deployed"] and dom.texts["title"][0].endswith("Deployed") and dom.count("img") == 0
    assert dom.texts[".resource"] and sorted(text.split("  not expected")[0] for text in dom.texts[".resource"]) == sorted(
        row["resource"] for row in report["changes"]["changes"])
    assert HOSTILE in " ".join(dom.texts[".resource"]) and dom.texts["#count"] == ["1–6 of 6"]
    assert dom.count("svg") == 1 and len(dom.texts[".plus"]) >= 5 and len(dom.texts[".minus"]) >= 4
    removed = browser.dom(path, "#action=removed")
    assert len(removed.texts[".resource"]) == 1 and "old.html" in removed.texts[".resource"][0]


def pictures(browser: Browser, subject, report: dict[str, Any], directory: Path) -> None:
    """The pictures of the documentation: the same report with the addresses and paths of an example."""
    text = json.dumps(report)
    for here, there in ((str(subject.repository.target), "/srv/portal"), (subject.repository.url, "https://git.example.com/network/model.git"),
                        (subject.api.url, "https://orchestrator.example.com:8888"), (HOSTILE, "contact"), ('"target"', '"production"'),
                        ('"root"', '"ada"')):
        text = text.replace(json.dumps(here)[1:-1] if here[0] != '"' else '": %s' % here, there if here[0] != '"' else '": %s' % there)
    path, example = directory / "picture.html", json.loads(text)
    IMAGES.mkdir(exist_ok=True)
    # The second without the checklist, so that the changes are in it.
    for name, shown, dark in (("release_report", example, False), ("release_report_changes", dict(example, steps=[]), True)):
        path.write_text(page.render(shown), encoding="utf-8")
        made = browser.picture(path, IMAGES / ("%s.png" % name), 1240, dark)
        assert 10000 < made.stat().st_size < PICTURES


@pytest.mark.slow
def test_failed_and_taken_back(subject, reports):
    if not subject.runs:
        subject.upgrade(subject.release()).ok()
    extra = {"inmanta_model_report_directory": str(reports)}
    previous, release = subject.runs, subject.release(failing=["lost"])
    subject.upgrade(release, **extra).refused("more than max_failed=0 allows")
    report = read(reports, release)
    assert report["outcome"]["text"] == "Failed in configure" and "max_failed=0" in report["outcome"]["cause"]
    assert (states(report)["inspected"], states(report)["deploy"]) == ("done", "failed")
    assert [(item["state"], "/missing/lost" in item["resource"], bool(item["error"])) for item in report["failed"]] == [("failed", True, True)]

    subject.run("abort", inmanta_model_abort_resume=True, **extra).ok()
    report = read(reports, release)
    assert report["outcome"]["state"] == "aborted" and len(report["failed"]) == 1
    found = states(report)
    assert [found[key] for key in ("deleted", "reverted", "back", "back_dryrun", "identical")] == ["skipped", "done", "done", "done", "done"]
    assert "back to %s" % previous in boxes(report)["reverted"]["evidence"]
    assert {item["name"]: (item["before"], item["after"]) for item in report["settings"]}["auto_deploy"] == (True, True)
    assert "[x] Push a revert commit" in (reports / ("target-%s.md" % release)).read_text(encoding="utf-8")
    assert "abort" in (reports / ("target-%s.html" % release)).read_text(encoding="utf-8")


def test_refused_before_anything_began(subject, reports):
    """A run that begins nothing writes no report, and fails with its own message alone; nor is there one of a release nobody began."""
    before = subject.everything()
    extra = {"inmanta_model_report_directory": str(reports)}
    run = subject.run("upgrade", "v999", inmanta_model_policy={"rules": [{"nonsense": 1}]}, **extra).refused("nonsense")
    assert run.output.count("[ERROR]") == 1
    subject.run("release_report", "v999", **extra).refused("release: 'v999' has no record")
    subject.run("release_report").refused("inmanta_model_report_directory: is empty")
    subject.upgrade("v999", inmanta_model_report_directory=str(subject.inventory)).refused("inmanta_model_report_directory", "is not a directory")
    assert not reports.exists()
    assert subject.everything() == before


def test_check_mode_writes_no_report(subject, reports):
    release = subject.release()
    subject.run("upgrade", release, "--check", inmanta_model_policy=EXPECT_ALL, inmanta_model_report_directory=str(reports)).ok()
    assert not reports.exists()


def many(number: int) -> dict[str, Any]:
    """A record of an upgrade with so many changes, each with a value of several lines and one that is hostile."""
    actions = ("added", "modified", "modified", "removed")
    rows = [{"resource": "fs::File[web%02d,path=/srv/%d.html]" % (index % 40, index), "type": "fs::File", "agent": "web%02d" % (index % 40),
             "action": actions[index % 4], "attributes": {"content": ["line\n%d\n" % index, "line\n</script>%s\n" % HOSTILE], "hash": ["a", "b"]}}
            for index in range(number)]
    at = "2030-01-31T16:00:0%dZ"
    stages = {"install": {"status": "done", "release": "v1", "started_at": at % 1, "finished_at": at % 5, "output": {"candidate": 3}}}
    journal = [{"at": at % 1, "unit": "u", "run": "r", "release": "v1", "stage": "install", "status": "running"},
               {"at": at % 5, "unit": "u", "run": "r", "release": "v1", "stage": "install", "status": "done"}]
    candidate = {"release": "v1", "version": 3, "digest": "sha256:0", "changes": rows, "unchecked": [], "unexpected": {rows[5]["resource"]: HOSTILE}}
    return document.build("web", "u", "v1", {"stages": stages}, journal, {"candidate": candidate}, {}, "upgrade")


def test_ten_thousand_changes(browser, tmp_path):
    path = tmp_path / "many.html"
    path.write_text(page.render(many(10000)), encoding="utf-8")
    top = browser.dom(path)
    assert top.texts["#count"] == ["1–100 of 10,000"]
    assert len(top.texts[".resource"]) == 100 and len(top.elements) < 1500
    assert [text.split()[-1] for text in top.texts["button"][:6]] == ["10,000", "2,500", "5,000", "2,500", "0", "1"]
    last = browser.dom(path, "#page=100&agent=&type=fs::File")
    assert last.texts["#count"] == ["9,901–10,000 of 10,000"] and "/srv/9999.html" in last.texts[".resource"][-1]
    few = browser.dom(path, "#q=web05%20/srv/5.html&action=unexpected")
    assert few.texts["#count"] == ["1–1 of 1"] and few.texts[".why"] == ["  not expected: %s" % HOSTILE]
    assert "+ </script>%s" % HOSTILE in few.texts[".plus"] and "- 5" in few.texts[".minus"] and "  line" in few.texts[".same"]
    for dom in (top, last, few):
        assert dom.count("img") == 0 and dom.count("script") == 2 and "owned" not in dom.texts["title"][0]
    assert browser.dom(path, "#q=nothing-like-it").texts["#count"] == ["No change matches"]

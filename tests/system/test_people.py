# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release record and the announcements of real upgrades, taken by a real mail server and a real web server on loopback."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bed.network import free_port
from tests.system.subject import COVER_NOTHING, digest_of, journal_of
from tests.unit.announce.mail_sink import MailSink
from tests.unit.inmanta.loopback import Answer, Loopback

TOKEN = "T0KEN-xyz"
REASON = "the board agreed by phone"


def hours(number: float) -> str:
    """A time that many hours from now."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=number)).strftime("%Y-%m-%d %H:%M")


class Site:
    """A site with a release record, and with a chat and a mailbox that are told."""

    def __init__(self, directory: Path, chat: Loopback, mailbox: MailSink) -> None:
        self.path = directory / "record.yml"
        self.chat = chat
        self.mailbox = mailbox
        self.variables = {
            "release_announce_record": str(self.path), "release_announce_retries": 0, "release_announce_timeout": 5,
            "release_announce_webhooks": [{"url": "%s/%s" % (chat.url, TOKEN)}],
            "release_announce_mail_to": ["board@example.com"], "release_announce_mail_from": "release@example.com",
            "release_announce_mail_host": "127.0.0.1", "release_announce_mail_port": mailbox.port, "release_announce_mail_security": "none"}

    def write(self, release: str, sent: str, **changes: Any) -> None:
        """Write the record: its window is open, and its notice was sent then."""
        notice = {"name": "mail to the users", "lead_working_days": 2, "sent": sent}
        window = {"start": hours(-1), "end": hours(20), "time_zone": "UTC"}
        data = {"release": release, "crew_chief": "Ada Example", "driver": "Bob Example", "change_ticket": "CHG-4711", "window": window, "notices": [notice]}
        self.path.write_text(yaml.safe_dump(dict(data, **changes)), encoding="utf-8")

    def told(self) -> list[tuple[str, str]]:
        """What the chat was told, which is what was mailed: event and release, in order."""
        bodies = [seen["body"] for seen in self.chat.seen]
        assert [mail["Subject"] for mail in self.mailbox.mails] == [body["title"] for body in bodies]
        return [(body["event"], body["release"]) for body in bodies]


@pytest.fixture
def site(tmp_path):
    with Loopback(Answer(204)) as chat, MailSink() as mailbox:
        yield Site(tmp_path, chat, mailbox)


def kept(subject) -> dict[str, Any]:
    """Everything that a run could change; a lock that was released leaves an empty parameter."""
    found = subject.everything()
    return dict(found, parameters={name: value for name, value in found["parameters"].items() if value})


def test_from_the_notice_to_the_abort(subject, site, tmp_path):
    release = subject.release()
    site.write(release, hours(-2))
    before = kept(subject)
    subject.run("upgrade", release, inmanta_model_policy=COVER_NOTHING, **site.variables).refused(
        "notices[0] 'mail to the users': is late: it was sent at", "release_announce_override")
    assert kept(subject) == before and site.told() == []

    given = dict(site.variables, release_announce_override=REASON, inmanta_model_policy=COVER_NOTHING, inmanta_model_report_directory=str(tmp_path / "reports"))
    looked = subject.run("upgrade", release, "--check", **given).ok()
    assert "Overridden because: %s" % REASON in looked.text
    assert "would announce by mail to board@example.com: Release %s on target: started" % release in looked.text
    assert kept(subject) == before and site.told() == []

    waits = subject.run("upgrade", release, **given).refused("waiting for approval")
    assert site.told() == [("start", release), ("waiting", release)]
    start, waiting = [seen["body"] for seen in site.chat.seen]
    assert (start["override"], start["record"]["crew_chief"], start["record"]["driver"]) == (REASON, "Ada Example", "Bob Example")
    assert "is late" in start["text"] and digest_of(waits) in waiting["cause"] and waiting["thread"] == start["thread"]
    assert "Overridden because: %s" % REASON in site.mailbox.mails[0].get_content()

    # A receiver that is gone is a warning; the others are told, and the release goes on.
    gone = {"url": "http://127.0.0.1:%d/%s" % (free_port(), TOKEN), "name": "gone"}
    site.write(release, hours(-24 * 14))
    done = subject.run("upgrade", release, inmanta_model_approve=[digest_of(waits)], **dict(
        given, release_announce_override="", release_announce_webhooks=[gone, *site.variables["release_announce_webhooks"]])).ok()
    assert "Not announced, Release %s on target: succeeded: webhook gone: no connection: Connection refused" % release in done.text
    assert site.told()[2:] == [("start", release), ("success", release)] and subject.motd == release
    assert TOKEN not in waits.output + done.output

    entries = subject.facts()["records"]
    assert [(entry["release"], entry["override"], entry["change_ticket"]) for entry in entries] == [(release, REASON, "CHG-4711"), (release, "", "CHG-4711")]
    assert [entry["override"] for entry in journal_of(subject) if "override" in entry] == [REASON]
    report = json.loads((tmp_path / "reports" / ("target-%s.json" % release)).read_text(encoding="utf-8"))
    assert [(item["reason"], "is late" in item["problems"][0]) for item in report["overrides"]] == [(REASON, True)]
    assert (report["about"]["Crew chief"], report["about"]["Change ticket"]) == ("Ada Example", "CHG-4711")
    assert REASON in (tmp_path / "reports" / ("target-%s.html" % release)).read_text(encoding="utf-8")
    assert "**overridden** by" in (tmp_path / "reports" / ("target-%s.md" % release)).read_text(encoding="utf-8")

    again = subject.run("upgrade", release, inmanta_model_policy=COVER_NOTHING, **dict(site.variables, release_announce_record="/nowhere.yml")).ok()
    assert "nothing to do" in again.text and len(site.told()) == 4

    subject.run("abort", inmanta_model_previous_release="v%d" % (subject.number - 1), **site.variables).ok()
    assert site.told()[4:] == [("abort", release)]
    assert site.chat.seen[-1]["body"]["record"]["driver"] == "Bob Example"


@pytest.mark.slow
def test_what_cannot_be_used_refuses_the_start(subject, site):
    release = subject.release()
    site.write(release, hours(-24 * 14))
    before = kept(subject)
    for given, text in (
        ({"release_announce_mail_from": "nobody"}, "mail_from: 'nobody' is not a mail address"),
        ({"release_announce_webhooks": [{"url": "nowhere/%s" % TOKEN}]}, "webhooks[0].url: the value, which is not shown"),
        ({"release_announce_record": "{{ nowhere_defined }}/record.yml"}, "'nowhere_defined' is undefined"),
        ({"release_announce_record": "/nowhere.yml"}, "record: '/nowhere.yml' cannot be read as a file"),
        ({"release_announce_override": "yes"}, "override: 'yes' is one word and no reason"),
    ):
        assert TOKEN not in subject.upgrade(release, **dict(site.variables, **given)).refused(text).output
    site.write(release, hours(-24 * 14), window={"start": hours(1), "end": hours(2), "time_zone": "UTC"}, driver="")
    subject.upgrade(release, **site.variables).refused("driver: is missing", "window: is not open yet: it opens at")
    site.write("v0", hours(-24 * 14))
    subject.upgrade(release, **site.variables, release_announce_override=REASON).refused("release: 'v0' is what the record is about")
    assert [name for name, _release in site.told()] == [] and kept(subject)["compiles"] == before["compiles"]
    assert subject.motd != release and kept(subject)["settings"] == before["settings"]


@pytest.mark.slow
def test_failures_are_announced_and_hidden_by_nothing(subject, site):
    if not subject.runs:
        subject.upgrade(subject.release()).ok()
    release = subject.release(failing=["lost"])
    site.write(release, hours(-24 * 14))
    subject.upgrade(release, inmanta_model_on_failure="abort", **site.variables).refused("more than max_failed=0 allows")
    assert site.told() == [("start", release), ("abort", release)]

    release = subject.release(failing=["lost"])
    site.write(release, hours(-24 * 14))
    site.chat.script = [Answer(404)]
    subject.upgrade(release, inmanta_model_on_failure="none", **site.variables).refused("more than max_failed=0 allows", "answered 404")
    assert [seen["body"]["event"] for seen in site.chat.seen][2:] == ["start", "failure"] and "max_failed=0" in site.chat.seen[-1]["body"]["cause"]
    before = len(site.chat.seen)
    subject.upgrade(release, release_announce_on_failure="fail", **site.variables).refused("Not announced, Release %s on target: started" % release)
    assert len(site.chat.seen) == before + 1
    subject.run("abort", **site.variables).ok()
    assert site.mailbox.mails[-1]["Subject"] == "Release %s on target: aborted" % release


@pytest.mark.slow
def test_two_targets(subject, site, environment):
    """Each tells of itself; the run of the second play tells no start again."""
    release = subject.release()
    other = environment()
    other.repository.release(release, {"motd": "release %s\n" % release})
    subject.write(subject.variables, dict(subject.variables, inmanta_model_environment=other.id, inmanta_model_repository=other.repository.url))
    site.write(release, hours(-24 * 14))
    subject.upgrade(release, **site.variables).ok()
    events = [(seen["body"]["target"], seen["body"]["event"]) for seen in site.chat.seen]
    assert sorted(events) == [("target", "start"), ("target", "success"), ("target2", "start"), ("target2", "success")]

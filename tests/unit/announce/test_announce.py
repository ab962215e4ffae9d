# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announcements over real sockets: retries, TLS, refusals, and that no token is told."""

from __future__ import annotations

import json
import ssl
import threading

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.announce import delivery
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import release_announce_send
from tests.bed.network import free_port
from tests.bed.tokens import certificates
from tests.unit.announce.mail_sink import MailSink
from tests.unit.inmanta.loopback import Answer, Loopback

TOKEN = "T0KEN-xyz"
MAIL = {"mail_to": ["board@example.com", "Bob Example <bob@example.com>"], "mail_from": "Releases <release@example.com>", "mail_host": "127.0.0.1"}
PLAIN = dict(MAIL, mail_security="none")
LOGIN = {"mail_username": "ada", "mail_password": TOKEN}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(delivery.deliver, "__defaults__", (delivery.deliver.__defaults__[0], lambda seconds: None))
    for name in ("http_proxy", "https_proxy", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


class Said:
    """What a call told: warnings and lines of progress."""

    def __init__(self):
        self.warnings, self.lines = [], []


def send(said=None, check_mode=False, **options):
    """The result of one announcement; nothing that is told or returned holds the token."""
    said = said or Said()
    given = dict({"event": "start", "release": "v36-1", "target": "production", "run": "r1", "user": "ada", "timeout": 5}, **options)
    validation = ArgumentSpecValidator(release_announce_send.SPEC["argument_spec"]).validate(given)
    assert not validation.error_messages, validation.error_messages
    call = Call(validation.validated_parameters, check_mode, progress=said.lines.append, warn=said.warnings.append)
    try:
        result = release_announce_send.execute(call)
    except StagecraftError as exc:
        assert TOKEN not in exc.message + json.dumps(exc.details)
        raise
    assert TOKEN not in json.dumps(result) + "".join(said.warnings + said.lines)
    return result


def hook(server, **more):
    return dict({"url": "%s/hooks/%s?key=%s" % (server.url, TOKEN, TOKEN)}, **more)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority, and the TLS of a server on loopback that it vouches for."""
    ca, certificate, key = certificates(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return str(ca), context


def test_webhook_and_mail():
    with Loopback(Answer(204)) as server, MailSink() as sink:
        result = send(webhooks=[hook(server, headers={"Authorization": "Bearer %s" % TOKEN})], **PLAIN, mail_port=sink.port,
                      record={"driver": "Bob Example"})
    assert result["sent"] == ["webhook 127.0.0.1", "mail to board@example.com, Bob Example <bob@example.com>"] and result["not_sent"] == []
    (seen,), (mail,) = server.seen, sink.mails
    assert (seen["method"], seen["path"], seen["headers"]["Authorization"]) == ("POST", "/hooks/%s?key=%s" % (TOKEN, TOKEN), "Bearer %s" % TOKEN)
    assert seen["body"] == result["announcement"] and seen["headers"]["Content-Type"] == "application/json"
    assert (mail["Subject"], mail["From"], mail["To"]) == ("Release v36-1 on production: started", "Releases <release@example.com>",
                                                           "board@example.com, Bob Example <bob@example.com>")
    assert "Driver: Bob Example" in mail.get_content() and mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<%s@example.com>" % result["id"] and mail["Date"].datetime.isoformat()[:19] + "Z" == result["announcement"]["at"]
    assert [line.lower() for line in sink.seen if line.lower().startswith("rcpt")] == ["rcpt to:<board@example.com>", "rcpt to:<bob@example.com>"]


def test_payload_of_a_site():
    with Loopback(Answer()) as server:
        send(webhooks=[hook(server, payload={"text": "{title} ☃"})])
    assert server.seen[0]["body"] == {"text": "Release v36-1 on production: started ☃"}


@pytest.mark.parametrize("answers, tries, failed", [
    ([Answer(503), Answer(200)], 2, []), ([Answer(429), Answer(500), Answer(201)], 3, []), ([Answer(drop=True), Answer(200)], 2, []),
    ([Answer(503)], 3, ["webhook 127.0.0.1: answered 503"]), ([Answer(404, TOKEN)], 1, ["webhook 127.0.0.1: answered 404"]),
    ([Answer(302)], 1, ["webhook 127.0.0.1: answered 302"]), ([Answer(drop=True)], 3, ["webhook 127.0.0.1: no connection: RemoteDisconnected"]),
])
def test_what_fails_for_a_moment_is_tried_again(answers, tries, failed):
    said = Said()
    with Loopback(*answers) as server:
        result = send(said, webhooks=[hook(server)])
    assert (len(server.seen), result["not_sent"]) == (tries, failed)
    assert said.warnings == ["Not announced, Release v36-1 on production: started: %s" % text for text in failed]
    assert len({seen["body"]["id"] for seen in server.seen}) == 1


def test_who_cannot_be_reached_keeps_nobody_from_it():
    port = free_port()
    with Loopback(Answer()) as server:
        result = send(webhooks=[{"url": "http://127.0.0.1:%d/%s" % (port, TOKEN), "name": "chat"}, {"url": "http://user:%s@127.0.0.2:%d/" % (TOKEN, port)},
                                hook(server)], **PLAIN, mail_port=free_port(), retries=0)
    assert result["sent"] == ["webhook 127.0.0.1"] and len(server.seen) == 1
    assert result["not_sent"][0] == "webhook chat: no connection: Connection refused"
    assert result["not_sent"][1] == "webhook 127.0.0.2: no connection: Connection refused"
    assert result["not_sent"][2].endswith("no connection to 127.0.0.1: Connection refused")


def test_everybody_is_told_at_once():
    all_are_asked = threading.Barrier(3, timeout=10)

    def answer(_request):
        all_are_asked.wait()
        return Answer()

    with Loopback(answer) as one, Loopback(answer) as two, Loopback(answer) as three:
        result = send(webhooks=[hook(server, name=name) for name, server in (("a", one), ("b", two), ("c", three))])
    assert (result["sent"], result["not_sent"]) == (["webhook a", "webhook b", "webhook c"], [])


def test_no_answer_in_time():
    with Loopback(Answer(delay=2)) as server:
        assert send(webhooks=[hook(server)], retries=0, timeout=0.3)["not_sent"] == ["webhook 127.0.0.1: no connection: no answer in time"]


def test_a_failure_where_that_is_asked_for():
    with Loopback(Answer(404)) as server, MailSink() as sink, pytest.raises(StagecraftError, match="^Not announced, .*answered 404. Put it right") as raised:
        send(event="success", webhooks=[hook(server)], on_failure="fail", **PLAIN, mail_port=sink.port)
    assert len(sink.mails) == 1 and raised.value.details["sent"] and raised.value.details["event"] == "success"


@pytest.mark.parametrize("security, implicit", [("starttls", False), ("tls", True)])
def test_mail_in_private_with_a_login(authority, security, implicit):
    ca, context = authority
    with MailSink(context, implicit) as sink:
        given = dict(MAIL, mail_port=sink.port, mail_security=security, **LOGIN)
        assert "certificate is not trusted" in send(**given)["not_sent"][0]
        assert sink.logins == []
        assert send(**given, ca_path=ca)["not_sent"] == [] and send(**given, validate_certs=False)["not_sent"] == []
    assert sink.logins == [["ada", TOKEN, True]] * 2 and len(sink.mails) == 2


def test_starttls_is_never_left_out():
    with MailSink() as sink:
        result = send(**dict(MAIL, mail_port=sink.port, mail_security="starttls", **LOGIN))
    assert "STARTTLS extension not supported" in result["not_sent"][0] and sink.logins == [] and sink.mails == []
    assert len([line for line in sink.seen if line.startswith("ehlo")]) == 1


def test_webhook_over_tls(authority):
    ca, context = authority
    with Loopback(Answer()) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        there = [{"url": server.url.replace("http:", "https:") + "/" + TOKEN}]
        assert "its certificate is not trusted" in send(webhooks=there, retries=0)["not_sent"][0]
        assert send(webhooks=there, ca_path=ca)["not_sent"] == [] and send(webhooks=there, validate_certs=False)["not_sent"] == []


@pytest.mark.parametrize("refuse, failed, tries", [
    ({"AUTH": "535 no %s" % TOKEN}, "does not accept mail_username with this password (535)", 1),
    ({"RCPT": "550 nobody %s" % TOKEN}, "refused: board@example.com (550 nobody ********); bob@example.com (550", 1),
    ({"RCPT": "451 later"}, "(451 later)", 3),
    ({"MAIL": "421 busy"}, "answered 421 busy", 3),
    ({"DATA": "554 no"}, "answered 554 no", 1),
    ({"RCPT": lambda line: "550 nobody" if "bob" in line else None}, "the server did not take bob@example.com", 1),
])
def test_what_a_mail_server_refuses(authority, refuse, failed, tries):
    ca, context = authority
    with MailSink(context, refuse=refuse) as sink:
        result = send(**dict(MAIL, mail_port=sink.port, mail_security="starttls", ca_path=ca, **LOGIN))
    assert len(result["not_sent"]) == 1 and failed in result["not_sent"][0]
    assert len([line for line in sink.seen if line.startswith("STARTTLS")]) == tries
    assert len(sink.mails) == len(result["sent"]) == ("did not take" in failed)


BAD = [
    ({"webhooks": [{"name": "x"}]}, r"webhooks\[0\].url: the value, which is not shown .* is not an http or https address"),
    ({"webhooks": [{"url": "ftp://x/%s" % TOKEN}]}, r"webhooks\[0\].url"),
    ({"webhooks": [{"url": "http://x:port/%s" % TOKEN}]}, r"webhooks\[0\].url"),
    ({"webhooks": [{"url": "http://x/%s y" % TOKEN}]}, r"webhooks\[0\].url"),
    ({"webhooks": [{"url": "http://x/", "token": TOKEN}]}, r"webhooks\[0\].token: .* belongs to no such key. Use the keys url, name, headers, payload"),
    ({"webhooks": [{"url": "http://x/", "headers": [TOKEN]}]}, r"webhooks\[0\].headers: the value, which is not shown .* is not a mapping"),
    ({"webhooks": [{"url": "http://x/", "headers": {"X-Key": TOKEN + "\nA: b"}}]}, r"webhooks\[0\].headers.X-Key: the value, which is not shown"),
    ({"webhooks": [{"url": "http://x/", "headers": {"X Key": "1"}}]}, r"webhooks\[0\].headers: 'X Key' is not a name of a header"),
    ({"webhooks": [{"url": "http://x/", "payload": {"text": "{titel}"}}]}, r"webhooks\[0\].payload.text: '\{titel\}' is replaced by nothing"),
    (dict(MAIL, mail_to=["board"]), r"mail_to\[0\]: 'board' is not a mail address"),
    (dict(MAIL, mail_to=["a@b\nBcc: c@d"]), r"mail_to\[0\]: .* is not a mail address"),
    (dict(MAIL, mail_to=["One, Two <a@example.com>"]), r"mail_to\[0\]: .* is not a mail address"),
    (dict(MAIL, mail_from=""), r"mail_from: '' is not a mail address"),
    (dict(MAIL, mail_host=""), r"mail_host: '' is not the name of a mail server"),
    (dict(MAIL, mail_port=70000), r"mail_port: 70000 is not a port"),
    (dict(PLAIN, **LOGIN), r"mail_security: 'none' would send the password of mail_username in the clear"),
    (dict(MAIL, mail_security="tls", mail_username="ada"), r"mail_username: 'ada' and mail_password go together"),
    (dict(MAIL, mail_security="tls", mail_password=TOKEN), r"mail_username: '' and mail_password go together"),
    (dict(MAIL, ca_path="/nowhere.pem"), r"ca_path: '/nowhere.pem' cannot be read"),
    (dict(MAIL, timeout=0), r"timeout: 0.0 is not more than 0"), (dict(MAIL, retries=-1), r"retries: -1 is negative"),
]


@pytest.mark.parametrize("options, message", BAD)
def test_what_cannot_be_used_stops_the_start_and_nothing_after_it(options, message):
    with pytest.raises(StagecraftError, match="^" + message):
        send(**options)
    said = Said()
    result = send(said, event="abort", **options)
    assert (result["event"], result["sent"], len(result["not_sent"]), len(said.warnings)) == ("abort", [], 1, 1)
    with pytest.raises(StagecraftError, match="^" + message):
        send(event="abort", on_failure="fail", **options)


def test_check_mode_shows_and_sends_nothing():
    said = Said()
    with Loopback(Answer()) as server, MailSink() as sink:
        result = send(said, check_mode=True, webhooks=[hook(server)], **PLAIN, mail_port=sink.port)
    assert server.seen == [] and sink.seen == [] and result["changed"] is True
    assert said.lines == ["would announce by webhook 127.0.0.1: Release v36-1 on production: started",
                          "would announce by mail to board@example.com, Bob Example <bob@example.com>: Release v36-1 on production: started"]
    with pytest.raises(StagecraftError, match="mail_from"):
        send(check_mode=True, mail_to=["a@example.com"])


def test_what_was_told_is_not_told_again():
    with Loopback(Answer()) as server:
        first = send(webhooks=[hook(server)])
        again = send(webhooks=[hook(server)], told=[first["id"]])
        assert (again["sent"], again["changed"], len(server.seen)) == ([], False, 1)


def test_outcome():
    stages = {"configure": {"status": "failed", "release": "v36-1", "run": "r1", "cause": "password=%s was wrong" % TOKEN}}
    with Loopback(Answer()) as server:
        result = send(event="outcome", facts={"stages": stages}, webhooks=[hook(server)])
        assert result["event"] == "failure" and server.seen[0]["body"]["cause"] == "password=******** was wrong"
        assert send(event="outcome", facts={"stages": {}}, aborting=True, webhooks=[hook(server)])["event"] == "abort"
        done = {"install": {"status": "done", "release": "v36-1", "run": "r1", "output": {"_verdict": "covered"}}}
        assert send(event="outcome", facts={"stages": done}, webhooks=[hook(server)])["event"] is None
        assert send(event="outcome", facts={"stages": done}, cause="window: is over", webhooks=[hook(server)])["event"] == "failure"
    assert [seen["body"]["event"] for seen in server.seen] == ["failure", "abort", "failure"]


def test_a_run_that_was_killed_announces_nothing():
    def killed():
        raise StagecraftError("The run was killed")

    with Loopback(Answer()) as server:
        with pytest.raises(StagecraftError, match="killed"):
            delivery.deliver(lambda: server.seen.append(1), 3, killed)
    assert server.seen == []

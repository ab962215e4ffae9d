# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's account, against a real server on the loopback interface."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tests.fleet.client import Client
from tests.serving import Quiet, WebServer


class Server(WebServer):
    """Answers with what `answer` is at that moment; a status of 0 stands for a connection that is cut."""

    answer = (200, "v1\n")
    delay = 0.0

    def handle_error(self, *_arguments: object) -> None:
        """A client that went away is no news."""


class Handler(Quiet, BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        time.sleep(self.server.delay)
        status, body = self.server.answer
        if status:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Handler) as running:
        yield running


def url(server: Server) -> str:
    return f"{server.url}/"


def test_answers_are_counted_by_status_and_body(server):
    with Client(url(server), seconds=20) as client:
        client.wait_for("v1")
        server.answer = (200, "v2\n")
        client.wait_for("v2")
        client.wait_requests(10)
    assert client.failed == 0 and client.failures == []
    assert client.requests == client.statuses[200] == client.bodies["v1"] + client.bodies["v2"]
    assert client.sequence == ["v1", "v2"]
    assert not client.running


def test_change_back_is_in_the_sequence(server):
    with Client(url(server), seconds=20) as client:
        for body in ("v1", "v2", "v1"):
            server.answer = (200, body)
            client.wait_requests(3)
    assert client.sequence == ["v1", "v2", "v1"]


def test_failures_have_the_time_and_the_reason(server):
    with Client(url(server), seconds=20) as client:
        client.wait_for("v1")
        server.answer = (503, "no server\nis up")
        client.wait_requests(3)
        server.answer = (0, "")
        client.wait_requests(3)
    assert client.statuses[503] >= 2
    texts = [str(failure) for failure in client.failures]
    assert len(texts) == client.failed
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z after 0\.\d{3} s: status 503: no server is up$", texts[0]), texts[0]
    assert "closed connection" in texts[-1]
    assert f"{client.requests} requests, {client.failed} failed" in client.report()
    assert texts[0] in client.report()


def test_slow_answer_is_a_failure(server):
    server.delay = 1
    with Client(url(server), seconds=20, timeout=0.1) as client:
        client.wait_requests(1)
    assert "timed out" in client.failures[0].problem


def test_refused_connection_is_a_failure_and_not_the_end(server):
    with Client("http://127.0.0.1:1/", seconds=20, pause=0.01) as client:
        client.wait_requests(3)
        assert client.running
    assert client.failed == client.requests
    assert "refused" in client.failures[0].problem


def test_it_stops_by_itself(server):
    with Client(url(server), seconds=0.2) as client:
        with pytest.raises(TimeoutError, match="an answer 'never' did not come"):
            client.wait_for("never", timeout=10)
        assert not client.running


def test_kept_failures_are_bounded(server, monkeypatch):
    monkeypatch.setattr("tests.fleet.client.MOST_FAILURES", 2)
    server.answer = (500, "")
    with Client(url(server), seconds=20) as client:
        client.wait_requests(5)
    assert len(client.failures) == 2 and client.failed >= 5


def test_reader_picks_what_is_counted(server):
    server.answer = (200, '{"release": "v7"}')
    with Client(url(server), seconds=20, read=lambda body: body.split('"')[3]) as client:
        client.wait_for("v7")


def test_settings_of_a_proxy_do_not_matter(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Client(url(server), seconds=20) as client:
        client.wait_requests(2)
    assert client.failed == 0

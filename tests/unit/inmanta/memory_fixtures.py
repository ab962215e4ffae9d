# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the tests that talk to an orchestrator in memory."""

from __future__ import annotations

import pytest
import requests

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import Client
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import URL, Server


@pytest.fixture(name="server")
def server_fixture(monkeypatch):
    made = Server()

    def request(session, method, url, **given):
        # Looked up at each call: a test may put its own in place of it.
        return made.request(session, method, url, **given)

    monkeypatch.setattr(requests.Session, "request", request)
    return made


@pytest.fixture(name="client")
def client_fixture(server):  # pylint: disable=unused-argument
    return Client(URL, retries=2, sleep=lambda seconds: None)

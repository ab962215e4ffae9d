# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_deployed_info."""

from __future__ import annotations

import re

from ansible_collections.stagecraft.release.plugins.modules import inmanta_deployed_info as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import action, run
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import server_fixture  # noqa: F401


def test_the_moment_is_that_of_the_server(server):
    original = server.request

    def request(session, method, url, **given):
        answer = original(session, method, url, **given)
        answer.headers["Date"] = "Sat, 01 Feb 2025 10:00:07 GMT"
        return answer

    server.request = request
    assert run(module) == {"changed": False, "moment": "2025-02-01T10:00:07+00:00"}


def test_a_server_that_does_not_tell_the_time(server):
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", run(module)["moment"])


def test_each_resource_once_and_none_from_before(server):
    server.actions = [action("a1", "failed", 2), action("a2", "deployed", 3), action("a1", "deployed", 5), action("a3", "deployed", 1)]
    found = run(module, since="2126-11-21T10:00:01+00:00")["resources"]
    assert [(item["agent"], item["state"]) for item in found] == [("a3", "deployed"), ("a2", "deployed"), ("a1", "deployed")]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_environment_info."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.modules import inmanta_environment_info as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, OTHER, run, version
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import server_fixture  # noqa: F401


def test_everything(server):
    server.settings["auto_deploy"] = False
    server.versions = [version(1, "active", True), version(2, "candidate", False)]
    server.counts = {"deployed": 1, "failed": 1}
    result = run(module)
    assert result["environment"]["name"] == "network" and not result["changed"]
    assert result["settings"]["auto_deploy"] is False and result["settings"]["notification_retention"] == 365
    assert (result["versions"]["active"], result["versions"]["newest"], len(result["versions"]["list"])) == (1, 2, 2)
    assert result["resources"] == {"total": 2, "by_state": {"deployed": 1, "failed": 1}} and result["healthy"] is False
    assert server.writes == []


def test_a_brand_new_environment(server):
    server.counts = {}
    result = run(module)
    assert result["versions"] == {"active": None, "newest": None, "list": []}
    assert result["healthy"] is True and result["resources"]["total"] == 0


@pytest.mark.parametrize("gather, requests, keys", [
    ([], 1, set()), (["settings"], 2, {"settings"}), (["versions"], 2, {"versions"}), (["resources"], 2, {"resources", "healthy"}),
    (["compiles"], 2, {"compiles"}),
    (["settings", "versions", "resources"], 4, {"settings", "versions", "resources", "healthy"}),
])
def test_only_what_is_asked_for_costs_requests(server, gather, requests, keys):
    server.versions = [version(1, "active")]
    assert set(run(module, gather=gather)) == {"changed", "environment"} | keys
    assert len(server.reads) == requests


def test_compiles_that_go_on(server):
    assert run(module, gather=["compiles"])["compiles"] == []
    item = {"id": "c1", "requested": "2026-11-21T09:30:00+00:00", "started": None, "remote_id": "r", "environment": ENV}
    server.queue = [dict(item, metadata={"type": "console", "message": "look"}), dict(item, id="c2", metadata=None)]
    known = {"requested": item["requested"], "started": None}
    assert run(module, gather=["compiles"])["compiles"] == [dict(known, id="c1", message="look"), dict(known, id="c2", message=None)]


def test_nothing_needs_more_than_a_bound_token(server):
    server.scoped = True
    assert run(module)["environment"]["id"] == ENV


def test_the_limit_of_versions(server):
    server.versions = [version(number, "retired") for number in range(1, 9)] + [version(9, "active")]
    assert [item["version"] for item in run(module, limit=2)["versions"]["list"]] == [9, 8]
    with pytest.raises(InputError, match="limit: 0"):
        run(module, limit=0)


def test_an_unknown_environment(server):
    with pytest.raises(InputError, match="%s' does not exist" % OTHER):
        run(module, environment=OTHER)

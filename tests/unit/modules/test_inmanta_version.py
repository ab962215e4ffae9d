# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules inmanta_version and inmanta_version_info."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError
from ansible_collections.stagecraft.release.plugins.modules import inmanta_version, inmanta_version_info

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import Refusal, run, version
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import server_fixture  # noqa: F401


@pytest.fixture(name="versions", autouse=True)
def versions_fixture(server):
    server.versions = [version(1, "retired"), version(2, "active"), version(3, "candidate")]
    server.resources = [{"resource_id": "std::File[a0,path=/x]", "id_details": {"resource_type": "std::File", "agent": "a0"}, "requires": []}]


@pytest.mark.parametrize("number", [1, 3])
def test_deleted(server, number):
    result = run(inmanta_version, version=number)
    assert result["changed"] and result["version"]["version"] == number and result["diff"]["after"] == {}
    assert server.writes == [("DELETE", "/api/v1/version/%d" % number, None)]
    again = run(inmanta_version, version=number)
    assert not again["changed"] and again["version"] is None


def test_deleting_in_check_mode(server):
    assert run(inmanta_version, check_mode=True, version=3)["changed"] and server.writes == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_active_version_stays(server, check_mode):
    with pytest.raises(InputError, match="version: 2 is the active version") as caught:
        run(inmanta_version, check_mode=check_mode, version=2)
    assert caught.value.details["version"]["status"] == "active" and server.writes == []


def test_one_that_became_active_meanwhile(server):
    def fail(method, path, body):
        if method == "DELETE":
            raise Refusal(400, "Invalid request: Cannot delete the active version")

    server.fail = fail
    with pytest.raises(ApiError, match="Cannot delete the active version"):
        run(inmanta_version, version=3)


def test_the_list():
    assert [item["version"] for item in run(inmanta_version_info)["versions"]] == [3, 2, 1]
    assert [item["version"] for item in run(inmanta_version_info, limit=1)["versions"]] == [3]


@pytest.mark.parametrize("number, statuses", [(3, ["candidate"]), (9, [])])
def test_one(server, number, statuses):
    result = run(inmanta_version_info, version=number)
    assert [item["status"] for item in result["versions"]] == statuses
    assert set(result) == {"changed", "versions"} and len(server.reads) == 1


def test_one_with_everything():
    result = run(inmanta_version_info, version=3, resources=True, diff_from=2)
    assert result["resources"] == [{"resource": "std::File[a0,path=/x]", "type": "std::File", "agent": "a0", "requires": []}]
    assert [item["action"] for item in result["changes"]] == ["removed"]


@pytest.mark.parametrize("given, words", [
    (dict(resources=True), "'version'"), (dict(version=3, diff_from=3), "not older"), (dict(version=9, diff_from=1), "Version 9 not found"),
    (dict(limit=0), "limit: 0"),
])
def test_wrong_options(given, words):
    with pytest.raises(InputError, match=words):
        run(inmanta_version_info, **given)

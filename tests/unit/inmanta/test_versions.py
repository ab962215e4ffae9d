# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions: both eras described alike, the active one found however old it is."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import versions

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, version
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import client_fixture, server_fixture  # noqa: F401


@pytest.mark.parametrize("status, field, released", [
    ("active", None, True), ("retired", None, True), ("candidate", None, False), ("skipped_candidate", None, False),
    ("candidate", True, True), ("candidate", False, False), ("active", True, True),
])
def test_released_in_both_eras(status, field, released):
    assert versions.describe(version(3, status, field))["released"] is released


@pytest.mark.parametrize("listed, active, newest", [
    ([], None, None),
    ([version(1, "candidate")], None, 1),
    ([version(1, "retired"), version(2, "active"), version(3, "candidate")], 2, 3),
    ([version(1, "active")] + [version(number, "candidate") for number in range(2, 9)], 1, 8),
    ([version(number, "candidate") for number in range(1, 9)], None, 8),
])
def test_summary(server, client, listed, active, newest):
    server.versions = listed
    found = versions.summary(client, ENV, limit=5)
    assert (found["active"], found["newest"]) == (active, newest)
    assert [item["version"] for item in found["list"]] == sorted((item["version"] for item in listed), reverse=True)[:5]


def test_summary_looks_further_only_where_it_has_to(server, client):
    server.versions = [version(1, "retired"), version(2, "active")]
    versions.summary(client, ENV, limit=2)
    assert len(server.reads) == 1


@pytest.mark.parametrize("number, found", [(2, 2), (1, 1), (7, None)])
def test_find(server, client, number, found):
    server.versions = [version(1, "retired"), version(2, "active"), version(3, "candidate")]
    assert (versions.find(client, ENV, number) or {}).get("version") == found


def test_resources_of_all_pages(server, client):
    server.page = 2
    server.resources = [{"resource_id": "std::File[a%d,path=/x]" % number, "id_details": {"resource_type": "std::File", "agent": "a%d" % number},
                         "requires": []} for number in range(5)]
    assert [item["agent"] for item in versions.resources(client, ENV, 4)] == ["a0", "a1", "a2", "a3", "a4"]
    assert len(server.reads) == 3


def test_differences_have_the_form_of_changes(server, client):
    server.versions = [version(1, "retired"), version(2, "active")]
    assert versions.differences(client, ENV, 1, 2) == [
        {"resource": "std::File[a0,path=/1]", "type": "std::File", "agent": "a0", "action": "removed", "attributes": {}}]


@pytest.mark.parametrize("older, newer, words", [(2, 2, "is not older than version 2"), (3, 2, "smaller number"), (1, 9, "Version 9 not found")])
def test_versions_that_cannot_be_compared(client, older, newer, words):
    with pytest.raises(InputError, match=words):
        versions.differences(client, ENV, older, newer)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_that_the_server_would_not_take(limit):
    with pytest.raises(InputError, match="between 1 and 1000"):
        versions.check_limit(limit)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments: found, described, counted."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import environment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import AccessDenied

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, OTHER, Refusal
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import client_fixture, server_fixture  # noqa: F401


@pytest.mark.parametrize("text, expected", [(ENV, True), (ENV.upper(), True), ("network", False), ("", False), (None, False), (ENV.replace("-", ""), False)])
def test_what_is_a_uuid(text, expected):
    assert environment.is_uuid(text) is expected


@pytest.mark.parametrize("params", [{"environment": "network"}, {"environment": "network", "project": "customer"}])
def test_a_name_is_looked_up(client, params):
    assert environment.resolve(client, params) == ENV


def test_a_uuid_costs_no_request(server, client):
    assert environment.resolve(client, {"environment": ENV.upper()}) == ENV
    assert server.reads == []


@pytest.mark.parametrize("params, words", [
    ({}, ["environment", "is empty", "UUID"]),
    ({"environment": "netwrk"}, ["'netwrk'", "is not an environment of", "Choose one of: network"]),
    ({"environment": "network", "project": "none"}, ["project", "'none'", "customer"]),
])
def test_what_is_not_there_is_told(client, params, words):
    with pytest.raises(InputError) as caught:
        environment.resolve(client, params)
    assert all(word in caught.value.message for word in words)


def test_a_name_in_two_projects_needs_the_project(server, client):
    server.projects.append({"id": "p2", "name": "lab"})
    server.environments[OTHER] = dict(server.environments[ENV], id=OTHER, project_id="p2")
    with pytest.raises(InputError, match=r"several projects \(customer, lab\)"):
        environment.resolve(client, {"environment": "network"})
    assert environment.resolve(client, {"environment": "network", "project": "lab"}) == OTHER


def test_a_bound_token_is_asked_for_the_uuid(server, client):
    server.scoped = True
    with pytest.raises(InputError, match="scoped to a specific environment.*Give the UUID"):
        environment.resolve(client, {"environment": "network"})


def test_no_token_is_no_question_of_names(server, client):
    def fail(method, path, body):
        raise Refusal(401, "Access to this resource is unauthorized")

    server.fail = fail
    with pytest.raises(AccessDenied, match="Give a token"):
        environment.resolve(client, {"environment": "network"})


def test_describe_uses_the_words_of_the_options(server, client):
    server.environments[ENV].update(repo_url=None, description="core")
    assert environment.describe(environment.fetch(client, ENV)) == {
        "id": ENV, "name": "network", "project_id": "p1", "repository": "", "branch": "release", "halted": False, "description": "core"}


def test_absent(client):
    assert environment.find(client, OTHER) is None
    assert environment.describe(None) is None
    with pytest.raises(InputError, match="does not exist on http"):
        environment.fetch(client, OTHER)


@pytest.mark.parametrize("by_state, healthy", [
    ({}, True), ({"deployed": 3}, True), ({"deployed": 3, "failed": 0}, True),
    ({"deployed": 2, "failed": 1}, False), ({"deployed": 2, "skipped": 1}, False), ({"deployed": 2, "unavailable": 1}, False),
    ({"deployed": 2, "undefined": 1}, False), ({"deployed": 2, "skipped_for_undefined": 1}, False), ({"deployed": 2, "cancelled": 1}, False),
    ({"deployed": 2, "deploying": 1}, False), ({"deployed": 2, "available": 1}, False), ({"available": 1}, False),
])
def test_health(server, client, by_state, healthy):
    server.counts = by_state
    assert environment.is_healthy(environment.resource_counts(client, ENV)) is healthy

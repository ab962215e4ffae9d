# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters: an absent one is None, a missing environment never is, and nothing makes the server compile."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError, NotFound, UnknownEndpoint
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.parameters import ParameterStore

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, OTHER, Refusal
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import client_fixture, server_fixture  # noqa: F401


@pytest.fixture(name="store")
def store_fixture(client):
    return ParameterStore(client, ENV)


@pytest.mark.parametrize("text", ["hello", "ünï\n", "{}", "x" * 100000])
def test_written_is_read(store, text):
    store.put("stagecraft.lock", text)
    assert store.get("stagecraft.lock") == text


def test_absent_is_none(store):
    assert store.get("stagecraft.lock") is None


@pytest.mark.parametrize("use", [lambda store: store.get("x"), lambda store: store.delete("x")])
def test_a_missing_environment_is_an_error(client, use):
    with pytest.raises(InputError, match="%s' does not exist" % OTHER):
        use(ParameterStore(client, OTHER))


def test_writing_into_a_missing_environment_is_an_error(client):
    with pytest.raises(NotFound, match="environment id does not exist"):
        ParameterStore(client, OTHER).put("x", "y")


def test_removing_never_deletes_for_that_makes_the_server_compile(server, store):
    store.put("x", "y")
    store.delete("x")
    assert store.get("x") is None
    assert [method for method, path, body in server.writes] == ["PUT", "PUT"]


def test_removing_what_is_not_there_writes_nothing(server, store):
    store.delete("x")
    store.put("x", "")
    server.writes.clear()
    store.delete("x")
    assert server.writes == []


@pytest.mark.parametrize("status, kind, error", [(404, "text/html", UnknownEndpoint), (500, "application/json", ApiError), (403, "application/json", ApiError)])
def test_other_refusals_are_not_absence(server, store, status, kind, error):
    def fail(method, path, body):
        raise Refusal(status, "no", kind)

    server.fail = fail
    with pytest.raises(error):
        store.get("x")


def test_names_are_encoded(server, store):
    store.put("a/b c", "x")
    assert server.writes[0][1] == "/api/v1/parameter/a%2Fb%20c"

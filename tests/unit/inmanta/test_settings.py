# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings: converted and checked before the first write, all written or none."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import settings

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, Refusal, definitions
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import client_fixture, server_fixture  # noqa: F401

DEPLOY, REPAIR = "autostart_agent_deploy_interval", "autostart_agent_repair_interval"
TRIGGER, AGENT_MAP = "agent_trigger_method_on_auto_deploy", "autostart_agent_map"


def present(**values):
    known = definitions()
    return settings.Settings(dict({name: item["default"] for name, item in known.items()}, **values), known)


@pytest.mark.parametrize("name, given, converted", [
    ("auto_deploy", True, True), ("auto_deploy", "false", False), ("auto_deploy", "Yes", True), ("auto_deploy", 0, False), ("auto_deploy", "1", True),
    ("notification_retention", 7, 7), ("notification_retention", "7", 7), ("notification_retention", 7.0, 7), ("notification_retention", "-1", -1),
    ("recompile_backoff", 2, 2.0), ("recompile_backoff", "0.5", 0.5), ("recompile_backoff", 0, 0.0),
    (DEPLOY, 600, "600"), (DEPLOY, "600", "600"), (DEPLOY, "*/5 * * * *", "*/5 * * * *"), (DEPLOY, 0, "0"),
    (TRIGGER, "push_full_deploy", "push_full_deploy"),
    (AGENT_MAP, {"internal": "x"}, {"internal": "x"}), (AGENT_MAP, '{"internal": "x"}', {"internal": "x"}),
])
def test_convert(name, given, converted):
    value = present().convert(name, given)
    assert value == converted and type(value) is type(converted)


@pytest.mark.parametrize("name, given, expected", [
    ("auto_deploy", "perhaps", "bool"), ("auto_deploy", 2, "bool"), ("auto_deploy", None, "bool"), ("auto_deploy", [], "bool"),
    ("notification_retention", "abc", "int"), ("notification_retention", 1.5, "int"), ("notification_retention", True, "int"),
    ("recompile_backoff", -1, "positive_float"), ("recompile_backoff", "nan", "positive_float"), ("recompile_backoff", "inf", "positive_float"),
    ("recompile_backoff", False, "positive_float"), ("recompile_backoff", "fast", "positive_float"),
    (DEPLOY, True, "str"), (DEPLOY, 0.5, "str"), (DEPLOY, None, "str"), (DEPLOY, {}, "str"),
    (TRIGGER, "push", "one of: push_incremental_deploy, push_full_deploy"),
    (AGENT_MAP, "x", "dict"), (AGENT_MAP, "[]", "dict"), (AGENT_MAP, [], "dict"),
])
def test_a_wrong_value_is_named_with_what_is_expected(name, given, expected):
    with pytest.raises(InputError) as caught:
        present().convert(name, given)
    assert caught.value.message.startswith("settings.%s: %r is not" % (name, given)) and expected in caught.value.message


@pytest.mark.parametrize("left, right, expected", [
    ("600", "600", True), ("600", "0600", True), ("-5", " -5", True), ("600", "601", False), ("*/5 * * * *", "*/5 * * * *", True),
    (True, True, True), (True, 1, False), (0, False, False), (7, 7.0, True), ({"a": 1}, {"a": 1}, True), ("", "0", False),
])
def test_same(left, right, expected):
    assert settings.same(left, right) is expected


def test_read_fills_in_the_defaults(server, client):
    server.settings = {"auto_deploy": False}
    found = settings.read(client, ENV)
    assert found.values["auto_deploy"] is False and found.values[DEPLOY] == "600"
    assert set(found.values) == set(server.definitions)


def test_plan_writes_only_what_differs():
    made = settings.plan(present(auto_deploy=False), {"auto_deploy": "no", DEPLOY: 0, REPAIR: 86400})
    assert made.writes == {DEPLOY: "0"}
    assert made.wanted == {"auto_deploy": False, DEPLOY: "0", REPAIR: "86400"}


@pytest.mark.parametrize("now, only_if, writes, left_alone", [
    (False, False, {"auto_deploy": True}, {}),
    (False, "no", {"auto_deploy": True}, {}),
    (False, True, {}, {"auto_deploy": False}),
    (True, False, {}, {}),
])
def test_only_if(now, only_if, writes, left_alone):
    made = settings.plan(present(auto_deploy=now), {"auto_deploy": True}, {"auto_deploy": only_if})
    assert (made.writes, made.left_alone) == (writes, left_alone)


@pytest.mark.parametrize("only_if, words", [({DEPLOY: 1}, "is not one of the wanted settings"), ({"auto_deploy": "x"}, "only_if.auto_deploy: 'x'")])
def test_a_wrong_only_if(only_if, words):
    with pytest.raises(InputError, match=words):
        settings.plan(present(), {"auto_deploy": True}, only_if)


def test_an_unknown_setting_meets_close_names():
    with pytest.raises(InputError) as caught:
        settings.plan(present(), {"auto_deply": True})
    assert "Did you mean auto_deploy" in caught.value.message and "'unsupported'" in caught.value.message
    assert caught.value.details == {"unsupported_settings": ["auto_deply"]}


def test_an_unknown_setting_can_be_passed_over():
    made = settings.plan(present(), {"push_on_auto_deploy": False, "auto_deploy": False}, {"push_on_auto_deploy": True}, unsupported="ignore")
    assert made.unsupported == ["push_on_auto_deploy"] and made.writes == {"auto_deploy": False}


@pytest.mark.parametrize("wanted, refused", [(False, True), (True, False)])
def test_a_protected_setting(wanted, refused):
    found = present()
    found.definitions["auto_deploy"].update(protected=True, protected_by="project.yml")
    if refused:
        with pytest.raises(InputError, match="managed by project.yml and is true"):
            settings.plan(found, {"auto_deploy": wanted})
    else:
        assert settings.plan(found, {"auto_deploy": wanted}).writes == {}


def test_write_in_the_given_order(server, client):
    settings.write(client, ENV, present(), {REPAIR: "0", "auto_deploy": False})
    assert server.writes == [("POST", "/api/v2/environment_settings/" + REPAIR, {"value": "0"}),
                             ("POST", "/api/v2/environment_settings/auto_deploy", {"value": False})]


def test_a_refused_value_puts_the_others_back_and_is_not_repeated(server, client):
    with pytest.raises(StagecraftError) as caught:
        settings.write(client, ENV, present(), {"auto_deploy": False, DEPLOY: "abc", REPAIR: "0"})
    assert [path.rsplit("/", 1)[1] for method, path, body in server.writes] == ["auto_deploy", DEPLOY, "auto_deploy"]
    assert server.settings == {"auto_deploy": True}
    message = caught.value.message
    assert message.startswith('settings.%s: "abc" was refused by the server' % DEPLOY) and "put back: auto_deploy" in message
    assert caught.value.details == {"changed": False, "changed_settings": [], "previous": {}}


def test_what_cannot_be_put_back_is_told(server, client):
    def fail(method, path, body):
        if body and path.endswith("auto_deploy") and body["value"] is True:
            raise Refusal(403, "Access denied: no")

    server.fail = fail
    with pytest.raises(StagecraftError, match="could not be put back and may hold the new value: auto_deploy") as caught:
        settings.write(client, ENV, present(), {"auto_deploy": False, DEPLOY: "abc"})
    assert caught.value.details == {"changed": True, "changed_settings": ["auto_deploy"], "previous": {"auto_deploy": True}}


def test_a_write_without_an_answer_may_have_happened_and_is_put_back_too(server, client):
    tries = []

    def fail(method, path, body):
        if path.endswith(DEPLOY) and body["value"] == "0":
            tries.append(path)
            server.settings[DEPLOY] = "0"
            raise Refusal(503, "Service Unavailable")

    server.fail = fail
    with pytest.raises(StagecraftError, match="put back: %s" % DEPLOY):
        settings.write(client, ENV, present(), {DEPLOY: "0"})
    assert len(tries) == 3 and server.settings[DEPLOY] == "600"


def test_a_first_refusal_changes_nothing(client):
    with pytest.raises(StagecraftError, match="Nothing was changed"):
        settings.write(client, ENV, present(), {DEPLOY: "abc"})

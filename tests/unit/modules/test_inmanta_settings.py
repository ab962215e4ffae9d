# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_settings."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import inmanta_settings as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import run
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import server_fixture  # noqa: F401

INTERVAL = "autostart_agent_deploy_interval"
CAREFUL = {"auto_deploy": "false", INTERVAL: 0}


def test_set_and_put_back(server):
    result = run(module, settings=CAREFUL)
    assert result["changed"] and result["changed_settings"] == ["auto_deploy", INTERVAL]
    assert result["previous"] == {"auto_deploy": True, INTERVAL: "600"}
    assert result["settings"] == {"auto_deploy": False, INTERVAL: "0"}
    assert result["diff"] == {"before": result["previous"], "after": result["settings"]}
    again = run(module, settings=result["previous"], only_if=result["settings"])
    assert again["changed_settings"] == ["auto_deploy", INTERVAL] and server.settings == {"auto_deploy": True, INTERVAL: "600"}


def test_what_is_so_already(server):
    server.settings = {"auto_deploy": False, INTERVAL: "0"}
    result = run(module, settings=CAREFUL)
    assert not result["changed"] and result["previous"] == {} and result["changed_settings"] == [] and server.writes == []
    assert result["settings"] == {"auto_deploy": False, INTERVAL: "0"}


@pytest.mark.parametrize("check_mode", [False, True])
def test_all_that_is_in_force(server, check_mode):
    before = run(module, settings={})
    assert not before["changed"] and before["settings"] == {} and before["in_force"]["auto_deploy"] is True
    after = run(module, settings=CAREFUL, check_mode=check_mode)["in_force"]
    assert after == dict(before["in_force"], auto_deploy=False, **{INTERVAL: "0"})


def test_check_mode(server):
    result = run(module, check_mode=True, settings=CAREFUL)
    assert result["changed"] and result["settings"] == {"auto_deploy": False, INTERVAL: "0"} and server.writes == []


def test_the_settings_in_force_are_read_back(server):
    assert run(module, settings={INTERVAL: "030"})["settings"] == {INTERVAL: "30"}
    assert not run(module, settings={INTERVAL: "030"})["changed"]


def test_what_somebody_else_changed_is_left_alone(server):
    server.settings = {"auto_deploy": False, INTERVAL: "30"}
    warnings = []
    result = run(module, warn=warnings.append, settings={"auto_deploy": True, INTERVAL: "600"}, only_if={"auto_deploy": False, INTERVAL: "0"})
    assert len(warnings) == 1 and all(text in warnings[0] for text in (INTERVAL, 'is "30" now', 'not "0"', '"600" was wanted'))
    assert result["changed_settings"] == ["auto_deploy"] and result["left_alone"] == {INTERVAL: "30"}
    assert result["settings"] == {"auto_deploy": True, INTERVAL: "30"} and server.settings[INTERVAL] == "30"


@pytest.mark.parametrize("unsupported, warned", [("ignore", 0), ("warn", 1)])
def test_a_setting_that_the_server_does_not_have(server, unsupported, warned):
    warnings = []
    result = run(module, warn=warnings.append, settings={"push_on_auto_deploy": False, "auto_deploy": False}, unsupported=unsupported)
    assert result["unsupported_settings"] == ["push_on_auto_deploy"] and result["changed_settings"] == ["auto_deploy"]
    assert len(warnings) == warned and all("push_on_auto_deploy" in text for text in warnings)


@pytest.mark.parametrize("wanted", [{"auto_deploy": False, "auto_deply": True}, {"auto_deploy": False, "notification_retention": "x"}])
def test_nothing_is_written_when_something_is_wrong(server, wanted):
    with pytest.raises(InputError):
        run(module, settings=wanted)
    assert server.writes == []


def test_a_value_that_only_the_server_can_judge(server):
    with pytest.raises(StagecraftError, match="was refused by the server") as caught:
        run(module, settings={"auto_deploy": False, INTERVAL: "abc"})
    assert server.settings == {"auto_deploy": True} and caught.value.details["changed"] is False


def test_a_run_that_must_stop_writes_nothing(server):
    def stop():
        raise StagecraftError("the lock is gone")

    with pytest.raises(StagecraftError, match="the lock is gone"):
        run(module, heartbeat=stop, settings=CAREFUL)
    assert server.writes == []


def test_a_new_environment_has_the_defaults(server):
    server.settings = {"auto_deploy": False}
    server.definitions["auto_deploy"]["protected"] = True
    result = run(module, check_mode=True, environment="not-there", new=True, settings={"auto_deploy": True, INTERVAL: 30}, unsupported="ignore")
    assert result["changed_settings"] == [INTERVAL] and result["previous"] == {INTERVAL: "600"} and result["compared"]
    with pytest.raises(InputError, match="'auto_deply' is not a setting"):
        run(module, check_mode=True, environment="not-there", new=True, settings={"auto_deply": True})
    assert server.writes == []


def test_a_new_environment_of_a_server_without_any(server):
    server.environments.clear()
    warnings = []
    result = run(module, check_mode=True, warn=warnings.append, environment="not-there", new=True, settings={"auto_deploy": True})
    assert result["compared"] is False and result["settings"] == {"auto_deploy": True} and "no environment yet" in warnings[0]


def test_a_new_environment_is_not_written(server):
    with pytest.raises(InputError, match="new: True is for check mode"):
        run(module, environment="not-there", new=True, settings={"auto_deploy": True})

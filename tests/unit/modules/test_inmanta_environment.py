# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_environment."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import inmanta_environment as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_server import ENV, OTHER, run
from ansible_collections.stagecraft.release.tests.unit.inmanta.memory_fixtures import server_fixture  # noqa: F401

NEW = dict(environment=None, name="lab", project="customer", repository="/lab", branch="main")
PLAIN = dict(id=ENV, name="network", project_id="p1", repository="/repo", branch="release", halted=False, description="")


def of(**given):
    """Options that name the environment only by what is given."""
    return dict({"environment": None}, **given)


def test_one_is_made(server):
    result = run(module, **NEW)
    assert result["changed"] and result["environment"]["id"] in server.environments
    assert server.writes == [("PUT", "/api/v2/environment", {"name": "lab", "project_id": "p1", "repository": "/lab", "branch": "main"})]
    assert result["diff"]["before"] == {} and result["diff"]["after"]["branch"] == "main"
    assert not run(module, **NEW)["changed"]


def test_with_an_id_of_its_own(server):
    assert run(module, **dict(NEW, environment_id=OTHER.upper()))["environment"]["id"] == OTHER


def test_with_its_project(server):
    assert run(module, **{**NEW, "project": "fresh", "create_project": True})["environment"]["project_id"] == "p2"
    assert [path for method, path, body in server.writes] == ["/api/v2/project", "/api/v2/environment"]


@pytest.mark.parametrize("project, project_id", [("customer", "p1"), ("fresh", None)])
def test_making_one_in_check_mode(server, project, project_id):
    result = run(module, check_mode=True, **{**NEW, "project": project, "create_project": True})
    assert result["changed"] and server.writes == []
    assert result["environment"] == dict(PLAIN, id=None, name="lab", project_id=project_id, repository="/lab", branch="main")


@pytest.mark.parametrize("given, words", [
    (dict(NEW, project="fresh"), "project: 'fresh' is not a project.*'create_project'.*customer"),
    (dict(NEW, project=None), "project: None is empty"),
    (dict(NEW, branch=None), "repository: '/lab' and branch None do not go together"),
    (of(environment=OTHER), "does not exist"),
    (of(environment_id=OTHER), "no environment has the id"),
    (of(environment_id="x"), "environment_id: 'x' is not a UUID"),
    (of(environment=ENV, environment_id=OTHER), "is not the UUID given as 'environment'"),
])
def test_what_cannot_be_made(server, given, words):
    with pytest.raises(InputError, match=words):
        run(module, **given)
    assert server.writes == []


@pytest.mark.parametrize("given, body", [
    (dict(branch="next"), {"name": "network", "branch": "next"}),
    (dict(repository="/other", description="core"), {"name": "network", "repository": "/other", "description": "core"}),
])
@pytest.mark.parametrize("key", [dict(environment="network"), dict(environment=ENV), dict(environment=None, environment_id=ENV)])
def test_one_is_changed(server, key, given, body):
    result = run(module, **dict(key, **given))
    assert result["environment"] == dict(PLAIN, **given) and result["diff"]["before"] == PLAIN
    assert server.writes == [("POST", "/api/v2/environment/" + ENV, dict(body, **given))]
    assert not run(module, **dict(key, **given))["changed"]


def test_changing_in_check_mode(server):
    result = run(module, check_mode=True, branch="next")
    assert result["changed"] and result["environment"]["branch"] == "next" and server.writes == []


@pytest.mark.parametrize("given", [{}, dict(repository="/repo ", branch="release"), dict(description="")])
def test_what_is_so_already(server, given):
    assert not run(module, **given)["changed"]
    assert server.writes == []


def test_a_new_name_by_id(server):
    assert run(module, environment="core", environment_id=ENV)["environment"] == dict(PLAIN, name="core")


def test_a_bound_token_may_look_and_is_told_what_differs(server):
    server.scoped = True
    assert not run(module, branch="release")["changed"]
    with pytest.raises(InputError, match="branch: 'next' differs from what environment network has .'release'.*not bound to one"):
        run(module, branch="next")


def test_removed(server):
    assert run(module, check_mode=True, state="absent")["changed"] and ENV in server.environments
    result = run(module, state="absent")
    assert result["changed"] and result["environment"] is None and result["diff"] == {"before": PLAIN, "after": {}}
    assert ENV not in server.environments


@pytest.mark.parametrize("given", [of(environment=OTHER), of(environment="none"), of(environment="network", project="none")])
def test_removing_what_is_not_there(server, given):
    assert not run(module, state="absent", **given)["changed"]
    assert server.writes == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_protected_one_stays(server, check_mode):
    server.settings["protected_environment"] = True
    with pytest.raises(StagecraftError, match="network.*is protected.*inmanta_settings"):
        run(module, check_mode=check_mode, state="absent")
    assert server.writes == []

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``git_release_info`` on real repositories."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.stagecraft.release.plugins.action import git_release_info as action
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import git_release_info as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.repository.fixtures import (  # noqa: F401
    own_git_settings,
    prepared,
    project,
)


def execute(**given):
    params = {name: option.get("default") for name, option in module.SPEC["argument_spec"].items()}
    return module.execute(Call(dict(params, **given), check_mode=True))


def test_a_release_is_read(project):  # noqa: F811
    result = execute(repository=project.url, release="v2", branch="release", previous="v1")
    assert result["changed"] is False
    found = result["release_info"]
    assert found["released"] and found["branch"]["fast_forward"] and found["previous"]["tree"] == found["branch"]["tree"]
    assert project.head() == project.git("rev-parse", "v1^{commit}")


def test_every_key_is_documented(project):  # noqa: F811
    documented = yaml.safe_load(module.RETURN)["release_info"]["contains"]
    found = execute(repository=project.url, release="v2", branch="release")["release_info"]
    assert set(found) == set(documented)
    for key in found["branch"]:
        assert "C(%s)" % key in " ".join(documented["branch"]["description"])


def test_branch_and_previous_may_be_left_out(project):  # noqa: F811
    found = execute(repository=project.url, release="v2")["release_info"]
    assert found["branch"] is None and found["previous"] is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"release": "v9"}, "release"),
        ({"release": "-x"}, "release"),
        ({"branch": "main"}, "branch"),
        ({"branch": "a..b"}, "branch"),
        ({"previous": "v9"}, "previous"),
        ({"repository": "ext::sh"}, "repository"),
    ],
)
def test_errors_name_the_option(project, given, field):  # noqa: F811
    with pytest.raises(InputError) as caught:
        execute(**dict({"repository": project.url, "release": "v2", "branch": "release"}, **given))
    assert caught.value.field == field and field in module.SPEC["argument_spec"]


def test_the_action_runs_this_module():
    assert action.ActionModule.MODULE is module

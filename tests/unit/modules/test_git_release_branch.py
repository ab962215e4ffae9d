# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``git_release_branch`` on real repositories, also through its action in a play."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stagecraft.release.plugins.action import git_release_branch as action
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import git_release_branch as module

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.repository.fixtures import (  # noqa: F401
    at_v2,
    own_git_settings,
    prepared,
    project,
)

MODULE = "stagecraft.release.git_release_branch"


def execute(on, check_mode=False, heartbeat=lambda: None, **given):
    validated = ArgumentSpecValidator(module.SPEC["argument_spec"], required_if=module.SPEC["required_if"]).validate(
        dict({"repository": on.url, "branch": "release", "release": "v2"}, **given)
    )
    assert not validated.error_messages, validated.error_messages
    return module.execute(Call(validated.validated_parameters, check_mode, heartbeat=heartbeat))


def test_brought_to_the_release_once(project):  # noqa: F811
    first, second = execute(project), execute(project)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["head"] == second["head"] == project.head() == project.git("rev-parse", "v2^{commit}")
    assert first["diff"]["before"] == {"branch": "release", "head": first["head_before"], "tree": project.tree("v1")}
    assert first["diff"]["after"] == {"branch": "release", "head": first["head"], "tree": project.tree("v2")}
    assert second["diff"]["before"] == second["diff"]["after"]


def test_reverted_once(at_v2):  # noqa: F811
    given = dict(state="reverted", previous="v1", author="Robot <r@example.com>", commit_message="Abort v2")
    first, second = execute(at_v2, **given), execute(at_v2, **given)
    assert (first["changed"], second["changed"]) == (True, False)
    assert at_v2.tree("release") == at_v2.tree("v1") == first["tree"] == second["tree"]
    assert at_v2.log().startswith("Robot <r@example.com> / Robot <r@example.com>\nAbort v2\n")


@pytest.mark.parametrize(("state", "previous"), [("at_release", None), ("reverted", "v1")])
def test_check_mode_predicts_and_pushes_nothing(project, at_v2_if_reverted, state, previous):  # noqa: F811
    on = at_v2_if_reverted
    before = on.head()
    said = execute(on, check_mode=True, state=state, previous=previous)
    assert on.head() == before
    done = execute(on, state=state, previous=previous)
    different = {key for key in done if done[key] != said[key]}
    assert said["changed"] and different <= ({"head", "diff"} if state == "reverted" else set())


@pytest.fixture
def at_v2_if_reverted(request, project):  # noqa: F811
    """The project, with v2 on its branch when the test takes it back."""
    if request.node.callspec.params["state"] == "reverted":
        project.push("refs/tags/v2^{commit}:refs/heads/release")
    return project


@pytest.mark.parametrize("check_mode", [False, True])
def test_push_switched_off(project, check_mode):  # noqa: F811
    with pytest.raises(InputError, match="inmanta_model_push"):
        execute(project, push=False, check_mode=check_mode)


def test_previous_is_required_to_revert(project):  # noqa: F811
    validated = ArgumentSpecValidator(module.SPEC["argument_spec"], required_if=module.SPEC["required_if"]).validate(
        {"repository": project.url, "branch": "release", "release": "v2", "state": "reverted"}
    )
    assert "previous" in validated.error_messages[0]


def test_heartbeat_comes_before_the_push_and_only_then(project):  # noqa: F811
    heads = []
    execute(project, heartbeat=lambda: heads.append(project.head()))
    assert heads == [project.git("rev-parse", "v1^{commit}")]
    execute(project, heartbeat=lambda: heads.append("again"))
    assert len(heads) == 1


def test_same_keys_on_success_and_rejection(project):  # noqa: F811
    documented = set(yaml.safe_load(module.RETURN))
    project.hook("pre-receive", "exit 1\n")
    with pytest.raises(StagecraftError) as caught:
        execute(project)
    project.hook("pre-receive", "exit 0\n")
    assert set(caught.value.details) - {"changed"} == documented == set(execute(project)) - {"changed", "diff"}


def test_the_action_runs_this_module():
    assert action.ActionModule.MODULE is module


def play(tmp_path, given, *options):
    """Run one task in a real play; returns the exit code and everything printed."""
    path = tmp_path / "play.yml"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{MODULE: given}]}]))
    env = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=module.__file__.split("/ansible_collections/", maxsplit=1)[0])
    env.update(HOME=str(tmp_path), PYTHONPATH="", ANSIBLE_NOCOLOR="1")
    command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", "nowhere.invalid,", str(path)]
    done = subprocess.run(command + list(options), env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_in_a_play_for_a_host_that_is_never_connected_to(project, tmp_path):  # noqa: F811
    given = {"repository": project.url, "branch": "release", "release": "v2"}
    code, text = play(tmp_path, given, "--check", "--diff")
    assert code == 0 and "changed: [nowhere.invalid]" in text and project.git("rev-parse", "v2^{tree}") in text, text
    assert project.head() == project.git("rev-parse", "v1^{commit}")
    code, text = play(tmp_path, given)
    assert code == 0 and project.head() == project.git("rev-parse", "v2^{commit}"), text


def test_in_a_play_no_credentials_are_shown(tmp_path):
    given = {"repository": "http://op:s3cret@127.0.0.1:9/x", "branch": "release", "release": "v2"}
    code, text = play(tmp_path, given, "-vvvv")
    assert code == 2 and "http://***@127.0.0.1:9/x" in text and "s3cret" not in text, text


def test_as_a_plain_module(project, capsys):  # noqa: F811
    for given, code in (({"release": "v2"}, 0), ({"release": "v9"}, 1)):
        with patch_module_args(dict(given, repository=project.url, branch="release")):
            with pytest.raises(SystemExit) as ended:
                module.main()
        result = json.loads(capsys.readouterr().out)
        assert ended.value.code == code
        assert (result["head"] == project.head()) if code == 0 else ("release: 'v9' is not a tag" in result["msg"])

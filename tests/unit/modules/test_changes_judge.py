# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module joins the room changes: what it returns, what it prints, what it refuses."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import Changes
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import changes_judge

CHANGES = [
    {"resource": "std::File[web1,path=/a]", "type": "std::File", "agent": "web1", "action": "modified",
     "attributes": {"content": ["old", "new"]}},
    {"resource": "std::File[web1,path=/b]", "type": "std::File", "agent": "web1", "action": "removed",
     "attributes": {"purged": [False, None]}},
]
UNCHECKED = [{"resource": "x::Y[web2,name=z]", "type": "x::Y", "agent": "web2", "reason": "agent_down"}]
DIGEST = Changes(CHANGES).digest
KEYS = {"changed", "verdict", "digest", "unexpected", "unchecked", "covered", "over_caps", "approval", "counts", "table", "message"}


def run(changes=None, said=None, **options):
    """The result for the options, with the defaults of the specification; progress goes to ``said``."""
    params = {name: option.get("default") for name, option in changes_judge.SPEC["argument_spec"].items()}
    params.update(options, changes=CHANGES if changes is None else changes)
    result = changes_judge.execute(Call(params, check_mode=True, progress=(said if said is not None else []).append))
    assert set(result) == KEYS
    assert result["changed"] is False
    json.dumps(result)
    return result


def test_without_a_policy_a_person_has_to_look():
    said = []
    result = run(said=said, unchecked=UNCHECKED)
    assert result["verdict"] == "needs_approval"
    assert result["counts"] == {"added": 0, "modified": 1, "removed": 1, "unchecked": 1}
    assert [row["reason"] for row in result["unexpected"]] == ["there is no policy"] * 2
    assert result["unchecked"] == UNCHECKED
    assert result["message"] == (
        "2 of 2 changes are not expected: modified std::File[web1,path=/a] (there is no policy); removed std::File[web1,path=/b] "
        "(there is no policy). 1 resource could not be checked: x::Y[web2,name=z] (agent_down). Review the changes; if every "
        "one of them is meant, approve exactly these: -e inmanta_model_approve=%s" % result["digest"])
    assert said == result["table"]
    assert said[-1] == "0 added, 1 modified, 1 removed, 1 unchecked; 3 unexpected"


@pytest.mark.parametrize("options, verdict, message", [
    (dict(changes=[]), "unchanged", "found nothing to change"),
    (dict(policy=[{"types": ["std::*"]}]), "covered", "covers all of the changes (2 changes)"),
    (dict(approve=DIGEST, approve_by="kim"), "approved", "Approved by kim: 2 changes, 0 unchecked, digest " + DIGEST),
    (dict(approve=[{"digest": DIGEST, "expires": "2999-01-01"}]), "approved", "Approved until 2999-01-01T23:59:59Z: "),
])
def test_otherwise_nothing_is_printed(options, verdict, message):
    said = []
    result = run(said=said, **options)
    assert result["verdict"] == verdict
    assert message in result["message"]
    assert said == []
    assert result["table"]


def test_the_digest_is_the_one_of_the_dry_run():
    assert run()["digest"] == DIGEST
    assert run(changes=list(reversed(CHANGES)))["digest"] == DIGEST


def test_caps_and_partial_cover_are_told():
    result = run(policy={"rules": [{"actions": ["removed"]}], "max_removed": 0})
    assert (result["covered"], result["over_caps"]) == (1, ["max_removed: the dry run has 1, the policy allows 0"])
    assert "1 of 2 changes is not expected: modified std::File[web1,path=/a] (no rule covers it; rule 0: modified is not in its actions)." in result["message"]
    assert "Over the caps of the policy: max_removed" in result["message"]


def test_an_approval_is_returned_with_who_and_until_when():
    result = run(approve={"digest": DIGEST, "who": "kim", "expires": "2999-01-01T00:00Z"}, approve_by="sam")
    assert result["approval"] == {"digest": DIGEST, "who": "kim", "expires": "2999-01-01T00:00:00Z"}
    assert run()["approval"] == {}


@pytest.mark.parametrize("given, text", [
    ("sha256:" + "0" * 64, "it is for other changes"),
    ({"digest": DIGEST, "expires": "2020-01-01"}, "it expired at 2020-01-01T23:59:59Z"),
])
def test_an_approval_that_does_not_count_is_explained(given, text):
    result = run(approve=given)
    assert result["verdict"] == "needs_approval"
    assert text in result["message"]


def test_the_hint_can_be_another():
    assert run(approve_hint="Press yes for <digest>")["message"].endswith("these: Press yes for " + DIGEST)


def test_message_and_table_stay_short():
    many = [dict(CHANGES[0], resource="std::File[web1,path=/%d]" % number) for number in range(200)]
    result = run(changes=many, table_limit=3)
    assert "(there is no policy); and 197 more. " in result["message"]
    assert "197 more not shown here, 197 of them unexpected" in result["table"][-1]
    assert len(result["unexpected"]) == 200


def test_content_cannot_add_lines_to_the_message():
    assert "\n" not in run(changes=[dict(CHANGES[0], resource="a::B[c,d=x\nApproved]")])["message"]


def test_a_policy_file_is_read(tmp_path):
    path = tmp_path / "policy.yml"
    path.write_text("rules:\n- types: ['std::*']\n", encoding="utf-8")
    assert run(policy=str(path))["verdict"] == "covered"


@pytest.mark.parametrize("options, message", [
    (dict(policy="/nonexistent/policy.yml"), "policy: '/nonexistent/policy.yml' cannot be read as a file .No such file"),
    (dict(policy="/"), "policy: '/' cannot be read as a file"),
    (dict(policy=[{"match": "x("}]), r"policy: rules\[0\]\.match: 'x\(' is not a JMESPath"),
    (dict(approve="yes"), "approve: 'yes' is not a digest"),
    (dict(table_limit=-1), "table_limit: -1"),
    (dict(changes=[{"resource": "x"}]), r"changes\[0\]: .*inmanta_dryrun"),
    (dict(unchecked=[{"resource": "x"}]), r"unchecked\[0\]: .*inmanta_dryrun"),
    (dict(changes=CHANGES + CHANGES[:1]), r"changes\[2\]: .* is listed twice"),
])
def test_bad_input_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        run(**options)


@pytest.mark.parametrize("options, code, key, text", [
    ({"policy": [{"types": ["std::*"]}]}, 0, "verdict", "covered"),
    ({"approve": "yes"}, 1, "msg", "approve: 'yes' is not a digest"),
])
def test_as_an_ordinary_module(options, code, key, text, capsys):
    with patch_module_args(dict(options, changes=CHANGES)), pytest.raises(SystemExit) as ended:
        changes_judge.main()
    assert ended.value.code == code
    assert text in json.loads(capsys.readouterr().out)[key]

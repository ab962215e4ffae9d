# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module resources_judge: what it returns, what it reads, what it refuses."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import resources_judge

RESOURCES = [{"resource": "fs::File[web1,path=/%d]" % number, "type": "fs::File", "agent": "web1", "requires": []} for number in range(2)]


def run(**options):
    params = {name: option.get("default") for name, option in resources_judge.SPEC["argument_spec"].items()}
    result = resources_judge.execute(Call(dict(params, **options), check_mode=True))
    json.dumps(result)
    return result


@pytest.mark.parametrize("number, verdict", [(2, "expected"), (1, "unexpected")])
def test_the_verdict(number, verdict):
    result = run(expect={"types": {"fs::File": number}}, resources=RESOURCES)
    assert (result["verdict"], result["changed"]) == (verdict, False)
    assert result["types"] == {"fs::File": 2} and result["digest"].startswith("sha256:")
    assert bool(result["problems"]) is (verdict == "unexpected")


def test_it_fits_where_a_judgement_of_changes_does():
    result = run(expect={"types": {"fs::File": 2}}, resources=RESOURCES)
    assert result["counts"] == {"added": 2, "modified": 0, "removed": 0, "unchecked": 0} and result["approval"] == {}


def test_the_expectation_alone_is_checked():
    assert run(expect={"types": {"fs::File": 2}}) == {"changed": False, "verdict": "unjudged"}
    with pytest.raises(InputError, match="module nowhere"):
        run(expect={"types": {"nowhere::File": 2}}, modules=["fs"])


def test_a_file(tmp_path):
    path = tmp_path / "expect.yml"
    path.write_text("resources:\n  - fs::File[web1,path=/0]\n  - fs::File[web1,path=/1]\n")
    assert run(expect=str(path), resources=RESOURCES)["verdict"] == "expected"


@pytest.mark.parametrize("text, words", [
    ("types:\n  fs::File: 1\n  fs::File: 2\n", "has the key fs::File twice"), ("- fs::File\n", "does not hold a mapping but a list"),
    ("types: [", "cannot be read: .*resources_judge"),
])
def test_a_file_that_does_not_hold_one(tmp_path, text, words):
    path = tmp_path / "expect.yml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        run(expect=str(path))
    assert caught.value.message.startswith("expect: '%s'" % path)

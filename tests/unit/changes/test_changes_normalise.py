# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of a dry run become sorted changes with a digest that only the state decides."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys

import pytest
from changes_samples import FILE, change, many, row, unchecked

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import Changes, normalise
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

ROWS = [
    row("std::File[web2,path=/b]", content=("old", "new"), owner=("bob", "root")),
    row("std::File[web1,path=/a]", "added", purged=(None, False)),
    row("std::File[web1,path=/z]", "deleted", purged=(False, None)),
    row("std::File[web1,path=/same]", "unmodified"),
    row("lab::Crash[web1,name=x]", handler=("FAILED", "Handler failed at 12:00:01")),
    row("lab::Late[web1,name=y]", "agent_down"),
]


def test_rows_are_sorted_into_changes_unchecked_and_unmodified():
    found = normalise(ROWS)
    assert found.changes == [
        change("std::File[web1,path=/a]", "added", purged=(None, False)),
        change("std::File[web1,path=/z]", "removed", purged=(False, None)),
        change("std::File[web2,path=/b]", content=("old", "new"), owner=("bob", "root")),
    ]
    assert found.unchecked == [unchecked("lab::Crash[web1,name=x]", "handler_failed"), unchecked("lab::Late[web1,name=y]")]
    assert (found.total, found.unmodified) == (6, 1)
    assert found.counts() == {"added": 1, "modified": 1, "removed": 1, "unchecked": 2}


@pytest.mark.parametrize("status", ["agent_down", "undefined", "skipped_for_undefined", "some_new_status"])
def test_a_status_that_checked_nothing_is_unchecked_under_its_own_name(status):
    found = normalise([row(status=status)])
    assert not found.changes
    assert found.unchecked == [unchecked(reason=status)]


@pytest.mark.parametrize("status", [None, 7, ""])
def test_a_row_without_a_status_is_unchecked(status):
    assert normalise([row(status=status)]).unchecked == [unchecked(reason="no_status")]


@pytest.mark.parametrize("status", ["modified", "unmodified", "added", "deleted"])
def test_a_failed_handler_is_unchecked_whatever_the_status(status):
    assert normalise([row(status=status, handler=("FAILED", "x"))]).unchecked == [unchecked(reason="handler_failed")]


def test_an_attribute_named_handler_is_an_ordinary_one():
    assert normalise([row(handler=("apache", "nginx"))]).changes == [change(handler=("apache", "nginx"))]


@pytest.mark.parametrize("status, purged, action", [
    ("modified", (False, True), "removed"),
    ("modified", (None, True), "removed"),
    ("modified", (True, False), "added"),
    ("modified", (None, False), "modified"),
    ("deleted", (False, None), "removed"),
    ("added", (None, False), "added"),
])
def test_a_purge_counts_as_what_it_does(status, purged, action):
    assert normalise([row(status=status, purged=purged)]).changes == [change(action=action, purged=purged)]


def test_unmodified_with_attributes_contradicts_itself_and_is_a_change():
    assert normalise([row(status="unmodified", owner=("a", "b"))]).changes == [change(owner=("a", "b"))]


@pytest.mark.parametrize("resource, kind, agent", [
    ("fs::File[internal,path=/etc/x]", "fs::File", "internal"),
    ("a::b::C-d[agent.example.org,name=x,y=z]", "a::b::C-d", "agent.example.org"),
    ("fs::File[internal,path=/etc/[x]\n]", "fs::File", "internal"),
])
def test_type_and_agent_come_from_the_resource_id(resource, kind, agent):
    found = normalise([row(resource, owner=(1, 2))]).changes[0]
    assert (found["resource"], found["type"], found["agent"]) == (resource, kind, agent)


@pytest.mark.parametrize("resource", ["no brackets", "a::B[agent]", "[agent,x=y]", "a::B[agent,x=y"])
def test_an_id_that_cannot_be_read_is_unchecked(resource):
    assert normalise([row(resource, owner=(1, 2))]).unchecked == [
        {"resource": resource, "type": "", "agent": "", "reason": "unreadable"}]


@pytest.mark.parametrize("attributes", [["a"], "text", {"owner": "root"}, {"owner": {}}, {"owner": ["a", "b"]}])
def test_attributes_that_cannot_be_read_are_unchecked(attributes):
    assert normalise([dict(row(), attributes=attributes)]).unchecked == [unchecked(reason="unreadable")]


@pytest.mark.parametrize("bad", ["text", None, {}, {"resource_id": ""}, {"resource_id": 5}])
def test_a_row_without_an_id_is_an_error(bad):
    with pytest.raises(StagecraftError, match="row without a resource id.*nothing was judged"):
        normalise([row(), bad])


@pytest.mark.parametrize("times", [2, 3])
def test_a_resource_that_is_listed_twice_is_unchecked(times):
    rows = [row(owner=("a", str(number))) for number in range(times)]
    assert normalise(rows).as_dict()["changes"] == []
    assert normalise(rows).unchecked == [unchecked(reason="listed_twice")]


# --- the digest

def _shuffled():
    rows = copy.deepcopy(ROWS)
    random.Random(4).shuffle(rows)
    return [dict(reversed(list(dict(entry, attributes=dict(reversed(list(entry["attributes"].items())))).items())))
            for entry in rows]


def _without_compare_texts():
    rows = copy.deepcopy(ROWS)
    for value in (value for entry in rows for value in entry["attributes"].values()):
        del value["from_value_compare"], value["to_value_compare"]
    return rows


SAME = {
    "order of rows and keys": _shuffled(),
    "compare texts": _without_compare_texts(),
    "version suffix": [dict(entry, resource_id=entry["resource_id"] + ",v=42") for entry in ROWS],
    "message of the crash": ROWS[:4] + [row("lab::Crash[web1,name=x]", handler=("FAILED", "Other text"))] + ROWS[5:],
    "keys of a newer server": [dict(entry, note="x") for entry in ROWS],
    "resources without a change": ROWS + [row("std::File[web9,path=/more]", "unmodified")],
    "attributes null": [dict(entry, attributes=entry["attributes"] or None) for entry in ROWS],
}


@pytest.mark.parametrize("name", SAME)
def test_the_digest_does_not_depend_on(name):
    assert SAME[name] != ROWS
    assert normalise(SAME[name]).digest == normalise(ROWS).digest


def test_the_order_of_keys_within_a_value_does_not_matter_but_the_order_of_a_list_does():
    one, two = {"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}
    assert normalise([row(x=(None, one))]).digest == normalise([row(x=(None, two))]).digest
    assert normalise([row(x=(None, [1, 2]))]).digest != normalise([row(x=(None, [2, 1]))]).digest


@pytest.mark.parametrize("other", [
    row(owner=("root", "bob")), row(owner=("bob", None)), row(group=("bob", "root")), row(status="added", owner=("bob", "root")),
    row("std::File[web2,path=/etc/demo.conf]", owner=("bob", "root")), row(owner=("bob", "root"), mode=(1, 2)),
    row(status="agent_down"), row(status="unmodified"),
])
def test_the_digest_differs_with_what_would_be_done(other):
    assert normalise([other]).digest != normalise([row(owner=("bob", "root"))]).digest


def test_the_digest_differs_with_the_reason_and_between_true_and_one():
    assert normalise([row(status="agent_down")]).digest != normalise([row(status="undefined")]).digest
    assert normalise([row(x=(None, True))]).digest != normalise([row(x=(None, 1))]).digest


def test_the_digest_is_the_hash_of_the_documented_text():
    import hashlib
    found = normalise([row("a::B[c,d=\u00e9]", x=(None, "\u2028"))])
    text = ('{"changes":[{"action":"modified","agent":"c","attributes":{"x":[null,"\\u2028"]},"resource":"a::B[c,d=\\u00e9]",'
            '"type":"a::B"}],"unchecked":[]}')
    assert found.digest == "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_digest_is_the_same_in_another_process(seed):
    program = ("import json,sys\nfrom ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import "
               "normalise\nprint(normalise(json.load(sys.stdin)).digest)")
    done = subprocess.run([sys.executable, "-c", program], input=json.dumps(ROWS), text=True, capture_output=True, check=True,
                          env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.stdout.strip() == normalise(ROWS).digest


def test_lone_surrogates_and_huge_numbers_have_a_digest():
    assert normalise([row(x=("\ud800", 10 ** 40))]).changes[0]["attributes"]["x"] == ["\ud800", 10 ** 40]


# --- there and back

def test_what_was_recorded_is_read_back():
    found = normalise(ROWS)
    again = Changes.from_dict(json.loads(json.dumps(found.as_dict())))
    assert again.as_dict() == found.as_dict()


def test_the_changes_alone_are_enough():
    assert Changes.from_dict({"changes": normalise(ROWS[:3]).changes}).digest == normalise(ROWS[:3]).digest


class _Text(str):
    """A text with a tag, as Ansible passes them."""


def test_values_are_plain_types_that_nobody_else_holds():
    given = change()
    given["attributes"] = {_Text("owner"): [_Text("a"), [_Text("b")]]}
    found = many(given)
    given["attributes"]["owner"][1].append("later")
    assert found.changes[0]["attributes"] == {"owner": ["a", ["b"]]}
    assert not isinstance(found.changes[0]["attributes"]["owner"][0], _Text)


@pytest.mark.parametrize("data, message", [
    (None, "holds no list"), ([], "holds no list"), ({}, "holds no list"), ({"changes": {}}, "holds no list"),
    ({"changes": ["x"]}, r"changes\[0\]: 'x' is not in the form"),
    ({"changes": [change(), change("a::B[c,d=e]", "deleted")]}, r"changes\[1\].*not in the form"),
    ({"changes": [dict(change(), attributes={"a": ["one"]})]}, "not in the form"),
    ({"changes": [dict(change(), more=1)]}, "not in the form"),
    ({"changes": [change(), change()]}, r"changes\[1\].*listed twice"),
    ({"changes": [change()], "unchecked": [unchecked()]}, r"unchecked\[0\].*listed twice"),
    ({"changes": [], "unchecked": [change()]}, r"unchecked\[0\].*not in the form"),
    ({"changes": [], "unchecked": "x"}, "unchecked: 'x' is not a list"),
    ({"changes": [change(a=(b"x", 1))]}, "on making JSON"),
])
def test_a_record_in_another_form_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        Changes.from_dict(data)


def test_an_altered_record_is_refused():
    record = many(change(owner=("a", "b"))).as_dict()
    record["changes"] = [change(owner=("a", "c"))]
    with pytest.raises(InputError, match="evidence: digest: .*run the dry run again"):
        Changes.from_dict(record, "evidence")


def test_no_rows_are_no_changes():
    assert normalise([]).as_dict() == dict(changes=[], unchecked=[], total=0, unmodified=0, digest=many().digest)
    assert FILE not in json.dumps(normalise([row(status="unmodified")]).as_dict())

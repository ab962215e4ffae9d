# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expectations: checked in full, and whatever nobody expects is a problem."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.changes.expectation import SHOWN, Expectation, Verdict
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

A, B = "fs::File[web1,path=/a]", "fs::File[web1,path=/b,[x]]"
NULL = "std::testing::NullResource[internal,name=n]"
RESOURCES = [{"resource": resource, "type": resource.partition("[")[0], "agent": "x", "requires": []} for resource in (A, B, NULL)]


def no_file(path):
    raise FileNotFoundError(2, "No such file or directory", path)


def expect(value, modules=None):
    return Expectation.parse(value, no_file, modules)


def judged(**value):
    return Verdict(expect(value), RESOURCES)


@pytest.mark.parametrize("value", [
    {"types": {"fs::File": 2, "std::testing::NullResource": 1}},
    {"types": {"fs::File": "2", "std::testing::NullResource": 1, "fs::Symlink": 0}},
    {"resources": [NULL, B, A]},
    {"types": {"fs::File": 2}, "resources": [NULL]},
    {"types": {"fs::File": 2}, "resources": [NULL, A]},
])
def test_as_expected(value):
    found = Verdict(expect(value), RESOURCES)
    assert not (found.problems or found.missing or found.unexpected)
    assert found.message() == "As expected: 2 fs::File, 1 std::testing::NullResource."


@pytest.mark.parametrize("value, problems", [
    ({"types": {"fs::File": 2}}, ["not expected: %s" % NULL]),
    ({"types": {"fs::File": 3, "std::testing::NullResource": 1}}, ["fs::File: 3 expected, 2 found"]),
    ({"types": {"fs::File": 0, "std::testing::NullResource": 1}}, ["fs::File: 0 expected, 2 found"]),
    ({"types": {"fs::File": 2, "std::testing::NullResource": 1, "fs::Symlink": 1}}, ["fs::Symlink: 1 expected, 0 found"]),
    ({"resources": [A, NULL]}, ["not expected: %s" % B]),
    ({"resources": [A, B, NULL, "fs::File[web2,path=/a]"]}, ["not there: fs::File[web2,path=/a]"]),
    ({"types": {"fs::File": 2, "std::testing::NullResource": 1}, "resources": ["fs::File[web2,path=/a]"]}, ["not there: fs::File[web2,path=/a]"]),
])
def test_what_differs_is_named(value, problems):
    found = Verdict(expect(value), RESOURCES)
    assert found.problems == problems
    assert found.message() == "%s. Found: 2 fs::File, 1 std::testing::NullResource." % "; ".join(problems)


def test_a_version_without_resources():
    found = Verdict(expect({"types": {"fs::File": 1}}), [])
    assert found.message() == "fs::File: 1 expected, 0 found. Found: no resources."


def test_many_are_cut_in_the_message_only():
    many = [dict(RESOURCES[0], resource="fs::File[web1,path=/%02d]" % number) for number in range(SHOWN + 5)]
    found = Verdict(expect({"types": {"x::Y": 0}}), many)
    assert len(found.unexpected) == SHOWN + 5 and found.problems[0].endswith("path=/09] and 5 more")


def test_the_digest_is_of_the_ids_alone():
    other = [dict(item, requires=["x"]) for item in reversed(RESOURCES)]
    expected = expect({"types": {"fs::File": 1}})
    assert Verdict(expected, RESOURCES).digest == Verdict(expected, other).digest != Verdict(expected, RESOURCES[:2]).digest


@pytest.mark.parametrize("value, words", [
    (None, "expect: None expects nothing"), ("", "expects nothing"), ({}, "expects nothing"), ([], "expects nothing"),
    ({"types": {}, "resources": []}, "expects nothing"),
    ([A], "is not a mapping"), (5, "is not a mapping"),
    ({"type": {"fs::File": 1}}, "expect: 'type' is not a key"),
    ({"types": ["fs::File"]}, r"expect.types: \['fs::File'\] is not a mapping of types"),
    ({"types": {"File": 1}}, "expect.types: 'File' is not the name of a resource type"),
    ({"types": {"fs::": 1}}, "'fs::' is not the name"), ({"types": {5: 1}}, "5 is not the name"), ({"types": {"fs::File[a,b=c]": 1}}, "is not the name"),
    ({"types": {"fs::File": -1}}, "expect.types.fs::File: -1 is not a number"), ({"types": {"fs::File": True}}, "True is not a number"),
    ({"types": {"fs::File": 1.5}}, "1.5 is not a number"), ({"types": {"fs::File": None}}, "None is not a number"),
    ({"types": {"fs::File": "two"}}, "'two' is not a number"),
    ({"resources": A}, "is not a list of resource ids"), ({"resources": ["fs::File"]}, "'fs::File' is not the id"), ({"resources": [5]}, "5 is not the id"),
    ({"resources": [A + ",v=3"]}, "is not the id of a resource. .* without a version"),
    ({"resources": [A, A]}, "is listed twice"),
    ({"types": {"fs::File": 1}, "resources": [A, B]}, "expect.types.fs::File: 1 is less than the 2 of that type"),
    ("/nowhere/expect.yml", "expect: '/nowhere/expect.yml' cannot be read as a file"),
])
def test_what_cannot_be_expected(value, words):
    with pytest.raises(InputError, match=words):
        expect(value)


@pytest.mark.parametrize("value", [{"types": {"fss::File": 1}}, {"resources": ["fss::File[web1,path=/a]"]}])
def test_types_of_modules_that_the_release_does_not_have(value):
    with pytest.raises(InputError, match="is of the module fss, which the release does not require. Did you mean fs. Its modules are: fs, net$"):
        expect(value, ["net", "fs"])


def test_types_that_no_project_has_to_require():
    assert expect({"types": {"std::File": 1, "__config__::Thing": 1, "fs::File": 1}}, ["fs"]).types["std::File"] == 1
    assert expect({"types": {"any::Thing": 1}}).types == {"any::Thing": 1}

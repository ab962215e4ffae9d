# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies cover what they say and nothing else; the judgement fails closed."""

from __future__ import annotations

import datetime
import sys
import time

import pytest
from changes_samples import change, many, numbered, unchecked

from ansible_collections.stagecraft.release.plugins.module_utils.changes import approval
from ansible_collections.stagecraft.release.plugins.module_utils.changes.policy import Policy, judge
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
ALL = {"rules": [{"actions": ["added", "modified", "removed"]}]}
CHANGE = change("std::File[web1,path=/etc/demo.conf]", content=("a", "b"), owner=("bob", "root"))


def covers(rule, what=None):
    """Whether a policy of one rule covers the change."""
    return Policy.parse({"rules": [rule]}).uncovered(what or CHANGE) is None


@pytest.mark.parametrize("rule, expected", [
    ({"types": ["std::File"]}, True),
    ({"types": ["std::*"]}, True),
    ({"types": ["x::Y", "std::F?le"]}, True),
    ({"types": ["std::fi*"]}, False),
    ({"types": ["File"]}, False),
    ({"types": ["std"]}, False),
    ({"agents": ["web[0-9]"]}, True),
    ({"agents": ["web"]}, False),
    ({"agents": ["WEB1"]}, False),
    ({"actions": ["modified"]}, True),
    ({"actions": ["added", "removed"]}, False),
    ({"attributes": ["content", "owner"]}, True),
    ({"attributes": ["con*", "own*", "mode"]}, True),
    ({"attributes": ["content"]}, False),
    ({"types": ["std::*"], "agents": ["web1"], "actions": ["modified"], "attributes": ["*"]}, True),
    ({"types": ["std::*"], "agents": ["web2"], "actions": ["modified"], "attributes": ["*"]}, False),
    ({"match": "action == 'modified' && attributes.owner[1] == 'root'"}, True),
    ({"match": "attributes.owner[0] == 'root'"}, False),
    ({"match": "starts_with(resource, 'std::File[web1,')"}, True),
    ({"match": "length(keys(attributes)) == `2`"}, True),
    ({"types": ["x::Y"], "match": "`true`"}, False),
])
def test_all_conditions_of_a_rule_must_hold(rule, expected):
    assert covers(rule) is expected


@pytest.mark.parametrize("match, expected", [
    ("`null`", False), ("`false`", False), ("''", False), ("`[]`", False), ("`{}`", False), ("nothing", False),
    ("`0`", True), ("'x'", True), ("`[0]`", True), ("attributes", True),
])
def test_match_has_the_truth_of_jmespath(match, expected):
    assert covers({"match": match}) is expected


def test_no_attribute_at_all_does_not_satisfy_a_list_of_attributes():
    assert not covers({"attributes": ["*"]}, change())
    assert covers({"types": ["std::File"]}, change())


def test_a_glob_does_not_reach_beyond_its_alternative():
    assert not covers({"types": ["a", "b"]}, change("ab[web1,x=y]"))
    assert not covers({"types": ["std::File"]}, change("std::File\n[web1,x=y]"))


def test_one_of_several_rules_is_enough_but_conditions_of_two_do_not_add_up():
    first, second = {"types": ["x::Y"]}, {"attributes": ["content", "owner"]}
    assert Policy.parse({"rules": [first, second]}).uncovered(CHANGE) is None
    assert Policy.parse({"rules": [{"attributes": ["content"]}, {"attributes": ["owner"]}]}).uncovered(CHANGE)


@pytest.mark.parametrize("rules, reason", [
    ([], "no rule covers it"),
    ([{"types": ["x::Y"]}], "no rule covers it"),
    ([{"types": ["x::Y"]}, {"name": "files", "types": ["std::*"], "attributes": ["owner"]}, {"types": ["z"]}],
     "no rule covers it; rule files: attributes not in its list: content"),
    ([{"types": ["std::*"], "agents": ["db*"]}], "no rule covers it; rule 0: the agent is not in its agents"),
    ([{"actions": ["added"]}], "no rule covers it; rule 0: modified is not in its actions"),
    ([{"match": "action == 'added'"}], "no rule covers it; rule 0: its match does not hold"),
])
def test_the_reason_names_the_nearest_rule(rules, reason):
    assert Policy.parse({"rules": rules}).uncovered(CHANGE) == reason


@pytest.mark.parametrize("match", ["starts_with(attributes, 'x')", "length(`5`)", "length(a, b)", "sort_by([attributes, resource], &x)",
                                   "attributes.owner[::0]", "max_by(attributes.owner, &length(`1`))"])
def test_a_match_that_fails_covers_nothing_and_says_why(match):
    reason = Policy.parse({"rules": [{"match": match}]}).uncovered(CHANGE)
    assert "its match failed: " in reason and "\n" not in reason


@pytest.mark.parametrize("data, message", [
    ([], "policy: .* is not a mapping"),
    ("text", "is not a mapping"),
    ({"rule": []}, "policy: rule: .*unknown key.*rules, max_changes, max_removed"),
    ({"rules": None}, "policy: rules: None is not a list.*rules: \\[\\]"),
    ({"rules": {"types": ["x"]}}, "policy: rules: .*not a list"),
    ({"rules": ["x"]}, r"policy: rules\[0\]: 'x' is not a mapping"),
    ({"rules": [{"types": ["x"]}, {"type": ["x"]}]}, r"policy: rules\[1\]\.type: .*unknown key"),
    ({"rules": [{}]}, r"rules\[0\].*cover everything.*actions: \[added, modified, removed\]"),
    ({"rules": [{"name": "n"}]}, r"rules\[0\].*cover everything"),
    ({"rules": [{"types": "std::File"}]}, r"rules\[0\]\.types: 'std::File' is not a list with entries"),
    ({"rules": [{"agents": []}]}, r"rules\[0\]\.agents: \[\] is not a list with entries"),
    ({"rules": [{"attributes": None}]}, r"rules\[0\]\.attributes: None"),
    ({"rules": [{"agents": ["a", 5]}]}, r"rules\[0\]\.agents\[1\]: 5 is not a text"),
    ({"rules": [{"types": [""]}]}, r"rules\[0\]\.types\[0\]: '' is not a text"),
    ({"rules": [{"actions": ["added", "deleted"]}]}, r"rules\[0\]\.actions\[1\]: 'deleted' is not an action.*removed"),
    ({"rules": [{"match": 5}]}, r"rules\[0\]\.match: 5 is not a text"),
    ({"rules": [{"match": " "}]}, r"rules\[0\]\.match: ' ' is not a text"),
    ({"rules": [{"name": ["n"], "types": ["x"]}]}, r"rules\[0\]\.name"),
    ({"rules": [{"types": ["x"]}, {"types": ["x"]}, {"match": "action =="}]}, r"rules\[2\]\.match: 'action ==' is not a JMESPath"),
    ({"rules": [{"match": "a[?"}]}, r"rules\[0\]\.match: .*not a JMESPath"),
    ({"rules": [{"match": "a ^ b"}]}, r"rules\[0\]\.match: .*not a JMESPath"),
    ({"rules": [{"match": "a && startswith(b, 'c')"}]}, r"rules\[0\]\.match: .*calls startswith.*starts_with"),
    ({"max_changes": "5"}, "policy: max_changes: '5' is not a whole number"),
    ({"max_changes": True}, "max_changes: True"),
    ({"max_removed": -1}, "max_removed: -1"),
    ({"max_removed": None}, "max_removed: None"),
    ({"max_removed": 1.5}, "max_removed: 1.5"),
])
def test_a_malformed_policy_names_key_value_and_remedy(data, message):
    with pytest.raises(InputError, match=message) as caught:
        Policy.parse(data)
    assert "\n" not in caught.value.message


def test_the_source_stands_before_the_key_path():
    with pytest.raises(InputError, match=r"^/x/p\.yml: rules\[0\]\.kind: "):
        Policy.parse({"rules": [{"kind": 1}]}, "/x/p.yml")


def test_without_jmespath_only_rules_with_match_fail(monkeypatch):
    monkeypatch.setitem(sys.modules, "jmespath", None)
    assert covers({"types": ["std::File"]})
    with pytest.raises(StagecraftError, match=r"rules\[0\]\.match.*jmespath.*controller.*Install"):
        covers({"match": "action"})


# --- the judgement

def verdict(changes, policy, *approved):
    """The judgement, approvals given as digests."""
    return judge(changes, Policy.parse(policy), approval.parse(list(approved)), NOW)


@pytest.mark.parametrize("policy", [None, {}, {"rules": []}, ALL, {"max_changes": 0}])
def test_nothing_to_do_is_unchanged(policy):
    found = verdict(many(), policy)
    assert (found.verdict, found.unexpected, found.covered) == ("unchanged", [], 0)


def test_no_policy_covers_nothing():
    found = verdict(many(CHANGE), None)
    assert found.verdict == "needs_approval"
    assert found.unexpected == [dict(CHANGE, reason="there is no policy")]


def test_a_policy_covers_all():
    found = verdict(many(*numbered(3)), ALL)
    assert (found.verdict, found.covered, found.unexpected, found.approval) == ("covered", 3, [], None)


def test_one_change_outside_the_policy_needs_approval():
    found = verdict(many(CHANGE, change("x::Y[a,b=c]", "removed")), {"rules": [{"types": ["std::*"]}]})
    assert found.verdict == "needs_approval"
    assert [row["resource"] for row in found.unexpected] == ["x::Y[a,b=c]"]
    assert found.covered == 1


def test_what_could_not_be_checked_is_never_covered():
    for changes in (many(not_checked=[unchecked()]), many(*numbered(2), not_checked=[unchecked()])):
        found = verdict(changes, ALL)
        assert found.verdict == "needs_approval"
        assert found.unchecked == [unchecked()]
        assert verdict(changes, ALL, changes.digest).verdict == "approved"


@pytest.mark.parametrize("caps, over", [
    ({"max_changes": 3, "max_removed": 1}, []),
    ({"max_changes": 2}, ["max_changes: the dry run has 3, the policy allows 2"]),
    ({"max_removed": 0}, ["max_removed: the dry run has 1, the policy allows 0"]),
    ({"max_changes": 0, "max_removed": 0},
     ["max_changes: the dry run has 3, the policy allows 0", "max_removed: the dry run has 1, the policy allows 0"]),
])
def test_over_a_cap_even_covered_changes_need_approval(caps, over):
    changes = many(change("a::B[c,d=e]", "removed"), *numbered(2))
    found = verdict(changes, dict(ALL, **caps))
    assert found.over_caps == over
    assert found.verdict == ("needs_approval" if over else "covered")
    if over:
        assert verdict(changes, dict(ALL, **caps), changes.digest).verdict == "approved"


def test_an_approval_holds_for_exactly_these_changes():
    changes = many(CHANGE)
    found = verdict(changes, None, many().digest, changes.digest)
    assert (found.verdict, found.approval["digest"], found.refused) == ("approved", changes.digest, "")
    found = verdict(changes, None, many(change(owner=("bob", "eve"))).digest)
    assert (found.verdict, found.approval) == ("needs_approval", None)
    assert "is for other changes" in found.refused


def test_an_expired_approval_does_not_approve():
    changes = many(CHANGE)
    given = {"digest": changes.digest, "who": "kim", "expires": "2029-12-31T23:59:59Z"}
    found = verdict(changes, None, given)
    assert found.verdict == "needs_approval"
    assert "by kim, but it expired at 2029-12-31T23:59:59Z" in found.refused
    assert verdict(changes, None, dict(given, expires="2030-01-01T00:00:01Z")).verdict == "approved"


def test_an_approval_that_nobody_needs_is_not_reported():
    changes = many(CHANGE)
    found = verdict(changes, ALL, changes.digest)
    assert (found.verdict, found.approval) == ("covered", None)
    assert found.as_dict()["approval"] == {}


def test_ten_thousand_changes_take_less_than_a_second():
    changes = many(*numbered(10000, content=("a", "b"), owner=("c", "d")))
    policy = {"rules": [{"types": ["x::*"]}, {"agents": ["web?"], "attributes": ["mode"]},
                        {"match": "starts_with(resource, 'std::') && attributes.owner[1] == 'd'"}]}
    start = time.process_time()
    found = verdict(changes, policy)
    assert time.process_time() - start < 1
    assert (found.verdict, found.covered) == ("covered", 10000)


def test_an_approval_holds_for_its_subject_only():
    changes, policy = many(CHANGE), Policy.parse(None)
    of_one = judge(changes, policy, [], NOW, {"commit": "1"})
    of_two = judge(changes, policy, [], NOW, {"commit": "2"})
    assert len({of_one.digest, of_two.digest, changes.digest}) == 3
    assert judge(changes, policy, [], NOW).digest == changes.digest
    given = approval.parse(of_one.digest)
    assert judge(changes, policy, given, NOW, {"commit": "1"}).verdict == "approved"
    assert judge(changes, policy, given, NOW, {"commit": "2"}).verdict == "needs_approval"
    assert judge(changes, policy, given, NOW).verdict == "needs_approval"

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ring a target belongs to."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.selectors import Selector, assign, position

PROD = {"web%04d" % number: {"groups": ["web", "prod"], "domain": "dc%d" % (number % 40)} for number in range(4000)}


def schedule(*selectors: Selector) -> Schedule:
    return Schedule(tuple(Ring("r%d" % number, selector=selector) for number, selector in enumerate(selectors)), domain_variable="datacenter")


def groups(*names: str) -> Selector:
    return Selector(groups=names)


def share(part: float, of="prod", **more) -> Selector:
    return Selector(of=of, share=part, **more)


def domains(*names: str, of="prod") -> Selector:
    return Selector(of=of, domains=frozenset(names))


def members(found, ring: str) -> set:
    return {host for host, name in found.items() if name == ring}


def test_positions_never_change():
    """They are part of the contract: another rule would move hosts of running sites to other rings."""
    assert [round(position(salt, name), 6) for salt, name in (("", "web1"), ("", "web2"), ("2030", "web1"))] == [0.867176, 0.760356, 0.402544]
    assert all(0 <= position("", str(number)) < 1 for number in range(1000))


def test_whole_groups():
    found = assign(schedule(groups("dev", "int"), groups("qa")), {"a": {"groups": ["dev"]}, "b": {"groups": ["qa", "x"]}, "c": {"groups": ["int", "dev"]}})
    assert found == {"a": "r0", "b": "r1", "c": "r0"}
    assert found.problems == []
    assert found.reasons["b"] == "it is in the group qa"


def test_of_two_rings_the_most_cautious_one_has_it():
    hosts = {"host%d" % number: {"groups": ["prod", "dev"]} for number in range(7)}
    hosts["a"] = {"groups": ["dev"]}
    found = assign(schedule(groups("dev"), groups("qa"), groups("prod")), hosts)
    assert found == dict.fromkeys(hosts, "r2") | {"a": "r0"}
    assert found.problems == ["host0, host1, host2, host3, host4 and 2 more: taken by the rings r0 and r2; goes with r2, the most cautious of them",
                              "ring r1: no host is in the group qa"]
    assert found.reasons["host3"] == "it is in the group prod; r0 would take it too, and the most cautious has it"


def test_a_host_that_no_ring_takes():
    found = assign(schedule(groups("dev"), groups("prod")), {"a": {"groups": ["dev"]}, "b": {"groups": ["prod"]}, "c": {"groups": []}, "d": {}})
    assert (found["c"], found["d"]) == (None, None)
    assert found.problems == ["c, d: taken by no ring; goes with r1, the most cautious one"]
    assert found.reasons["d"] == "no ring takes it"


@pytest.mark.parametrize("part", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_a_share_takes_about_that_share(part):
    found = assign(schedule(share(part), groups("prod")), PROD)
    assert abs(len(members(found, "r0")) / len(PROD) - part) < 0.03
    assert members(found, "r0") | members(found, "r1") == set(PROD)
    assert found.problems == []


def test_a_greater_share_only_adds_hosts():
    before = set()
    for part in (0.01, 0.02, 0.1, 0.3, 0.31, 0.8, 1.0):
        taken = members(assign(schedule(share(part), groups("prod")), PROD), "r0")
        assert before < taken
        before = taken
    assert before == set(PROD)


def test_other_hosts_do_not_matter():
    given = schedule(share(0.2), share(0.3), groups("prod"))
    whole = assign(given, PROD)
    some = {name: facts for number, (name, facts) in enumerate(PROD.items()) if number % 3}
    assert all(whole[name] == ring for name, ring in assign(given, some).items())
    assert assign(given, dict(reversed(PROD.items()))) == whole


def test_shares_of_one_group_lie_end_to_end():
    found = assign(schedule(share(0.05), share(0.25), share(0.5), groups("prod")), PROD)
    assert [abs(len(members(found, "r%d" % number)) / len(PROD) - part) < 0.03 for number, part in enumerate((0.05, 0.25, 0.5, 0.2))] == [True] * 4
    assert found.problems == []
    more = assign(schedule(share(0.15), share(0.25), share(0.5), groups("prod")), PROD)
    order = ["r0", "r1", "r2", "r3"]
    assert all(order.index(more[name]) <= order.index(found[name]) for name in PROD)


def test_shares_that_are_the_whole_leave_nobody():
    found = assign(schedule(*[share(0.1)] * 10), PROD)
    assert set(found.values()) == {"r%d" % number for number in range(10)}


def test_another_salt_gives_other_places():
    one, two = (members(assign(schedule(share(0.5, salt=salt), groups("prod")), PROD), "r0") for salt in ("2030", "2031"))
    assert 0.2 < len(one & two) / len(PROD) < 0.3


def test_failure_domains_stay_whole():
    found = assign(schedule(share(0.4, by="domain"), groups("prod")), PROD)
    rings = {}
    for name, facts in PROD.items():
        rings.setdefault(facts["domain"], set()).add(found[name])
    assert all(len(names) == 1 for names in rings.values())
    assert {name for names in rings.values() for name in names} == {"r0", "r1"}
    one = next(name for name in PROD if found[name] == "r0")
    assert found.reasons[one].startswith("its failure domain %s stands at 0." % PROD[one]["domain"])


def test_a_host_without_a_domain_goes_by_its_name():
    hosts = {**PROD, "odd": {"groups": ["prod"]}, "other": {"groups": ["dev"]}}
    found = assign(schedule(groups("dev"), share(0.4, by="domain"), groups("prod")), hosts)
    assert found["odd"] == ("r1" if position("", "odd") < 0.4 else "r2")
    assert found.problems == ["odd: datacenter is not set, so the failure domain is not known"]


def test_named_domains():
    found = assign(schedule(domains("dc1", "dc2"), groups("prod")), PROD)
    assert {PROD[name]["domain"] for name in members(found, "r0")} == {"dc1", "dc2"}
    assert {PROD[name]["domain"] for name in members(found, "r1")} == {"dc%d" % number for number in range(40)} - {"dc1", "dc2"}
    assert found.reasons["web0001"] == "its failure domain is dc1"
    assert found.problems == []


def test_a_domain_that_yaml_reads_as_a_number():
    hosts = {"a": {"groups": ["prod"], "domain": 0}, "b": {"groups": ["prod"], "domain": 7}, "c": {"groups": ["prod"], "domain": None}}
    found = assign(schedule(domains("0", "8"), groups("prod")), hosts)
    assert found == {"a": "r0", "b": "r1", "c": "r1"}
    assert found.problems == ["c: datacenter is not set, so the failure domain is not known"]


def test_named_domains_come_before_shares():
    found = assign(schedule(share(0.5), domains("dc1"), groups("prod")), PROD)
    assert all(found[name] == "r1" for name in PROD if PROD[name]["domain"] == "dc1")
    assert found.problems == []


def test_a_domain_of_another_group_is_not_taken():
    found = assign(schedule(domains("dc1"), groups("prod"), groups("db")), {
        "a": {"groups": ["db"], "domain": "dc1"}, "b": {"groups": ["prod"], "domain": "dc1"}})
    assert found == {"a": "r2", "b": "r0"}


def test_a_share_in_a_ring_after_the_whole_group():
    found = assign(schedule(groups("prod"), share(0.1)), PROD)
    assert 300 < len(members(found, "r1")) < 500 and len(members(found, "r0")) == len(PROD) - len(members(found, "r1"))


def test_dev_and_the_share_of_prod():
    hosts = {name: {"groups": ["dev", "prod"]} for name in PROD}
    assert set(assign(schedule(groups("dev"), share(0.5), groups("prod")), hosts).values()) == {"r1", "r2"}


def test_the_group_all_need_not_be_named():
    assert set(assign(schedule(share(0.5, of="all"), groups("all")), {name: {} for name in PROD}).values()) == {"r0", "r1"}


@pytest.mark.parametrize("selector, problem", [
    (share(0.0001, by="domain"), "ring r0: takes no host of the group prod, which has 4000"),
    (share(0.9999, by="domain"), "ring r0: takes every host of the group prod, which has 4000"),
    (domains("dc99"), "ring r0: takes no host of the group prod, which has 4000"),
    (share(0.5, of="pord"), "ring r0: no host is in the group pord"),
    (groups("web2"), "ring r0: no host is in the group web2"),
])
def test_selectors_that_come_to_nothing_are_reported(selector, problem):
    assert assign(schedule(selector, groups("prod")), PROD).problems == [problem]


def test_without_hosts_and_without_selectors():
    assert assign(schedule(groups("dev")), {}) == {}
    assert assign(Schedule((Ring("one"),)), {"a": {"groups": ["x"]}}) == {"a": None}

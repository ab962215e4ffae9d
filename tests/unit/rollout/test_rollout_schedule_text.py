# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a schedule, and every way in which it is refused."""

from __future__ import annotations

import datetime
import re
import sys
import textwrap
import zoneinfo
from pathlib import Path

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import schedule_text, selectors, windows
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule, Soak
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.selectors import Selector

DOCS = Path(__file__).resolve().parents[3] / "docs"
EXAMPLE, PAGE = DOCS / "examples/rollout/schedule.yml", DOCS / "docsite/rst/rollout_schedule.rst"
DEV = "rings:\n  - name: dev\n    selector: {groups: [dev]}\n"
QA = "  - name: qa\n    selector: {groups: [qa]}\n"
HOUR, DAY = 3600, 86400


def at(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp())


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        schedule_text.parse(text, "site/schedule.yml")
    return caught.value.message


def first(lines: str) -> Ring:
    """The ring dev with these keys."""
    return schedule_text.parse(DEV + "".join("    %s\n" % line for line in lines.splitlines())).rings[0]


def test_the_example():
    schedule = schedule_text.parse(EXAMPLE.read_text(), str(EXAMPLE))
    dev, qa, stg, part, prod = schedule.rings
    assert [ring.name for ring in schedule.rings] == ["dev", "qa", "stg", "prod-a", "prod"]
    assert [ring.delay for ring in schedule.rings] == [0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]
    assert [ring.soak for ring in schedule.rings] == [None, None, Soak(0.9, HOUR), Soak(1.0, HOUR), Soak(1.0, DAY)]
    assert schedule.history == 7 * DAY and schedule.domain_variable == "datacenter"
    assert (dev.selector, part.selector, prod.selector) == (
        Selector(groups=("dev", "int")), Selector(of="prod", domains=frozenset({"brussels"})), Selector(groups=("prod",)))
    assert (part.batches, qa.batches, part.max_unavailable, stg.max_unavailable) == (("1", "10%", "50%"), ("100%",), "5%", 0)
    assert [(ring.approval, ring.require_good) for ring in (part, prod)] == [(False, False), (True, True)]
    assert qa.health == {"wait": 300}
    assert part.health == prod.health == {"wait": 900, "max_failed": 0, "retries": 5, "interval": 10, "mark_bad": True,
                                          "checks": [{"url": "https://shop.example.com/health", "content": "all well"}]}
    assert windows.closed(prod, at("2030-12-02T11:45+01:00")) == (
        "closed by the deny window '30 11 * * *': peak of the orders; opens at 2030-12-02 12:30 Europe/Brussels")
    christmas = at("2030-12-25T10:00+01:00")
    assert windows.closed(dev, christmas) == "frozen until 2031-01-03 00:00 Europe/Brussels: end of the year (CHG-4711)"
    assert windows.opens(prod, christmas) == "2031-01-06 08:00 Europe/Brussels"
    hosts = {"%s%d" % (group, number): {"groups": [group], "domain": ("brussels", "ghent")[number % 2]}
             for group in ("dev", "int", "qa", "stg", "prod") for number in range(4)}
    found = selectors.assign(schedule, hosts)
    assert [found["prod%d" % number] for number in range(4)] == ["prod-a", "prod", "prod-a", "prod"]
    assert (found["int1"], found["qa0"], found["stg3"], found.problems) == ("dev", "qa", "stg", [])


def test_the_schedules_of_the_page():
    blocks = re.findall(r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", PAGE.read_text(), re.M)
    by_the_hour, example = (schedule_text.parse(textwrap.dedent(block)) for block in blocks)
    assert [(ring.name, ring.delay) for ring in by_the_hour.rings] == [("dev", 0), ("qa", HOUR), ("stg", 2 * HOUR), ("prod-a", 3 * HOUR), ("prod", 4 * HOUR)]
    assert example == schedule_text.parse(EXAMPLE.read_text())


def test_the_least_schedule():
    assert schedule_text.parse(DEV) == Schedule((Ring("dev", selector=Selector(groups=("dev",))),))


@pytest.mark.parametrize("text, seconds", [
    ("0", 0), ("90m", 5400), ("1h", HOUR), ("2d", 2 * DAY), ("1d12h", 36 * HOUR), ("45s", 45), ("0h", 0), ("1h30m15s", 5415)])
def test_durations(text, seconds):
    assert first("delay: %s" % text).delay == seconds


@pytest.mark.parametrize("text", ["'1 hour'", "60", "-1h", "1.5h", "1:30", "h", "1H", "1h 30m", "''", "[1h]", "null", "true", "9999w"])
def test_what_is_no_duration(text):
    message = refused(DEV + "    delay: %s\n" % text)
    assert message.startswith("site/schedule.yml line 4: rings[0].delay: ")
    assert "Write a number with s, m, h, d or w, such as 90m" in message or "Write ten years or less" in message


def test_the_message_as_a_whole():
    assert refused(DEV + QA + "    # a remark\n    delay: 1 hour\n") == (
        "site/schedule.yml line 7: rings[1].delay: '1 hour' is not a duration. Write a number with s, m, h, d or w, such as 90m, 1h, 1h30m or 2d")


def test_a_soak_lifts_the_order_of_delays():
    text = DEV + "    delay: 2h\n" + QA
    assert refused(text) == ("site/schedule.yml line 5: rings[1]: {'name': 'qa', 'selector': '...'} has no delay, that is 0, less than that of the ring "
                             "before, dev, which has 2h. Write 2h or more, or a soak")
    assert refused(text + "    delay: 119m\n").startswith("site/schedule.yml line 7: rings[1].delay: '119m' is a delay, less than that of the ring before, dev")
    assert schedule_text.parse(text + "    delay: 2h\n").rings[1].delay == 2 * HOUR
    assert schedule_text.parse(text + "    soak: {share: 62.5%, for: 30m}\n").rings[1].soak == Soak(0.625, 1800)


def test_a_soak_by_default_is_not_for_the_first_ring():
    rings = schedule_text.parse("defaults:\n  soak: {share: 100%, for: 1h}\n  approval: yes\n" + DEV + QA + "    approval: false\n").rings
    assert [(ring.soak, ring.approval) for ring in rings] == [(None, True), (Soak(1.0, HOUR), False)]


def test_windows_and_freezes():
    text = ("time_zone: America/New_York\nwindows:\n  - deny: 0 9 * * *\n    duration: 90m\n    reason: peak\n"
            "freezes:\n  - {from: '2026-03-08 01:30', to: 2026-03-08T03:00, ticket: CHG-1}\n  - {from: 2026-03-08, to: 2026-03-08, reason: x, time_zone: UTC}\n"
            + DEV + "    windows:\n      - {allow: 0 8 * * *, duration: 1d, time_zone: UTC, overrun: true}\n" + QA)
    dev, qa = schedule_text.parse(text).rings
    assert [(w.kind, w.seconds, w.overrun, w.reason, w.everywhere, windows.shown(0, w.zone).split()[-1]) for w in dev.windows] == [
        ("deny", 5400, False, "peak", True, "America/New_York"), ("allow", DAY, True, "", False, "UTC")]
    assert qa.windows == dev.windows[:1] and qa.freezes == dev.freezes
    assert [(freeze.begin, freeze.end, freeze.reason, freeze.ticket) for freeze in dev.freezes] == [
        (at("2026-03-08T06:30+00:00"), at("2026-03-08T07:00+00:00"), "", "CHG-1"), (at("2026-03-08T00:00+00:00"), at("2026-03-09T00:00+00:00"), "x", "")]


def test_a_frozen_day_is_as_long_as_the_clocks_say():
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)):
        (freeze,) = first("freezes: [{from: %s, to: %s, reason: x, time_zone: Europe/Brussels}]" % (day, day)).freezes
        assert freeze.end - freeze.begin == hours * HOUR


def test_a_share_keeps_domains_whole_where_they_are_known():
    text = "salt: 7\nrings:\n  - name: a\n    selector: {of: prod, share: 12.5%}\n"
    assert schedule_text.parse(text).rings[0].selector == Selector(of="prod", share=0.125, by="host", salt="7")
    assert schedule_text.parse("domain_variable: dc\n" + text).rings[0].selector.by == "domain"
    assert schedule_text.parse("domain_variable: dc\n" + text.replace("%}", "%, by: host}")).rings[0].selector.by == "host"


@pytest.mark.parametrize("line, key, expected", [
    ("batches: 25%", "batches", ("25%",)), ("batches: [1, 10%, 100%]", "batches", ("1", "10%", "100%")), ("max_unavailable: 3", "max_unavailable", 3),
    ("max_unavailable: 0%", "max_unavailable", "0%"), ("require_good: on", "require_good", True), ("approval: false", "approval", False),
    ("forward_delay: 30m", "forward_delay", 1800), ("health: {checks: [{command: [/bin/true, -x]}]}", "health", {"checks": [{"command": ["/bin/true", "-x"]}]}),
    ("health: {checks: [{url: 'http://a/', status: 204, timeout: 5s}]}", "health", {"checks": [{"url": "http://a/", "status": 204, "timeout": 5}]}),
    ("health: {max_failed: 10%, wait: 0}", "health", {"max_failed": "10%", "wait": 0}),
])
def test_values_of_a_ring(line, key, expected):
    assert getattr(first(line), key) == expected


@pytest.mark.parametrize("line, place, problem", [
    ("delays: 1h", "delays", "belongs to an unknown key. A ring has the keys name, selector, delay"),
    ("name: qa", "name", "belongs to a key that stands twice, first in line 2"),
    ("soak: {share: 90%, for: 1h}", "soak", "belongs to the first ring"),
    ("approval: maybe", "approval", "is neither true nor false"),
    ("approval: 'true'", "approval", "is neither true nor false"),
    ("approval: 1", "approval", "is neither true nor false"),
    ("batches: []", "batches", "is not a list with entries"),
    ("batches: [1, 0]", "batches[1]", "is neither a number nor a percentage"),
    ("batches: [1, 0%]", "batches[1]", "is neither a number nor a percentage"),
    ("batches: 101%", "batches", "is neither a number nor a percentage"),
    ("batches: 2.5", "batches", "is neither a number nor a percentage"),
    ("batches: [[1]]", "batches[0]", "is not a text"),
    ("max_unavailable: -1", "max_unavailable", "is neither a number nor a percentage"),
    ("max_unavailable: many", "max_unavailable", "is neither a number nor a percentage"),
    ("max_unavailable:", "max_unavailable", "is not a text"),
    ("health: true", "health", "is not a mapping"),
    ("health: {retry: 1}", "health.retry", "belongs to an unknown key"),
    ("health: {retries: ten}", "health.retries", "is not a number"),
    ("health: {checks: [{}]}", "health.checks[0]", "has not one of url and command"),
    ("health: {checks: [{url: 'http://a', command: [x]}]}", "health.checks[0]", "has not one of url and command"),
    ("health: {checks: [{command: [x], status: 200}]}", "health.checks[0].status", "belongs to a url"),
    ("health: {checks: [{command: x}]}", "health.checks[0].command", "is not a list"),
    ("health: {checks: [{url: 'file:///x'}]}", "health.checks[0].url", "is no address"),
    ("health: {checks: [{url: 'http://a', status: 20}]}", "health.checks[0].status", "is not a number"),
    ("windows: {}", "windows", "is not a list with entries. Write a list of windows"),
    ("windows: [x]", "windows[0]", "is not a mapping"),
    ("windows: [{duration: 1h}]", "windows[0]", "does not say once what it does"),
    ("windows: [{allow: 0 8 * * *, deny: 0 8 * * *, duration: 1h}]", "windows[0]", "does not say once what it does"),
    ("windows: [{allow: 0 8 * * *}]", "windows[0]", "has no duration"),
    ("windows: [{allow: 0 8 * *, duration: 1h}]", "windows[0].allow", "has 4 fields, not five"),
    ("windows: [{allow: [0], duration: 1h}]", "windows[0].allow", "is not a text"),
    ("windows: [{allow: 0 25 * * *, duration: 1h}]", "windows[0].allow", "is no expression of cron: '25' is no hour"),
    ("windows: [{allow: 0 8 * * *, duration: 59s}]", "windows[0].duration", "is too short. Write 1m or more"),
    ("windows: [{allow: 0 8 * * *, duration: 32d}]", "windows[0].duration", "is too long for a window"),
    ("windows: [{allow: 0 8 * * *, duration: 1h, time_zone: Europe/Atlantis}]", "windows[0].time_zone", "is not a time zone that is known here"),
    ("windows: [{allow: 0 8 * * *, duration: 1h, time_zone: ../../etc/passwd}]", "windows[0].time_zone", "is not a time zone that is known here"),
    ("windows: [{allow: 0 8 * * *, duration: 1h, overrun: 1h}]", "windows[0].overrun", "is neither true nor false"),
    ("freezes: [{from: 2030-01-01, reason: x}]", "freezes[0]", "has no to"),
    ("freezes: [{from: 2030-01-01, to: 2030-01-02}]", "freezes[0]", "has neither a reason nor a ticket"),
    ("freezes: [{from: 2030-01-02, to: 2030-01-01, reason: x}]", "freezes[0].to", "is not after its beginning"),
    ("freezes: [{from: 2030-01-02 10:00, to: 2030-01-02 10:00, reason: x}]", "freezes[0].to", "is not after its beginning"),
    ("freezes: [{from: 2030-02-30, to: 2030-03-01, reason: x}]", "freezes[0].from", "is neither a day nor a time"),
    ("freezes: [{from: tomorrow, to: 2030-03-01, reason: x}]", "freezes[0].from", "is neither a day nor a time"),
    ("freezes: [{from: 2030-03-01, to: 9999-12-31, reason: x}]", "freezes[0].to", "is out of the range of dates"),
    ("freezes: [{from: 2026-03-29 02:30, to: 2030-03-01, reason: x, time_zone: Europe/Brussels}]", "freezes[0].from", "is skipped by the clocks"),
    ("freezes: [{from: 2026-10-25 02:30, to: 2030-03-01, reason: x, time_zone: Europe/Brussels}]", "freezes[0].from", "is shown twice by the clocks"),
    ("<<: {delay: 1h}", "<<", "belongs to an unknown key"),
    ("? [a]\n: b", "?", "belongs to an unknown key"),
    ("delay: !vault 1h", "delay", "is not a text"),
])
def test_refused_in_a_ring(line, place, problem):
    message = refused(DEV + "".join("    %s\n" % part for part in line.splitlines()))
    assert message.startswith("site/schedule.yml line 4: rings[0].%s: " % place)
    assert problem in message


@pytest.mark.parametrize("selector, place, problem", [
    ("dev", "", "is not a mapping. A selector has the keys groups, of, share, domains, by"),
    ("{}", "", "is none of the three that there are. Write groups: [dev]"),
    ("{share: 10%}", "", "is none of the three"),
    ("{of: prod}", "", "is none of the three"),
    ("{of: prod, share: 10%, domains: [a]}", "", "is none of the three"),
    ("{groups: [a], share: 10%}", "", "is none of the three"),
    ("{groups: []}", ".groups", "is not a list with entries"),
    ("{groups: [a, a]}", ".groups[1]", "stands twice"),
    ("{groups: [a], by: host}", ".by", "belongs to a share"),
    ("{of: prod, share: 25}", ".share", "is not such a percentage. Write a percentage over 0% and up to 100%"),
    ("{of: prod, share: 0.25}", ".share", "is not such a percentage"),
    ("{of: prod, share: 0%}", ".share", "is not such a percentage"),
    ("{of: prod, share: 100.1%}", ".share", "is not such a percentage"),
    ("{of: prod, share: a quarter}", ".share", "is not such a percentage"),
    ("{of: prod, share: 10%, by: rack}", ".by", "is not known. Write host, or domain"),
    ("{of: prod, share: 10%, by: domain}", ".by", "needs to know the failure domains of hosts. Name the host variable"),
    ("{of: prod, domains: [a]}", ".domains", "needs to know the failure domains"),
    ("{of: [prod], share: 10%}", ".of", "is not a text"),
])
def test_refused_selectors(selector, place, problem):
    message = refused("rings:\n  - name: dev\n    selector: %s\n" % selector)
    assert message.startswith("site/schedule.yml line 3: rings[0].selector%s: " % place)
    assert problem in message


@pytest.mark.parametrize("text, place, problem", [
    ("", "", "holds no schedule. Write a mapping with the key rings"),
    ("# nothing\n", "", "holds no schedule"),
    ("[]", " line 1", "is not a mapping"),
    ("salt: a", " line 1", "has no rings"),
    ("\n\nrings: []", " line 3: rings", "is not a list with entries"),
    ("rings: {dev: {}}", " line 1: rings", "is not a list with entries"),
    ("rings:\n- dev", " line 2: rings[0]", "is not a mapping"),
    ("rings:\n- name: dev", " line 2: rings[0]", "has no selector"),
    ("rings:\n- selector: {groups: [a]}", " line 2: rings[0]", "has no name"),
    ("rings:\n- name: a/b\n  selector: {groups: [a]}", " line 2: rings[0].name", "is no name of a ring"),
    ("rings: &a [*a]", " line 1: rings[0]", "is not a mapping"),
    (DEV + "ring: []\n", " line 4: ring", "belongs to an unknown key. A schedule has the keys rings, defaults"),
    (DEV + DEV, " line 4: rings", "belongs to a key that stands twice, first in line 1"),
    (DEV + "  - name: dev\n    selector: {groups: [qa]}\n", " line 4: rings[1].name", "is the name of a ring before it. Give each ring a name of its own"),
    (DEV + "  - name: DEV\n    selector: {groups: [qa]}\n", " line 4: rings[1].name", "is the name of a ring before it, dev, with other case or hyphens"),
    (DEV + "  - name: qa\n    selector: {groups: [qa, dev]}\n", " line 5: rings[1].selector", "takes the group dev, which the ring dev takes"),
    (DEV + "  - name: qa\n    selector: {groups: [all]}\n", " line 5: rings[1].selector", "takes the group all, which has the hosts of the other rings too"),
    (DEV + "history: 30m\n", " line 4: history", "is too short. Write 1h or more"),
    (DEV + "    delay: 3d\n", " line 4: rings[0].delay", "leaves the ring dev nothing: its delay is 3d, and the history 3d. Write a history that is longer"),
    (DEV + "    delay: 1d\nhistory: 24h\n", " line 5: history", "leaves the ring dev nothing"),
    (DEV + "time_zone: Mars/Base\n", " line 4: time_zone", "is not a time zone that is known here"),
    (DEV + "time_zone: [UTC]\n", " line 4: time_zone", "is not a text"),
    (DEV + "salt: ''\n", " line 4: salt", "is not a text"),
    (DEV + "domain_variable: a.b\n", " line 4: domain_variable", "is no name of a variable"),
    (DEV + "defaults: {delay: 1h}\n", " line 4: defaults.delay", "belongs to an unknown key. What rings have by default has the keys soak"),
    (DEV + "defaults:\n  batches: x\n", " line 5: defaults.batches", "is neither a number nor a percentage"),
    (DEV + QA + "    soak: {share: 90%}\n", " line 6: rings[1].soak", "has no for. Write the share of the ring before"),
    (DEV + QA + "    soak: {share: 0.9, for: 1h}\n", " line 6: rings[1].soak.share", "is not such a percentage"),
    (DEV + "freezes:\n  - from: 2030-01-01\n    to: 2029-01-01\n    reason: x\n", " line 6: freezes[0].to", "is not after its beginning"),
    (DEV + "windows:\n  -\n    allow: '*'\n    duration: 1h\n", " line 6: windows[0].allow", "has 1 field, not five"),
    (DEV + "windows:\n  - allow: * * * * *\n", " line 5", "is why it cannot be read as YAML"),
    (DEV + "\tdelay: 1h\n", " line 4", "is why it cannot be read as YAML"),
    (DEV + "---\n" + DEV, " line 4", "is why it cannot be read as YAML"),
    (DEV + "salt: \x07\n", "", "is why it cannot be read as YAML"),
    ("[" * 1500, "", "is nested too deeply"),
])
def test_refused_schedules(text, place, problem):
    message = refused(text)
    assert message.startswith("site/schedule.yml%s: " % place)
    assert problem in message


def parts(*selectors_given: str) -> str:
    return "domain_variable: dc\nrings:\n" + "".join("- name: r%d\n  selector: %s\n" % pair for pair in enumerate(selectors_given))


@pytest.mark.parametrize("text, line, problem", [
    (parts("{of: prod, share: 60%}", "{of: prod, share: 40.1%}"), 6, "brings the shares of the group prod to 100.1%. Write shares up to 100% together"),
    (parts("{of: prod, share: 10%}", "{of: prod, share: 10%, by: host}"), 6, "takes its share of prod by host, a ring before by domain"),
    (parts("{of: prod, domains: [a, b]}", "{of: prod, domains: [c, b]}"), 6, "takes the failure domain b of prod, which the ring r0 takes"),
    (parts("{groups: [all]}", "{of: prod, share: 10%}"), 4, "takes the group all"),
])
def test_refused_between_selectors(text, line, problem):
    message = refused(text)
    assert message.startswith("site/schedule.yml line %d: rings[%d].selector: " % (line, (line - 4) // 2))
    assert problem in message


@pytest.mark.parametrize("text", [
    parts("{of: prod, share: 33.3%}", "{of: prod, share: 33.3%}", "{of: prod, share: 33.4%}"),
    parts("{of: prod, share: 70%}", "{of: web, share: 70%, by: host}", "{groups: [prod, web]}"),
    parts("{of: all, share: 10%}", "{of: all, domains: [a]}", "{groups: [all]}"),
])
def test_selectors_that_go_together(text):
    assert len(schedule_text.parse(text).rings) == 3


def test_without_a_database_of_time_zones(monkeypatch):
    monkeypatch.setattr(moments.zoneinfo, "ZoneInfo", zoneinfo.ZoneInfo.no_cache)
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(to=())
    try:
        message = refused(DEV + "time_zone: Europe/Brussels\n")
    finally:
        zoneinfo.reset_tzpath()
    assert message == ("site/schedule.yml line 4: time_zone: 'Europe/Brussels' cannot be looked up: this machine has no database of time zones. "
                       "Install the package tzdata of the system, or the Python package tzdata where Ansible runs")


def test_utc_needs_no_database(monkeypatch):
    monkeypatch.setattr(moments, "zoneinfo", None)
    assert schedule_text.parse("time_zone: UTC\n" + DEV).rings[0].name == "dev"


def test_without_pyyaml(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(StagecraftError, match="needs the Python package PyYAML"):
        schedule_text.parse(DEV)


def test_json_is_read_too():
    assert schedule_text.parse('{"rings": [{"name": "dev",\n "selector": {"groups": ["dev"]}}]}') == schedule_text.parse(DEV)

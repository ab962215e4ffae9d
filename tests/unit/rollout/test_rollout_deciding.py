# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schedule and state in files, hour by hour: what is decided is run and recorded, as rollout.yml does."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_deciding
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming, standing
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import RUN
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records, recording, switches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import MARKS, Layout

RINGS = {"dev": 0, "qa": 1, "stg": 2, "prod-a": 3, "prod": 4}
HOSTS = {ring: ["%s1" % ring, "%s2" % ring] for ring in RINGS}
DAY = "20140211"


class Site:
    """A state directory and a schedule."""

    def __init__(self, directory: Path) -> None:
        self.state, self.schedule = directory / "state", directory / "schedule.yml"
        self.layout = Layout(str(self.state))
        Path(self.layout.snapshots).mkdir(parents=True)
        self.schedule.write_text(json.dumps({"rings": [
            {"name": ring, "delay": "%dh" % delay, "selector": {"groups": [ring]}} for ring, delay in RINGS.items()]}), encoding="utf-8")

    def snapshot(self, name: str) -> None:
        """A snapshot of an hour."""
        Path(self.layout.content(name)).mkdir()
        at = naming.instant(name)
        Path(self.layout.description(name)).write_text(records.line({
            "name": name, "at": at, "commit": name, "digest": "sha256:" + "0" * 64, "files": 1, "barrier": "", "dead_end": "", "repository": "r",
            "ref": "main", "taken_at": at, "taken_by": "tests"}), encoding="utf-8")

    def mark(self, state: str, *names: str, at: str) -> None:
        """Mark snapshots."""
        with recording.opened(str(self.state), "marking") as store:
            store.add(MARKS, [{"snapshot": name, "state": state, "at": rollout_deciding.instant(at), "by": "ada", "why": "no doors", "approved": ""}
                              for name in names])

    def load(self, at: str) -> rollout_deciding.Rollout:
        """All that is known at a time."""
        return rollout_deciding.load({"schedule": str(self.schedule), "state_dir": str(self.state), "now": at}, HOSTS)

    def run(self, at: str) -> list[str]:
        """Decide, run, record; the hours of what each ring runs then."""
        rollout = self.load(at)
        with recording.opened(str(self.state), "recording", create=True) as store:
            for name, decision in rollout.decisions.items():
                if decision.action == RUN:
                    store.ran([name], decision.release, True, rollout.now, rollout.targets[name].ring)
        found = self.load(at).targets
        assert all(found[one].current == found[other].current for one, other in HOSTS.values())
        return [(found[names[0]].current or "").rpartition("-")[2] for names in HOSTS.values()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    for hour in range(11):
        made.snapshot("%s-%02d00" % (DAY, hour))
    return made


@pytest.mark.parametrize("state, then", [
    ("bad", [["0700", "0700", "0700", "0700", "0600"], ["1100", "0700", "0700", "0700", "0700"], ["1200", "1100", "0700", "0700", "0700"],
             ["1300", "1200", "1100", "0700", "0700"], ["1400", "1300", "1200", "1100", "0700"], ["1500", "1400", "1300", "1200", "1100"]]),
    ("badfwd", [["1000", "0900", "0800", "0700", "0600"], ["1100", "1100", "0800", "0700", "0700"], ["1200", "1100", "1100", "0700", "0700"],
                ["1300", "1200", "1100", "0700", "0700"], ["1400", "1300", "1200", "1100", "0700"], ["1500", "1400", "1300", "1200", "1100"]]),
])
def test_the_scenario_of_the_seed_hour_by_hour(site: Site, state: str, then: list[list[str]]) -> None:
    assert site.run("2014-02-11 08:30") == ["0800", "0700", "0600", "0500", "0400"]
    assert site.run("2014-02-11 09:05") == ["0900", "0800", "0700", "0600", "0500"]
    before = site.run("2014-02-11 10:05")
    assert before == ["1000", "0900", "0800", "0700", "0600"]
    assert switches.engage(str(site.state), "fleet", "", "no doors", "ada", 1) == ""
    assert site.run("2014-02-11 10:14") == before
    site.mark(state, *["%s-%s" % (DAY, hour) for hour in ("0800", "0900", "1000")], at="2014-02-11 10:15")
    assert site.run("2014-02-11 10:15") == before
    assert switches.release(str(site.state), "fleet", "", "marked", "ada", 2) == ""
    seen = [site.run("2014-02-11 10:16")]
    for hour in range(11, 16):
        site.snapshot("%s-%02d00" % (DAY, hour))
        seen.append(site.run("2014-02-11 %02d:05" % hour))
    assert seen == then


def test_a_clock_that_jumps_back_an_hour_takes_nobody_back(site: Site) -> None:
    before = site.run("2014-02-11 10:05")
    assert site.run("2014-02-11 09:05") == before
    assert {decision.code for decision in site.load("2014-02-11 09:05").decisions.values()} == {"ahead"}
    assert site.run("2014-02-11 10:30") == before


@pytest.mark.parametrize("day", ["2014-03-30", "2014-10-26"])
def test_clocks_that_are_put_forward_or_back_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    seen = {}
    for here in ("UTC", "Europe/Brussels"):
        monkeypatch.setenv("TZ", here)
        time.tzset()
        site = Site(tmp_path / here.replace("/", "-"))
        for hour in range(5):
            site.snapshot("%s-%02d00" % (day.replace("-", ""), hour))
        seen[here] = [site.run("%s %02d:30" % (day, hour)) for hour in range(5)]
    monkeypatch.undo()
    time.tzset()
    assert seen["UTC"] == seen["Europe/Brussels"] and seen["UTC"][4] == ["0400", "0300", "0200", "0100", "0000"]


def test_a_decision_that_does_not_stand_any_more_becomes_a_hold(site: Site) -> None:
    site.run("2014-02-11 09:05")
    decided = site.load("2014-02-11 10:05")
    name = "qa1"
    release, current = decided.decisions[name].release, decided.targets[name].current

    def asked(reached: bool = False) -> str:
        now = site.load("2014-02-11 10:10")
        return standing.objection(now.now_plan(reached), now.targets[name], now.pins.get(name), release, current)

    assert (release, current, asked()) == (DAY + "-0900", DAY + "-0800", "")
    # dev runs 0900, so qa may come to it.
    assert asked(True) == ""
    site.mark("bad", release, at="2014-02-11 10:06")
    assert "0900 is not for it any more: it is marked bad by ada: no doors" in asked()
    site.mark("good", release, at="2014-02-11 10:07")
    assert asked() == ""
    with recording.opened(str(site.state), "another run") as store:
        store.ran([name], DAY + "-0700", True, 1, "qa")
    assert asked() == "another run brought it to 20140211-0700, and it had 20140211-0800 when this run began"
    assert switches.engage(str(site.state), "ring", "qa", "payday", "ada", 1) == ""
    assert asked() == "the kill switch of ring qa is on, thrown by ada: payday"


def test_a_ring_takes_nothing_that_the_ring_before_did_not_come_to(site: Site) -> None:
    decided = site.load("2014-02-11 10:05")
    assert decided.decisions["qa1"].release == DAY + "-0900"
    plan = decided.now_plan(True)
    assert standing.objection(plan, decided.targets["dev1"], None, DAY + "-1000", None) == ""
    assert standing.objection(plan, decided.targets["qa1"], None, DAY + "-0900", None) != ""


def test_a_state_that_cannot_be_read_holds_everybody(site: Site) -> None:
    before = site.run("2014-02-11 09:05")
    Path(site.layout.journal(MARKS)).write_text("{", encoding="utf-8")
    rollout = site.load("2014-02-11 10:05")
    assert {decision.code for decision in rollout.decisions.values()} == {"state"}
    assert "marks.jsonl" in rollout.decisions["dev1"].reason and rollout.decisions["dev1"].release == DAY + "-" + before[0]


@pytest.mark.parametrize("value, said", [("tomorrow", "now: 'tomorrow'"), ("2014-02-30 10:00", "now: '2014-02-30 10:00'")])
def test_an_instant_that_is_none_is_refused(value: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        rollout_deciding.instant(value)


def test_instants_are_texts_seconds_or_the_clock() -> None:
    assert rollout_deciding.instant("2014-02-11 10:16") == rollout_deciding.instant("2014-02-11T11:16+01:00") == rollout_deciding.instant("1392113760")
    assert abs(rollout_deciding.instant(None) - time.time()) < 2

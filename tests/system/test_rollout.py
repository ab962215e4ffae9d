# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rollout.yml, explain.yml and plan.yml over hosts that are all this machine, with a clock that the tests set."""

from __future__ import annotations

import calendar
import json
import time
from pathlib import Path

import pytest

from tests.system.rollouts import DAY, Rollout, command, stats

pytestmark = pytest.mark.once

STAGES = ["build", "stage", "install", "configure"]
FIVE = {"dev": {}, "qa": {"delay": "1h"}, "stg": {"delay": "2h"}, "proda": {"delay": "3h"}, "prod": {"delay": "4h"}}


def seconds(text: str) -> float:
    """The instant of a time in a journal."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def test_targets_come_to_their_release_ring_by_ring_and_once(tmp_path: Path) -> None:
    rollout = Rollout(tmp_path, {"dev": {"hosts": 2, "batches": [1]}, "qa": {"delay": "1h"}})
    rollout.snapshot("0700", "0800")
    checked = rollout.run("08:30", "--check").ok()
    assert "3 would be brought to their release" in checked.text
    assert [rollout.ran(name) for name in rollout.names] == [[], [], []]
    assert not list((rollout.state_dir / "targets").iterdir())

    run = rollout.run("08:30").ok()
    assert rollout.ran("dev1") == rollout.ran("dev2") == [f"{stage} 0800" for stage in STAGES]
    assert rollout.ran("qa1") == [f"{stage} 0700" for stage in STAGES]
    assert [rollout.recorded(name) for name in rollout.names] == [[("0800", True)], [("0800", True)], [("0700", True)]]
    begins = [run.output.index(f"[stagecraft.release.stages : Begin {stage}]") for stage in STAGES]
    assert run.output.count("Begin configure]") == 3 and begins == sorted(begins)
    assert stats(run) == {"done": ["dev1", "dev2", "qa1"], "complete": 0, "held": {}, "failed": {}, "untouched": [], "stopped": ""}

    again = rollout.run("08:40").ok()
    assert stats(again)["complete"] == 3 and "skipping: no hosts matched" in again.output
    assert [rollout.ran(name) for name in rollout.names] == [[], [], []]

    for path in (rollout.state_dir / "targets").iterdir():
        path.unlink()
    rollout.run("08:50", "--limit", "dev2").ok()
    assert [rollout.recorded(name) for name in rollout.names] == [[], [("0800", True)], []]

    explained = rollout.run("08:50", playbook="explain", rollout_host="qa1").ok().text
    assert "qa1, ring qa, 2014-02-11 08:50 UTC: hold nothing" not in explained
    assert f"{DAY}-0800 was passed over: it is 50 min old, ring qa takes what is at least 1 h old" in explained
    rollout.run("08:50", playbook="plan").ok()
    assert (tmp_path / "rollout.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_a_ring_that_fails_stops_the_rollout_and_the_snapshot_can_be_marked_by_itself(tmp_path: Path) -> None:
    rollout = Rollout(tmp_path, {"dev": {"hosts": 2, "batches": [1]}, "qa": {}})
    rollout.snapshot("0700", "0800")
    run = rollout.run("08:30", shop_fails=f"{DAY}-0800", rollout_mark_bad=True)
    run.refused("1 of 2 targets of ring dev failed (dev1), and no more than 0 may", "The rollout stopped there")
    assert stats(run)["untouched"] == ["dev2", "qa1"] and stats(run)["failed"] == {"dev1": "the disk of the shop is on fire"}
    assert rollout.ran("dev2") == rollout.ran("qa1") == []
    assert rollout.recorded("dev1") == [("0800", False)]
    mark = json.loads((rollout.state_dir / "marks.jsonl").read_text(encoding="utf-8"))
    assert (mark["snapshot"], mark["state"]) == (f"{DAY}-0800", "bad") and "ring dev failed" in mark["why"]
    rollout.run("08:40").ok()
    assert [rollout.running(name) for name in rollout.names] == ["0700"] * 3


def test_the_kill_switch_stops_a_running_rollout_of_20_hosts(tmp_path: Path) -> None:
    rollout = Rollout(tmp_path, {"dev": {"hosts": 20}})
    rollout.snapshot("0800")
    run = rollout.start("08:30")
    while len(rollout.begun()) < 10 and run.poll() is None:
        time.sleep(0.05)
    thrown = time.time()
    rollout.stop(message="the doors fell off")
    output, _nothing = run.communicate(timeout=120)
    begun = [seconds(text) for text in rollout.begun()]
    # What had looked before it was thrown still writes that it begins; the journal has whole seconds.
    assert begun[-1] <= thrown + 1, (begun[-5:], thrown)
    assert run.returncode == 0, output[-3000:]
    changes = [path.stat().st_mtime for path in (tmp_path / "hosts").glob("*/log")]
    print(f"{len(begun)} stages had begun; the last change was {max(changes) - thrown:+.1f} s from the kill switch")
    assert len(begun) < 30 and max(changes) - thrown < 10
    assert "20 held" in output and "thrown by ada: the doors fell off" in output
    assert all(rollout.recorded(name) == [] for name in rollout.names)

    held = rollout.run("08:40").ok()
    assert stats(held)["held"]["dev7"].startswith("the kill switch of the fleet is on") and len(rollout.begun()) == len(begun)


def test_two_rollouts_at_once_touch_each_target_once(tmp_path: Path) -> None:
    rollout = Rollout(tmp_path, {"dev": {"hosts": 2}, "qa": {}})
    rollout.snapshot("0800")
    rollout.stop("ring", "qa", "payday")
    runs = [rollout.start("08:30") for _number in range(2)]
    outputs = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert [rollout.ran(name) for name in rollout.names] == [[f"{stage} 0800" for stage in STAGES]] * 2 + [[]]
    assert all("ring qa is on, thrown by ada: payday" in output for output in outputs)


@pytest.mark.parametrize("break_it, said", [
    (lambda rollout: (rollout.state_dir / "marks.jsonl").write_text("{"), "marks.jsonl"),
    (lambda rollout: (rollout.directory / "schedule.yml").write_text("rings: 7\n"), "schedule.yml line 1"),
    (lambda rollout: (rollout.directory / "zz.rollout.yml").unlink(), "no inventory source of the plugin"),
])
def test_what_cannot_be_read_changes_nothing(tmp_path: Path, break_it, said: str) -> None:
    rollout = Rollout(tmp_path, {"dev": {}})
    rollout.snapshot("0800")
    break_it(rollout)
    rollout.run("08:30").refused(said)
    assert rollout.ran("dev1") == []


def test_a_unit_that_is_told_another_release_is_refused(tmp_path: Path) -> None:
    rollout = Rollout(tmp_path, {"dev": {}})
    rollout.snapshot("0800")
    rollout.run("08:30", stages_release="r1").refused("would bring dev1 to another release", f"which is {DAY}-0800 on dev1")
    assert rollout.ran("dev1") == []


def test_a_ring_with_a_health_gate_waits_and_stops(tmp_path: Path) -> None:
    gate = {"wait": "1s", "checks": [{"command": ["test", "-e", str(tmp_path / "well")]}], "retries": 0}
    rollout = Rollout(tmp_path, {"dev": {"health": gate}, "qa": {}})
    rollout.snapshot("0700", "0800")
    run = rollout.run("08:30").refused("ring dev does not pass its health gate")
    assert rollout.now == ["0800", ""] and stats(run)["untouched"] == ["qa1"]
    assert rollout.marks == {}
    rollout.run("08:40").refused("ring qa waits, for a ring before it (dev) does not pass its health gate")
    assert rollout.now == ["0800", ""], "a later run passed the gate"
    rollout.snapshot("0900")
    rollout.run("09:05", rollout_mark_bad=True).refused("ring dev does not pass its health gate")
    assert rollout.marks == {f"{DAY}-0900": "bad"}
    (tmp_path / "well").touch()
    rollout.run("09:10").ok()
    assert rollout.now == ["0800", "0800"]


def mark(rollout: Rollout, state: str, *hours: str, **more: str) -> None:
    """Mark snapshots as an operator does."""
    rollout.run("", playbook="mark", rollout_snapshot=[f"{DAY}-{hour}" for hour in hours], rollout_mark=state, rollout_why="no doors", **more).ok()


# What the five rings run from 08:30 to 10:05, whatever the mark will be.
BEFORE = {"08:30": ["0800", "0700", "0600", "0500", "0400"], "09:05": ["0900", "0800", "0700", "0600", "0500"],
          "10:05": ["1000", "0900", "0800", "0700", "0600"]}


def hour_by_hour(rollout: Rollout, state: str, **more: str) -> dict[str, list[str]]:
    """A bad change in 0800 that is noticed at 10:00, with the kill switch on until it is marked, and fixed in 1100: what each ring runs after each run."""
    seen = {}
    rollout.snapshot(*["%02d00" % hour for hour in range(9)])
    for at in ("08:30", "09:05", "10:05"):
        if at != "08:30":
            rollout.snapshot(at[:2] + "00")
        rollout.run(at).ok()
        seen[at] = rollout.now
    rollout.stop(message="dev and qa have no doors")
    run = rollout.run("10:14").ok()
    assert set(stats(run)["held"]) == set(rollout.names) and rollout.now == seen["10:05"]
    mark(rollout, state, "0800", "0900", "1000", **more)
    rollout.run("10:15").ok()
    assert rollout.now == seen["10:05"]
    rollout.go()
    for at in ("10:16", "11:05", "12:05", "13:05", "14:05", "15:05"):
        if at != "10:16":
            rollout.snapshot(at[:2] + "00")
        rollout.run(at).ok()
        seen[at] = rollout.now
    return seen


@pytest.mark.slow
def test_the_scenario_of_the_seed_with_bad(tmp_path: Path) -> None:
    assert hour_by_hour(Rollout(tmp_path, FIVE), "bad") == {
        **BEFORE,
        "10:16": ["0700", "0700", "0700", "0700", "0600"],
        "11:05": ["1100", "0700", "0700", "0700", "0700"],
        "12:05": ["1200", "1100", "0700", "0700", "0700"],
        "13:05": ["1300", "1200", "1100", "0700", "0700"],
        "14:05": ["1400", "1300", "1200", "1100", "0700"],
        "15:05": ["1500", "1400", "1300", "1200", "1100"]}


@pytest.mark.slow
def test_the_scenario_of_the_seed_with_badfwd(tmp_path: Path) -> None:
    assert hour_by_hour(Rollout(tmp_path, FIVE), "badfwd") == {
        **BEFORE,
        "10:16": ["1000", "0900", "0800", "0700", "0600"],
        "11:05": ["1100", "1100", "0800", "0700", "0700"],
        "12:05": ["1200", "1100", "1100", "0700", "0700"],
        "13:05": ["1300", "1200", "1100", "0700", "0700"],
        "14:05": ["1400", "1300", "1200", "1100", "0700"],
        "15:05": ["1500", "1400", "1300", "1200", "1100"]}


@pytest.mark.slow
def test_a_formal_release_of_a_configuration_with_approval_between_rings(tmp_path: Path) -> None:
    rollout = Rollout(tmp_path, {"dev": {}, "qa": {"approval": True}})
    repository = tmp_path / "repository"
    command("git", "init", "-q", "-b", "main", repository)
    command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key")
    (tmp_path / "signers").write_text("builder@example.com " + (tmp_path / "key.pub").read_text(encoding="utf-8"), encoding="utf-8")
    place = "%s/hosts/{{ inventory_hostname }}" % tmp_path
    rollout.builders = ["builder"]
    rollout.variables.update({
        "release_role": "stagecraft.release.config_tree", "config_tree_name": "doors", "config_tree_release": "{{ stagecraft_release }}",
        "config_tree_directory": "{{ rollout_state_dir }}/snapshots/{{ stagecraft_release }}", "config_tree_root": f"{place}/opt",
        "config_tree_facts_path": f"{place}/facts.d/stagecraft.fact", "config_tree_journal_path": f"{place}/journal.jsonl",
        "config_tree_state_directory": f"{place}/state", "release_artifacts_store": f"{place}/store", "release_artifacts_cache": str(tmp_path / "cache"),
        "release_artifacts_root": str(tmp_path / "releases"), "release_artifacts_sources": [f"controller:{tmp_path}/releases"],
        "release_artifacts_sign_key": str(tmp_path / "key"), "release_artifacts_allowed_signers": str(tmp_path / "signers")})

    def content(name: str) -> str:
        path = tmp_path / "hosts" / name / "opt" / "current" / "doors.conf"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    for release in ("v1", "v2"):
        (repository / "doors.conf").write_text(release, encoding="utf-8")
        command("git", "-C", repository, "add", "--all")
        command("git", "-C", repository, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "-m", release)
        rollout.run("", playbook="snapshot", rollout_repository=str(repository), rollout_name=release).ok()
        before = content("qa1")
        checked = rollout.run("", "--check").ok()
        assert "1 would be brought to their release" in checked.text and not (tmp_path / "releases" / "doors" / release).exists()
        rollout.run("").ok()
        assert (content("dev1"), content("qa1")) == (release, before)
        waiting = rollout.run("", playbook="explain", rollout_host="qa1").ok().text
        assert f"{release} was passed over: nobody approved it for ring qa" in waiting
        command("ansible", "localhost", "-m", "stagecraft.release.rollout_approval", "-a",
                f"state_dir={rollout.state_dir} ring=qa snapshot={release} why=CHG-1", env=rollout.environ())
        rollout.run("").ok()
        assert (content("dev1"), content("qa1")) == (release, release)


def test_a_target_that_cannot_be_reached_is_a_failure_of_its_ring(tmp_path: Path) -> None:
    rollout = Rollout(tmp_path, {"dev": {"hosts": 2, "max_unavailable": "50%"}, "qa": {}})
    rollout.snapshot("0800")
    rollout.variables.update(ansible_connection="{{ 'ssh' if inventory_hostname == 'dev2' else 'local' }}", ansible_host="127.0.0.1", ansible_port=1)
    run = rollout.run("08:30").refused("Failed: dev2")
    assert rollout.now == ["0800", "0800"] and stats(run)["failed"] == {"dev2": "could not be reached"}
    assert [rollout.recorded(name) for name in rollout.names] == [[("0800", True)], [], [("0800", True)]]

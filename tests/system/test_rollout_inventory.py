# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory source of a rollout and its lookup, read by Ansible itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.system.rollouts import DAY, Rollout

pytestmark = pytest.mark.once

RINGS = {"dev": {"hosts": 2}, "qa": {"delay": "1h", "hosts": 2}, "prod-a": {"delay": "2h"}}


def inventory(rollout: Rollout, *arguments: str, at: str = "08:30") -> tuple[dict[str, Any], str]:
    """The inventory as Ansible reads it, and what it warned of."""
    hosts = rollout.command("rollout", at)[1:5]
    done = subprocess.run(["ansible-inventory", *hosts, "--list", "-e", json.dumps({"rollout_now": f"2014-02-11 {at}"}), *arguments],
                          env=rollout.environ(), text=True, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return json.loads(done.stdout), " ".join(done.stderr.split())


def play(rollout: Rollout, *tasks: dict[str, Any]) -> str:
    """What a play on the rollout says."""
    path = rollout.directory / "play.json"
    path.write_text(json.dumps([{"hosts": "rollout", "gather_facts": False, "tasks": list(tasks)}]), encoding="utf-8")
    command = rollout.command("rollout", "08:30")
    command[command.index("stagecraft.release.rollout")] = str(path)
    done = subprocess.run(command, env=rollout.environ(), text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def rollout(tmp_path: Path) -> Rollout:
    made = Rollout(tmp_path, RINGS)
    made.snapshot("0600", "0700", "0800")
    return made


def test_rings_are_groups_in_rollout_order_and_hosts_know_what_they_run(rollout: Rollout) -> None:
    rollout.stop("host", "qa2", "{{ 'x' * 3 }}")
    found, warned = inventory(rollout)
    assert found["rollout"]["children"] == ["ring_dev", "ring_qa", "ring_prod_a"]
    assert found["ring_qa"]["hosts"] == ["qa1", "qa2"]
    hosts = found["_meta"]["hostvars"]
    assert [hosts[name]["stagecraft_release"] for name in rollout.names] == [f"{DAY}-0800", f"{DAY}-0800", f"{DAY}-0700", "", f"{DAY}-0600"]
    assert hosts["prod-a1"]["stagecraft_rollout"] == {
        "ring": "prod-a", "order": 2, "action": "run", "release": f"{DAY}-0600", "code": "due", "current": "", "disabled": "",
        "reason": {"__ansible_unsafe": "it is the newest acceptable snapshot that ring prod-a is due, 2 h 30 min old"}}
    held = hosts["qa2"]["stagecraft_rollout"]
    assert (held["action"], held["code"]) == ("hold", "kill_switch") and held["reason"]["__ansible_unsafe"].endswith("thrown by ada: {{ 'x' * 3 }}")
    assert "rollout" not in warned
    # Words of people are no templates.
    assert "{{ 'x' * 3 }}" in play(rollout, {"ansible.builtin.debug": {"msg": "{{ hostvars.qa2.stagecraft_rollout.reason }}"}, "run_once": True})


def test_hosts_run_in_the_order_of_the_rings(rollout: Rollout) -> None:
    output = play(rollout, {"ansible.builtin.debug": {"msg": "{{ ansible_play_hosts | join(' ') }}"}, "run_once": True})
    assert "dev1 dev2 qa1 qa2 prod-a1" in output


def test_a_run_keeps_its_decision_when_the_inventory_is_refreshed(rollout: Rollout) -> None:
    output = play(
        rollout, {"ansible.builtin.debug": {"msg": "first {{ stagecraft_release }}"}},
        {"ansible.builtin.file": {"path": str(rollout.state_dir / "kill_switch" / "fleet"), "state": "directory", "recurse": True}, "run_once": True},
        {"ansible.builtin.meta": "refresh_inventory"}, {"ansible.builtin.debug": {"msg": "then {{ stagecraft_release }} {{ stagecraft_rollout.action }}"}})
    assert (rollout.state_dir / "kill_switch" / "fleet").is_dir()
    for text, count in ((f"first {DAY}-0800", 2), (f"then {DAY}-0800 run", 2), (f"then {DAY}-0600 run", 1)):
        assert output.count(text) == count
    assert " hold" not in output


def test_a_host_that_is_disabled_or_in_no_ring_or_takes_no_part(rollout: Rollout) -> None:
    path = rollout.directory / "more.json"
    path.write_text(json.dumps({"release_targets": {"hosts": {"dev1": {"rollout_disabled": "it burns"}, "lost": {}}},
                                "release_build": {"hosts": {"builder": {}}}}), encoding="utf-8")
    command = rollout.command("rollout", "08:30")
    done = subprocess.run(["ansible-inventory", "-i", str(path), *command[1:5], "--list", "-e", '{"rollout_now": "2014-02-11 08:30"}'], env=rollout.environ(),
                          text=True, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    found, warned = json.loads(done.stdout), " ".join(done.stderr.split())
    hosts = found["_meta"]["hostvars"]
    assert hosts["dev1"]["stagecraft_rollout"]["reason"]["__ansible_unsafe"] == "the target is disabled: it burns"
    assert sorted(found["ring_prod_a"]["hosts"]) == ["lost", "prod-a1"] and "rollout: lost: taken by no ring" in warned
    assert "stagecraft_rollout" not in hosts["builder"]


@pytest.mark.parametrize("change, said", [
    ({"zz.rollout.yml": "plugin: stagecraft.release.rollout\nschedule: gone.yml\n"}, "gone.yml' cannot be read"),
    ({"schedule.yml": "rings:\n- name: dev\n  selector: {groups: [dev]}\n  delay: soon\n"}, "schedule.yml line 4: rings[0].delay"),
    ({"zz.rollout.yml": "plugin: stagecraft.release.rollout\nschedule: schedule.yml\nhosts: [nobody]\n"}, "hosts: 'nobody' is neither a group nor a host"),
    ({"zz.rollout.yml": "plugin: stagecraft.release.rollout\nschedule: schedule.yml\nwhat: no\n"}, "what"),
])
def test_a_source_that_cannot_be_used_makes_no_groups_and_says_why(rollout: Rollout, change: dict[str, str], said: str) -> None:
    for name, text in change.items():
        (rollout.directory / name).write_text(text, encoding="utf-8")
    found, warned = inventory(rollout)
    if said != "what":
        assert "rollout" not in found and said in warned, warned


def test_a_source_before_the_hosts_and_a_group_that_is_taken_are_refused(rollout: Rollout) -> None:
    hosts = rollout.command("rollout", "08:30")[2]
    done = subprocess.run(["ansible-inventory", "-i", str(rollout.directory / "zz.rollout.yml"), "-i", hosts, "--list"], env=rollout.environ(), text=True,
                          check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "is neither a group nor a host of the sources before" in " ".join(done.stderr.split())
    rollout.hosts["qa"].append("extra")
    (rollout.directory / "aa.json").write_text('{"ring_qa": {"hosts": {"dev1": {}}}}', encoding="utf-8")
    hosts = rollout.command("rollout", "08:30")[2]
    done = subprocess.run(["ansible-inventory", "-i", str(rollout.directory / "aa.json"), "-i", hosts, "-i", str(rollout.directory / "zz.rollout.yml"),
                           "--list"], env=rollout.environ(), text=True, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "The group ring_qa has hosts already" in " ".join(done.stderr.split())


def test_the_lookup_says_the_same_as_the_inventory(rollout: Rollout) -> None:
    call = "lookup('stagecraft.release.rollout_release', inventory_hostname, hosts=['release_targets']"
    same = ["%s) == stagecraft_release" % call, "%s, details=true).reason == stagecraft_rollout.reason" % call]
    output = play(rollout, {"ansible.builtin.assert": {"that": same}},
                  {"ansible.builtin.debug": {"msg": "{{ lookup('stagecraft.release.rollout_release', 'nobody') }}"}, "ignore_errors": True, "run_once": True})
    assert output.count("All assertions passed") == 5 and "takes no part in the rollout" in output

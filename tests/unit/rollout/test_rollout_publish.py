# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The published state: what it says, what it never says, its serial, and that it is there whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import threading

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils import durable
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import published
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import recording, switches

import store_samples as samples
from pull_samples import RINGS, SCHEDULE, Host, Site, key
from store_samples import at, named


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    return [key(directory, name) for name in ("one", "two")]


@pytest.fixture
def site(tmp_path, keys):
    return Site(tmp_path, keys[0], 6, 7, 8)


def said(site):
    """What is published."""
    return json.loads(site.text())


def refused(site, **given):
    """The message of a run that must fail, and that leaves what is there."""
    before = samples.tree(site.www) if site.www.exists() else None
    with pytest.raises(StagecraftError) as caught:
        site.publish(9, **given)
    after = samples.tree(site.www) if site.www.exists() else None
    assert {name: data for name, data in (after or {}).items() if name != ".rollout.lock"} == {
        name: data for name, data in (before or {}).items() if name != ".rollout.lock"}
    return caught.value.message


def test_everything_that_decides_is_in_it(site):
    samples.mark(site.state, 7)
    switches.engage(str(site.state), "host", "web2", "disk", "ann", at(8))
    with recording.opened(str(site.state), "test") as store:
        store.add("approvals", [{"ring": "prod", "snapshot": named(6), "at": at(8), "by": "ann", "why": "", "present": True}])
    found = site.publish(8.5)
    content = said(site)
    assert (content["serial"], content["made_at"], content["name"]) == (at(8.5), at(8.5), "rollout")
    assert (found["serial"], found["hosts"], found["changed"], found["made_at"]) == (at(8.5), 3, True, "2014-02-11 08:30 UTC")
    assert content["schedule"] == {"text": SCHEDULE, "digest": published.digest(SCHEDULE.encode())}
    assert content["hosts"] == {"dev1": "dev", "web1": "prod", "web2": "prod"}
    assert [record["name"] for record in content["snapshots"]] == [named(6), named(7), named(8)]
    assert [(record["snapshot"], record["why"]) for record in content["marks"]] == [(named(7), "broken")]
    assert content["approvals"][0]["snapshot"] == named(6) and content["pins"] == []
    assert content["kill_switches"] == [{"level": "host", "name": "web2", "message": "disk", "by": "ann", "at": at(8)}]
    assert os.stat(site.file).st_mode & 0o777 == 0o644


def test_no_address_of_a_repository_is_in_it(site):
    samples.make(site.state, 9, repository="https://joe:secret@git.example.com/site.git", ref="secret-branch")
    site.publish(9.5)
    assert b"secret" not in site.file.read_bytes() and b"git.example.com" not in site.file.read_bytes()


def test_openssh_alone_verifies_it(site):
    site.publish(8.5)
    text, sealed = published.unseal(site.file.read_bytes(), "test")
    (site.directory / "sig").write_bytes(sealed)
    command = ["ssh-keygen", "-Y", "verify", "-n", "stagecraft.release", "-s", str(site.directory / "sig"), "-f", site.allowed, "-I", "rollout@example.com"]
    subprocess.run(command, input=text, check=True, timeout=60)


def test_the_same_state_gives_the_same_bytes(site, tmp_path):
    site.publish(8.5)
    site.publish(8.5, dest=str(tmp_path / "other"), rings={"prod": ["web2", "web1"], "dev": ["dev1"]})
    assert (tmp_path / "other" / "rollout.signed").read_bytes() == site.file.read_bytes()


def test_what_says_the_same_is_left_alone_for_a_while(site):
    site.publish(8.5)
    before = site.file.read_bytes()
    assert site.publish(8.55)["changed"] is False and site.file.read_bytes() == before
    assert site.publish(8.6)["changed"] is True and said(site)["serial"] == at(8.6)
    assert site.publish(8.6, refresh="0")["serial"] == at(8.6) + 1
    samples.mark(site.state, 8)
    assert site.publish(8.61)["changed"] is True


def test_the_serial_grows_though_the_clock_goes_back_or_the_directory_is_lost(site):
    first = site.publish(8.5)["serial"]
    second = site.publish(7.5)["serial"]
    site.file.unlink()
    third = site.publish(8.6)["serial"]
    assert first < second < third


def test_check_mode_writes_nothing(site):
    assert site.publish(8.5, check_mode=True)["changed"] is True and not site.www.exists()
    site.publish(8.5)
    before = samples.tree(site.www)
    assert site.publish(9.5, check_mode=True)["changed"] is True and samples.tree(site.www) == before


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_what_was_there_and_cannot_be_read_is_replaced(site, damage):
    site.publish(8.5)
    site.file.write_bytes(site.file.read_bytes()[:100] if damage is None else damage)
    assert site.publish(8.6)["changed"] is True
    assert "cannot be used" in site.warnings[-1] and said(site)["serial"] == at(8.6)


def test_another_key_signs_again(site, keys):
    site.publish(8.5)
    host = Host(site, "web1")
    assert host.ask(8.52)["code"] == "nothing_acceptable"
    site.publish(8.51, ssh_key=str(keys[1]))
    found = host.ask(8.52)
    assert (found["source"], found["serial"]) == ("kept", at(8.5)) and "is by the key" in found["problems"][0]


def test_what_rings_have_reached_holds_those_after_them(site):
    site.schedule.write_text(SCHEDULE.replace("delay: 4h", "delay: 1h"))
    host = Host(site, "web1")
    site.publish(9)
    assert host.told(9) == ("run", "0800", "due")
    samples.ran(site.state, 7, "dev1")
    site.publish(9.1)
    assert said(site)["reached"] == {"dev": at(7)} and host.told(9.1) == ("run", "0700", "due")
    samples.ran(site.state, 8, "dev1", ok=False)
    site.publish(9.2)
    assert host.told(9.2) == ("run", "0700", "due"), "what failed was not reached"
    samples.ran(site.state, 8, "dev1", when=at(9.3))
    site.publish(9.3)
    assert host.told(9.3) == ("run", "0800", "due")


def test_soaks_are_counted_from_what_was_recorded(site):
    site.schedule.write_text(SCHEDULE.replace("delay: 4h", "soak: {share: 100%, for: 1h}"))
    host = Host(site, "web1")
    site.publish(9)
    assert host.told(9)[2] == "nothing_acceptable"
    samples.ran(site.state, 8, "dev1", when=at(9))
    site.publish(9.9)
    assert said(site)["progress"] == {"dev": {named(8): at(9)}} and host.told(9.9)[2] == "nothing_acceptable"
    site.publish(10)
    assert host.told(10) == ("run", "0800", "due")


@pytest.mark.parametrize("part", ["marks.jsonl", "pins.jsonl", "snapshots/%s.json" % named(7)])
def test_a_state_that_cannot_be_read_stops_every_host(site, part):
    samples.mark(site.state, 7)
    site.publish(8.5)
    (site.state / part).write_bytes(b"{")
    found = site.publish(8.51)
    assert found["changed"] and part in found["problems"][0] and "Every host that pulls holds" in site.warnings[0]
    answer = Host(site, "dev1").ask(8.52)
    assert (answer["action"], answer["code"]) == ("hold", "kill_switch") and part in answer["reason"]
    assert site.publish(8.52)["changed"] is False


def test_a_schedule_that_cannot_be_used_stops_every_host_and_kill_switches_still_reach_them(site):
    site.publish(8.5)
    site.schedule.write_text("rings: [{name: x}]")
    switches.engage(str(site.state), "ring", "prod", "payday", "ann", at(8.5))
    assert site.publish(8.51)["problems"] and said(site)["schedule"]["text"] == SCHEDULE
    answer = Host(site, "dev1").ask(8.52)
    assert answer["code"] == "kill_switch" and "the schedule cannot be used" in answer["reason"]
    assert [stop["level"] for stop in said(site)["kill_switches"]] == ["fleet", "ring"]
    site.schedule.write_text(SCHEDULE)
    assert site.publish(8.53)["problems"] == [] and Host(site, "dev1").ask(8.54)["code"] == "due"


def test_a_schedule_that_cannot_be_used_publishes_nothing_where_nothing_was(site, keys):
    site.schedule.write_text("rings: []")
    assert "schedule.yml" in refused(site)
    site.schedule.write_text(SCHEDULE)
    site.publish(8.5, ssh_key=str(keys[1]))
    site.schedule.unlink()
    assert "cannot be read" in refused(site), "what another key signed is no document of ours"


@pytest.mark.parametrize("given, text", [
    ({"rings": {"deb": ["x"]}}, "'deb' is no ring"), ({"rings": {"dev": "web1"}}, "is no list"), ({"rings": {"dev": [""]}}, "is no list"),
    ({"rings": {"dev": ["web1"], "prod": ["web1"]}}, "is in the rings dev and prod"), ({"refresh": "often"}, "refresh"), ({"name": " "}, "name"),
    ({"ssh_key": "/nowhere"}, "ssh_key"), ({"dest": "relative"}, "dest"), ({"state_dir": "relative"}, "state_dir"),
])
def test_options_that_cannot_be_used_publish_nothing(site, given, text):
    assert text in refused(site, **given)
    site.publish(8.5)
    assert text in refused(site, **given)


def test_a_run_waits_for_another_and_names_the_place(site):
    site.publish(8.5)
    with open(site.www / ".rollout.lock", "rb+") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert str(site.www) in refused(site, lock_timeout=0.05)


def test_a_full_disk_leaves_what_was_published(site, monkeypatch):
    site.publish(8.5)

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write", full)
    assert "Free some space" in refused(site)


def test_readers_never_see_half_of_it(site):
    site.publish(8.5)
    ended, seen = threading.Event(), set()

    def read():
        while not ended.is_set():
            text, _sealed = published.unseal(site.file.read_bytes(), "test")
            seen.add(json.loads(text)["serial"])

    reader = threading.Thread(target=read)
    reader.start()
    serials = [site.publish(8.5 + number, rings=dict(RINGS, dev=["h%d" % one for one in range(2000 * number)]))["serial"] for number in range(1, 6)]
    ended.set()
    reader.join(20)
    assert not reader.is_alive() and seen <= {at(8.5), *serials} and len(seen) > 1

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that pull: whom they believe, what they keep, and when they hold."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import textwrap
import time
from pathlib import Path

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import published, pulled, schedule_text
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decide import decide_now
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import recording, switches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.state import State
from ansible_collections.stagecraft.release.plugins.modules import kill_switch, rollout_pin

import store_samples as samples
from pull_samples import RINGS, Host, Server, Site, allow, key
from store_samples import at, named


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    return [key(directory, name) for name in ("one", "two")]


@pytest.fixture
def site(tmp_path, keys):
    return Site(tmp_path, keys[0], 4, 5, 6, 7, 8)


@pytest.fixture
def server(site):
    site.publish(8.25)
    with Server(site.www) as serving:
        yield serving


@pytest.fixture
def web(site, server):
    return Host(site, "web1", server.url)


def test_a_host_finds_its_release_over_http(web, site, server):
    found = web.ask(8.5)
    assert (found["action"], found["release"], found["ring"], found["source"]) == ("run", named(4), "prod", server.url)
    assert (found["age"], found["stale"], found["serial"], found["problems"], found["changed"]) == (900, False, at(8.25), [], True)
    assert (found["commit"], found["digest"], found["current"]) == ("c" * 40, "sha256:" + named(4), "")
    assert [one["code"] for one in found["passed_over"]] == ["too_young"] * 4
    assert web.ask(8.5)["changed"] is False and web.warnings == []
    assert Host(site, "dev1", server.url).told(8.5) == ("run", "0800", "due")


def test_what_it_ran_counts(web, site):
    web.run(8.5, 4)
    assert web.ask(8.5)["current"] == named(4)
    samples.mark(site.state, 4)
    site.publish(8.6)
    found = web.ask(8.7)
    assert (found["action"], found["release"], found["code"]) == ("hold", named(4), "nothing_acceptable")


def test_a_host_that_is_not_known_gets_the_most_cautious_ring(site, server):
    stranger = Host(site, "stranger", server.url)
    found = stranger.ask(8.5)
    assert (found["ring"], found["release"]) == ("prod", named(4))
    assert "'stranger' is not known" in stranger.warnings[0]


def test_a_ring_that_is_given_counts_and_an_unknown_one_is_the_most_cautious(web):
    assert web.told(8.5, ring="dev") == ("run", "0800", "due")
    assert web.told(8.5, ring="deb") == ("run", "0400", "due") and "'deb' is no ring" in web.warnings[0]


def test_without_a_name_it_is_the_one_that_the_state_knows(site, server):
    short = socket.gethostname().partition(".")[0]
    site.publish(8.3, rings={"dev": [short], "prod": ["web1"]})
    found = Host(site, "web1", server.url).ask(8.5, host=None)
    assert (found["host"], found["ring"]) == (short, "dev")


@pytest.mark.parametrize("change", [
    lambda data: data.replace(b'"state": "bad"', b'"state": "good"'),
    lambda data: data.replace(b'"serial": ', b'"serial": 9'),
    lambda data: data.replace(b"\n-----BEGIN", b" \n-----BEGIN"),
    lambda data: data[:len(data) // 2],
    lambda data: data[:-40],
    lambda data: data.partition(b"\n-----BEGIN")[0] + b"\n",
    lambda data: data.replace(b"SIGNATURE-----\n", b"SIGNATURE-----\n\xff", 1),
    lambda data: b"",
    lambda data: b"<html>not found</html>",
])
def test_a_state_that_was_changed_or_cut_off_does_not_count(web, site, change):
    samples.mark(site.state, 8)
    site.publish(8.3)
    data = site.file.read_bytes()
    site.file.write_bytes(change(data))
    assert site.file.read_bytes() != data
    found = web.ask(8.5)
    assert (found["action"], found["code"], found["source"], found["stale"]) == ("hold", "no_document", "", True)
    assert len(found["problems"]) == 1 and "rollout.signed" in found["problems"][0] and web.warnings == found["problems"]
    assert not (web.state / "rollout.signed").exists()


def test_every_byte_of_the_state_is_covered(web, site):
    data = site.file.read_bytes()
    end = data.index(b"\n-----BEGIN")
    for place in range(0, end, end // 8):
        site.file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])
        assert web.ask(8.5)["code"] == "no_document"
    site.file.write_bytes(data)
    assert web.ask(8.5)["code"] == "due"


def test_a_signer_who_is_not_allowed_does_not_count(web, site, keys):
    site.sign(site.text(), keys[1])
    found = web.ask(8.5)
    assert found["code"] == "no_document" and "is by the key SHA256:" in found["problems"][0] and site.allowed in found["problems"][0]
    web.allowed = allow(site.directory / "both", *keys)
    assert web.ask(8.5)["code"] == "due"
    web.allowed = site.allowed
    assert web.ask(8.5)["code"] == "no_document", "what was kept counts only as long as its signer is allowed"


def test_the_principal_can_be_named(web):
    assert web.ask(8.5, identity="rollout@example.com")["code"] == "due"
    assert web.ask(8.5, identity="other@example.com")["code"] == "no_document"


def test_the_state_of_another_rollout_does_not_count(web, site):
    site.publish(8.3, name="other")
    found = web.ask(8.5)
    assert found["code"] == "no_document" and "'other'" in found["problems"][0]


@pytest.mark.parametrize("key_name, value", [
    ("kind", "manifest"), ("schema", 2), ("serial", -1), ("serial", True), ("made_at", "now"), ("marks", {}), ("marks", [{"snapshot": "x"}]),
    ("snapshots", [{"name": "x"}]), ("kill_switches", [{"level": "fleet"}]), ("hosts", {"web1": 1}), ("progress", {"dev": {"x": "y"}}),
    ("reached", {"dev": "x"}),
    ("schedule", {"text": "rings: []", "digest": "sha256:0"}), ("schedule", {"text": "rings: []", "digest": published.digest(b"rings: []")}),
])
def test_a_signed_document_of_another_form_does_not_count(web, site, key_name, value):
    changed = dict(json.loads(site.text()), **{key_name: value})
    site.sign(json.dumps(changed).encode() + b"\n")
    found = web.ask(8.5)
    assert found["code"] == "no_document" and site.file.name in found["problems"][0]


def test_the_serial_does_not_go_back(web, site):
    old = site.file.read_bytes()
    samples.mark(site.state, 4)
    site.publish(8.3)
    assert web.told(8.5)[0] == "hold"
    site.file.write_bytes(old)
    found = web.ask(8.5)
    assert (found["action"], found["source"], found["serial"]) == ("hold", "kept", at(8.3))
    assert "lower than %d" % at(8.3) in found["problems"][0]
    (web.state / "rollout.signed").write_bytes(old)
    assert web.ask(8.5)["code"] == "no_document", "nor by a copy of the host's own directory"
    (web.state / "rollout.signed").unlink()
    assert web.ask(8.5)["code"] == "no_document", "the serial is remembered without the document"


def test_another_document_of_the_same_serial_does_not_count(web, site):
    assert web.told(8.5)[2] == "due"
    site.sign(json.dumps(dict(json.loads(site.text()), marks=[])).encode() + b"\n")
    found = web.ask(8.5)
    assert (found["source"], found["code"]) == ("kept", "due") and "is another" in found["problems"][0]


@pytest.mark.parametrize("announced", [True, False])
def test_a_download_that_ends_half_way_leaves_what_was_kept(web, site, server, announced):
    assert web.told(8.5)[2] == "due"
    samples.mark(site.state, 4)
    site.publish(8.6)
    kept = (web.state / "rollout.signed").read_bytes()
    server.cut, server.announced = len(site.file.read_bytes()) // 2, announced
    found = web.ask(8.7)
    assert (found["source"], found["serial"], found["action"]) == ("kept", at(8.25), "run") and found["problems"]
    assert (web.state / "rollout.signed").read_bytes() == kept
    server.cut = None
    assert web.told(8.7)[0] == "hold"


def test_without_a_source_the_last_state_counts_until_it_is_too_old(web, server):
    assert web.told(8.5)[2] == "due"
    server.shutdown()
    server.server_close()
    found = web.ask(9.5)
    assert (found["source"], found["code"], found["age"], found["stale"]) == ("kept", "due", 4500, False) and "cannot be read" in found["problems"][0]
    assert web.told(10.25)[0] == "run"
    found = web.ask(10.26)
    assert (found["action"], found["code"], found["stale"]) == ("hold", "stale", True) and "2 h" in found["reason"]
    assert web.told(10.26, max_age="3h")[0] == "run"


def test_a_state_that_nobody_renews_is_too_old_as_well(web):
    assert web.told(12) == ("hold", "", "stale")


def test_a_host_that_never_saw_a_state_holds(site):
    found = Host(site, "web1", "http://127.0.0.1:9", str(site.directory / "nowhere")).ask(8.5)
    assert (found["action"], found["code"], found["ring"], found["serial"], found["age"]) == ("hold", "no_document", "", 0, None)
    assert len(found["problems"]) == 2


def test_the_newest_of_several_sources_counts(web, site, server):
    mirror = site.directory / "mirror"
    mirror.mkdir()
    (mirror / "rollout.signed").write_bytes(site.file.read_bytes())
    site.publish(8.4)
    web.sources = ["http://127.0.0.1:9", str(mirror), server.url]
    found = web.ask(8.5)
    assert (found["source"], found["serial"], len(found["problems"])) == (server.url, at(8.4), 1)
    web.sources = [server.url, str(mirror)]
    assert web.ask(8.5)["source"] == server.url and "lower than" in web.warnings[0]


@pytest.mark.parametrize("level, name, stopped", [
    ("fleet", "", True), ("ring", "prod", True), ("host", "web1", True), ("ring", "dev", False), ("host", "web2", False)])
def test_a_kill_switch_stops_offline_too_however_old(web, site, server, level, name, stopped):
    switches.engage(str(site.state), level, name, "name servers fail", "ann", at(8.3))
    site.publish(8.3)
    assert web.told(8.5)[2] == ("kill_switch" if stopped else "due")
    server.shutdown()
    server.server_close()
    for hour in (9, 20, 24 * 60):
        found = web.ask(hour)
        assert found["action"] == ("run" if hour == 9 and not stopped else "hold")
        assert (found["code"] == "kill_switch" and "name servers fail" in found["reason"] and "ann" in found["reason"]) == stopped


def test_a_kill_switch_counts_before_anything_else(web, site):
    switches.engage(str(site.state), "fleet", "", "stop", "ann", at(8.3))
    samples.run(rollout_pin, at(8.3), state_dir=str(site.state), targets=["web1"], snapshot=named(8), expires="2014-02-12 08:00", why="now", emergency=True,
                lock_timeout=5, by="ann")
    site.publish(8.3)
    web.disable_file.write_text("by hand")
    assert web.told(8.5)[2] == "kill_switch"
    switches.release(str(site.state), "fleet", "", "well", "ann", at(8.4))
    site.publish(8.4)
    assert web.told(8.5)[2] == "disabled"
    web.disable_file.unlink()
    assert web.told(8.5) == ("run", "0800", "pinned")


def test_a_stop_of_the_published_ring_counts_for_a_host_that_was_told_another(web, site):
    switches.engage(str(site.state), "ring", "prod", "payday", "ann", at(8.3))
    site.publish(8.3)
    assert web.told(8.5, ring="dev")[2] == "kill_switch"


def test_a_host_has_a_kill_switch_of_its_own(web):
    web.ask(8.5)
    samples.run(kill_switch, at(8.5), state_dir=str(web.state), state="engaged", level="fleet", why="look at the disk first", by="ann")
    found = web.ask(8.5)
    assert found["code"] == "kill_switch" and "look at the disk first" in found["reason"]


@pytest.mark.parametrize("make, reason", [
    (lambda path: path.write_text("fan is broken\n"), "fan is broken"),
    (lambda path: path.write_text(""), "no reason is given"),
    (lambda path: path.mkdir(), "a directory"),
    (lambda path: path.symlink_to("ask ann"), "ask ann"),
    (os.mkfifo, "no reason is given"),
    (lambda path: path.write_bytes(b"\xff\xfe"), "\ufffd"),
])
def test_anything_at_the_disable_file_holds_the_host(web, make, reason):
    web.run(8.5, 4)
    make(web.disable_file)
    found = web.ask(8.5)
    assert (found["action"], found["code"], found["release"]) == ("hold", "disabled", named(4))
    assert reason in found["reason"] and str(web.disable_file) in found["reason"]


def test_a_disable_file_that_cannot_be_looked_at_holds_the_host(web):
    found = web.ask(8.5, disable_file=str(web.allowed) + "/rollout.disabled")
    assert found["code"] == "disabled" and "cannot be looked at" in found["reason"]


def test_a_disabled_host_says_so_without_a_source(site):
    host = Host(site, "web1", "http://127.0.0.1:9")
    host.disable_file.write_text("moved")
    assert host.told(8.5) == ("hold", "", "disabled")


def test_a_clock_that_went_back_holds_until_a_newer_state_proves_it(web, site):
    assert web.told(8.5)[2] == "due"
    assert web.told(8.45)[2] == "due", "three minutes are no difference"
    found = web.ask(8.3)
    assert (found["action"], found["code"]) == ("hold", "clock") and "went back by 12 min" in found["reason"]
    site.publish(8.34)
    assert web.told(8.34)[2] == "due", "a newer state that is not from the future shows that the clock is right"
    assert web.told(8.35)[2] == "due"


def test_a_clock_that_was_ahead_once_does_not_hold_for_ever(web, site):
    assert web.told(100)[2] == "stale"
    assert web.told(8.5)[2] == "clock"
    site.publish(8.6)
    assert web.told(8.7)[2] == "due"


def test_a_newer_state_from_the_future_proves_nothing_of_the_clock(web, site):
    assert web.told(10)[2] == "due"
    site.publish(9.92)
    assert web.told(7)[2] == "clock"
    assert web.told(9.85)[2] == "clock"
    assert web.told(9.95)[2] == "due"


def test_a_state_from_the_future_holds(web, site):
    site.publish(9.5)
    assert web.told(8.5)[2] == "clock"
    assert web.told(9.45)[2] == "due", "five minutes are no difference"


def test_a_clock_back_by_less_than_an_hour_never_takes_a_target_back(web, site):
    dev = Host(site, "dev1", web.sources[0])
    assert dev.told(8.5) == ("run", "0800", "due")
    dev.run(8.5, 8)
    site.publish(8.55)
    assert dev.told(7.99)[2] == "clock"
    site.publish(7.9)  # the clock of the publisher went back as well
    assert site.publish(7.9)["serial"] > at(8.55)
    assert dev.told(7.99) == ("hold", "0800", "ahead")


def test_the_hour_that_local_clocks_show_twice_is_two_hours(tmp_path, keys, monkeypatch):
    twice = Site(tmp_path, keys[0])
    monkeypatch.setenv("TZ", "Europe/Brussels")
    time.tzset()
    try:
        first = 1414281600  # 2014-10-26 00:00 UTC, 02:00 in Brussels, and so again an hour later
        hours = [(first - samples.DAY) / 3600 + number for number in (0, 1)]
        assert len({time.strftime("%H:%M", time.localtime(first + number * 3600)) for number in (0, 1)}) == 1
        samples.make(twice.state, *hours)
        found, dev = [], Host(twice, "dev1")
        for hour in hours:
            twice.publish(hour + 0.25)
            found.append(dev.ask(hour + 0.5)["release"])
            dev.run(hour + 0.5, hour)
        assert found == ["20141026-0000", "20141026-0100"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_run_keeps_the_release_that_it_began_with(web, site):
    assert web.told(8.5, begun=named(4)) == ("run", "0400", "due")
    site.publish(9)
    found = web.ask(9.1, begun=named(4))
    assert (found["action"], found["release"], found["code"]) == ("run", named(4), "begun") and named(5) in found["reason"]
    samples.mark(site.state, 4)
    samples.make(site.state, 9)
    site.publish(9.2)
    assert web.told(9.3, begun=named(4))[::2] == ("hold", "bad")
    assert web.ask(9.3, begun="other")["code"] == "gone"


@pytest.mark.parametrize("content", [b"{", b'{"schema": 1}', b"\xff"])
def test_a_history_that_cannot_be_read_holds(web, content):
    web.run(8.5, 4)
    (web.state / "targets" / "web1.json").write_bytes(content)
    found = web.ask(8.5)
    assert (found["action"], found["code"]) == ("hold", "state") and "web1.json" in found["reason"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"serial": "x", "digest": "", "clock": 0}', b"\xff"])
def test_what_was_seen_is_written_again_where_it_cannot_be_read(web, site, content):
    site.publish(8.3)
    old, kept = site.file.read_bytes(), web.ask(8.5)["serial"]
    (web.state / "seen.json").write_bytes(content)
    found = web.ask(8.5)
    assert (found["code"], found["serial"]) == ("due", kept) and "seen.json" in found["problems"][0]
    site.file.write_bytes(old)
    assert web.ask(8.5)["problems"] == []


def test_check_mode_keeps_nothing(web):
    assert web.ask(8.5, check_mode=True)["code"] == "due" and not web.state.exists()
    web.ask(8.5)
    before = samples.tree(web.state)
    web.ask(9, check_mode=True)
    assert samples.tree(web.state) == before


@pytest.mark.parametrize("option, value, text", [
    ("sources", [], "sources"), ("sources", ["ftp://x"], "sources"), ("sources", ["http://u:p@x/"], "user name"), ("timeout", 0, "timeout"),
    ("max_age", "soon", "max_age"), ("max_age", "0", "max_age"), ("allowed_signers", "/nowhere", "allowed_signers"),
])
def test_options_that_cannot_be_used_are_an_error(web, option, value, text):
    with pytest.raises(StagecraftError) as caught:
        web.ask(8.5, **{option: value})
    assert text in caught.value.message and not web.state.exists()


def test_a_host_without_ssh_keygen_fails_and_does_not_run(web, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StagecraftError, match="ssh-keygen: the command is not on this host"):
        web.ask(8.5)


def test_the_splay_of_the_guide_is_the_same_in_each_period_and_spreads_hosts():
    guide = (Path(__file__).resolve().parents[3] / "docs/docsite/rst/rollout_pull.rst").read_text()
    script = textwrap.dedent(guide.partition(".. code-block:: sh\n\n")[2].partition("    exec ")[0]).replace('sleep "$splay"', 'echo "$splay"')
    names = ["web%d.example.com" % number for number in range(12)]
    found = [int(subprocess.run(["sh", "-c", script, "sh", "1800", name], check=True, stdout=subprocess.PIPE, timeout=60).stdout) for name in names]
    assert found == [int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 1800 for name in names]
    assert len(set(found)) == len(names)


def test_a_host_decides_as_the_controller_would(site):
    samples.make(site.state, 9, 10, 11, 12)
    samples.mark(site.state, 8, state="badfwd")
    samples.mark(site.state, 10)
    with recording.opened(str(site.state), "test") as store:
        pin = {"target": "web2", "snapshot": named(6), "until": at(14), "at": at(10), "by": "ann", "why": "", "emergency": False, "present": True}
        store.add("pins", [pin])
    state, schedule = samples.load(site.state), schedule_text.parse(site.schedule.read_text())
    text = published.serialise(published.make("x", site.schedule.read_text(), state, RINGS, {}, {}), 1, at(9))
    document, codes = published.document(text, "test"), set()
    for name, ring in (("dev1", "dev"), ("web1", "prod"), ("web2", "prod"), ("stranger", None)):
        for ran in ((), (4,), (7, 8), (9,), (10,)):
            local = State("", targets={name: [{"snapshot": named(hour), "at": at(hour), "ok": True} for hour in ran]})
            for hour in (9, 10.5, 11.25, 13, 15):
                found = pulled.judge(document, pulled.Host(name, "", "", None, local), at(hour), 86400)
                assert found == decide_now(at(hour), local.target(name, ring), schedule, state.snapshots, state.marks, state.pins)
                codes.add(found.code)
    assert codes >= {"due", "pinned", "forward", "back", "ahead"}

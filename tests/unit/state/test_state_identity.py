# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process is meant, and whether it still runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.state import identity


@pytest.fixture
def child():
    """A process that runs until the test is over."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    yield process
    process.kill()
    process.wait()


def test_controller_id_is_stable_and_names_the_host():
    assert identity.controller_id() == identity.controller_id()
    assert re.match(re.escape(os.uname().nodename) + r":[0-9a-f]{12}\Z", identity.controller_id())


@pytest.mark.parametrize("changed", ["_namespace", "_first_line"])
def test_another_boot_or_namespace_is_another_controller(monkeypatch, changed):
    before = identity.controller_id()
    monkeypatch.setattr(identity, changed, lambda *args: "another")
    assert identity.controller_id() != before


def test_running_process_is_alive(child):
    started = identity.process_start(child.pid)
    assert isinstance(started, int)
    assert identity.alive(child.pid, started)
    assert identity.alive(child.pid, None)


def test_same_pid_with_another_start_is_another_process(child):
    assert not identity.alive(child.pid, identity.process_start(child.pid) + 1)


def test_killed_process_is_dead_before_and_after_it_is_reaped(child):
    started = identity.process_start(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    assert not identity.alive(child.pid, started)
    child.wait()
    assert not identity.alive(child.pid, started)
    assert not identity.alive(child.pid, None)
    assert identity.process_start(child.pid) is None


def test_a_process_that_proc_hides_counts_as_alive(monkeypatch, child):
    monkeypatch.setattr(identity, "_stat", lambda pid: None)
    assert identity.alive(child.pid, 1)


def test_another_users_hidden_process_counts_as_alive(monkeypatch):
    def refuse(pid, number):
        raise PermissionError(1, "not permitted")
    monkeypatch.setattr(identity, "_stat", lambda pid: None)
    monkeypatch.setattr(identity.os, "kill", refuse)
    assert identity.alive(4711, 1)


def test_without_proc_ps_is_asked(monkeypatch, child):
    expected = identity._ps_start(child.pid)
    if expected is None:
        pytest.skip("no ps here")
    monkeypatch.setattr(identity, "_stat", lambda pid: None)
    monkeypatch.setattr(identity, "_has_proc", lambda: False)
    assert identity.process_start(child.pid) == expected
    assert identity.alive(child.pid, expected)
    assert not identity.alive(child.pid, expected - 100)


def test_without_proc_and_ps_the_start_is_unknown(monkeypatch, child):
    monkeypatch.setattr(identity, "_stat", lambda pid: None)
    monkeypatch.setattr(identity, "_has_proc", lambda: False)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert identity.process_start(child.pid) is None
    assert identity.run_id(child.pid, None).startswith("pid%d-" % child.pid)


def test_run_id_is_stable_sorted_by_time_and_told_apart(child):
    started = identity.process_start(child.pid)
    run = identity.run_id(child.pid, started)
    assert re.match(r"20\d{6}T\d{6}Z-[0-9a-f]{8}\Z", run)
    assert run == identity.run_id(child.pid, started, identity.controller_id())
    assert len({run, identity.run_id(child.pid + 1, started), identity.run_id(child.pid, started + 1),
                identity.run_id(child.pid, started, "elsewhere:0")}) == 4


@pytest.mark.parametrize("holder, gone, expected", [
    ({"run": "a", "controller": "elsewhere:0", "pid": 1, "started": 1}, None, True),
    ({"run": "a", "controller": "elsewhere:0", "pid": 1, "started": 1}, "a", False),
    ({"run": "a", "controller": "elsewhere:0", "pid": 1, "started": 1}, "b", True),
    ({"run": "a", "controller": identity.controller_id(), "pid": os.getpid(), "started": 1}, None, False),
    ({"run": "a", "controller": identity.controller_id(), "pid": os.getpid(), "started": identity.process_start(os.getpid())}, None, True),
    ({"run": "a", "controller": identity.controller_id(), "pid": None, "started": None}, None, True),
])
def test_only_the_own_controller_can_call_a_holder_dead(holder, gone, expected):
    assert identity.holder_alive(holder, gone) is expected

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The heartbeat: the lock is renewed, and a worker that outlived its run stops."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import time
import types

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import AccessDenied, ApiError, Unreachable
from ansible_collections.stagecraft.release.plugins.module_utils.state import lock
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend
from ansible_collections.stagecraft.release.plugins.modules import stages_lock
from ansible_collections.stagecraft.release.plugins.plugin_utils import lock_renewal
from ansible_collections.stagecraft.release.plugins.plugin_utils.lock_renewal import LockRenewal, beating
from ansible_collections.stagecraft.release.plugins.plugin_utils.this_run import this_run

FORK = multiprocessing.get_context("fork")


class Clock:
    """A clock that is set by the test."""

    now = 1000.0

    def __call__(self):
        return self.now


class Action:
    """An action that notes which modules it runs on its host."""

    def __init__(self, transport="local", become=None, check_mode=False, **args):
        self._connection = types.SimpleNamespace(transport=transport, become=become)
        self._task = types.SimpleNamespace(args=args, check_mode=check_mode)
        self.ran = []
        self.result = {"changed": False}

    def _execute_module(self, module_name, module_args, task_vars):
        self.ran.append((module_name, module_args))
        return self.result


@pytest.fixture
def places(tmp_path):
    return {"unit": "shop", "facts_path": str(tmp_path / "s.fact"), "journal_path": str(tmp_path / "j"), "state_directory": str(tmp_path / "state")}


def backend(places):
    return FileBackend(places["facts_path"], places["journal_path"], places["state_directory"])


def hold(places, run=None, at=None):
    holder = dict(this_run({}), **({"run": run} if run else {}))
    return lock.acquire(backend(places), "shop", holder, at or time.time(), lambda present: False)


@pytest.fixture
def renewals(monkeypatch):
    """The renewals that were asked for, each with its parameters; an exception in ``outcomes`` is raised."""
    asked, outcomes = [], []

    def execute(call, client=None):
        asked.append((call.params, client))
        if outcomes and outcomes[0]:
            raise outcomes[0]
    monkeypatch.setattr(lock_renewal.stages_lock, "execute", execute)
    asked_for = types.SimpleNamespace(asked=asked, outcomes=outcomes)
    return asked_for


def test_without_a_lock_nothing_is_renewed(renewals):
    LockRenewal(Action(), {}, None).beat()
    LockRenewal(Action(check_mode=True), {}, {"unit": "shop"}).beat()
    assert renewals.asked == []


def test_renewed_at_once_and_then_every_twenty_seconds(renewals):
    clock = Clock()
    beat = LockRenewal(Action(), {}, {"unit": "shop"}, clock=clock).beat
    for seconds, expected in ((0, 1), (1, 1), (19, 1), (20, 2), (39, 2), (40, 3)):
        clock.now = 1000.0 + seconds
        beat()
        assert len(renewals.asked) == expected
    assert renewals.asked[0][0]["renew_only"] and renewals.asked[0][0]["holder"]["run"] == this_run({})["run"]


def test_connection_options_come_from_the_task_and_a_renewal_is_short(renewals):
    client = object()
    action = Action(url="https://o", token="t", environment="dev", version=7)
    LockRenewal(action, {}, {"unit": "shop", "backend": "environment", "environment": "prod"}, client).beat()
    params, used = renewals.asked[0]
    assert (params["url"], params["token"], params["environment"], params["timeout"], params["retries"]) == ("https://o", "t", "prod", 10.0, 0)
    assert used is client


def test_a_run_that_is_killed_while_it_renews_does_not_bring_its_lock_back(places, monkeypatch):
    renewal = LockRenewal(Action(), {}, places)
    before = hold(places, at=time.time() - 60)
    read = lock.read

    def killed_after(*args):
        monkeypatch.setattr(renewal, "_main", renewal._main + 1)
        return read(*args)
    monkeypatch.setattr(lock, "read", killed_after)
    with pytest.raises(StagecraftError, match="The run was killed"):
        renewal.beat()
    assert read(backend(places), "shop") == before


def test_really_renewed_in_files(places):
    before = hold(places, at=time.time() - 60)
    LockRenewal(Action(), {}, places).beat()
    after = lock.read(backend(places), "shop")
    assert after["renewed"] > before["renewed"] and after["since"] == before["since"]


@pytest.mark.parametrize("prepare", [lambda places: None, lambda places: hold(places, "run2")])
def test_a_run_that_lost_its_lock_stops(places, prepare):
    prepare(places)
    with pytest.raises(StagecraftError, match="does not hold it any more|taken over by .*run2.*: stop"):
        LockRenewal(Action(), {}, places).beat()


@pytest.mark.parametrize("trouble, borne", [
    (Unreachable("no answer"), True), (ApiError("PUT", "/x", 503, "busy"), True), (AnsibleConnectionFailure("ssh"), True),
    (AccessDenied("PUT", "/x", 401, "expired"), False), (StagecraftError("taken over"), False),
])
def test_a_server_that_is_away_is_borne_while_the_lease_lasts(renewals, trouble, borne):
    clock = Clock()
    beat = LockRenewal(Action(), {}, {"unit": "shop"}, clock=clock).beat
    beat()
    renewals.outcomes.append(trouble)
    clock.now += 21
    if not borne:
        with pytest.raises(type(trouble)):
            beat()
        return
    beat()
    beat()
    assert len(renewals.asked) == 2
    clock.now += 2
    beat()
    assert len(renewals.asked) == 3
    clock.now = 1000.0 + 70
    with pytest.raises(type(trouble)):
        beat()
    renewals.outcomes.clear()
    beat()


def test_a_server_that_is_away_at_the_beginning_is_an_error(renewals):
    renewals.outcomes.append(Unreachable("no answer"))
    with pytest.raises(Unreachable):
        LockRenewal(Action(), {}, {"unit": "shop"}).beat()


class Far(Action):
    """An action on a host that is read through a shell."""

    def _low_level_execute_command(self, cmd, sudoable=True):
        answer = subprocess.run(["/bin/sh", "-c", cmd], stdout=subprocess.PIPE, check=True)
        return {"rc": 0, "stdout": answer.stdout.decode("utf-8"), "stderr": ""}


@pytest.mark.parametrize("age, ran", [(5, 0), (30, 1)])
def test_on_a_host_one_look_spares_a_renewal_of_late(places, age, ran):
    hold(places, at=time.time() - age)
    action = Far("ssh", token="t")
    LockRenewal(action, {}, places).beat()
    assert len(action.ran) == ran
    for name, args in action.ran:
        assert name == "stagecraft.release.stages_lock" and "token" not in args and args["renew_only"]


def test_on_a_host_a_refusal_stops_the_run(places):
    action = Far("ssh")
    action.result = {"failed": True, "msg": "taken over by x", "lock": {"run": "run2"}}
    with pytest.raises(StagecraftError, match="taken over by x") as caught:
        LockRenewal(action, {}, places).beat()
    assert caught.value.details == {"lock": {"run": "run2"}}


def test_wrong_lock_options_are_told():
    with pytest.raises(StagecraftError, match="^lock: .*unit"):
        LockRenewal(Action(), {}, {"backend": "file"}).beat()


def test_it_beats_while_a_person_thinks():
    beats = []
    with beating(lambda: beats.append(time.monotonic()), every=0.01):
        deadline = time.monotonic() + 20
        while len(beats) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    ended = len(beats)
    time.sleep(0.05)
    assert len(beats) == ended


def test_a_lock_that_is_lost_while_a_person_thinks_is_told_with_the_answer():
    beats = []

    def beat():
        beats.append(1)
        raise StagecraftError("lost")

    with pytest.raises(StagecraftError, match="lost"):
        with beating(beat, every=0.01):
            time.sleep(0.1)
    assert len(beats) == 1


def worker(path):
    """Beats until it is stopped, and writes why."""
    beat = LockRenewal(Action(), {}, None).beat
    path.with_suffix(".pid").write_text(str(os.getpid()))
    try:
        while True:
            beat()
            time.sleep(0.01)
    except StagecraftError as exc:
        path.write_text(exc.message)


def main_process(path):
    FORK.Process(target=worker, args=(path,)).start()
    time.sleep(120)


def wait_for(path):
    deadline = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, path
        time.sleep(0.01)
    return path.read_text()


def test_a_worker_stops_when_its_ansible_playbook_is_killed(tmp_path):
    main = FORK.Process(target=main_process, args=(tmp_path / "why",))
    main.start()
    wait_for(tmp_path / "why.pid")
    os.kill(main.pid, signal.SIGKILL)
    main.join()
    assert "The run was killed: its ansible-playbook process %d is gone" % main.pid in wait_for(tmp_path / "why")


def test_all_workers_of_one_process_are_one_run_and_those_of_another_are_not():
    def tell(answers):
        answers.put(this_run({"awx_user_name": "alice", "inventory_hostname": "prod"}))

    def main(answers):
        children = [FORK.Process(target=tell, args=(answers,)) for _number in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join()
    answers = FORK.Queue()
    mains = [FORK.Process(target=main, args=(answers,)) for _number in range(2)]
    for process in mains:
        process.start()
    told = [answers.get(timeout=30) for _number in range(4)]
    for process in mains:
        process.join()
    assert sorted(answer["pid"] for answer in told) == sorted(process.pid for process in mains for _number in range(2))
    assert len({answer["run"] for answer in told}) == 2 and {(answer["user"], answer["target"]) for answer in told} == {("alice", "prod")}
    assert stages_lock.SPEC["argument_spec"]["holder"]["options"].keys() == told[0].keys()

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time: with files, with parameters, with killed runs, with two controllers."""

from __future__ import annotations

import functools
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state import identity, lock
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend, ParameterBackend

FORK = multiprocessing.get_context("fork")
NOW = 1795253400.0  # 2026-11-21T09:30:00Z


class Store(dict):
    """What the parameters of an environment offer, with a hook to act as another controller."""

    on_put = staticmethod(lambda: None)

    def put(self, name, value):
        self[name] = value
        self.on_put()

    def delete(self, name):
        self.pop(name, None)


class Sleeper:
    """Notes the sleeps, and runs one step of others for each."""

    def __init__(self, *steps):
        self.slept = []
        self._steps = list(steps)

    def __call__(self, seconds):
        self.slept.append(seconds)
        if self._steps:
            self._steps.pop(0)()


def holder(run="run1", controller="ci1:aa", **more):
    record = {"run": run, "target": "web1", "controller": controller, "pid": 4711, "started": 5, "user": "deploy", "lease": 90,
              "purpose": "release v2"}
    return dict(record, **more)


def living(_holder):
    return True


def dead(_holder):
    return False


@pytest.fixture(params=["file", "environment"])
def backend(request, tmp_path):
    if request.param == "file":
        return FileBackend(str(tmp_path / "s.fact"), str(tmp_path / "j"), str(tmp_path / "state"))
    return ParameterBackend(Store(), settle=0.02)


def take(backend, who=None, now=NOW, alive=living, **more):
    return lock.acquire(backend, "shop", who or holder(), now, alive, **more)


def test_a_free_lock_is_taken_and_says_who(backend):
    assert lock.read(backend, "shop") is None
    record = take(backend)
    assert record == dict(holder(), since="2026-11-21T09:30:00Z", renewed="2026-11-21T09:30:00Z")
    assert lock.read(backend, "shop") == record
    assert lock.read(backend, "till") is None


def test_the_same_run_renews(backend):
    take(backend)
    record = take(backend, now=NOW + 60)
    assert record["since"] == "2026-11-21T09:30:00Z" and record["renewed"] == "2026-11-21T09:31:00Z"


def test_another_run_is_refused_with_all_it_needs_to_know(backend):
    held = take(backend)
    with pytest.raises(StagecraftError) as caught:
        take(backend, holder("run2", "ci2:bb"), now=NOW + 89)
    for text in ("lock of shop", "deploy@ci1:aa", "process 4711", "run run1", "for release v2", "since 2026-11-21T09:30:00Z",
                 "ends at 2026-11-21T09:31:30Z", "state: broken"):
        assert text in caught.value.message
    assert caught.value.details["lock"] == held and lock.read(backend, "shop") == held


@pytest.mark.parametrize("seconds, alive", [(90, living), (1, dead)])
def test_a_run_whose_lease_or_process_ended_is_taken_over(backend, seconds, alive):
    take(backend)
    record = take(backend, holder("run2"), now=NOW + seconds, alive=alive)
    assert record["run"] == "run2" and record["since"] == record["renewed"] == lock.utc(NOW + seconds)


def test_renewal_is_the_fence_for_a_worker_that_survived(backend):
    take(backend)
    take(backend, holder("run2", "ci2:bb"), now=NOW + 91)
    with pytest.raises(StagecraftError, match=r"taken over by deploy@ci2:bb \(process 4711, run run2\): stop"):
        lock.renew(backend, "shop", holder(), NOW + 92, living)
    assert lock.read(backend, "shop")["run"] == "run2"


def test_renewal_does_not_take_a_lock_that_was_broken(backend):
    held = take(backend)
    assert lock.break_(backend, "shop") == (True, held)
    assert lock.break_(backend, "shop") == (False, None)
    with pytest.raises(StagecraftError, match="does not hold it any more"):
        lock.renew(backend, "shop", holder(), NOW + 1, living)
    assert lock.read(backend, "shop") is None


@pytest.mark.parametrize("seconds", [10, 500])
def test_renewal_goes_on_from_now_even_late_if_nobody_took_it(backend, seconds):
    take(backend)
    record = lock.renew(backend, "shop", holder(purpose=None), NOW + seconds, living)
    assert lock.ends(record) == NOW + seconds + 90 and record["since"] == "2026-11-21T09:30:00Z"


def test_renewal_keeps_the_purpose(backend):
    take(backend)
    assert lock.renew(backend, "shop", holder(purpose=None), NOW + 5, living)["purpose"] == "release v2"


def test_release_gives_back_only_the_own_lock(backend):
    assert lock.release(backend, "shop", holder()) is False
    take(backend)
    assert lock.release(backend, "shop", holder("run2")) is False and lock.read(backend, "shop")
    assert lock.release(backend, "shop", holder()) is True and lock.read(backend, "shop") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"run": "a", "lease": "x", "renewed": "2026-11-21T09:30:00Z"}',
                                  '{"run": "a", "lease": 90, "renewed": "yesterday"}'])
def test_a_damaged_lock_is_an_error_that_breaking_mends(backend, text):
    backend.write("lock-shop", text)
    with pytest.raises(StagecraftError, match="not a lock of this collection.*state: broken"):
        take(backend)
    assert lock.break_(backend, "shop") == (True, None)
    assert take(backend)["run"] == "run1"


@pytest.mark.parametrize("run, seconds, alive, refused", [
    ("run1", 1, living, False), ("run2", 1, living, True), ("run2", 90, living, False), ("run2", 1, dead, False),
])
def test_a_write_is_refused_while_another_run_holds_the_lock(backend, run, seconds, alive, refused):
    lock.check(backend, "shop", holder(run), NOW, living)
    take(backend)
    if refused:
        with pytest.raises(StagecraftError, match="held by"):
            lock.check(backend, "shop", holder(run), NOW + seconds, alive)
    else:
        lock.check(backend, "shop", holder(run), NOW + seconds, alive)


@pytest.mark.parametrize("step", [lock.acquire, lock.renew, lock.check])
@pytest.mark.parametrize("seconds, alive", [(1, living), (500, living), (1, dead)])
def test_another_target_of_the_same_run_is_refused_however_old_the_lock_is(backend, step, seconds, alive):
    held = take(backend)
    with pytest.raises(StagecraftError, match="unit shop: is declared twice: web1 and web2 of this run") as caught:
        step(backend, "shop", holder(target="web2"), NOW + seconds, alive)
    assert caught.value.details["lock"] == held == lock.read(backend, "shop")
    assert lock.release(backend, "shop", holder(target="web2")) is False and lock.read(backend, "shop") == held


def test_another_target_of_the_same_run_that_was_quicker_is_seen_while_the_lock_settles():
    store = Store()
    backend = ParameterBackend(store, settle=0.5)
    twin = lock._text(lock._record(holder(target="web2"), NOW, None))
    with pytest.raises(StagecraftError, match="declared twice: web2 and web1"):
        take(backend, sleep=Sleeper(lambda: store.update({"stagecraft.lock-shop": twin})))


@pytest.mark.parametrize("first, second", [(None, "web1"), ("web1", None), (None, None)])
def test_a_holder_without_a_target_is_the_same_run_on_any(backend, first, second):
    take(backend, holder(target=first))
    assert take(backend, holder(target=second), now=NOW + 1)["since"] == "2026-11-21T09:30:00Z"


def test_units_are_named_so_that_they_cannot_leave_the_directory(backend):
    with pytest.raises(InputError, match="^unit: "):
        lock.acquire(backend, "../x", holder(), NOW, living)


def compete(paths, run, start, answers):
    start.wait(30)
    try:
        lock.acquire(FileBackend(*paths), "shop", holder(run), time.time(), living)
        answers.put(run)
    except StagecraftError:
        answers.put(None)


def test_of_many_processes_one_gets_it(tmp_path):
    paths = (str(tmp_path / "s.fact"), str(tmp_path / "j"), str(tmp_path / "state"))
    start, answers = FORK.Event(), FORK.Queue()
    runs = [FORK.Process(target=compete, args=(paths, "run%d" % number, start, answers)) for number in range(6)]
    for run in runs:
        run.start()
    start.set()
    won = [answer for answer in (answers.get(timeout=30) for _run in runs) if answer]
    for run in runs:
        run.join()
    assert len(won) == 1 and lock.read(FileBackend(*paths), "shop")["run"] == won[0]


def test_a_really_killed_run_is_taken_over_at_once_and_a_living_one_is_not(backend):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    try:
        first = holder("run1", identity.controller_id(), pid=process.pid, started=identity.process_start(process.pid))
        second = holder("run2", identity.controller_id(), pid=os.getpid(), started=identity.process_start(os.getpid()))
        take(backend, first, alive=identity.holder_alive)
        with pytest.raises(StagecraftError, match="process %d" % process.pid):
            take(backend, second, alive=identity.holder_alive)
    finally:
        process.kill()
        process.wait()
    assert take(backend, second, alive=identity.holder_alive)["run"] == "run2"


def test_another_controller_waits_for_the_lease_of_a_killed_run(backend):
    take(backend, holder("run1", "elsewhere:00", pid=2 ** 22 + 1))
    with pytest.raises(StagecraftError, match="elsewhere:00"):
        take(backend, holder("run2", identity.controller_id()), now=NOW + 89, alive=identity.holder_alive)
    assert take(backend, holder("run2", identity.controller_id()), now=NOW + 90, alive=identity.holder_alive)["run"] == "run2"


def test_without_compare_and_set_a_lock_must_stand_before_it_counts():
    store = Store()
    backend = ParameterBackend(store, settle=0.5)
    sleeper = Sleeper(lambda: store.update({"stagecraft.lock-shop": lock._text(lock._record(holder("run2", "ci2:bb"), NOW, None))}))
    with pytest.raises(StagecraftError, match="held by deploy@ci2:bb"):
        take(backend, sleep=sleeper)
    assert sleeper.slept == [0.5] and lock.read(backend, "shop")["run"] == "run2"


def test_a_lock_that_vanished_while_it_settled_is_taken_again():
    store = Store()
    backend = ParameterBackend(store, settle=0.5)
    assert take(backend, sleep=Sleeper(store.clear))["run"] == "run1"
    assert lock.read(backend, "shop")["run"] == "run1"


def test_a_slow_write_does_not_count_and_is_taken_back():
    backend = ParameterBackend(Store(), settle=0.5)
    sleeper = Sleeper()
    ticks = iter([0.0, 0.7, 10.0, 10.1])
    assert take(backend, sleep=sleeper, clock=functools.partial(next, ticks))["run"] == "run1"
    assert len(sleeper.slept) == 3


def test_a_server_that_is_always_slow_gives_no_lock():
    store = Store()
    seconds = iter(range(100))
    with pytest.raises(StagecraftError, match="answers too slowly"):
        take(ParameterBackend(store, settle=0.5), sleep=Sleeper(), clock=functools.partial(next, seconds))
    assert not store


def test_a_renewal_in_time_does_not_wait():
    backend = ParameterBackend(Store(), settle=0.5)
    take(backend, sleep=Sleeper())
    sleeper = Sleeper()
    lock.renew(backend, "shop", holder(), NOW + 30, living, sleep=sleeper)
    assert sleeper.slept == []
    lock.renew(backend, "shop", holder(), NOW + 300, living, sleep=sleeper)
    assert sleeper.slept == [0.5]


@pytest.mark.parametrize("seed", range(3))
def test_of_two_controllers_that_race_at_most_one_gets_it(seed):
    store = Store()
    store.on_put = lambda: time.sleep(0.02 * seed)
    gate, won = threading.Barrier(2), []

    def run(name):
        gate.wait(30)
        try:
            won.append(take(ParameterBackend(store, settle=0.3), holder(name, "%s:00" % name))["run"])
        except StagecraftError:
            pass
    controllers = [threading.Thread(target=run, args=("run%d" % number,)) for number in range(2)]
    for controller in controllers:
        controller.start()
    for controller in controllers:
        controller.join(30)
    assert len(won) == 1 and lock.read(ParameterBackend(store), "shop")["run"] == won[0]

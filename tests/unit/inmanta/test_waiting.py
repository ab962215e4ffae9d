# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wait loop."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError, WaitTimeout
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import errors, waiting
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.waiting import Waiter
from ansible_collections.stagecraft.release.tests.unit.inmanta.fake_orchestrator import (  # noqa: F401
    BROKEN, GONE, Clock, make_call,
)


def run(states, timed=False, details=dict, call=None, **params):
    """Wait through ``states`` (the last one is the end); returns the call, the clock and the result."""
    clock, call = Clock(), call or make_call(**params)
    queue = list(states)

    def poll():
        state = queue.pop(0) if queue else states[-1]
        if isinstance(state, Exception):
            raise state
        return state == "end", state

    result = Waiter(call, "thing", clock, clock.sleep).until(poll, "thing: {0}".format, details, timed)
    return call, clock, result


def test_the_first_look_may_be_the_last():
    call, clock, result = run(["end"])
    assert (call.lines, clock.now, result) == (["thing: end"], 1000.0, "end")


def test_a_line_for_each_new_state_only():
    assert run(["a", "a", "b", "b", "a", "end"])[0].lines == ["thing: a", "thing: b", "thing: a", "thing: end"]


def test_a_line_every_30_seconds_without_a_change():
    assert run(["a"] * 65 + ["end"])[0].lines == ["thing: a", "thing: a", "thing: a", "thing: end"]


def test_timed_lines_tell_the_seconds_but_are_not_new_by_them():
    assert run(["a"] * 35 + ["end"], timed=True)[0].lines == ["thing: a (0 s)", "thing: a (30 s)", "thing: end (35 s)"]


@pytest.mark.parametrize("trouble", [GONE, BROKEN, errors.ApiError("GET", "/x", 500, "internal")])
def test_a_server_that_restarts_is_waited_for(trouble):
    call, clock, result = run(["a", trouble, trouble, "end"])
    assert result == "end"
    assert call.lines == ["thing: a", "thing: the server does not answer, waiting", "thing: end"]


@pytest.mark.parametrize("trouble", [
    errors.NotFound("GET", "/x", 404, "gone"), errors.AccessDenied("GET", "/x", 403, "expired"), StagecraftError("failed"),
])
def test_what_waiting_cannot_mend_ends_it_at_once(trouble):
    with pytest.raises(type(trouble)) as caught:
        run(["a", trouble, "end"])
    assert caught.value is trouble


@pytest.mark.parametrize("states, last", [(["a", "b"], "thing: b"), (["a", GONE], "no connection")])
def test_a_timeout_tells_the_last_state_and_hands_back_details(states, last):
    with pytest.raises(WaitTimeout) as caught:
        run(states, wait_timeout=5.0, details=lambda: dict(version=42))
    assert caught.value.message.startswith("thing: not done within wait_timeout=5 s. Last state: %s." % last)
    assert caught.value.details == dict(version=42)


def test_a_timeout_is_not_overslept_and_looks_once_more_at_its_end():
    clock, call, looks = Clock(), make_call(wait_timeout=5.0, wait_interval=3.0), []

    def poll():
        looks.append(clock.now - 1000)
        return False, "a"

    with pytest.raises(WaitTimeout):
        Waiter(call, "thing", clock, clock.sleep).until(poll, str)
    assert looks == [0, 3, 5]


def test_the_heartbeat_comes_before_each_look_and_can_end_the_wait():
    call, beats = make_call(), []

    def beat():
        beats.append(1)
        if len(beats) == 3:
            raise StagecraftError("the lock is lost")

    call.heartbeat = beat
    with pytest.raises(StagecraftError, match="lock is lost"):
        run(["a"], call=call)
    assert len(beats) == 3


def test_an_interval_of_zero_does_not_spin():
    assert run(["a"] * 10 + ["end"], wait_interval=0.0)[1].now == pytest.approx(1000.5)


def test_what_is_quick_is_noticed_quickly(monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.1)
    assert run(["a", "a", "end"])[1].now < 1000.5

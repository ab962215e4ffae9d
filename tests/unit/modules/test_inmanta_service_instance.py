# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_service_instance, against the tests' own LSM."""

from __future__ import annotations

import time
import uuid

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError, WaitTimeout
from ansible_collections.stagecraft.release.plugins.modules import inmanta_service_instance as module
from ansible_collections.stagecraft.release.tests.bed.lsm import LsmServer
from ansible_collections.stagecraft.release.tests.unit.inmanta import memory_server

LINK = {"name": "ams-1", "bandwidth": 100}


@pytest.fixture(name="lsm")
def lsm_fixture():
    with LsmServer(step=0.02) as server:
        server.declare("link")
        yield server


def run(lsm, check_mode=False, **given):
    options = dict(url=lsm.url, service_entity="link", attributes=LINK, wait_interval=0.02, wait_timeout=5)
    return memory_server.run(module, check_mode, **dict(options, **given))


def up(lsm, **given):
    return run(lsm, target_states=["up"], **given)


def writes(lsm):
    return [call.split()[0] for call in lsm.called("/lsm/")]


def only(lsm):
    return next(iter(lsm.instances.values()))


def test_created_once_by_its_identity(lsm):
    result = up(lsm)
    assert result["changed"] and result["state"] == "up" and result["version"] == 4 and result["instance"]["active_attributes"] == LINK
    assert [entry["state"] for entry in result["log"]] == ["start", "acknowledged", "inprogress", "up"]
    assert result["diff"] == {"before": {}, "after": LINK}
    again = up(lsm)
    assert not again["changed"] and again["id"] == result["id"] and again["log"] == [] and writes(lsm) == ["POST"]


def test_created_with_a_given_id(lsm):
    given = str(uuid.uuid4())
    assert up(lsm, id=given)["id"] == given and not up(lsm, service_instance_id=given)["changed"] and list(lsm.instances) == [given]


def test_updated_where_it_differs(lsm):
    up(lsm)
    result = up(lsm, attributes={"name": "ams-1", "bandwidth": 200})
    assert result["changed"] and result["diff"] == {"before": {"bandwidth": 100}, "after": {"bandwidth": 200}}
    assert [entry["state"] for entry in result["log"]] == ["update_start", "update_inprogress", "up"]
    assert only(lsm).data["active_attributes"] == {"name": "ams-1", "bandwidth": 200}
    assert not up(lsm, attributes={"name": "ams-1", "bandwidth": 200})["changed"] and writes(lsm) == ["POST", "PATCH"]


def test_an_update_that_goes_on_is_no_difference(lsm):
    up(lsm)
    lsm.step = 3600
    assert run(lsm, attributes=dict(LINK, bandwidth=200))["state"] == "update_start"
    assert not run(lsm, attributes=dict(LINK, bandwidth=200))["changed"]
    lsm.step = 0.02
    assert up(lsm, attributes=dict(LINK, bandwidth=200))["state"] == "up" and writes(lsm) == ["POST", "PATCH"]


def test_deleted(lsm):
    up(lsm)
    result = run(lsm, state="absent", attributes=None, identity="ams-1")
    assert result["changed"] and result["state"] == "terminated" and only(lsm).data["deleted"] and result["diff"]["after"] == {}
    assert not run(lsm, state="absent")["changed"] and writes(lsm) == ["POST", "DELETE"]
    assert up(lsm)["changed"] and len(lsm.instances) == 2, "one that was deleted does not stand for a new one"


def test_a_bad_state_ends_the_wait_at_once(lsm):
    given = {"fail": "failed", "reason": "no port left, password=hunter2secret"}
    began = time.monotonic()
    with pytest.raises(StagecraftError, match=r"link ams-1: came to the state failed in version 4.*no port left") as caught:
        up(lsm, attributes=dict(LINK, **given), wait_timeout=60)
    assert time.monotonic() - began < 5
    assert caught.value.details["state"] == "failed" and caught.value.details["log"][-1]["state"] == "failed"
    assert "hunter2" not in caught.value.message + caught.value.details["diagnosis"]


def test_only_declared_states_are_bad(lsm):
    given = dict(LINK, fail="rejected")
    assert run(lsm, attributes=given, target_states=["rejected"], bad_states=["failed"])["state"] == "rejected"


def test_a_state_passed_through_is_not_missed(lsm):
    """The instance is far beyond it when it is looked at for the first time."""
    lsm.step = 0.001
    assert run(lsm, target_states=["acknowledged"], wait_interval=0.5)["log"][-1]["state"] == "acknowledged"
    only(lsm).data.update(candidate_attributes=None)
    up(lsm)
    with pytest.raises(StagecraftError, match="came to the state update_start"):
        up(lsm, attributes=dict(LINK, bandwidth=300), bad_states=["update_start"])


def test_a_wait_that_was_broken_off_is_gone_on_with(lsm):
    lsm.step = 3600
    with pytest.raises(WaitTimeout, match="waiting for up: not done within wait_timeout=0.1 s.*start") as caught:
        up(lsm, wait_timeout=0.1)
    assert caught.value.details["state"] == "start" and caught.value.details["id"]
    lsm.step = 0.02
    result = up(lsm)
    assert not result["changed"] and result["state"] == "up" and writes(lsm) == ["POST"]


def test_a_change_by_somebody_else_is_not_lost(lsm):
    up(lsm)
    with pytest.raises(InputError, match="current_version: 3 is not the version of link ams-1, which is 4"):
        up(lsm, attributes=dict(LINK, bandwidth=200), current_version=3)
    assert writes(lsm) == ["POST"]

    def meddle(request):
        if request["method"] in ("PATCH", "DELETE"):
            with lsm.lock:
                only(lsm).enter("up")

    lsm.before = meddle
    for given in (dict(attributes=dict(LINK, bandwidth=200)), dict(state="absent")):
        with pytest.raises(InputError, match=r"is not the version of link ams-1 any more, which is \d in state up by now; nothing was written"):
            run(lsm, **given)
    assert only(lsm).data["active_attributes"] == LINK and not only(lsm).data["deleted"]


@pytest.mark.parametrize("prepared, given, changed, diff", [
    (False, {}, True, {"before": {}, "after": LINK}),
    (True, {}, False, {"before": {}, "after": {}}),
    (True, {"attributes": {"name": "ams-1", "bandwidth": 1}}, True, {"before": {"bandwidth": 100}, "after": {"bandwidth": 1}}),
    (False, {"state": "absent"}, False, {"before": {}, "after": {}}),
])
def test_check_mode_writes_nothing(lsm, prepared, given, changed, diff):
    if prepared:
        up(lsm)
    done = list(lsm.called())
    result = up(lsm, check_mode=True, **given)
    assert result["changed"] is changed and result["diff"] == diff and lsm.called() == done


@pytest.mark.parametrize("given, message", [
    ({"service_entity": "circuit"}, "service_entity: 'circuit' is not in the service catalog.*Choose from: link"),
    ({"attributes": {"bandwidth": 1}}, "identity: None is empty, and so is 'id'.*its attribute name"),
    ({"current_version": 2}, "current_version: 2 was given, and there is no such instance"),
    ({"service_entity": "bare"}, "id: None is empty, and bare has no service identity"),
])
def test_bad_input(lsm, given, message):
    if given.get("service_entity") == "bare":
        lsm.declare("bare", identity=None)
        assert up(lsm, service_entity="bare", id=str(uuid.uuid4()))["changed"]
    before = writes(lsm)
    with pytest.raises(InputError, match=message):
        up(lsm, **given)
    assert writes(lsm) == before


def test_an_orchestrator_without_lsm(lsm):
    from ansible_collections.stagecraft.release.tests.unit.inmanta.loopback import Answer, Loopback

    with Loopback(Answer(404, "<html>404</html>")) as plain:
        with pytest.raises(StagecraftError, match="has no LSM"):
            run(lsm, url=plain.url)


def test_removed_while_it_is_waited_for(lsm):
    lsm.step = 3600
    run(lsm)
    lsm.before = lambda request: lsm.instances.clear() if "/log" in request["path"] else None
    with pytest.raises(StagecraftError, match="is not there any more, its last state was start"):
        up(lsm)

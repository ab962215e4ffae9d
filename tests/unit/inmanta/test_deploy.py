# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments: promoted once, watched until they have settled."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import deploy as deployments, errors
from ansible_collections.stagecraft.release.tests.unit.inmanta.fake_orchestrator import (  # noqa: F401
    BROKEN, ENV, GONE, Clock, FakeClient, environment, make_call, settings, version,
)

PROMOTE = "POST /api/v2/desiredstate/42/promote"
VERSIONS = "GET /api/v2/desiredstate"
RESOURCES = "GET /api/v2/resource"
STATE = "GET /api/v2/environment/%s" % ENV
CANDIDATE, TAKEN, ACTIVE = version(42), version(42, "candidate", True), version(42, "active", True)
BAD_FILE = "fs::File[local,path=/bad]"
LOGS = "GET /api/v2/resource/fs%3A%3AFile%5Blocal%2Cpath%3D%2Fbad%5D/logs"


class Server(FakeClient):
    """Goes through versions and counts; failed resources and their logs are there."""

    def __init__(self, versions, counts=(), **routes):
        self.counts = list(counts)
        log = dict(msg="An error occurred during deployment of %s" % BAD_FILE, kwargs=dict(exception="disk full, token=abcdef"))
        super().__init__(dict({
            PROMOTE: {}, VERSIONS: versions, RESOURCES: self._resources, LOGS: {"data": [log]}, STATE: environment(),
            "GET /api/v2/environment_settings": settings(auto_deploy=False)}, **routes))

    def _resources(self, query):
        if "filter.status" in query:
            return {"data": [dict(resource_id=BAD_FILE, status="failed")]}
        counts = self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]
        if isinstance(counts, Exception):
            raise counts
        return {"data": [], "metadata": {"deploy_summary": {"total": sum(counts.values()), "by_state": dict(counts, skipped=counts.get("skipped", 0))}}}


def run(client, call=None, **params):
    clock = Clock()
    call = call or make_call(**dict(dict(max_failed=None), **params))
    deployment = deployments.Deployment(client, ENV, call, 42, clock, clock.sleep)
    result = deployment.run()
    return dict(result, changed=deployment.changed, seconds=clock.now - 1000)


GOOD = [dict(available=4), dict(available=1, deploying=1, deployed=2), dict(deployed=4)]


def test_a_candidate_is_promoted_and_watched():
    client = Server([CANDIDATE, TAKEN, TAKEN, ACTIVE], GOOD)
    call = make_call(max_failed=None)
    result = run(client, call)
    assert client.sent() == [("/api/v2/desiredstate/42/promote", None)]
    assert result == dict(version=42, status="active", counts=dict(deployed=4), total=4, failed_resources=[], promoted=True, over_max_failed=False,
                          changed=True, seconds=5)
    assert call.lines == ["v42: promoted, not taken up yet", "v42: 0/4 deployed, 0 failed, 4 to go", "v42: 2/4 deployed, 0 failed, 2 to go",
                          "v42: 4/4 deployed, 0 failed, 0 to go"]


def test_the_states_of_the_version_before_are_not_read():
    client = Server([CANDIDATE, TAKEN, TAKEN, TAKEN, ACTIVE], [dict(deployed=4)])
    run(client)
    kinds = [path for kind, path, given in client.calls]
    assert kinds.index("/api/v2/resource") > kinds.index("/api/v2/environment/%s" % ENV)


def test_an_active_version_is_only_watched():
    result = run(Server(ACTIVE, [dict(deployed=4)]))
    assert (result["promoted"], result["changed"], result["status"]) == (False, False, "active")


def test_a_released_version_that_is_not_taken_up_yet_is_not_promoted_again():
    client = Server([TAKEN, ACTIVE], [dict(deployed=4)])
    assert run(client)["promoted"] is False
    assert client.sent() == []


def test_counts_must_hold_over_two_looks():
    assert run(Server(ACTIVE, [dict(deployed=4), dict(deployed=3, deploying=1), dict(deployed=4)]))["seconds"] == 3


def test_a_version_without_resources_is_done_at_once():
    result = run(Server(version(42, "active", True, total=0)))
    assert (result["counts"], result["total"], result["seconds"]) == ({}, 0, 0)


@pytest.mark.parametrize("lost", [GONE, BROKEN])
@pytest.mark.parametrize("versions", [[CANDIDATE, ACTIVE], [CANDIDATE, CANDIDATE, ACTIVE]])
def test_a_promotion_whose_answer_got_lost(lost, versions):
    client = Server(versions, [dict(deployed=4)], **{PROMOTE: [lost, {}]})
    result = run(client)
    assert (result["promoted"], result["changed"]) == (True, True)
    assert len(client.sent()) == len(versions) - 1


def test_a_promotion_that_a_stopping_server_dropped_is_repeated():
    client = Server([CANDIDATE, CANDIDATE, CANDIDATE, ACTIVE], [dict(deployed=4)])
    assert run(client)["promoted"] is True
    assert len(client.sent()) == 2


def test_promoted_by_somebody_else_at_the_same_moment():
    refusal = errors.Conflict("POST", "/x", 409, "The version 42 is already released.")
    result = run(Server([CANDIDATE, ACTIVE], [dict(deployed=4)], **{PROMOTE: refusal}))
    assert (result["status"], result["promoted"]) == ("active", False)


def test_a_newer_release_refuses_the_promotion():
    refusal = errors.Conflict("POST", "/x", 409, "The version 42 is older then the latest released version 43.")
    with pytest.raises(InputError, match="^version: 42 cannot be promoted: .*older then.*43.* Compile again") as caught:
        run(Server(CANDIDATE, [], **{PROMOTE: refusal}))
    assert caught.value.details["version"] == 42


def superseding(status):
    """A server on which v43 takes the place of v42."""
    newest = version(43, "active", True)
    return lambda query: newest if "filter.version" not in query else version(42, status, status == "retired")


@pytest.mark.parametrize("status", ["retired", "skipped_candidate"])
def test_a_version_superseded_before_is_refused(status):
    client = Server(superseding(status))
    with pytest.raises(InputError, match="^version: 42 was superseded: it is %s, version 43 is the active one" % status) as caught:
        deployments.check(client, ENV, 42)
    assert caught.value.details["status"] == status
    assert client.sent() == []


@pytest.mark.parametrize("counts", [[dict(available=4)], [dict(deployed=4)]])
def test_a_version_superseded_meanwhile_is_told(counts):
    with pytest.raises(InputError, match="was superseded: it is retired, version 43 is the active one") as caught:
        run(Server([ACTIVE, ACTIVE, superseding("retired")], counts))
    assert caught.value.details["counts"] == counts[0]


def test_a_version_deleted_meanwhile_is_told():
    with pytest.raises(InputError, match="^version: 42 is not a version"):
        run(Server([TAKEN, {"data": []}], []))


def test_failed_resources_are_returned_with_their_last_error_and_without_secrets():
    result = run(Server(ACTIVE, [dict(deployed=3, failed=1)]))
    assert result["failed_resources"] == [dict(
        resource=BAD_FILE, state="failed", error="An error occurred during deployment of %s: disk full, token=********" % BAD_FILE)]


@pytest.mark.parametrize("logs", [{"data": []}, errors.NotFound("GET", "/x", 404, "gone")])
def test_a_failed_resource_without_a_log(logs):
    assert run(Server(ACTIVE, [dict(failed=4)], **{LOGS: logs}))["failed_resources"][0]["error"] is None


def test_only_the_first_failed_resources_are_asked_for():
    client = Server(ACTIVE, [dict(failed=4)])
    run(client)
    assert [given["limit"] for kind, path, given in client.calls if given and "filter.status" in given] == [20]


MOVING = [dict(available=9 - number, deployed=number, failed=2) for number in range(9)]


@pytest.mark.parametrize("max_failed", [0, 1])
def test_too_many_failed_end_the_wait_while_it_moves(max_failed):
    client = Server(ACTIVE, MOVING)
    message = "1/11 deployed, 2 failed, 8 to go. That is more than max_failed=%d allows; the first is fs::File" % max_failed
    with pytest.raises(StagecraftError, match=message) as caught:
        run(client, max_failed=max_failed)
    assert caught.value.details["failed_resources"][0]["resource"] == BAD_FILE
    assert caught.value.details["counts"] == MOVING[1]
    assert caught.value.details["over_max_failed"] is True


def test_failures_seen_once_may_be_those_of_before():
    assert run(Server(ACTIVE, [dict(failed=1, available=3), dict(deployed=4)]), max_failed=0)["counts"] == dict(deployed=4)


@pytest.mark.parametrize("max_failed", [None, 2])
def test_no_more_failed_than_allowed_is_a_success(max_failed):
    assert run(Server(ACTIVE, [dict(deployed=2, failed=2)]), max_failed=max_failed)["counts"] == dict(deployed=2, failed=2)


def test_unavailable_for_a_moment_is_waited_out():
    counts = [dict(deployed=3, unavailable=1)] * 8 + [dict(deployed=4)]
    assert run(Server(ACTIVE, counts), max_failed=0)["counts"] == dict(deployed=4)


def test_unavailable_for_good_is_told_and_counts_as_failed():
    counts = [dict(deployed=3, unavailable=1)]
    result = run(Server(ACTIVE, counts))
    assert (result["counts"], result["seconds"]) == (counts[0], deployments.UNAVAILABLE_FOR)
    with pytest.raises(StagecraftError, match="1 unavailable.*max_failed=0"):
        run(Server(ACTIVE, counts), max_failed=0)


@pytest.mark.parametrize("versions, counts", [(TAKEN, []), (ACTIVE, [dict(available=4)])])
def test_a_deployment_halted_meanwhile_is_told(versions, counts):
    states = [environment(), environment(halted=True)]
    with pytest.raises(InputError, match="is halted: v42 is not deployed any further"):
        run(Server(versions, counts, **{STATE: states}))


@pytest.mark.parametrize("halted, versions, problem", [
    (True, CANDIDATE, "is halted: nothing would be deployed"), (False, {"data": []}, "^version: 42 is not a version"),
])
def test_what_cannot_be_deployed_is_refused_before(halted, versions, problem):
    client = Server(versions, **{STATE: environment(halted)})
    with pytest.raises(InputError, match=problem) as caught:
        deployments.check(client, ENV, 42)
    assert caught.value.details == deployments.no_result(42)
    assert client.sent() == []


def test_a_restart_of_the_server_is_survived():
    call = make_call(max_failed=0)
    counts = [dict(available=4), GONE, BROKEN, dict(unavailable=2, available=2), dict(deployed=4)]
    assert run(Server(ACTIVE, counts), call)["counts"] == dict(deployed=4)
    assert "v42: the server does not answer, waiting" in call.lines


def test_older_servers_that_do_not_push_are_told_to_deploy_once():
    def pushed(_body):
        client.counts = [dict(deployed=4)]
        return {"agents": ["internal"]}

    client = Server(ACTIVE, [dict(available=4)], **{
        "GET /api/v2/environment_settings": settings(push_on_auto_deploy=False), "POST /api/v1/deploy": pushed})
    result = run(client)
    assert client.sent() == [("/api/v1/deploy", {"agent_trigger_method": "push_incremental_deploy"})]
    assert (result["promoted"], result["changed"]) == (False, True)
    assert result["seconds"] >= deployments.PUSH_AFTER


@pytest.mark.parametrize("values", [dict(auto_deploy=True), dict(push_on_auto_deploy=True)])
def test_other_servers_are_not_told_to_deploy(values):
    client = Server(ACTIVE, [dict(available=4)], **{"GET /api/v2/environment_settings": settings(**values)})
    with pytest.raises(StagecraftError, match="v42: not done within wait_timeout=40 s. Last state: v42: 0/4 deployed, 0 failed, 4 to go") as caught:
        run(client, wait_timeout=40.0)
    assert client.sent() == []
    assert caught.value.details["counts"] == dict(available=4)


@pytest.mark.parametrize("counts, line", [
    (dict(deployed=812, failed=3, available=180, deploying=5), "812/1000 deployed, 3 failed, 185 to go"),
    (dict(deployed=1, skipped=2, undefined=1), "1/4 deployed, 0 failed, 2 skipped, 1 undefined, 0 to go"),
    ({}, "0/0 deployed, 0 failed, 0 to go"),
])
def test_progress_accounts_for_every_resource(counts, line):
    assert deployments.progress(counts, sum(counts.values())) == line

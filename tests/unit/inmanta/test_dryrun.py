# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dry runs: watched, started again when they stand still, normalised."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import dryrun as dryruns, errors
from ansible_collections.stagecraft.release.tests.unit.inmanta.fake_orchestrator import (  # noqa: F401
    BROKEN, ENV, GONE, Clock, FakeClient, environment, make_call, version,
)

START = "POST /api/v2/dryrun/42"
LIST = "GET /api/v2/dryrun/42"
ROWS = [
    dict(resource_id="fs::File[local,path=/b]", status="modified", attributes={"hash": dict(from_value="1", to_value="2")}),
    dict(resource_id="fs::File[local,path=/a]", status="unmodified", attributes={}),
    dict(resource_id="fs::File[local,path=/c]", status="agent_down", attributes={}),
]


def row(todo, identity="d1", date="2026-01-01T00:00:01+00:00", **given):
    return dict(dict(id=identity, model=42, date=date, total=3, todo=todo), **given)


def listing(*rows):
    return {"data": list(rows)}


def diff(identity="d1"):
    return "GET /api/v2/dryrun/42/%s" % identity


def server(lists, **routes):
    return FakeClient(dict({
        START: {"data": "d1"}, LIST: lists, diff(): {"data": {"diff": ROWS}}, diff("d2"): {"data": {"diff": ROWS}},
        "GET /api/v2/environment/%s" % ENV: environment(), "GET /api/v2/desiredstate": version(42)}, **routes))


def run(client, call=None, **params):
    clock = Clock()
    call = call or make_call(**dict(dict(stuck_after=120.0), **params))
    return dryruns.DryRun(client, ENV, call, 42, clock, clock.sleep).run()


def test_the_small_list_is_polled_and_the_diff_read_once():
    client = server([listing(row(3)), listing(row(1)), listing(row(0))])
    call = make_call(stuck_after=120.0)
    result = run(client, call)
    assert call.lines == ["dry run of v42: 0/3 checked", "dry run of v42: 2/3 checked", "dry run of v42: 3/3 checked"]
    assert [path for kind, path, given in client.calls if path.endswith("/d1")] == ["/api/v2/dryrun/42/d1"]
    assert result["dryrun"] == dict(id="d1", version=42, date="2026-01-01T00:00:01+00:00")
    assert result["changes"] == [dict(resource="fs::File[local,path=/b]", type="fs::File", agent="local", action="modified",
                                      attributes={"hash": ["1", "2"]})]
    assert [(item["resource"], item["reason"]) for item in result["unchecked"]] == [("fs::File[local,path=/c]", "agent_down")]
    assert result["counts"] == dict(added=0, modified=1, removed=0, unchecked=1, unmodified=1)
    assert (result["total"], result["stale"], result["retriggered"]) == (3, False, False)
    assert result["digest"].startswith("sha256:")
    assert "/b" in result["diff"]["before"]


def test_dry_runs_of_others_are_not_taken_for_ours():
    client = server([listing(row(0, "other"), row(3)), listing(row(0, "other"), row(0))])
    assert run(client)["dryrun"]["id"] == "d1"
    assert len([call for call in client.calls if call[:2] == ("GET", "/api/v2/dryrun/42")]) == 2


def test_a_dry_run_that_stands_still_is_started_again_once():
    client = server(listing(row(3), row(0, "d2")), **{START: [{"data": "d1"}, {"data": "d2"}]})
    result = run(client)
    assert (result["dryrun"]["id"], result["retriggered"]) == ("d2", True)
    assert len(client.sent()) == 2


def test_a_dry_run_that_moves_slowly_is_left_alone():
    lists = [listing(row(todo)) for todo in (3, 2, 1) for _second in range(100)] + [listing(row(0))]
    client = server(lists)
    assert run(client)["retriggered"] is False
    assert len(client.sent()) == 1


def test_the_second_that_stands_still_is_an_error():
    client = server(listing(row(3), row(2, "d2")), **{START: [{"data": "d1"}, {"data": "d2"}]})
    with pytest.raises(StagecraftError, match="stands still at 1/3 checked for the second time.*'stuck_after'") as caught:
        run(client)
    assert len(client.sent()) == 2
    assert caught.value.details["dryrun"]["id"] == "d2"
    assert caught.value.details["changes"] is None


def test_after_a_restart_of_the_server_standing_still_is_noticed_sooner():
    client = server([listing(row(2)), GONE, BROKEN, listing(row(2), row(0, "d2"))], **{START: [{"data": "d1"}, {"data": "d2"}]})
    assert run(client, stuck_after=500.0)["retriggered"] is True


@pytest.mark.parametrize("lost", [GONE, BROKEN, {}])
def test_a_start_whose_answer_got_lost_is_repeated(lost):
    client = server([listing(row(0))], **{START: [lost, {"data": "d1"}]})
    assert run(client)["dryrun"]["id"] == "d1"


def test_a_diff_that_cannot_be_read_yet_is_read_again():
    client = server([listing(row(0))], **{diff(): [GONE, {"data": {"diff": ROWS}}]})
    assert run(client)["total"] == 3


def test_an_environment_halted_meanwhile_is_not_started_again():
    client = server(listing(row(3)), **{"GET /api/v2/environment/%s" % ENV: environment(halted=True)})
    with pytest.raises(InputError, match="is halted: the dry run cannot go on"):
        run(client)
    assert len(client.sent()) == 1


@pytest.mark.parametrize("lists", [
    [listing(row(3)), listing()], [listing(row(3)), errors.NotFound("GET", "/x", 404, "The request version does not exist.")],
])
def test_a_version_deleted_meanwhile_is_told(lists):
    with pytest.raises(StagecraftError, match="^version.*42.*deleted.*Compile again") as caught:
        run(server(lists))
    assert caught.value.details["dryrun"]["id"] == "d1"


def test_a_timeout_hands_back_what_is_known():
    with pytest.raises(StagecraftError, match="dry run of v42: not done within wait_timeout=10 s. Last state: dry run of v42: 1/3") as caught:
        run(server(listing(row(2))), wait_timeout=10.0)
    assert caught.value.details["dryrun"]["id"] == "d1"
    assert caught.value.details["digest"] is None


@pytest.mark.parametrize("halted, rows, problem", [
    (True, version(42), "is halted: a dry run would check nothing"),
    (False, {"data": []}, "^version: 42 is not a version of environment"),
])
def test_what_could_not_end_well_is_refused_before(halted, rows, problem):
    client = server([], **{"GET /api/v2/environment/%s" % ENV: environment(halted), "GET /api/v2/desiredstate": rows})
    with pytest.raises(InputError, match=problem) as caught:
        dryruns.check(client, ENV, 42)
    assert caught.value.details == dryruns.no_result()
    assert client.sent() == []


def test_the_newest_complete_dry_run_is_read():
    client = server(listing(
        row(0, "old", "2026-01-01T00:00:01+00:00"), row(0, "d2", "2026-01-01T00:00:05+00:00"), row(2, "stuck", "2026-01-01T00:00:09+00:00"),
        row(0, "some", "2026-01-01T00:00:08+00:00", resource_filter={"agent": "x"}), row(0, "d1", "2026-01-01T00:00:03+00:00", resource_filter=None)))
    result = dryruns.newest(client, ENV, 42)
    assert (result["dryrun"]["id"], result["stale"], result["counts"]["modified"]) == ("d2", True, 1)
    assert client.sent() == []


@pytest.mark.parametrize("rows", [[], [row(3)], [row(0, resource_filter={})]])
def test_without_a_complete_dry_run_nothing_is_known(rows):
    assert dryruns.newest(server(listing(*rows)), ENV, 42) == dryruns.no_result()

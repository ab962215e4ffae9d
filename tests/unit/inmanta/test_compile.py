# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compiles: found by their message, waited for, explained."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import compile as compiles, errors
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.masking import mask
from ansible_collections.stagecraft.release.tests.unit.inmanta.fake_orchestrator import (  # noqa: F401
    BROKEN, ENV, GONE, Clock, FakeClient, environment, make_call, settings, version,
)

NOTIFY = "POST /api/v1/notify/%s" % ENV
LIST = "GET /api/v2/compilereport"
OWN = "GET /api/v2/compilereport/own"
QUEUE = "GET /api/v1/compilequeue"
T = "2026-01-01T00:00:%02d+00:00"


def report(**given):
    base = dict(id="own", requested=T % 0, started=T % 1, completed=None, success=None, version=None, reports=[])
    return {"data": dict(base, **given)}


def stage(number, name, returncode=None, **given):
    return dict(dict(started=T % number, name=name, returncode=returncode, errstream="", outstream="", command="inmanta --token t0k3n"),
                **given)


def done(number=7):
    return report(completed=T % 9, success=True, version=number)


def failed(*stages, **given):
    return report(completed=T % 9, success=False, reports=list(stages), **given)


class Server(FakeClient):
    """Lists the compile that was asked for among those of others, from the moment it was."""

    def __init__(self, details, visible=True, **routes):
        super().__init__(dict({
            NOTIFY: {}, LIST: self._list, OWN: details, QUEUE: {"queue": [{"id": "own"}]}, "GET /api/v2/environment/%s" % ENV: environment(),
            "GET /api/v2/desiredstate": version(7)}, **routes))
        self.visible = visible

    def _list(self, _query):
        rows = [dict(id="other", metadata={"message": "else"}), dict(id="bare", metadata=None), dict(id="none")]
        messages = [body["metadata"]["message"] for path, body in self.sent() if "notify" in path]
        if self.visible and messages:
            rows.append(dict(id="own", metadata={"message": messages[-1]}, version=99, completed=T % 3, success=True))
        return {"data": rows}


def run(server, call=None, completed=True):
    clock = Clock()
    compiling = compiles.Compile(server, ENV, call or make_call(), {"update": True}, "Release v2", clock, clock.sleep)
    compiling.request()
    return compiling.wait(completed)


def test_the_own_report_gives_the_version():
    server = Server([report(), report(reports=[stage(2, "Installing modules"), stage(1, "Init", 0)]), done()])
    call = make_call()
    result = run(server, call)
    assert result == dict(version=7, status="candidate", released=False, stage=None, error=None, interrupted=False, report=dict(
        id="own", requested=T % 0, started=T % 1, completed=T % 9, success=True, version=7))
    assert call.lines == ["compile: starting (0 s)", "compile: Installing modules (1 s)", "compile: done, v7 (2 s)"]


def test_each_request_has_a_message_of_its_own():
    sent = []
    for _number in range(2):
        server = Server(done())
        run(server)
        sent += [body for path, body in server.sent()]
    assert [body["update"] for body in sent] == [True, True]
    messages = [body["metadata"]["message"] for body in sent]
    assert all(message.startswith("Release v2 [stagecraft ") for message in messages)
    assert messages[0] != messages[1]


@pytest.mark.parametrize("status, released, wanted", [("active", True, True), ("candidate", True, True), ("active", None, True), ("candidate", None, False)])
def test_whether_the_version_was_released_is_told_on_all_servers(status, released, wanted):
    result = run(Server(done(), **{"GET /api/v2/desiredstate": version(7, status, released)}))
    assert (result["status"], result["released"]) == (status, wanted)


def test_a_queued_compile_tells_its_place():
    queues = [{"queue": [{"id": "a"}, {"id": "b"}, {"id": "own"}]}, {"queue": [{"id": "own"}]}]
    call = make_call()
    run(Server([report(started=None), report(started=None), done()], **{QUEUE: queues}), call)
    assert call.lines == ["compile: queued behind 2 (0 s)", "compile: queued (1 s)", "compile: done, v7 (2 s)"]


def test_a_queued_compile_of_an_environment_that_is_halted_is_not_waited_for():
    server = Server(report(started=None), **{"GET /api/v2/environment/%s" % ENV: [environment(), environment(halted=True)]})
    with pytest.raises(InputError, match="is halted: the compile stays queued") as caught:
        run(server)
    assert caught.value.details["report"]["id"] == "own"


def test_not_waiting_returns_the_queued_report():
    result = run(Server(report(started=None)), completed=False)
    assert (result["version"], result["report"]["id"], result["report"]["completed"]) == (None, "own", None)


@pytest.mark.parametrize("lost", [GONE, errors.ApiError("POST", "/x", 502, "bad gateway")])
def test_a_request_whose_answer_was_lost_is_found(lost):
    server = Server(done(), **{NOTIFY: lost})
    assert run(server)["version"] == 7
    assert len(server.sent()) == 1


def test_a_request_that_was_lost_is_sent_again_once():
    server = Server(done(), visible=False, **{NOTIFY: GONE})
    with pytest.raises(StagecraftError, match="not done within wait_timeout=60"):
        run(server, make_call(wait_timeout=60.0))
    bodies = [body for path, body in server.sent()]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_time_in_which_the_server_was_away_does_not_count_as_lost():
    server = Server(done(), visible=False)
    own_list = server._list
    server.routes[LIST] = [own_list] + [GONE] * 20 + [own_list] * 3

    def appear(query):
        server.visible = True
        return own_list(query)

    server.routes[LIST].append(appear)
    assert run(server)["version"] == 7
    assert len(server.sent()) == 1


def test_a_refused_request_is_not_sent_again():
    server = Server(done(), **{NOTIFY: errors.AccessDenied("POST", "/x", 403, "not allowed")})
    with pytest.raises(errors.AccessDenied):
        run(server)
    assert len(server.calls) == 1


def test_a_skipped_compile_is_an_error_with_a_remedy():
    warning = "Skipping compile because server compile not enabled for this environment."
    with pytest.raises(StagecraftError, match="did not take the compile: Skipping.*server_compile to true"):
        run(Server(done(), **{NOTIFY: {"metadata": {"warnings": [warning]}}}))


def test_a_server_that_cannot_reinstall_says_so():
    refusal = errors.ApiError("POST", "/x", 400, "request contains fields {'reinstall'} that are not declared")
    with pytest.raises(InputError, match="^reinstall: True is not something this release"):
        run(Server(done(), **{NOTIFY: refusal}))


ERRORS = {"errors": [{"type": "x", "message": "variable y not found", "location": {
    "uri": "/var/lib/inmanta/server/0/compiler/main.cf", "range": {"start": {"line": 6, "character": 0}}}}]}
TRACE = """Traceback (most recent call last):
  File "/lib/app.py", line 1126, in app
    options.func(options)
    ~~~~~~~~~~~~^^^^^^^^^
inmanta.parser.ParserException: Syntax error at token string (main.cf:8:1)"""


@pytest.mark.parametrize("details, name, error", [
    (failed(stage(1, "Init", 0), stage(2, "Recompiling", 1, errstream=TRACE), compile_data=ERRORS), "Recompiling", "variable y not found (main.cf:7)"),
    (failed(stage(1, "Recompiling", 1), compile_data={"errors": [{"message": "boom", "location": None}]}), "Recompiling", "boom"),
    (failed(stage(3, "Last", 2), stage(1, "Init", 0), stage(2, "Updating", 1, errstream=TRACE)), "Updating",
     "inmanta.parser.ParserException: Syntax error at token string (main.cf:8:1)"),
    (failed(stage(1, "Cloning repository", 128, errstream="fatal: '/x' does not exist\n")), "Cloning repository", "fatal: '/x' does not exist"),
    (failed(stage(1, "Init", 1, errstream=" \n", outstream="Failed to compile: no repository set.\n")), "Init", "Failed to compile: no repository set."),
    (failed(stage(1, "Init", 1)), "Init", "it printed nothing"),
])
def test_a_failure_is_told_by_its_first_failed_stage(details, name, error):
    result = run(Server(details))
    assert (result["version"], result["stage"], result["error"], result["interrupted"]) == (None, name, error, False)
    message = compiles.explain(result)
    assert "in stage '%s': %s" % (name, error.rstrip(".")) in message
    assert "compile report own" in message


@pytest.mark.parametrize("text", [
    "running inmanta --token t0k3n now", "['--token', 't0k3n']", "https://ada:t0k3n@index.example.com/simple", "https://t0k3n@github.com/x",
    "Authorization: Bearer t0k3n.abc", "password=t0k3n", "GIT_TOKEN: t0k3n", "session s3ss10n",
])
def test_secrets_in_the_output_are_masked(text):
    result = run(Server(failed(stage(1, "Init", 1, errstream="fatal: %s failed" % text))))
    assert "t0k3n" not in result["error"] and "s3ss10n" not in result["error"]
    assert "********" in result["error"]


@pytest.mark.parametrize("text", ["token string (main.cf:8:1)", "https://host/path@v1", "git@host:repo.git", "Syntax error at token = (main.cf:1:1)"])
def test_ordinary_text_is_not_masked(text):
    assert mask(text) == text


def test_the_command_never_shows():
    result = run(Server(failed(stage(1, "Recompiling", 1, errstream="x"))))
    assert "t0k3n" not in repr(result) + compiles.explain(result)


@pytest.mark.parametrize("details", [
    failed(), failed(stage(1, "Init", 0), stage(2, "Installing modules")), failed(stage(1, "Recompiling", -15)), failed(stage(1, "Recompiling", -9)),
])
def test_an_ended_server_or_a_killed_compiler_is_told_apart(details):
    result = run(Server(details))
    assert (result["interrupted"], result["stage"], result["version"]) == (True, None, None)
    assert "ended from outside" in compiles.explain(result)


def test_a_failure_after_the_server_went_away_counts_as_interrupted():
    result = run(Server([report(), BROKEN, failed(stage(1, "Recompiling", 1, errstream="connection refused"))]))
    assert (result["interrupted"], result["stage"]) == (True, "Recompiling")


def test_a_long_error_is_cut_at_its_start():
    result = run(Server(failed(stage(1, "Init", 1, errstream="a" * 9000 + "\nthe end"))))
    assert len(result["error"]) == compiles.ERROR_CHARACTERS and result["error"].endswith("the end")
    assert len(compiles.explain(result)) < 1200


@pytest.mark.parametrize("halted, server_compile, problem", [
    (True, True, "is halted: a compile would stay queued"), (False, False, "^server_compile: False is the environment's setting"),
])
def test_what_would_never_run_is_refused_before(halted, server_compile, problem):
    server = FakeClient({"GET /api/v2/environment/%s" % ENV: environment(halted),
                         "GET /api/v2/environment_settings": settings(server_compile=server_compile)})
    with pytest.raises(InputError, match=problem) as caught:
        compiles.check(server, ENV)
    assert caught.value.details == compiles.no_result()


def compile_model(details, retries=1, **params):
    server = Server(details)
    call = make_call(update=False, reinstall=False, reason="m", retries_interrupted=retries, wait_interval=0.0, **params)
    return server, compiles.compile_model(server, ENV, call)


def test_an_interrupted_compile_is_done_again():
    server, result = compile_model([failed(), done()])
    assert result["version"] == 7
    assert [body["update"] for path, body in server.sent()] == [False, False]


@pytest.mark.parametrize("retries, requests", [(0, 1), (1, 2), (2, 3)])
def test_an_interrupted_compile_is_done_again_as_often_as_told(retries, requests):
    server = Server(failed())
    call = make_call(update=False, reinstall=False, reason="m", retries_interrupted=retries, wait_interval=0.0)
    with pytest.raises(StagecraftError, match="while the server stopped") as caught:
        compiles.compile_model(server, ENV, call)
    assert len(server.sent()) == requests
    assert caught.value.details["interrupted"] is True


def test_a_failed_compile_is_not_done_again():
    server = Server(failed(stage(1, "Init", 1)))
    with pytest.raises(StagecraftError, match="in stage 'Init'"):
        compiles.compile_model(server, ENV, make_call(update=False, reinstall=False, reason="m", retries_interrupted=3))
    assert len(server.sent()) == 1


def test_success_without_a_version_is_an_error():
    with pytest.raises(StagecraftError, match="succeeded without storing a version") as caught:
        compile_model(done(None))
    assert caught.value.details["report"]["success"] is True


@pytest.mark.parametrize("reinstall, extra", [(False, {}), (True, {"reinstall": True})])
def test_reinstall_is_sent_only_when_asked_for(reinstall, extra):
    server = Server(done())
    compiles.compile_model(server, ENV, make_call(update=True, reinstall=reinstall, reason="m", retries_interrupted=0))
    body = server.sent()[0][1]
    assert {key: body[key] for key in body if key != "metadata"} == dict(update=True, **extra)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client against a real HTTP server."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import errors
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import Client, segment
from ansible_collections.stagecraft.release.tests.unit.inmanta.loopback import Answer, Loopback

HTML = "<html><title>404: Not Found</title></html>"
LOGIN = Answer(200, {"data": {"token": "login-token-1"}})


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def client(server, **options):
    slept = []
    made = Client(getattr(server, "url", server), sleep=slept.append, **options)
    made.slept = slept
    return made


def test_an_answer_is_decoded_and_headers_are_sent():
    with Loopback(Answer(200, {"data": [1]})) as server:
        assert client(server, token="abc").get("/api/v2/x", "env-id", {"limit": 2}) == {"data": [1]}
    seen = server.seen[0]
    assert seen["path"] == "/api/v2/x?limit=2"
    assert seen["headers"]["X-Inmanta-tid"] == "env-id"
    assert seen["headers"]["Authorization"] == "Bearer abc"


def test_no_token_sends_no_authorization_not_even_from_netrc(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Loopback(Answer(200, {})) as server:
        client(server).get("/x")
        client(server, token="abc").get("/x")
    assert [seen["headers"].get("Authorization") for seen in server.seen] == [None, "Bearer abc"]


@pytest.mark.parametrize("method, repeat, requests", [
    ("GET", False, 3), ("POST", True, 3), ("POST", False, 1), ("PUT", False, 1), ("DELETE", False, 1),
])
@pytest.mark.parametrize("trouble", [Answer(502, HTML), Answer(503, {"message": "starting"}), Answer(504, HTML), Answer(drop=True)])
def test_only_what_is_safe_is_repeated(method, repeat, requests, trouble):
    with Loopback(trouble) as server:
        tried = client(server, retries=2)
        with pytest.raises((errors.ApiError, errors.Unreachable)):
            tried.request(method, "/x", repeat=repeat)
    assert len(server.seen) == requests
    assert tried.slept == [0.5, 1.0][:requests - 1]


def test_repeating_ends_with_the_first_good_answer():
    with Loopback(Answer(503), Answer(drop=True), Answer(200, {"data": 7})) as server:
        assert client(server).get("/x") == {"data": 7}
    assert len(server.seen) == 3


def test_a_settings_value_error_is_never_repeated():
    with Loopback(Answer(500, {"message": "An unexpected error: Invalid value"})) as server:
        with pytest.raises(errors.ApiError) as caught:
            client(server).post("/api/v2/environment_settings/auto_deploy", "e", {"value": "maybe"}, repeat=True)
    assert len(server.seen) == 1
    assert caught.value.status == 500
    assert caught.value.message == "POST /api/v2/environment_settings/auto_deploy: HTTP 500: An unexpected error: Invalid value"


def test_a_stopping_server_that_answers_nothing_is_asked_again():
    with Loopback(Answer(200), Answer(200, {"data": 7})) as server:
        assert client(server).get("/x") == {"data": 7}
    with Loopback(Answer(200)) as server:
        with pytest.raises(errors.Unreachable, match="answered nothing"):
            client(server, retries=1).get("/x")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_an_empty_answer_of_other_methods_is_a_success(method):
    with Loopback(Answer(200)) as server:
        assert client(server).request(method, "/x") == {}


def test_before_write_is_called_before_writes_and_repetitions_only():
    calls = []
    with Loopback(Answer(200, {})) as server:
        one = client(server, before_write=lambda: calls.append(len(server.seen)))
        one.get("/a")
        one.post("/b")
        one.delete("/c")
    assert calls == [1, 2]
    with Loopback(Answer(503), Answer(200, {})) as server:
        client(server, before_write=lambda: calls.append("again")).get("/a")
    assert calls == [1, 2, "again"]


def test_a_run_that_must_stop_writes_nothing():
    def stop():
        raise StagecraftError("the run was killed")

    with Loopback(Answer(200, {})) as server:
        with pytest.raises(StagecraftError, match="killed"):
            client(server, before_write=stop).post("/x")
    assert server.seen == []


@pytest.mark.parametrize("status, body, kind, text", [
    (404, {"message": "The given environment id does not exist!"}, errors.NotFound, "does not exist!"),
    (404, HTML, errors.UnknownEndpoint, "does not have this call"),
    (405, HTML, errors.UnknownEndpoint, "does not have this call"),
    (401, {"message": "Access to this resource is unauthorized"}, errors.AccessDenied, "is unauthorized. "),
    (403, {"message": "Access denied: not valid for the requested environment"}, errors.AccessDenied, "not valid for"),
    (409, {"message": "already released"}, errors.Conflict, "already released"),
    (400, {"message": "Invalid request: Field 'tid' is required."}, errors.ApiError, "'tid' is required"),
    (500, HTML, errors.ApiError, "Internal Server Error"),
])
def test_refusals_become_errors_that_name_call_and_status(status, body, kind, text):
    with Loopback(Answer(status, body)) as server:
        with pytest.raises(errors.ApiError) as caught:
            client(server).get("/api/v2/thing")
    assert caught.value.__class__ is kind
    assert caught.value.message.startswith("GET /api/v2/thing: HTTP %d: " % status)
    assert text in caught.value.message


@pytest.mark.parametrize("refusal", [
    Answer(401, {"message": "Access to this resource is unauthorized"}),
    Answer(403, {"message": "Access denied: Signature has expired"}),
])
def test_a_login_is_renewed_when_it_has_expired(refusal):
    renewed = Answer(200, {"data": {"token": "login-token-2"}})
    with Loopback(LOGIN, Answer(200, {"data": 1}), refusal, renewed, Answer(200, {"data": 2})) as server:
        one = client(server, username="ada", password="correct horse")
        assert one.get("/x")["data"] == 1
        assert one.get("/y")["data"] == 2
    assert [seen["path"] for seen in server.seen] == ["/api/v2/login", "/x", "/y", "/api/v2/login", "/y"]
    assert server.seen[0]["body"] == {"username": "ada", "password": "correct horse"}
    assert [seen["headers"].get("Authorization") for seen in server.seen] == [
        None, "Bearer login-token-1", "Bearer login-token-1", None, "Bearer login-token-2"]


def test_a_refusal_that_is_not_about_expiry_does_not_log_in_again():
    with Loopback(LOGIN, Answer(403, {"message": "Access denied: scoped to a specific environment"})) as server:
        with pytest.raises(errors.AccessDenied):
            client(server, username="ada", password="correct horse").get("/x")
    assert len(server.seen) == 2


def test_a_wrong_password_is_an_error_without_the_password():
    with Loopback(Answer(401, {"message": "Invalid username or password (correct horse)"})) as server:
        with pytest.raises(errors.AccessDenied) as caught:
            client(server, username="ada", password="correct horse").get("/x")
    assert "correct horse" not in caught.value.message
    assert "username 'ada'" in caught.value.message


def test_a_token_is_masked_in_the_servers_message():
    with Loopback(Answer(403, {"message": "Access denied: token s3cr3t-token is revoked"})) as server:
        with pytest.raises(errors.AccessDenied) as caught:
            client(server, token="s3cr3t-token").get("/x")
    assert "s3cr3t-token" not in str(caught.value)
    assert "token ******** is revoked" in caught.value.message


@pytest.mark.parametrize("body", [HTML, "ok", "{"])
def test_a_server_that_is_no_orchestrator_is_told_apart(body):
    with Loopback(Answer(200, body)) as server:
        with pytest.raises(StagecraftError, match="not an orchestrator's API. Check the url"):
            client(server).get("/api/v2/project")
    assert len(server.seen) == 1


@pytest.mark.parametrize("url", [None, "", "orchestrator:8888", "ftp://orchestrator", "https://", "/api"])
def test_a_wrong_url_is_refused_before_any_request(url):
    with pytest.raises(InputError, match="^url: "):
        Client(url)


def test_a_url_with_a_password_is_refused_without_showing_it():
    with pytest.raises(StagecraftError) as caught:
        Client("https://ada:hunter2@orchestrator:8888")
    assert "hunter2" not in caught.value.message
    assert "'username' and 'password'" in caught.value.message


def test_nobody_listening_is_unreachable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = "http://127.0.0.1:%d" % free.getsockname()[1]
    one = client(url, retries=2)
    with pytest.raises(errors.Unreachable, match="Connection refused.*Check the url"):
        one.get("/x")
    assert len(one.slept) == 2


def test_a_slow_answer_is_a_timeout_that_names_the_option():
    with Loopback(Answer(200, {}, delay=0.5)) as server:
        with pytest.raises(errors.Unreachable, match="no answer within timeout=0.1 s"):
            client(server, timeout=0.1, retries=0).get("/x")


@pytest.mark.parametrize("options", [{}, {"verify": False}])
def test_tls_to_a_plain_port_is_a_tls_error_and_not_repeated(options):
    with Loopback(Answer(200, {})) as server:
        one = client(server.url.replace("http:", "https:"), **options)
        with pytest.raises(StagecraftError, match="TLS connection failed.*'ca_path'"):
            one.get("/x")
    assert one.slept == []


def test_a_ca_path_that_is_not_there_names_the_option(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/elsewhere.pem")
    with pytest.raises(StagecraftError, match="^ca_path or client_cert: .*/nowhere/ca.pem"):
        client("https://127.0.0.1:1", verify="/nowhere/ca.pem").get("/x")


def test_a_proxy_gets_the_requests():
    with Loopback(Answer(200, {"data": "by proxy"})) as proxy:
        assert client("http://orchestrator.invalid:8888", proxy=proxy.url).get("/x")["data"] == "by proxy"
    assert proxy.seen[0]["path"] == "http://orchestrator.invalid:8888/x"


def test_the_option_proxy_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Loopback(Answer(200, {"data": "by option"})) as proxy:
        assert client("http://orchestrator.invalid:8888", proxy=proxy.url).get("/x")["data"] == "by option"


def test_an_environment_that_names_certificates_does_not_turn_verification_on_again(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/elsewhere.pem")
    with Loopback(Answer(200, {})) as server:
        with pytest.raises(StagecraftError, match="TLS connection failed"):
            client(server.url.replace("http:", "https:"), verify=False).get("/x")


def params(**given):
    base = dict(url="http://127.0.0.1:1", token=None, username=None, password=None, validate_certs=True, ca_path=None,
                client_cert=None, client_key=None, proxy=None, timeout=5.0, retries=0)
    return dict(base, **given)


@pytest.mark.parametrize("given, problem", [
    (dict(username="ada", token="t"), "together with a token"),
    (dict(username="ada"), "without a password"),
])
def test_options_that_contradict_each_other(given, problem):
    with pytest.raises(InputError, match=problem):
        Client.from_params(params(**given))


@pytest.mark.parametrize("given, verify, cert", [
    (dict(), True, None),
    (dict(ca_path="/ca.pem"), "/ca.pem", None),
    (dict(ca_path="/ca.pem", validate_certs=False), False, None),
    (dict(client_cert="/c.pem"), True, "/c.pem"),
    (dict(client_cert="/c.pem", client_key="/k.pem"), True, ("/c.pem", "/k.pem")),
])
def test_tls_options_are_taken_over(given, verify, cert):
    ways = Client.from_params(params(**given))._ways
    assert (ways["verify"], ways["cert"]) == (verify, cert)


def test_a_segment_is_encoded_in_full():
    assert segment("fs::File[local,path=/etc/a b]") == "fs%3A%3AFile%5Blocal%2Cpath%3D%2Fetc%2Fa%20b%5D"

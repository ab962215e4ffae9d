# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module artifact_verify and its action: real servers, real signatures, and everything that is bad about a release."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import checking, documents, manifest, signature
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import artifact_manifest, artifact_verify

from manifest_samples import EPOCH, PRINCIPAL, GpgKey, Server, SshKey, call, document, entry, fill, run, text

COLLECTIONS = Path(manifest.__file__).parents[6]
FILES = {"wheels/a-1.0-py3-none-any.whl": b"wheel", "files/shop.conf": b"conf", "files/bin/run": b"#!/bin/sh\n"}
HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return SshKey(tmp_path_factory.mktemp("ssh"))


@pytest.fixture
def path(tmp_path, key):
    """A signed release below a releases root."""
    made = fill(tmp_path / "releases" / "shop" / "v2", FILES)
    artifact_manifest.execute(call(artifact_manifest, path=str(made), project="shop", release="v2", serial=7, ssh_key=key.path,
                                   expires="2026-12-01T00:00:00Z"), clock=lambda: EPOCH)
    return made


@pytest.fixture
def server(tmp_path, path):
    with Server(tmp_path / "releases") as made:
        yield made


@pytest.fixture
def verify(key):
    def run_module(*sources, clock=EPOCH, check_mode=False, **params):
        given = dict(dict(sources=[str(source) for source in sources], allowed_signers=key.allowed), **params)
        asked = call(artifact_verify, check_mode, **given)
        result = artifact_verify.execute(asked, clock=lambda: clock)
        return dict(result, warnings=asked.warnings)
    return run_module


@pytest.fixture
def refused(verify):
    def run_module(*sources, **params):
        with pytest.raises(StagecraftError) as caught:
            verify(*sources, **params)
        assert "Traceback" not in caught.value.message and len(caught.value.message) < 3000
        return caught.value.message
    return run_module


def sign(path, key, made):
    """Put another manifest in place, with a signature that is good."""
    data = made if isinstance(made, bytes) else text(made)
    fill(path, {"manifest.json": data, "manifest.json.sig": signature.ssh_sign(data, key.path)})


def test_from_a_server_and_from_a_directory(verify, path, server):
    result = verify(server.url + "/shop/v2", project="shop", release="v2", minimum_serial=7)
    digest = manifest.digest((path / "manifest.json").read_bytes())
    assert result == dict(changed=False, digest=digest, project="shop", release="v2", serial=7, created="2026-11-21T09:00:00Z", commit="",
                          signature="good", signed_by=PRINCIPAL, artifacts=3, bytes=19, by_kind={"file": 2, "wheel": 1}, path="", differing=[],
                          source=server.url + "/shop/v2", warnings=[])
    assert verify(path, digest=digest) == dict(result, source=str(path))
    assert verify(server.url + "/shop/v2/")["digest"] == digest


def test_only_small_documents_are_asked_for(verify, server):
    verify(server.url + "/shop/v2")
    assert [path for path, _headers in server.seen] == ["/shop/v2/manifest.json", "/shop/v2/manifest.json.sig", "/shop/v2/manifest.json.gpg"]


def test_manifest_and_signature_are_kept(verify, path, tmp_path):
    dest = tmp_path / "cache/shop/v2"
    assert verify(path, dest=dest, check_mode=True)["changed"] and not dest.exists()
    assert verify(path, dest=dest)["changed"]
    assert sorted(os.listdir(dest)) == ["manifest.json", "manifest.json.sig"]
    for name in os.listdir(dest):
        assert (dest / name).read_bytes() == (path / name).read_bytes() and (dest / name).stat().st_mode & 0o777 == 0o644
    assert not verify(path, dest=dest)["changed"] and verify(dest)["signature"] == "good"
    fill(dest, {"manifest.json.gpg": b"old", "manifest.json": b"old", "mine": b"x"})
    assert verify(path, dest=dest)["changed"]
    assert sorted(os.listdir(dest)) == ["manifest.json", "manifest.json.sig", "mine"] and verify(dest)["signature"] == "good"


def test_what_is_refused_is_not_kept(refused, path, tmp_path):
    refused(path, release="v3", dest=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_changed_byte_in_the_manifest(refused, path, server):
    data = (path / "manifest.json").read_bytes()
    for place in range(0, len(data), 67):
        fill(path, {"manifest.json": data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]})
        message = refused(server.url + "/shop/v2") if place % 2 else refused(path)
        assert "changed after it was signed" in message or "does not begin like a manifest" in message
        assert "/shop/v2" in message


def test_a_changed_byte_in_the_signature(refused, path, server):
    data = (path / "manifest.json.sig").read_bytes()
    for place in (5, 40, 110, 200, len(data) - 40):
        fill(path, {"manifest.json.sig": data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]})
        message = refused(server.url + "/shop/v2")
        assert "manifest.json.sig: " in message and server.url in message


def test_no_signature(refused, verify, path):
    os.unlink(path / "manifest.json.sig")
    assert "manifest.json.sig: is missing, and a signed manifest is required" in refused(path)
    result = verify(path, require_signature=False)
    assert (result["signature"], result["signed_by"]) == ("none", "")
    assert "neither allowed_signers nor keyring" in refused(path, allowed_signers=None)


def test_another_signer(refused, path, tmp_path):
    stranger = SshKey(tmp_path, "stranger")
    assert "which %s does not allow" % stranger.allowed in refused(path, allowed_signers=stranger.allowed)
    assert "for ci@example.com" in refused(path, identity="ci@example.com")
    assert "allowed_signers: '/none' is not a file on this host" in refused(path, allowed_signers="/none")


def test_gpg_alone(verify, refused, path, tmp_path_factory):
    gpg = GpgKey(tmp_path_factory.mktemp("g") / "h")
    try:
        data = (path / "manifest.json").read_bytes()
        fill(path, {"manifest.json.gpg": signature.gpg_sign(data, gpg.fingerprint, gpg.home)})
        assert verify(path, allowed_signers=None, keyring=gpg.keyring, identity=gpg.fingerprint)["signed_by"].endswith("(%s)" % gpg.fingerprint)
        fill(path, {"manifest.json": data.replace(b'"v2"', b'"v3"')})
        assert "manifest.json.gpg: does not fit the manifest" in refused(path, allowed_signers=None, keyring=gpg.keyring)
    finally:
        gpg.close()


def test_a_host_without_ssh_keygen(verify, refused, path, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "ssh-keygen: the command is not on this host" in refused(path)
    result = verify(path, where_possible=True, artifacts="full")
    assert (result["signature"], result["signed_by"], result["differing"]) == ("unchecked", "", [])


def test_an_expired_release(verify, refused, path):
    late = EPOCH + 30 * 86400
    assert "expires: '2026-12-01T00:00:00Z' has passed (it is 2026-12-21T09:00:00Z)" in refused(path, clock=late)
    assert verify(path, clock=late, allow_expired=True)["signature"] == "good"


def test_a_serial_that_goes_back(verify, refused, path):
    assert "serial: 7 is lower than 8, which was seen before" in refused(path, minimum_serial=8)
    assert verify(path, minimum_serial=7)["serial"] == 7


def test_a_serial_lower_than_that_of_the_manifest_that_is_kept(verify, refused, path, key, tmp_path):
    dest, old = tmp_path / "kept", tmp_path / "old"
    shutil.copytree(path, old)
    artifact_manifest.execute(call(artifact_manifest, path=str(path), project="shop", release="v2", serial=9, ssh_key=key.path), clock=lambda: EPOCH)
    verify(path, dest=str(dest))
    newer = (dest / "manifest.json").read_bytes()
    assert "serial: 7 is lower than 9, which %s keeps from before" % dest in refused(old, dest=str(dest))
    assert (dest / "manifest.json").read_bytes() == newer
    other = fill(tmp_path / "releases" / "shop" / "v1", FILES)
    artifact_manifest.execute(call(artifact_manifest, path=str(other), project="shop", release="v1", serial=1, ssh_key=key.path), clock=lambda: EPOCH)
    assert verify(other, dest=str(dest))["serial"] == 1, "another release of the project may be an older one"


@pytest.mark.parametrize("params, problem", [
    (dict(project="other"), "project: 'shop' is not the expected 'other'"), (dict(release="v3"), "release: 'v2' is not the expected 'v3'"),
    (dict(digest="sha256:" + "0" * 64), "is not the expected sha256:000"), (dict(digest="0" * 64), "digest: '%s' is not the digest" % ("0" * 64)),
    (dict(sets=["webb"]), "sets: 'webb' is in no artifact"), (dict(timeout=0), "timeout: 0.0 is not more than 0"),
])
def test_another_release_than_was_asked_for(refused, path, params, problem):
    assert problem in refused(path, **params)


@pytest.mark.parametrize("more, problem", [
    (dict(schema=2), "schema: 2 is newer than 1"), (dict(schema="x"), "schema: 'x' is not a known schema"),
    (dict(artifacts=[entry("../../etc/passwd")]), "'../../etc/passwd' leads out of the release directory"),
    (dict(artifacts=[entry("/etc/passwd")]), "'/etc/passwd' is an absolute path"),
    (dict(artifacts=[entry("a"), entry("a")]), "'a' is there twice"), (dict(artifacts=[entry("a"), entry("a/b")]), "'a/b' lies below 'a'"),
    (dict(artifacts=[entry("a", size=1 << 50)]), "artifact a: size: 1125899906842624"), (dict(artifacts=[entry("a", size=-5)]), "size: -5"),
    (dict(artifacts=[entry("a%d" % number) for number in range(100000)]), "100000 is more than the 50000 entries"),
    (dict(artifacts=None), "artifacts: None is not a list"),
])
def test_a_signed_manifest_is_checked_all_the_same(refused, path, key, server, more, problem):
    sign(path, key, document(**more))
    assert problem in refused(server.url + "/shop/v2")


def test_a_signed_text_that_is_no_manifest(refused, path, key):
    sign(path, key, b'{"schema": 1, "schema": 1}')
    assert "a key is there twice" in refused(path)
    sign(path, key, HTML)
    assert "begins like an HTML page" in refused(path)


def test_a_page_instead_of_a_manifest(refused, server):
    server.odd["/shop/v2/manifest.json"] = (200, {"Content-Type": "text/html"}, [HTML], 0)
    message = refused(server.url + "/shop/v2")
    assert "%s/shop/v2/manifest.json: begins like an HTML page" % server.url in message and "login page" in message


@pytest.mark.parametrize("odd, problem", [
    ((404, {}, [], 0), "has no manifest.json, so it is not a release directory"), ((500, {}, [b"oops"], 0), "the server answered 500"),
    ((403, {}, [], 0), "the server answered 403 Forbidden"), ((200, {"Content-Length": "9999"}, [b'{"schema": 1'], 0), "the connection ended after"),
    ((200, {}, [], 0), "is empty"), ((200, {}, [b'{"a": "', b"x" * 5000], 0), "changed after it was signed"),
    ((302, {"Location": "file:///etc/passwd"}, [], 0), "file"), ((302, {"Location": "/shop/v2/manifest.json"}, [], 0), "302"),
])
def test_a_server_that_answers_something_else(refused, server, odd, problem):
    server.odd["/shop/v2/manifest.json"] = odd
    message = refused(server.url + "/shop/v2")
    assert problem in message and server.url in message


def test_a_server_that_is_not_there(refused, path, server):
    assert "http://127.0.0.1:1/shop/v2/manifest.json: cannot be read: " in refused("http://127.0.0.1:1/shop/v2")
    assert "has no manifest.json" in refused(path.parent / "v9") and "has no manifest.json" in refused(server.url + "/shop/v9")


def test_a_server_that_stalls(refused, server):
    server.odd["/shop/v2/manifest.json"] = (200, {"Content-Length": "100"}, [b'{"schema"', b"", b""], 2)
    began = time.monotonic()
    assert "timed out" in refused(server.url + "/shop/v2", timeout=0.5) and time.monotonic() - began < 5


def test_a_server_that_trickles(refused, server, monkeypatch):
    monkeypatch.setattr(documents, "PATIENCE", 2)
    server.odd["/shop/v2/manifest.json"] = (200, {}, [b"{"] * 40, 0.1)
    began = time.monotonic()
    assert "came too slowly and was given up" in refused(server.url + "/shop/v2", timeout=0.5) and time.monotonic() - began < 3


def test_an_endless_document_is_not_read_to_its_end(refused, server, monkeypatch):
    monkeypatch.setattr(manifest, "TEXT_LIMIT", 1 << 20)
    server.odd["/shop/v2/manifest.json"] = (200, {"Content-Length": str(1 << 31)}, (b"{" + b" " * 65535 for _number in range(1 << 15)), 0)
    assert "manifest.json: is longer than 1048576 bytes" in refused(server.url + "/shop/v2")
    server.odd.clear()
    server.odd["/shop/v2/manifest.json.sig"] = (200, {}, (b"x" * 65536 for _number in range(1 << 15)), 0)
    assert "manifest.json.sig: is longer than 65536 bytes" in refused(server.url + "/shop/v2")


def test_a_directory_that_holds_something_else(refused, path, tmp_path):
    data = (path / "manifest.json").read_bytes()
    os.unlink(path / "manifest.json")
    fill(tmp_path, {"m": data})
    (path / "manifest.json").symlink_to(tmp_path / "m")
    assert "manifest.json: is a symbolic link" in refused(path)
    os.unlink(path / "manifest.json")
    os.mkfifo(path / "manifest.json")
    assert "manifest.json: is not a regular file" in refused(path)
    os.unlink(path / "manifest.json")
    with open(path / "manifest.json", "wb") as sparse:
        sparse.truncate(1 << 31)
    assert "is longer than 67108864 bytes" in refused(path)


@pytest.mark.parametrize("source, problem", [
    ("ftp://host/shop", "neither a url nor an absolute path"), ("shop/v2", "neither a url nor an absolute path"), ("file:///srv", "neither a url"),
    ("http:///x", "neither a url"), ("https://u:hunter2@host/x", "holds a user name or password"), ("https://host/x?token=1", "has a query"),
    ("controller:/srv", "neither a url"), ("", "neither a url"),
])
def test_sources_that_are_none(refused, source, problem):
    message = refused(source)
    assert problem in message and "hunter2" not in message


def test_the_next_source_is_taken_and_the_first_one_told(verify, refused, path, server, tmp_path):
    bad = shutil.copytree(path, tmp_path / "bad")
    fill(bad, {"manifest.json": (bad / "manifest.json").read_bytes().replace(b'"v2"', b'"v3"')})
    result = verify("http://127.0.0.1:1/shop/v2", bad, server.url + "/shop/v2", release="v2")
    assert result["source"] == server.url + "/shop/v2" and result["signature"] == "good"
    assert len(result["warnings"]) == 2 and "127.0.0.1:1" in result["warnings"][0] and "changed after it was signed" in result["warnings"][1]
    message = refused(bad, "http://127.0.0.1:1/shop/v2")
    assert message.startswith("sources: none of 2 has this release as it should be. (1) ") and "(2) http://127.0.0.1:1" in message
    assert "names no source" in refused()


def test_headers_are_sent_and_not_to_another_server(verify, refused, path, server, tmp_path):
    with Server(tmp_path / "releases") as other:
        server.odd["/shop/v2/manifest.json"] = (302, {"Location": other.url + "/shop/v2/manifest.json"}, [], 0)
        server.odd["/shop/v2/manifest.json.sig"] = (301, {"Location": "/shop/v2/moved"}, [], 0)
        server.odd["/shop/v2/moved"] = (200, {}, [(path / "manifest.json.sig").read_bytes()], 0)
        verify(server.url + "/shop/v2", headers={"Authorization": "Bearer hunter2"})
        assert [("Authorization" in headers, path) for path, headers in server.seen] == [
            (True, "/shop/v2/manifest.json"), (True, "/shop/v2/manifest.json.sig"), (True, "/shop/v2/moved"), (True, "/shop/v2/manifest.json.gpg")]
        assert [("Authorization" in headers) for _path, headers in other.seen] == [False]
    for value in ("hunter2\r\nX: y", "hunter2\u20ac"):
        message = refused(server.url + "/shop/v2", headers={"Authorization": value})
        assert "headers: 'Authorization'" in message and "hunter2" not in message


def test_tls(verify, refused, path, tmp_path):
    pem = tmp_path / "server.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", str(tmp_path / "key.pem"), "-out", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, tmp_path / "key.pem")
    with Server(tmp_path / "releases") as plain, Server(tmp_path / "releases") as tls:
        tls.socket = context.wrap_socket(tls.socket, server_side=True)
        url = tls.url.replace("http:", "https:") + "/shop/v2"
        assert "certificate verify failed" in refused(url)
        assert verify(url, ca_path=pem)["signature"] == verify(url, validate_certs=False)["signature"] == "good"
        assert "ca_path: '/none' cannot be read as certificates" in refused(url, ca_path="/none")
        tls.odd["/shop/v2/manifest.json"] = (302, {"Location": plain.url + "/shop/v2/manifest.json"}, [], 0)
        assert "redirects from https to http" in refused(url, ca_path=pem) and not plain.seen


def test_artifacts_as_they_should_be(verify, refused, path, server):
    for how in ("none", "fast", "full"):
        assert verify(path, artifacts=how)["differing"] == []
    assert "artifacts: 'full' needs the files themselves" in refused(server.url + "/shop/v2", artifacts="full")


def problems(verify, path, how, **params):
    return {one["path"]: one["problem"] for one in verify(path, artifacts=how, report_only=True, **params)["differing"]}


@pytest.mark.parametrize("name", list(FILES))
def test_a_changed_byte_in_any_artifact(verify, refused, path, name):
    data = FILES[name]
    for place in (0, len(data) - 1):
        fill(path, {name: data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]})
        message = refused(path, artifacts="full")
        assert "1 of 3 artifacts of release v2 differ from its manifest: %s has the sha256" % name in message and str(path) in message
        assert problems(verify, path, "fast") == {}


def test_what_a_fast_look_sees(verify, refused, path):
    fill(path, {"files/shop.conf": b"longer"})
    os.unlink(path / "wheels/a-1.0-py3-none-any.whl")
    shutil.move(str(path / "files/bin"), str(path / "elsewhere"))
    (path / "files/bin").symlink_to("../elsewhere")
    expected = {"files/shop.conf": "has 6 bytes, not 4", "wheels/a-1.0-py3-none-any.whl": "is missing",
                "files/bin/run": "is a symbolic link, or lies behind one or below a file"}
    assert problems(verify, path, "fast") == problems(verify, path, "full") == expected
    with pytest.raises(StagecraftError) as caught:
        verify(path, artifacts="fast", dest=path.parent / "cache")
    assert "3 of 3 artifacts" in caught.value.message and len(caught.value.details["differing"]) == 3
    assert caught.value.details["digest"].startswith("sha256:") and not (path.parent / "cache").exists()


def test_a_lie_about_2_gib(verify, path, key):
    sign(path, key, document(entry("files/shop.conf", b"conf", size=2 << 30)))
    assert problems(verify, path, "full") == {"files/shop.conf": "has 4 bytes, not 2147483648"}
    with open(path / "files/shop.conf", "wb") as sparse:
        sparse.truncate(2 << 30)
    sign(path, key, document(entry("files/shop.conf", b"conf")))
    began = time.monotonic()
    assert problems(verify, path, "full") == {"files/shop.conf": "has 2147483648 bytes, not 4"} and time.monotonic() - began < 5


def test_sets_and_platforms_narrow(verify, path, key):
    sign(path, key, document(entry("files/shop.conf", b"conf"), entry("x/web", sets=["web"]), entry("x/deb", platform="debian12")))
    assert problems(verify, path, "full", sets=["default"], platforms=["debian13"]) == {}
    assert problems(verify, path, "full", sets=["web"]) == {"x/web": "is missing"}
    result = verify(path, platforms=["debian12"], sets=["default"])
    assert (result["artifacts"], result["by_kind"]) == (2, {"file": 2})


def test_many_problems_are_told_briefly():
    told = checking.told([dict(path="files/%d" % number, problem="is missing") for number in range(40000)])
    assert told.endswith("files/4 is missing; and 39995 more")
    assert checking.told([dict(path="a", problem="is missing")]) == "a is missing"


def test_a_directory_that_is_gone():
    with pytest.raises(InputError, match="'/none' is not a directory on this host"):
        checking.differing("/none", [entry()], True)


CONNECTION = """
DOCUMENTATION = '''
name: far
short_description: this machine, reached as if it were another one
description: For tests.
author: tests
options: {}
'''
from ansible.plugins.connection.local import Connection as Local


class Connection(Local):
    transport = "far"
"""
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - stagecraft.release.artifact_verify: &options
        sources: ["http://127.0.0.1:1/shop/v2", "{{ source }}"]
        allowed_signers: "{{ allowed }}"
        headers: {Authorization: Bearer hunter2}
        dest: "{{ dest }}"
        timeout: 5
      register: here
    - stagecraft.release.artifact_verify:
        <<: *options
        release: v3
      register: wrong
      ignore_errors: true
    - ansible.builtin.assert:
        that:
          - here is changed and here.signature == 'good' and here.artifacts == 3
          - wrong is failed and "is not the expected 'v3'" in wrong.msg
"""


@pytest.mark.parametrize("connection", ["local", "far"])
def test_in_a_play_on_the_controller_and_on_a_host(path, server, key, tmp_path, connection):
    fill(tmp_path, {"connection/far.py": CONNECTION.encode(), "play.yml": PLAY.encode()})
    environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), ANSIBLE_CONNECTION_PLUGINS=str(tmp_path / "connection"),
                       ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default", ANSIBLE_NOCOLOR="1", ANSIBLE_HOME=str(tmp_path / "home"),
                       ANSIBLE_LOCALHOST_WARNING="0", ANSIBLE_PIPELINING="1")
    environment.pop("ANSIBLE_FORCE_COLOR", None)
    done = subprocess.run([sys.executable, "-m", "ansible", "playbook", "-i", "web1,", "-c", connection, str(tmp_path / "play.yml"), "-vvv",
                           "-e", json.dumps(dict(source=server.url + "/shop/v2", allowed=key.allowed, dest=str(tmp_path / "dest"),
                                                 ansible_python_interpreter=sys.executable))],
                          env=environment, cwd=tmp_path, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    output = done.stdout.decode()
    assert done.returncode == 0, output
    assert "hunter2" not in output and "A source was passed over: http://127.0.0.1:1" in " ".join(output.split())
    assert ("AnsiballZ_artifact_verify" in output or "_ansiballz" in output or "EXEC" in output) == (connection == "far")
    assert sorted(os.listdir(tmp_path / "dest")) == ["manifest.json", "manifest.json.sig"]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents fetched from servers and directories that are as they should be, slow, broken, or worse."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from urllib.parse import unquote, urlsplit

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import fetching, manifest

from manifest_samples import document, entry, fill, run
from servers import (Server, chunked, endless, fetch, objects, other, redirect, refused, release, reset, silent, stalled, status, tree, trickling,
                     truncated)

BIG = random.Random(1).randbytes(3 * 1024 * 1024 + 17)
FILES = {"wheels/a b+1.0~ü%.whl": b"wheel" * 20000, "files/shop.conf": b"conf", "files/empty": b"", "images/big.tar": BIG}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """No long pauses between attempts, and no proxy but the one of a test."""
    monkeypatch.setattr(fetching, "PAUSE", 0.01)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def path(tmp_path):
    return release(tmp_path / "releases", FILES)


@pytest.fixture
def server(tmp_path, path):
    with Server(tmp_path / "releases") as made:
        yield made


@pytest.fixture
def second(tmp_path, path):
    with Server(tmp_path / "releases") as made:
        yield made


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def url(server):
    """The release on a server."""
    return server.url + "/shop/v2"


def whole(result, path):
    """Whether the staged release is the one that is at a path, byte for byte."""
    there = tree(result["path"])
    there.pop(".complete")
    return there == tree(path)


def test_from_a_server(path, store, server):
    result = fetch(path, store, url(server))
    assert whole(result, path)
    assert (result["fetched"], result["fetched_bytes"], result["sources_used"]) == (4, sum(map(len, FILES.values())), {url(server): 4})
    assert sorted(server.asked()) == sorted(FILES)
    assert not fetch(path, store, url(server))["changed"]
    assert server.asked() == []


def test_a_slash_at_the_end_of_a_source(path, store, server):
    assert whole(fetch(path, store, url(server) + "/"), path)


def test_from_a_directory(path, store):
    result = fetch(path, store, path)
    assert whole(result, path) and result["sources_used"] == {str(path): 4}


def test_connections_are_kept(tmp_path, store):
    path = release(tmp_path / "releases", {"files/%d" % number: b"%d" % number for number in range(60)})
    with Server(tmp_path / "releases") as server:
        fetch(path, store, url(server), parallel=3)
        assert (len(server.seen), server.connections) == (60, 3)


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(tmp_path, store):
    path = release(tmp_path / "releases", {"files/%d" % number: b"%d" % number for number in range(6)})

    def once(handler, data):
        handler.part(data, len(data))
        handler.close_connection = True  # without having said so

    with Server(tmp_path / "releases") as server:
        server.fault = once
        result = fetch(path, store, url(server), parallel=1, retries=0)
        assert whole(result, path) and result["warnings"] == []
        assert (server.connections, len(server.seen)) == (6, 6)


def test_only_so_many_at_a_time(tmp_path, store):
    path = release(tmp_path / "releases", {"files/%d" % number: b"%d" % number for number in range(12)})
    running, most = [], []

    def slow(handler, data):
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        handler.part(data, len(data))

    with Server(tmp_path / "releases") as server:
        server.fault = slow
        fetch(path, store, url(server), parallel=3)
    assert max(most) <= 3


# Sources in order

def test_the_first_source_that_has_it(tmp_path, path, store, server, second):
    server.faults = {"files/shop.conf": status(404)}
    result = fetch(path, store, url(server), url(second))
    assert whole(result, path)
    assert result["sources_used"] == {url(server): 3, url(second): 1}
    assert second.asked() == ["files/shop.conf"]
    assert len(result["warnings"]) == 1 and "files/shop.conf: answered 404" in result["warnings"][0] and url(server) in result["warnings"][0]


@pytest.mark.parametrize("fault, said", [
    (other(b"CONF"), "has the sha256 %s there, not %s" % tuple(hashlib.sha256(text).hexdigest() for text in (b"CONF", b"conf"))),
    (other(b"conf and more"), "has 13 bytes there, not 4"),
    (other(b"co"), "has 2 bytes there, not 4"),
    (other(b""), "has 0 bytes there, not 4"),
    (endless, "has more than 4 bytes there"),
    (truncated(0), "ended after 0 of 4 bytes"),
    (silent, "closed the connection without an answer"),
    (status(404), "answered 404 Not Found"),
    (status(403), "answered 403 Forbidden"),
    (status(503), "answered 503 Service Unavailable"),
    (status(204), "answered 204 No Content"),
    (redirect("http://127.0.0.1:99999/x"), "has an address that cannot be used"),
    (redirect("ftp://127.0.0.1/x"), "redirects to ftp://127.0.0.1/x"),
    (redirect("?again"), "redirects more than 5 times"),
])
def test_what_is_wrong_with_one_artifact_is_named_and_the_next_source_taken(path, store, server, second, fault, said):
    server.faults = {"files/shop.conf": fault, "files/shop.conf?again": fault}
    message = refused(path, store, url(server), retries=1)
    assert "1 of 4 artifacts of release v2" in message
    assert "artifact files/shop.conf: %s %s" % (url(server), said) in message
    assert os.listdir(store / "releases" / "shop") == []
    assert len(objects(store)) == 3
    assert hashlib.sha256(b"conf").hexdigest() not in objects(store)
    result = fetch(path, store, url(server), url(second), retries=1)
    assert whole(result, path)
    assert result["sources_used"] == {url(second): 1} and result["present"] == 3
    assert said in result["warnings"][0]


def test_the_connection_is_usable_after_a_refusal(tmp_path, path, store, server):
    server.faults = {"images/big.tar": other(b"x" * 100000), "wheels/a b+1.0~ü%.whl": status(404)}
    message = refused(path, store, url(server), parallel=1)
    assert "images/big.tar" in message and "wheels/a b" in message
    assert len(objects(store)) == 2


def test_a_reset_connection(path, store, server):
    server.faults = {"images/big.tar": reset(1000)}
    assert "images/big.tar: %s broke the connection" % url(server) in refused(path, store, url(server), retries=1)


def test_a_directory_that_lacks_some(tmp_path, path, store):
    lacking = fill(tmp_path / "lacking", {"images/big.tar": BIG, "files/shop.conf": b"confused", "files/empty": b""})
    (lacking / "wheels").symlink_to(path / "wheels")
    result = fetch(path, store, lacking, tmp_path / "gone", path)
    assert result["sources_used"] == {str(lacking): 2, str(path): 2}
    message = refused(path, tmp_path / "other", lacking, tmp_path / "gone")
    for text in ("files/shop.conf: %s has 8 bytes there, not 4; %s is not a directory on this host" % (lacking, tmp_path / "gone"),
                 "%s is a symbolic link, or lies behind one or below a file there" % lacking):
        assert text in message


def test_a_directory_that_hangs_is_no_file(tmp_path, path, store):
    (path / "files/shop.conf").unlink()
    os.mkfifo(path / "files/shop.conf")
    assert "files/shop.conf: %s is not a regular file there" % path in refused(path, store, path)


def test_many_problems_are_told_briefly(tmp_path, store):
    path = release(tmp_path / "releases", {"files/%02d" % number: b"%d" % number for number in range(20)})
    message = refused(path, store, tmp_path)
    assert "20 of 20 artifacts" in message and "and 15 more" in message and message.count("is missing there") == 5


def test_no_source(path, store):
    message = refused(path, store)
    assert "names no source, and 4 artifacts are missing, files/empty first" in message


def test_a_source_without_a_possible_port(path, store):
    assert "http://127.0.0.1:99999/x has an address that cannot be used" in refused(path, store, "http://127.0.0.1:99999/x")


@pytest.mark.parametrize("source, said", [
    ("files", "is neither a url nor an absolute path"),
    ("ftp://example.com/x", "is neither a url nor an absolute path"),
    ("http://me:secret@example.com/x", "holds a user name or password"),
    ("controller:/srv", "can only be used by the action"),
])
def test_sources_that_are_none(path, store, source, said):
    message = refused(path, store, source)
    assert said in message and "secret" not in message


@pytest.mark.parametrize("name, value", [("parallel", 0), ("bandwidth", -1), ("retries", -1), ("reserve", -1), ("keep", -1), ("timeout", 0),
                                         ("keep_releases", ["../x"]), ("digest", "sha256:" + "0" * 64), ("headers", {"X": "a\nb"})])
def test_options_that_lead_nowhere(path, store, name, value):
    assert name in refused(path, store, path, **{name: value})
    assert not store.exists()


# Resuming

def part_of(store, content, data):
    """The part of a content, as an interrupted run leaves it."""
    return fill(store, {".parts/%s.part" % hashlib.sha256(content).hexdigest(): data})


def ranges(server, name="images/big.tar"):
    """The ranges that were asked for of an artifact."""
    return [asked for path, asked, _headers in server.seen if path == name]


@pytest.mark.parametrize("supported", [True, False])
def test_an_interrupted_part_is_taken_up(path, store, server, supported):
    server.ranges = supported
    part_of(store, BIG, BIG[:1000000])
    result = fetch(path, store, url(server))
    assert whole(result, path)
    assert ranges(server) == ["bytes=1000000-"]
    assert os.listdir(store / ".parts") == []


def test_an_interrupted_part_is_taken_up_from_a_directory(path, store):
    part_of(store, BIG, BIG[:1000000])
    assert whole(fetch(path, store, path), path)


@pytest.mark.parametrize("left", [b"x" * 5, b"x" * (len(BIG) - 1), b"x" * len(BIG), b"x" * (len(BIG) + 1), BIG + b"x"],
                         ids=["short", "almost", "as long", "longer", "too much"])
def test_a_part_that_is_not_what_it_should_be_is_not_blamed_on_the_source(path, store, server, left):
    part_of(store, BIG, left)
    result = fetch(path, store, url(server), retries=0)
    assert whole(result, path) and result["warnings"] == []
    assert ranges(server)[-1] is None


def test_a_whole_part_needs_no_more_bytes(path, store, server):
    part_of(store, BIG, BIG)
    server.faults = {"images/big.tar": status(404)}
    result = fetch(path, store, url(server))
    assert whole(result, path) and (result["fetched"], result["present"]) == (3, 1)
    assert ranges(server) == []


def test_an_attempt_goes_on_where_the_one_before_broke_off(path, store, server):
    server.faults = {"images/big.tar": [truncated(700000), reset(0), truncated(800000)]}
    result = fetch(path, store, url(server), retries=3)
    assert whole(result, path) and result["warnings"] == []
    assert ranges(server) == [None, "bytes=700000-", "bytes=700000-", "bytes=1500000-"]


def test_attempts_that_bring_much_are_not_counted(path, store, server):
    server.faults = {"images/big.tar": [truncated(1 << 20)] * 2 + [silent]}
    assert whole(fetch(path, store, url(server), retries=1), path)
    assert ranges(server) == [None, "bytes=1048576-", "bytes=2097152-", "bytes=2097152-"]


def test_the_next_source_goes_on_as_well(path, store, server, second):
    server.faults = {"images/big.tar": truncated(700000)}
    server.ranges = False
    assert whole(fetch(path, store, url(server), url(second), retries=0), path)
    assert ranges(second) == ["bytes=700000-"]


def test_what_a_bad_source_began_is_fetched_anew_from_the_good_one(path, store, server, second):
    server.faults = {"images/big.tar": lambda handler, data: truncated(700000)(handler, b"x" * len(data))}
    assert whole(fetch(path, store, url(server), url(second), retries=0), path)
    assert ranges(second) == ["bytes=700000-", None]


def test_another_range_than_asked_for(path, store, server):
    def shifted(handler, data):
        handler.begin(206, len(data), Content_Range="bytes 0-%d/%d" % (len(data) - 1, len(data)))
        handler.wfile.write(data)

    part_of(store, BIG, BIG[:1000])
    server.faults = {"images/big.tar": shifted}
    assert "answered with another range than asked for" in refused(path, store, url(server), retries=0)


def test_a_failed_run_is_gone_on_with(path, store, server):
    server.faults = {"images/big.tar": truncated(900000)}
    refused(path, store, url(server), retries=0)
    server.faults = {}
    server.asked()
    result = fetch(path, store, url(server))
    assert (result["fetched"], result["present"], whole(result, path)) == (1, 3, True)
    assert ranges(server) == ["bytes=900000-"] and len(server.seen) == 1


KILLED = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from servers import fetch
fetch(sys.argv[2], sys.argv[3], sys.argv[4], timeout=60)
"""


def test_a_killed_run_is_gone_on_with(path, store, server, tmp_path):
    server.faults = {"images/big.tar": stalled(2000000)}
    roots = ":".join([os.path.dirname(__file__)] + [os.path.abspath(one) for one in sys.path if one])
    with subprocess.Popen([sys.executable, "-c", KILLED, roots, str(path), str(store), url(server)]) as process:
        part = store / ".parts" / (hashlib.sha256(BIG).hexdigest() + ".part")
        deadline = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size >= 1500000 and len(objects(store)) == 3):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        process.kill()
    kept = part.stat().st_size
    assert os.listdir(store / "releases" / "shop") == []
    server.faults = {}
    server.asked()
    result = fetch(path, store, url(server))
    assert (result["fetched"], result["present"], whole(result, path)) == (1, 3, True)
    assert ranges(server) == ["bytes=%d-" % kept]


# Time

@pytest.mark.parametrize("fault, said", [
    (stalled(0), "sent nothing for 0.3 s"), (stalled(100), "sent nothing for 0.3 s"), (trickling, "bytes in 0.3 s")])
def test_a_source_that_stands_still(path, store, server, second, fault, said):
    server.faults = {"images/big.tar": fault}
    began = time.monotonic()
    result = fetch(path, store, url(server), url(second), timeout=0.3, retries=1)
    assert whole(result, path) and said in result["warnings"][0]
    assert time.monotonic() - began < 5


def test_a_source_that_never_answers_is_given_up_for_all(tmp_path, store):
    path = release(tmp_path / "releases", {"files/%03d" % number: b"%d" % number for number in range(100)})
    with socket.create_server(("127.0.0.1", 0), backlog=100) as mute, Server(tmp_path / "releases") as server:
        began = time.monotonic()
        result = fetch(path, store, "http://127.0.0.1:%d" % mute.getsockname()[1], url(server), timeout=0.3, parallel=4)
        assert whole(result, path) and time.monotonic() - began < 5
        assert "100 artifacts were taken from another source" in result["warnings"][0]


def test_a_source_that_is_not_there(tmp_path, path, store, server):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = "http://127.0.0.1:%d/x" % closed.getsockname()[1]
    assert whole(fetch(path, store, nowhere, url(server)), path)
    assert "%s refused the connection" % nowhere in refused(path, tmp_path / "other", nowhere)


def test_one_bad_file_does_not_give_up_a_good_source(tmp_path, store):
    path = release(tmp_path / "releases", {"files/%03d" % number: b"%d" % number for number in range(100)})
    with Server(tmp_path / "releases") as server:
        server.faults = {"files/001": silent, "files/050": silent}
        message = refused(path, store, url(server), parallel=2)
    assert "2 of 100 artifacts" in message and "files/001" in message and "files/050" in message
    assert len(objects(store)) == 98


def test_the_bandwidth_is_shared(path, store, server):
    began = time.monotonic()
    fetch(path, store, url(server), bandwidth=4000000, parallel=4)
    took = time.monotonic() - began
    expected = sum(map(len, FILES.values())) / 4000000
    assert expected * 0.9 <= took <= expected + 3


def test_a_slow_limit_is_no_stalled_source(tmp_path, store):
    path = release(tmp_path / "releases", {"files/a": b"a" * 3000})

    def hesitant(handler, data):
        handler.part(data, 500)
        time.sleep(0.1)
        handler.wfile.write(data[500:])

    with Server(tmp_path / "releases") as server:
        server.fault = hesitant
        result = fetch(path, store, url(server), bandwidth=2000, timeout=0.2, retries=0)
        assert whole(result, path) and result["warnings"] == []


# HTTP

def closing(handler, data):
    """The file, of a length that only the end of the connection tells."""
    handler.begin(200, None, Connection="close")
    handler.wfile.write(data)
    handler.close_connection = True


@pytest.mark.parametrize("fault", [chunked, closing])
def test_an_answer_of_a_length_that_is_not_said(path, store, server, fault):
    server.fault = fault
    assert whole(fetch(path, store, url(server)), path)


def test_an_encoded_answer(path, store, server):
    server.faults = {"files/shop.conf": lambda handler, _data: (handler.begin(200, 4, Content_Encoding="gzip"), handler.wfile.write(b"xxxx"))}
    assert "files/shop.conf: %s sends it encoded as gzip" % url(server) in refused(path, store, url(server))


def test_headers_go_to_the_named_server_only(path, store, server, second):
    server.faults = {"images/big.tar": redirect(url(second) + "/images/big.tar"), "files/shop.conf": redirect("../else/where")}
    server.faults["else/where"] = other(b"conf")
    assert whole(fetch(path, store, url(server), headers={"Authorization": "secret"}), path)
    assert all(headers.get("Authorization") == "secret" for _path, _range, headers in server.seen)
    assert [headers.get("Authorization") for _path, _range, headers in second.seen] == [None]


def test_a_range_goes_through_a_redirect(path, store, server, second):
    part_of(store, BIG, BIG[:5])
    server.faults = {"images/big.tar": redirect(url(second) + "/images/big.tar")}
    assert whole(fetch(path, store, url(server)), path)
    assert ranges(second) == ["bytes=5-"]


def test_a_proxy_of_the_environment(path, store, server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    asked = []

    def forwarded(handler, _data):
        asked.append(handler.path)
        data = (server.root / unquote(urlsplit(handler.path).path).lstrip("/")).read_bytes()
        handler.part(data, len(data))

    server.fault = forwarded
    result = fetch(path, store, "http://releases.invalid/shop/v2")
    assert whole(result, path)
    assert all(one.startswith("http://releases.invalid/shop/v2/") for one in asked) and len(asked) == 4
    monkeypatch.setenv("no_proxy", "releases.invalid")
    assert "could not be asked" in refused(path, store.parent / "other", "http://releases.invalid/shop/v2", retries=0)


def test_tls(path, store, server, second, tmp_path):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    secure = url(server).replace("http:", "https:")
    assert "certificate that is not valid here" in refused(path, store, secure)
    assert "ca_path" in refused(path, store, secure, ca_path=str(tmp_path / "gone.pem"))
    assert whole(fetch(path, store, secure, ca_path=str(tmp_path / "cert.pem")), path)
    assert whole(fetch(path, tmp_path / "other", secure, validate_certs=False), path)
    server.faults = {"images/big.tar": redirect(url(second) + "/images/big.tar")}
    assert "redirects to http://" in refused(path, tmp_path / "third", secure, validate_certs=False)


# The disk

def test_an_artifact_that_lies_about_its_size(tmp_path, store, server):
    """2 GiB announced, a few bytes there: refused by the entry, and nothing more than the entry's size is ever read."""
    lie = fill(tmp_path / "lie", {"manifest.json": manifest.serialise(document(entry("images/big.tar", BIG, size=1 << 31)))})
    assert "images/big.tar: %s has %d bytes there, not %d" % (url(server), len(BIG), 1 << 31) in refused(lie, store, url(server))
    small = fill(tmp_path / "small", {"manifest.json": manifest.serialise(document(entry("images/big.tar", BIG, size=1000)))})
    server.fault = endless
    assert "has more than 1000 bytes there" in refused(small, store, url(server))
    assert sum(len(content) for name, content in tree(store).items() if name != ".lock") == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    where = tmp_path / "disk"
    where.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(where)], stderr=subprocess.PIPE, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def test_too_small_a_disk_is_known_before(tmp_path, small_disk, store):
    path = release(tmp_path / "releases", {"files/%d" % number: bytes([number]) * (3 << 20) for number in range(3)})
    message = refused(path, small_disk / "store", path)
    assert "bytes free; %d are needed for 3 artifacts" % (9 << 20) in message
    assert objects(small_disk / "store") == []


def test_a_disk_that_becomes_full(tmp_path, small_disk, path, server):
    """Somebody else fills it while the fetch goes on."""
    first = release(tmp_path / "releases", {"files/one": b"one"}, name="v1")
    view = fetch(first, small_disk / "store", first)["path"]
    before = tree(view)

    def greedy(handler, data):
        with open(small_disk / "other", "wb") as handle:
            try:
                for _number in range(200):
                    handle.write(b"x" * 65536)
                    handle.flush()
            except OSError:
                pass
        handler.part(data, len(data))

    server.faults = {"images/big.tar": greedy}
    message = refused(path, small_disk / "store", url(server))
    assert "store: '%s/store' became full with artifact " % small_disk in message and "artifacts are still to come" in message
    assert tree(view) == before
    assert sorted(os.listdir(small_disk / "store/releases/shop")) == ["v1"]
    assert hashlib.sha256(BIG).hexdigest() + ".part" not in os.listdir(small_disk / "store/.parts")
    os.unlink(small_disk / "other")
    server.faults = {}
    assert whole(fetch(path, small_disk / "store", url(server)), path)


def test_what_the_store_cannot_take_is_not_blamed_on_a_source(path, store, monkeypatch):
    def broken(self):
        raise OSError(5, "Input/output error", "/dev/x")

    monkeypatch.setattr(fetching.Part, "finish", broken)
    message = refused(path, store, path)
    assert "store: '/dev/x' cannot be written for artifact " in message


def test_a_limit_counts_over_all_threads():
    now, stop = [0.0], threading.Event()
    stop.set()
    limit = fetching.Limit(1000, lambda: now[0])
    assert [limit.wait(100, stop), limit.wait(400, stop)] == pytest.approx([0.1, 0.5])
    now[0] = 10.0
    assert limit.wait(100, stop) == pytest.approx(0.1)
    assert fetching.Limit(0).wait(1 << 30, stop) == 0

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real server of a releases root on loopback, which can be made to misbehave for single files, and what the tests of fetching share."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import artifact_fetch

from tests.serving import Quiet, WebServer

from manifest_samples import EPOCH, call, document, entry, fill


class Handler(Quiet, BaseHTTPRequestHandler):
    """Gives files; before that, what the server's faults say."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        """A connection begins."""
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self):
        """One file, whole or from a byte on, well or badly."""
        path = unquote(self.path)
        name = path.split("/", 3)[-1]
        with self.server.lock:
            self.server.seen.append((name, self.headers.get("Range"), dict(self.headers)))
            faults = self.server.faults.get(name, self.server.fault)
            fault = faults.pop(0) if isinstance(faults, list) and faults else None if isinstance(faults, list) else faults
        try:
            data = (self.server.root / path.lstrip("/")).read_bytes()
        except OSError:
            data, fault = b"", fault or status(404)
        (fault or good)(self, data)

    def begin(self, code, length, **headers):
        """Status and headers."""
        self.send_response(code)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for header, value in headers.items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()

    def start(self):
        """The byte that the client wants to go on from."""
        return int(self.headers["Range"].partition("=")[2].partition("-")[0]) if self.headers.get("Range") and self.server.ranges else 0

    def part(self, data, count):
        """Answer as if all came, and send only so much of it."""
        start = self.start()
        if start:
            self.begin(206, len(data) - start, Content_Range="bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        else:
            self.begin(200, len(data))
        self.wfile.write(data[start:start + count])
        self.wfile.flush()


def good(handler, data):
    """The file."""
    handler.part(data, len(data))


def status(code):
    """An answer without the file."""
    def fault(handler, _data):
        handler.begin(code, 5)
        handler.wfile.write(b"error")
    return fault


def truncated(count):
    """The connection ends too early."""
    def fault(handler, data):
        handler.part(data, count)
        handler.close_connection = True
    return fault


def reset(count):
    """The connection is reset."""
    def fault(handler, data):
        handler.part(data, count)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()
    return fault


def silent(handler, _data):
    """The connection is closed without an answer."""
    handler.close_connection = True


def stalled(count):
    """Nothing more comes, and the connection stays."""
    def fault(handler, data):
        handler.part(data, count)
        handler.server.ended.wait(60)
        handler.close_connection = True
    return fault


def trickling(handler, data):
    """A byte now and then, for ever."""
    handler.part(data, 0)
    for number in range(len(data)):
        if handler.server.ended.wait(0.05):
            break
        handler.wfile.write(data[number:number + 1])
    handler.close_connection = True


def other(content):
    """Another content."""
    return lambda handler, _data: handler.part(content, len(content))


def endless(handler, data):
    """More than the file, of a length that is not said."""
    handler.begin(200, None, Connection="close")
    with contextlib.suppress(OSError):
        while not handler.server.ended.is_set():
            handler.wfile.write(data + b"x" * 65536)
    handler.close_connection = True


def chunked(handler, data):
    """The file in chunks."""
    handler.begin(200, None, Transfer_Encoding="chunked")
    for start in range(0, len(data), 1000):
        part = data[start:start + 1000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    handler.wfile.write(b"0\r\n\r\n")


def redirect(url):
    """It is somewhere else."""
    def fault(handler, _data):
        handler.begin(302, 0, Location=url)
    return fault


class Server(WebServer):
    """Context manager: gives what is below ``root``.

    :ivar faults: by the path of an artifact what is done in place of giving it: a function, or a list of them for the first requests.
    :ivar fault: the same for all artifacts without one of their own.
    :ivar ranges: whether it gives parts of files.
    :ivar seen: for each request the path, the range that was asked for and all headers.
    :ivar connections: how many there were.
    """

    request_queue_size = 64

    def __init__(self, root):
        super().__init__(Handler)
        self.root = root
        self.faults, self.fault = {}, None
        self.ranges = True
        self.seen, self.connections = [], 0
        self.lock, self.ended = threading.Lock(), threading.Event()

    def asked(self):
        """The paths that were asked for, in order, and anew from here on."""
        with self.lock:
            names, self.seen = [name for name, _range, _headers in self.seen], []
        return names

    def handle_error(self, *_details):
        """Clients that go away are part of the tests."""

    def __exit__(self, *details):
        self.ended.set()
        super().__exit__(*details)


def release(root, files, name="v2", project="shop", **more):
    """A release directory below a releases root, and its path. ``files`` gives contents, or pairs of content and more keys of the entry."""
    entries, contents = [], {}
    for path, given in files.items():
        content, keys = given if isinstance(given, tuple) else (given, {})
        contents[path] = content
        entries.append(entry(path, content, **keys))
    directory = root / project / name
    directory.mkdir(parents=True)
    made = manifest.serialise(document(*entries, **dict(dict(project=project, release=name), **more)))
    return fill(directory, dict(contents, **{"manifest.json": made, "SHA256SUMS": manifest.sums(manifest.parse(made, name))}))


def fetch(kept, root, *sources, check_mode=False, clock=EPOCH, **params):
    """Run the module in this process for the manifest in ``kept`` and the store ``root``; returns its result with the warnings."""
    given = dict(dict(manifest=str(kept), store=str(root), sources=[str(source) for source in sources], timeout=5, reserve=0), **params)
    asked = call(artifact_fetch, check_mode, **given)
    result = artifact_fetch.execute(asked, clock=lambda: clock)
    return dict(result, warnings=asked.warnings)


def refused(kept, root, *sources, **params):
    """The message of a run that must fail."""
    with pytest.raises(StagecraftError) as caught:
        fetch(kept, root, *sources, **params)
    return caught.value.message


def tree(directory):
    """All files below a directory with their contents."""
    return {os.path.relpath(os.path.join(base, name), directory): open(os.path.join(base, name), "rb").read()
            for base, _directories, names in os.walk(directory) for name in names}


def objects(store):
    """The digests that a store has."""
    return sorted(os.path.basename(path) for path in tree(store / "objects"))

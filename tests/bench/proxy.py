# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy on loopback that counts the requests which pass through it."""

from __future__ import annotations

import http.client
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.serving import Quiet, WebServer

HOP_BY_HOP = ("connection", "transfer-encoding", "keep-alive", "host", "content-length")


class CountingProxy(WebServer):
    """Context manager: ``url`` stands for the server at ``upstream``, ``count`` says how often it was asked."""

    def __init__(self, upstream: str) -> None:
        self.count = 0
        self._upstream = urlsplit(upstream)
        super().__init__(self._handler())

    def take(self) -> int:
        """The requests since the last call."""
        count, self.count = self.count, 0
        return count

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                proxy.count += 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                upstream = http.client.HTTPConnection(proxy._upstream.hostname, proxy._upstream.port, timeout=120)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
                upstream.request(self.command, self.path, body, headers)
                answer = upstream.getresponse()
                content = answer.read()
                self.send_response(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                upstream.close()

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = forward

        return Handler

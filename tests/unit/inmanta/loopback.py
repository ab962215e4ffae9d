# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real HTTP server on loopback that gives prepared answers and remembers what it was asked."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler

from tests.serving import Quiet, WebServer


class Answer:
    """One prepared answer. ``body``: text, or anything that becomes JSON; ``drop`` closes the connection instead."""

    def __init__(self, status=200, body=None, drop=False, delay=0.0):
        self.status = status
        self.text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        self.drop = drop
        self.delay = delay


class Handler(Quiet, BaseHTTPRequestHandler):
    """Answers from the server's script; the last answer stays."""

    def _handle(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        script = self.server.script
        self.server.seen.append(dict(method=self.command, path=self.path, headers=dict(self.headers), body=body))
        answer = script.pop(0) if len(script) > 1 else script[0]
        if callable(answer):
            answer = answer(self.server.seen[-1])
        time.sleep(answer.delay)
        if answer.drop:
            self.close_connection = True
            return
        data = answer.text.encode()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle


class Loopback(WebServer):
    """Context manager. ``script``: answers (or functions of a request that give one), ``seen``: requests."""

    def __init__(self, *script):
        super().__init__(Handler)
        self.script = list(script)
        self.seen = []

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on loopback that live as long as a with block."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class InThread:
    """Mix-in for a server of the standard library: a context in which it serves."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_details):
        self.shutdown()
        self.server_close()


class WebServer(InThread, ThreadingHTTPServer):
    """A web server on a free port.

    :ivar url: its address, without a path.
    """

    daemon_threads = True

    def __init__(self, handler) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = "http://127.0.0.1:%d" % self.server_port


class Quiet:
    """Mix-in for a handler of requests that logs nothing."""

    def log_message(self, *_arguments) -> None:
        """Say nothing."""


class _QuietFiles(Quiet, SimpleHTTPRequestHandler):
    pass


def files(directory: Path) -> WebServer:
    """A web server of a directory."""
    return WebServer(functools.partial(_QuietFiles, directory=str(directory)))

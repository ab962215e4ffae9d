# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small web service that says which release it is, and how it greets."""

from __future__ import annotations

import importlib.metadata
import socket
import sys
from pathlib import Path

import uvicorn
import yaml
from itsdangerous import URLSafeSerializer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

RELEASE = importlib.metadata.version("shop")
CONFIG = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")) if len(sys.argv) > 1 else {}
tickets = URLSafeSerializer("shop")


async def greet(request: Request) -> Response:
    """What a client sees."""
    return PlainTextResponse("v%s %s" % (RELEASE, CONFIG.get("greeting", "hello")))


async def health(request: Request) -> Response:
    """Whether this process can do its work."""
    if [RELEASE, socket.gethostname()] == CONFIG.get("broken"):
        return PlainTextResponse("broken", status_code=500)
    if tickets.loads(tickets.dumps(RELEASE)) != RELEASE:
        return PlainTextResponse("cannot sign", status_code=500)
    return PlainTextResponse("v%s is healthy" % RELEASE)


app = Starlette(routes=[Route("/", greet), Route("/health", health)])


def main() -> None:
    """Serve until systemd says stop."""
    uvicorn.run(app, host="0.0.0.0", port=int(CONFIG.get("port", 8080)), log_level="warning")

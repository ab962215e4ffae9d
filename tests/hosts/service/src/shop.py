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
from fastapi import FastAPI, Response
from itsdangerous import URLSafeSerializer

RELEASE = importlib.metadata.version("shop")
CONFIG = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")) if len(sys.argv) > 1 else {}
app = FastAPI()
tickets = URLSafeSerializer("shop")


@app.get("/")
def greet() -> Response:
    """What a client sees."""
    return Response("v%s %s" % (RELEASE, CONFIG.get("greeting", "hello")), media_type="text/plain")


@app.get("/health")
def health() -> Response:
    """Whether this process can do its work."""
    if [RELEASE, socket.gethostname()] == CONFIG.get("broken"):
        return Response("broken", status_code=500)
    if tickets.loads(tickets.dumps(RELEASE)) != RELEASE:
        return Response("cannot sign", status_code=500)
    return Response("v%s is healthy" % RELEASE, media_type="text/plain")


def main() -> None:
    """Serve until systemd says stop."""
    uvicorn.run(app, host="0.0.0.0", port=int(CONFIG.get("port", 8080)), log_level="warning")

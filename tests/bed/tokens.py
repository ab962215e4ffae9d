# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signing keys, bearer tokens and certificates for a server with authentication or TLS."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

ISSUER = "stagecraft-bed"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def new_key() -> str:
    """A key for HS256: 32 random bytes, base64url."""
    return _base64url(secrets.token_bytes(32))


def mint(key: str, env: str | None = None, client_types: Sequence[str] = ("api",), expire: float | None = None) -> str:
    """A signed token, limited to an environment if given.

    expire: lifetime in seconds, negative for one that is over already, None for ever.
    """
    now = int(time.time())
    claims: dict[str, object] = {"iss": ISSUER, "aud": [ISSUER], "urn:inmanta:ct": ",".join(client_types), "iat": now}
    if expire is not None:
        claims["exp"] = now + int(expire)
    if env is not None:
        claims["urn:inmanta:env"] = env
    head = {"alg": "HS256", "typ": "JWT"}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
    raw_key = base64.urlsafe_b64decode(key + "==")
    return f"{signed}.{_base64url(hmac.digest(raw_key, signed.encode(), hashlib.sha256))}"


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def certificates(directory: Path) -> tuple[Path, Path, Path]:
    """Make a certificate authority and a loopback server certificate: (ca, certificate, key)."""
    directory.mkdir(parents=True, exist_ok=True)
    ca, ca_key = directory / "ca.crt", directory / "ca.key"
    crt, key, request, extensions = (directory / f"server.{end}" for end in ("crt", "key", "csr", "ext"))
    # Without keyUsage, newer Python versions refuse the authority.
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=stagecraft bed CA",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout",
        ca_key,
        "-out",
        ca,
    )
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request)
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n", encoding="utf-8")
    _openssl(
        "x509",
        "-req",
        "-days",
        "30",
        "-in",
        request,
        "-CA",
        ca,
        "-CAkey",
        ca_key,
        "-CAcreateserial",
        "-extfile",
        extensions,
        "-out",
        crt,
    )
    return ca, crt, key

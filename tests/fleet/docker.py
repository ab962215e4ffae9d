# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of the docker client."""

from __future__ import annotations

import subprocess
from typing import Any


class DockerError(Exception):
    """The client failed; the text has the command and what it said."""


def docker(*arguments: object, check: bool = True, timeout: float = 60, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the client.

    :param arguments: of the client.
    :param check: raise DockerError unless it ends with 0.
    :param options: of subprocess.run, such as ``input``.
    """
    command = ["docker", *map(str, arguments)]
    options = {"text": True} | options
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=timeout, **options)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise DockerError(f"{' '.join(command[:4])}: {exc}") from exc
    if check and done.returncode:
        raise DockerError(f"{' '.join(command)}\nended with {done.returncode}: {str(done.stderr)[-3000:]}")
    return done


def lines(*arguments: object) -> list[str]:
    """What the client prints, a line each."""
    return docker(*arguments).stdout.splitlines()

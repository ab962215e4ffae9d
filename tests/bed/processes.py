# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find and end every process of one bed.

The server's compilers, agents and executors live in sessions of their own and some overwrite
their environment, so a process belongs to a bed when any of these says so: the marker in its
environment, the server's directory in its command line or as its working directory, or its parent.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

MARKER = "STAGECRAFT_BED"


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _link(pid: int, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    """A zombie is not alive: only its parent can remove it."""
    stat = _read(pid, "stat")
    return bool(stat) and stat.rpartition(b")")[2].split()[0] != b"Z"


def _parent(pid: int) -> int:
    stat = _read(pid, "stat")
    return int(stat.rpartition(b")")[2].split()[1]) if stat else 0


def _marked(pid: int, directory: bytes) -> bool:
    if f"{MARKER}=".encode() + directory in _read(pid, "environ").split(b"\0"):
        return True
    inside = directory + b"/server/"
    # A pager or a playbook may name these files too: only Python processes can be the server's.
    if "python" in _link(pid, "exe") and any(w.startswith(inside) for w in _read(pid, "cmdline").split(b"\0")):
        return True
    return (_link(pid, "cwd") + "/").encode().startswith(inside)


def find(directory: Path) -> set[int]:
    """Process ids of the server of the bed in that directory, with all descendants."""
    marker = str(directory).encode()
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}
    found = {pid for pid in pids if _alive(pid) and _marked(pid, marker)}
    while True:
        more = {pid for pid in pids - found if _parent(pid) in found and _alive(pid)}
        if not more:
            return found
        found |= more


def end(directory: Path, grace: float = 5) -> None:
    """Terminate them; what is left after `grace` seconds is killed."""
    deadline = time.monotonic() + grace
    sent: set[int] = set()
    while pids := find(directory):
        kind = signal.SIGKILL if time.monotonic() > deadline else signal.SIGTERM
        for pid in pids if kind == signal.SIGKILL else pids - sent:
            try:
                os.kill(pid, kind)
            except ProcessLookupError:
                pass
        sent |= pids
        time.sleep(0.1)
        if time.monotonic() > deadline + 10:
            raise RuntimeError(f"These processes of {directory} do not end: {sorted(pids)}")


def is_keeper(pid: int) -> bool:
    """Is that process a running `tests.bed up`? (The number may belong to somebody else by now.)"""
    return _alive(pid) and b"tests.bed" in _read(pid, "cmdline").split(b"\0")

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process keeps a fleet: named so that a number that was used again is told apart."""

from __future__ import annotations

import os
from pathlib import Path


def identity(pid: int | None = None) -> str:
    """``pid:start time`` of a process, this one by default; empty when there is none.

    :param pid: the process id.
    """
    number = os.getpid() if pid is None else pid
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else f"{number}:{fields[19]}"


def is_alive(keeper: str) -> bool:
    """Does the process of that identity still run?

    :param keeper: what ``identity`` gave.
    """
    pid = keeper.partition(":")[0]
    return pid.isdigit() and identity(int(pid)) == keeper

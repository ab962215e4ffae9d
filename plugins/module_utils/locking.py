# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks on open files: one process at a time, and free when it ends, however it ends."""

from __future__ import annotations

import fcntl
import time

PAUSE = 0.02


def lock(descriptor, timeout):
    """Lock an open file for this process alone.

    :param timeout: seconds to wait for another process.
    :returns: False when another process still has it then.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= deadline:
                return False
        time.sleep(PAUSE)

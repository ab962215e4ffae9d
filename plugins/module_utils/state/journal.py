# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the journal: what was written about a unit, oldest first."""

from __future__ import annotations

import json


def entries(backend, unit, limit):
    """The newest entries about a unit, and how many lines could not be read: a writer that was killed leaves half a line.

    :param backend: has ``journal_lines``.
    :param limit: how many entries at most.
    """
    found, damaged = [], 0
    for line in backend.journal_lines():
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            damaged += 1
        elif entry.get("unit") == unit:
            found.append(entry)
    return found[-limit:], damaged

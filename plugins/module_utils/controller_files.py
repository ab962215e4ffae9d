# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on the controller that operators name in options. Rooms that know no files are given this to read with."""

from __future__ import annotations


def text(path):
    """The text of a file.

    :raises OSError, ValueError: it cannot be read, or is not UTF-8.
    """
    with open(path, encoding="utf-8") as handle:
        return handle.read()

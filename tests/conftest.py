# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every test."""

from __future__ import annotations


def pytest_make_parametrize_id(config, val, argname):
    """Name bytes after their argument: an archive can hold the time it was made, and every worker has to collect the same names."""
    return argname if isinstance(val, bytes) else None

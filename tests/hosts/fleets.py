# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet for fixtures."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fleet import Fleet, NoEngine, NoImage


def new_fleet(**options: Any) -> Fleet:
    """A fleet that is up, to be ended with ``down``; the test is skipped where no fleet can run.

    :param options: ``hosts``, ``directory`` and ``mirror``, see Fleet.
    """
    made = Fleet(**options)
    try:
        made.up()
    except (NoEngine, NoImage) as reason:
        pytest.skip(str(reason))
    return made

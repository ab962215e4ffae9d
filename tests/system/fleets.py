# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet for fixtures.

STAGECRAFT_FLEET_DIR: use the fleet that `python3 -m tests.fleet up --mirror --detach --dir DIR` keeps running there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import AttachedFleet, Fleet, Hosts, NoEngine, NoImage


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


@pytest.fixture(scope="session")
def fleet() -> Iterator[Hosts]:
    """web1 to web5, a balancer, a build host and a mirror, shared by the tests of one process.

    A test that leaves something on a host calls ``fleet.reset(name)``, or resets the hosts it needs before it begins.
    """
    attach = os.environ.get("STAGECRAFT_FLEET_DIR")
    if attach:
        yield AttachedFleet(Path(attach))
        return
    made = new_fleet(mirror=True)
    yield made
    made.down()


@pytest.fixture
def another_fleet() -> Iterator[Callable[..., Fleet]]:
    """another_fleet(**options): one more fleet, for this test alone; see Fleet for the options."""
    made: list[Fleet] = []

    def make(**options: Any) -> Fleet:
        made.append(new_fleet(**options))
        return made[-1]

    yield make
    for each in made:
        each.down()

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures with real hosts.

STAGECRAFT_FLEET_DIR: use the fleet that `python3 -m tests.fleet up --mirror --detach --dir DIR` keeps running there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import AttachedFleet, Fleet, Hosts
from tests.hosts.fleets import new_fleet
from tests.hosts.staged import Service


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


@pytest.fixture(scope="session")
def service(fleet: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """The service, built as release 1 and 2, on five hosts with nothing on them."""
    made = Service(fleet, tmp_path_factory.mktemp("service"), ["web%d" % number for number in range(1, 6)])
    for number in (1, 2):
        made.build(number)
    return made

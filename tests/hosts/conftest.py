# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures with real hosts: STAGECRAFT_FLEET_DIR names a fleet that `python3 -m tests.fleet up --detach --dir DIR` keeps up."""

from __future__ import annotations

import pytest

from tests.fleet import Hosts
from tests.hosts.staged import Service
from tests.system.fleets import another_fleet, fleet  # noqa: F401  (fixtures)


@pytest.fixture(scope="session")
def service(fleet: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Service:  # noqa: F811
    """The service, built as release 1 and 2, on five hosts with nothing on them."""
    made = Service(fleet, tmp_path_factory.mktemp("service"), ["web%d" % number for number in range(1, 6)])
    for number in (1, 2):
        made.build(number)
    return made

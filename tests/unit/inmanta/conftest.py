# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests of the room share."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import waiting


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    """Look once every wait_interval from the start, so that tests can count looks."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 3600.0)

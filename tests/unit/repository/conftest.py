# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of this directory."""

from __future__ import annotations

# pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.repository.fixtures import (  # noqa: F401
    at_v2,
    own_git_settings,
    prepared,
    project,
)

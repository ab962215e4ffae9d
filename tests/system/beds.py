# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bed for fixtures."""

from __future__ import annotations

import os

import pytest

from tests.bed import Bed


def new_bed(**options: bool) -> Bed:
    """A bed of the release that is asked for; the test is skipped where this machine has no Python for one.

    :param options: ``auth`` and ``tls``, see Bed.
    """
    try:
        return Bed(os.environ.get("STAGECRAFT_BED_RELEASE"), **options)
    except LookupError as reason:
        pytest.skip(str(reason))

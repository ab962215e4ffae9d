# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test bed with a real orchestrator on a real PostgreSQL. See `python3 -m tests.bed --help`."""

from __future__ import annotations

from .api import Api, ApiError, wait_for
from .bed import AttachedBed, Bed, Environment, Hub
from .repository import ModelRepository

__all__ = ["Api", "ApiError", "AttachedBed", "Bed", "Environment", "Hub", "ModelRepository", "wait_for"]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of real hosts: containers with systemd that Ansible reaches by ssh. See `python3 -m tests.fleet --help`."""

from __future__ import annotations

from .client import Client, Failure
from .engine import NoEngine
from .fleet import AttachedFleet, Fleet, Hosts
from .image import NoImage

__all__ = ["AttachedFleet", "Client", "Failure", "Fleet", "Hosts", "NoEngine", "NoImage"]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets a program import the collection from this clone without Ansible."""

from __future__ import annotations

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def install() -> None:
    """Give the clone its full name, ``ansible_collections.stagecraft.release``."""
    for name, path in (("ansible_collections", []), ("ansible_collections.stagecraft", []), ("ansible_collections.stagecraft.release", [str(ROOT)])):
        module = types.ModuleType(name)
        module.__path__ = path
        sys.modules[name] = module

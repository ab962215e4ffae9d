# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules that decide what targets run."""

from __future__ import annotations


class ModuleDocFragment:
    """As ``rollout_deciding.ARGUMENTS``, besides those of the fragment ``rollout``."""

    DOCUMENTATION = r"""
options:
  schedule:
    description: File of the schedule on the controller.
    type: path
    required: true
  now:
    description: Decide as if it were this time in UTC, such as V(2030-01-31 10:16). For rehearsals.
    type: str
"""

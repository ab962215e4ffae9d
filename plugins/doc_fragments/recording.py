# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules that change the state of a rollout."""

from __future__ import annotations


class ModuleDocFragment:
    """As ``rollout_options.RECORDING``."""

    DOCUMENTATION = r"""
options:
  by:
    description: Who does this, for the record. By default the user that the task runs as.
    type: str
  lock_timeout:
    description: Seconds to wait for another run that has the state. The error names who has it.
    type: float
    default: 30
"""

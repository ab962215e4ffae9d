# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attributes of the modules that talk to an orchestrator."""

from __future__ import annotations


class ModuleDocFragment:
    """A module adds the ``support`` of ``check_mode`` and ``diff_mode``."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without writing anything.
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
  action_group:
    description: Takes C(module_defaults) of the action group.
    support: full
    membership:
      - stagecraft.release.inmanta
  platform:
    description: Runs on the controller; a task delegated to a remote host runs there.
    support: full
    platforms: posix
"""

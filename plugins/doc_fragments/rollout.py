# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of all modules that work on the state of a rollout."""

from __future__ import annotations


class ModuleDocFragment:
    """As ``rollout_options.STATE_DIR``. A module adds the ``support`` of ``check_mode`` and ``diff_mode``."""

    DOCUMENTATION = r"""
options:
  state_dir:
    description:
      - Directory of the rollout's state, an absolute path on the host that the task runs on, in general the controller.
      - It holds the snapshots, marks, pins, approvals, kill switches, and what each target ran.
    type: path
    default: /var/lib/stagecraft/rollout
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without writing anything.
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
  action_group:
    description: Takes C(module_defaults) of the action group.
    support: full
    membership:
      - stagecraft.release.rollout
  platform:
    description: Runs on the host that keeps the state.
    support: full
    platforms: posix
"""

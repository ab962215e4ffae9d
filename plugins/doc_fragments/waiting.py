# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a wait, as in ``module_utils/inmanta/arguments.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``arguments.waiting()``; a module whose ``wait_timeout`` is another gives its own ``default``."""

    DOCUMENTATION = r"""
options:
  wait:
    description: Whether to wait until the work is done.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait before giving up. Each request has its own O(timeout).
    type: float
    default: 600.0
  wait_interval:
    description: Seconds between two looks at the state.
    type: float
    default: 1.0
"""

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that name an environment, as in ``module_utils/inmanta/arguments.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """What ``arguments.environment()`` adds to a connection."""

    DOCUMENTATION = r"""
options:
  environment:
    description:
      - UUID or name of the environment. Needed.
      - A token that is bound to one environment may not look up names, so it needs the UUID.
    type: str
  project:
    description: Name of the environment's project; needed where the name of the environment is not unique.
    type: str
"""

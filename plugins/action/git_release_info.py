# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of the module ``git_release_info``."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.modules import git_release_info
from ansible_collections.stagecraft.release.plugins.plugin_utils.controller import ControllerAction


class ActionModule(ControllerAction):
    """Runs the module in the controller's process."""

    MODULE = git_release_info

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs inmanta_confirm on the controller."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.modules import inmanta_confirm
from ansible_collections.stagecraft.release.plugins.plugin_utils.controller import ControllerAction


class ActionModule(ControllerAction):
    """The action of the module's name."""

    MODULE = inmanta_confirm

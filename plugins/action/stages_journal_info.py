# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action stages_journal_info: reads where the state is kept."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.modules import stages_journal_info
from ansible_collections.stagecraft.release.plugins.plugin_utils.state_action import StateAction


class ActionModule(StateAction):
    """Reads where the state is kept."""

    MODULE = stages_journal_info

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action stages_evidence: sends the document as one text."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.state import backends, evidence
from ansible_collections.stagecraft.release.plugins.modules import stages_evidence
from ansible_collections.stagecraft.release.plugins.plugin_utils.state_action import StateAction


class ActionModule(StateAction):
    """Writes where the state is kept."""

    MODULE = stages_evidence

    def filled(self, args, task_vars):
        """The options with the document packed."""
        content = args.pop("content", None)
        if content is None:
            return args
        if not isinstance(content, dict):
            raise InputError("content", type(content).__name__, "is not a mapping", "Give the document as a mapping")
        return dict(args, packed=backends.pack(evidence.serialise(content)))

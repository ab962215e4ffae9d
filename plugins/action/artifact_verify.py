# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action artifact_verify: runs in the controller's process where the task's host is the controller."""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible_collections.stagecraft.release.plugins.modules import artifact_verify
from ansible_collections.stagecraft.release.plugins.plugin_utils.controller import ControllerAction
from ansible_collections.stagecraft.release.plugins.plugin_utils.raw_read import on_controller


class ActionModule(ControllerAction):
    """Verifies on the host that the task names."""

    MODULE = artifact_verify
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        """Run the module here or there."""
        ActionBase.run(self, tmp, task_vars)
        if on_controller(self):
            return self.run_here(self._task.args, task_vars)
        return self._execute_module(task_vars=task_vars)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions of the modules that keep state: they choose where the module runs.

With backend ``environment`` it runs in the controller's process; with backend ``file`` on the host that the task runs on, without the
options that can hold the orchestrator's secrets. Where that host is the controller itself, it is spared a second interpreter.
"""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import connection_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.plugin_utils.controller import ControllerAction
from ansible_collections.stagecraft.release.plugins.plugin_utils.ephemeral import refuse_files_here
from ansible_collections.stagecraft.release.plugins.plugin_utils.raw_read import on_controller


class StateAction(ControllerAction):
    """Base of those actions; a subclass names the module and fills options in."""

    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        """Run the module where the state is."""
        ActionBase.run(self, tmp, task_vars)
        try:
            refuse_files_here(self._task.args.get("backend", "file"), self._connection.transport)
            return self.run_where_kept(self.filled(dict(self._task.args), task_vars), task_vars)
        except StagecraftError as exc:
            return dict(exc.details, failed=True, msg=exc.message)

    def filled(self, args, task_vars):
        """The options with those that only the controller knows."""
        return args

    def run_where_kept(self, args, task_vars):
        """Run the module with ``args`` in this process or on the host."""
        if args.get("backend", "file") != "file" or on_controller(self):
            return self.run_here(args, task_vars)
        kept = {name: value for name, value in args.items() if name not in connection_options()}
        return self._execute_module(module_args=kept, task_vars=task_vars)

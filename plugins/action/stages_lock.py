# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action stages_lock: says who asks, and looks whether a holder on this controller is gone."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.state import identity
from ansible_collections.stagecraft.release.plugins.modules import stages_lock
from ansible_collections.stagecraft.release.plugins.plugin_utils.state_action import StateAction
from ansible_collections.stagecraft.release.plugins.plugin_utils.this_run import this_run


class ActionModule(StateAction):
    """Locks where the state is kept."""

    MODULE = stages_lock

    def filled(self, args, task_vars):
        """The options with the holder."""
        return dict(args, holder=this_run(task_vars))

    def run_where_kept(self, args, task_vars):
        """Ask; a host cannot see that a run of this controller is gone, so where one refuses, it is looked up here."""
        result = super().run_where_kept(args, task_vars)
        holder = result.get("lock")
        if result.get("failed") and holder and not args.get("gone_run") and not identity.holder_alive(holder):
            return super().run_where_kept(dict(args, gone_run=holder["run"]), task_vars)
        return result

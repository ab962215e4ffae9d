# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs release_announce_send on the controller, and adds whose run it is."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.modules import release_announce_send
from ansible_collections.stagecraft.release.plugins.plugin_utils.controller import ControllerAction
from ansible_collections.stagecraft.release.plugins.plugin_utils.this_run import this_run


class ActionModule(ControllerAction):
    """The action of the module's name."""

    MODULE = release_announce_send

    def run_here(self, args, task_vars):
        """Run with the run's id and user."""
        run = this_run(task_vars)
        return super().run_here(dict(args, run=run["run"], user=run["user"]), task_vars)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action stages_fact: adds the run, and sends the digest of the inputs in place of the inputs."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.stages import gate
from ansible_collections.stagecraft.release.plugins.modules import stages_fact
from ansible_collections.stagecraft.release.plugins.plugin_utils.state_action import StateAction
from ansible_collections.stagecraft.release.plugins.plugin_utils.this_run import this_run


class ActionModule(StateAction):
    """Writes where the state is kept."""

    MODULE = stages_fact

    def filled(self, args, task_vars):
        """The options with run, user, host and digest."""
        if args.get("inputs") is not None:
            args["inputs"] = gate.digest(args["inputs"])
        run = this_run(task_vars)
        return dict(args, run=run["run"], user=run["user"], host=run["target"])

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action stages_fact: adds the run, sends the digest of the inputs in place of the inputs, and looks at the kill switch."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.stops import Stops
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import switches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Target
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
        kill_switch = args.pop("kill_switch", None)
        if kill_switch and args.get("status") == "running":
            refuse_when_stopped(kill_switch, run["target"])
        return dict(args, run=run["run"], user=run["user"], host=run["target"])


def refuse_when_stopped(kill_switch, host):
    """Let no stage begin while a kill switch is on.

    :param kill_switch: ``state_dir`` and ``ring``.
    :raises StagecraftError: one is on; ``held`` in the details says why.
    """
    if not isinstance(kill_switch, dict) or not kill_switch.get("state_dir"):
        raise InputError("kill_switch", kill_switch, "does not say where kill switches are", "Give a mapping with state_dir and ring")
    reason = Stops(switches.read(kill_switch["state_dir"])).on(Target(host, kill_switch.get("ring")), kill_switch.get("ring"))
    if reason:
        raise StagecraftError("%s holds: %s. The stage was not begun." % (host, reason), held=reason)

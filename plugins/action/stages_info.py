# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action stages_info: reads a host's files by one raw command."""

from __future__ import annotations

import functools
import types

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.state import lock
from ansible_collections.stagecraft.release.plugins.modules import stages_info
from ansible_collections.stagecraft.release.plugins.plugin_utils.raw_read import reader
from ansible_collections.stagecraft.release.plugins.plugin_utils.state_action import StateAction


class ActionModule(StateAction):
    """Runs in the controller's process whatever the backend; only the reading goes to the host."""

    MODULE = stages_info

    def run_where_kept(self, args, task_vars):
        """Read, and answer here."""
        if args.get("backend", "file") == "file" and self._connection.transport != "local":
            validation = ArgumentSpecValidator(stages_info.SPEC["argument_spec"]).validate(args)
            if validation.error_messages:
                raise AnsibleActionFail("%s: %s" % (self._task.action, "; ".join(validation.error_messages)))
            params = validation.validated_parameters
            raw = reader(self, params).load("facts", lock.document(params["unit"]))
            execute = functools.partial(stages_info.execute, backend=raw, clock=raw.clock)
            self.MODULE = types.SimpleNamespace(SPEC=stages_info.SPEC, execute=execute)
        return self.run_here(args, task_vars)

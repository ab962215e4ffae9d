# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renewing the run's lock in long waits, and the fence that stops a worker which outlived its run."""

from __future__ import annotations

import time

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import connection_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import stages_lock
from ansible_collections.stagecraft.release.plugins.plugin_utils.this_run import check_alive, main_process, this_run

EVERY = 20.0
MODULE_NAME = "stagecraft.release.stages_lock"


class LockRenewal:
    """The heartbeat of a task.

    :param action: the action that waits; its connection is used where the lock is in files of a host.
    :param task_vars: its variables.
    :param lock_params: options of stages_lock that name the lock (``unit``, ``backend`` and where), or None: then only the process of
        the run is watched.
    :param client: session with the orchestrator, to use with backend ``environment``.
    """

    def __init__(self, action, task_vars, lock_params, client=None, clock=time.monotonic):
        self._action = action
        self._task_vars = task_vars
        self._client = client
        self._clock = clock
        self._main = main_process()
        self._args = self._filled(lock_params) if lock_params else None
        self._renewed = None

    def beat(self):
        """Prove that the run goes on: at the first call, and then every 20 s, its lock is renewed.

        :raises StagecraftError: the run was killed, or does not hold its lock any more.
        """
        check_alive(self._main)
        if self._args is None or (self._renewed is not None and self._clock() - self._renewed < EVERY):
            return
        self._renew()
        self._renewed = self._clock()

    def _filled(self, lock_params):
        shared = {name: value for name, value in self._action._task.args.items() if name in connection_options()}
        return dict(shared, **dict(lock_params, state="held", renew_only=True, holder=this_run(self._task_vars)))

    def _renew(self):
        if self._args.get("backend", "file") == "file" and not _on_controller(self._action):
            args = {name: value for name, value in self._args.items() if name not in connection_options()}
            result = self._action._execute_module(module_name=MODULE_NAME, module_args=args, task_vars=self._task_vars)
            if result.get("failed"):
                raise StagecraftError(result.get("msg", "the lock could not be renewed"), lock=result.get("lock"))
            return
        validation = ArgumentSpecValidator(stages_lock.SPEC["argument_spec"]).validate(self._args)
        if validation.error_messages:
            raise StagecraftError("lock: %s" % "; ".join(validation.error_messages))
        stages_lock.execute(Call(validation.validated_parameters), client=self._client)


def _on_controller(action):
    return action._connection.transport == "local" and not action._connection.become

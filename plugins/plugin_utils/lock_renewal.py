# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renewing the run's lock in long waits, and the fence that stops a worker which outlived its run."""

from __future__ import annotations

import contextlib
import threading
import time

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import connection_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError, Unreachable
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.module_utils.state import lock
from ansible_collections.stagecraft.release.plugins.modules import stages_lock
from ansible_collections.stagecraft.release.plugins.plugin_utils.raw_read import on_controller, reader
from ansible_collections.stagecraft.release.plugins.plugin_utils.this_run import check_alive, main_process, this_run

EVERY = 20.0
AGAIN = 2.0
REQUEST_TIMEOUT = 10.0
MODULE_NAME = "stagecraft.release.stages_lock"


@contextlib.contextmanager
def beating(beat, every=1.0):
    """Go on proving that the run goes on, while it waits for something that cannot be asked for its state, such as a person.

    :param beat: see :meth:`LockRenewal.beat`; it is called by a thread.
    :param every: seconds between two calls.
    :raises StagecraftError: at the end, where the lock was lost meanwhile.
    """
    ended, lost = threading.Event(), []

    def go_on():
        try:
            beat()
            while not ended.wait(every):
                beat()
        except Exception as exc:  # told by the thread that waits
            lost.append(exc)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if lost:
        raise lost[0]


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
        # In check mode nothing was written, so there is no lock to renew.
        self._lock_params = None if action._task.check_mode else lock_params
        self._proven = self._lease = None
        self._due = clock()

    def beat(self):
        """Prove that the run goes on: at the first call, and then every 20 s, its lock is renewed.

        A server or host that does not answer for a while is borne as long as the lease lasts.

        :raises StagecraftError: the run was killed, or does not hold its lock any more.
        """
        check_alive(self._main)
        now = self._clock()
        if not self._lock_params or now < self._due:
            return
        try:
            lease = self._renew()
        except (Unreachable, ApiError, AnsibleConnectionFailure) as exc:
            if self._proven is None or now - self._proven >= self._lease - EVERY or getattr(exc, "status", 500) < 500:
                raise
            self._due = now + AGAIN
        else:
            # Counted from before the request: the lease runs from some moment after that.
            self._proven, self._lease, self._due = now, lease, now + EVERY

    def _renew(self):
        """Renew where the lock is kept; returns its lease."""
        shared = {name: value for name, value in self._action._task.args.items() if name in connection_options()}
        args = dict(shared, **dict(self._lock_params, state="held", renew_only=True, holder=this_run(self._task_vars)))
        validation = ArgumentSpecValidator(stages_lock.SPEC["argument_spec"]).validate(args)
        if validation.error_messages:
            raise StagecraftError("lock: %s" % "; ".join(validation.error_messages))
        params = validation.validated_parameters
        if params["backend"] == "file" and not on_controller(self._action):
            if not self._fresh(params):
                self._renew_on_host(args)
        else:
            short = dict(params, timeout=min(params["timeout"], REQUEST_TIMEOUT), retries=0)
            # A worker that stood still between reading and writing must not bring back the lock of a run that was killed.
            stages_lock.execute(Call(short, heartbeat=lambda: check_alive(self._main)), client=self._client)
        return params["lease"]

    def _renew_on_host(self, args):
        kept = {name: value for name, value in args.items() if name not in connection_options()}
        result = self._action._execute_module(module_name=MODULE_NAME, module_args=kept, task_vars=self._task_vars)
        if result.get("failed"):
            raise StagecraftError(result.get("msg", "the lock could not be renewed"), lock=result.get("lock"))

    def _fresh(self, params):
        """Whether one look at the host's file shows that the lock is this run's and was renewed of late."""
        raw = reader(self._action, params).load(lock.document(params["unit"]))
        holder = lock.read(raw, params["unit"])
        return holder is not None and lock.same_run(holder, params["holder"]) and lock.ends(holder) - holder["lease"] > raw.clock() - EVERY

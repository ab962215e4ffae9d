# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run that a task belongs to, seen from the worker process that runs the task."""

from __future__ import annotations

import getpass
import multiprocessing
import os

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state import identity

USER_VARIABLES = ("awx_user_name", "tower_user_name")


def main_process():
    """Process id of ansible-playbook: what this worker was forked from, gone or not."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent else os.getppid()


def check_alive(main):
    """Stop a worker that outlived its run.

    :param main: what :func:`main_process` said when the task began.
    :raises StagecraftError: ansible-playbook is gone.
    """
    if os.getppid() != main:
        raise StagecraftError("The run was killed: its ansible-playbook process %d is gone, and this task stops before it changes "
                              "anything else. Run again." % main)


def this_run(task_vars):
    """The holder that this run is: ``run``, ``target``, ``controller``, ``pid``, ``started`` and ``user``."""
    pid = main_process()
    check_alive(pid)
    controller, started = identity.controller_id(), identity.process_start(pid)
    return {"run": identity.run_id(pid, started, controller), "target": (task_vars or {}).get("inventory_hostname"),
            "controller": controller, "pid": pid, "started": started, "user": _user(task_vars or {})}


def _user(task_vars):
    for name in USER_VARIABLES:
        if task_vars.get(name):
            return str(task_vars[name])
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())

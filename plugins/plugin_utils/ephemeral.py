# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controllers that are gone after the run: what is kept in their files is lost with them."""

from __future__ import annotations

import os

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

JOB_VARIABLE = "AWX_PRIVATE_DATA_DIR"
RUNNER_FOLDER = "/runner"
CONTAINER_MARKS = ("/run/.containerenv", "/.dockerenv")


def is_ephemeral(environ=None, exists=os.path.exists):
    """Whether this controller is an execution environment: an AWX job, or a container that ansible-runner made."""
    environ = os.environ if environ is None else environ
    return bool(environ.get(JOB_VARIABLE)) or (exists(RUNNER_FOLDER) and any(exists(mark) for mark in CONTAINER_MARKS))


def refuse_files_here(backend, transport, ephemeral=is_ephemeral):
    """Refuse backend ``file`` on a controller that does not last.

    :param backend: option of the task.
    :param transport: of the task's connection.
    """
    if backend == "file" and transport == "local" and ephemeral():
        raise InputError("backend", backend, "would keep the state in an execution environment that is gone after this run",
                         "Keep it in the orchestrator with 'environment', or on a host that lasts, by its connection")

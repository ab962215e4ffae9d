# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backend a module's options mean: the place where the rooms ``state`` and ``inmanta`` are joined."""

from __future__ import annotations

import importlib

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments as connection_arguments
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend, ParameterBackend, check_name

INMANTA = "ansible_collections.stagecraft.release.plugins.module_utils.inmanta."


def arguments():
    """The argument_spec of the options in the doc fragment ``state``, with those of a connection."""
    return dict(
        connection_arguments.environment(),
        unit=dict(type="str", required=True),
        backend=dict(type="str", choices=["file", "environment"], default="file"),
        facts_path=dict(type="str", default="/etc/ansible/facts.d/stagecraft.fact"),
        journal_path=dict(type="str", default="/var/log/stagecraft/journal.jsonl"),
        state_directory=dict(type="str", default="/var/lib/stagecraft"),
    )


def connection_options():
    """Names of the options that a host which keeps state in files has no use for: they can be secrets."""
    return frozenset(connection_arguments.environment())


def backend_for(params, before_write=None, client=None):
    """The backend that keeps the state of ``params["unit"]``.

    :param params: validated options of :func:`arguments`.
    :param before_write: called before each request that changes something; it raises when the run must stop.
    :param client: a session to use with backend ``environment``.
    """
    check_name(params["unit"], "unit")
    if params["backend"] == "file":
        return FileBackend(params["facts_path"], params["journal_path"], params["state_directory"], before_write=before_write)
    # By name: an import that Ansible saw would ship the client to every host, where it has no use.
    if client is None:
        client = importlib.import_module(INMANTA + "client").Client.from_params(params, before_write)
    environment = importlib.import_module(INMANTA + "environment").resolve(client, params)
    return ParameterBackend(importlib.import_module(INMANTA + "parameters").ParameterStore(client, environment))

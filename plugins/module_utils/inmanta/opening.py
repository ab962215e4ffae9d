# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module gets at its environment: the session its options ask for, and the UUID."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import environment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import Client


def open_client(call):
    """The session that the connection options ask for; it asks ``call`` before each write whether to go on."""
    return Client.from_params(call.params, before_write=call.heartbeat)


def open_environment(call):
    """The session and the UUID of the environment that the options name.

    :returns: pair (client, UUID).
    """
    client = open_client(call)
    return client, environment.resolve(client, call.params)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold before something is asked of an environment; reads only."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import environment as environments, versions


def refuse_halted(client, environment, consequence, details=None):
    """Raise where the environment is halted.

    :param consequence: what would come of going on, such as ``a compile would stay queued``.
    :param details: what the failure returns beside its message.
    """
    found = environments.fetch(client, environment)
    if found.get("halted"):
        raise InputError("environment", found.get("name", environment), "is halted: %s" % consequence,
                         "Find out who halted it and why, then resume it (stagecraft.release.inmanta_halt with state=running)", **(details or {}))


def existing_version(client, environment, version, details=None):
    """The version as the server lists it.

    :param details: what the failure returns beside its message.
    :raises InputError: there is no such version.
    """
    found = versions.find(client, environment, version)
    if found is None:
        raise InputError("version", version, "is not a version of environment %s" % environment,
                         "It may have been deleted, or cleaned up as too old: list them with stagecraft.release.inmanta_version_info",
                         **(details or {}))
    return found

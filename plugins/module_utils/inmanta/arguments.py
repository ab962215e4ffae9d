# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every module which talks to an orchestrator shares (see the doc fragment ``connection``)."""

from __future__ import annotations

from ansible.module_utils.basic import env_fallback


def connection():
    """The argument_spec of a connection to the server."""
    return dict(
        url=dict(type="str", fallback=(env_fallback, ["STAGECRAFT_INMANTA_URL"])),
        token=dict(type="str", no_log=True, fallback=(env_fallback, ["STAGECRAFT_INMANTA_TOKEN"])),
        username=dict(type="str", fallback=(env_fallback, ["STAGECRAFT_INMANTA_USERNAME"])),
        password=dict(type="str", no_log=True, fallback=(env_fallback, ["STAGECRAFT_INMANTA_PASSWORD"])),
        validate_certs=dict(type="bool", default=True),
        ca_path=dict(type="path"),
        client_cert=dict(type="path"),
        client_key=dict(type="path"),
        proxy=dict(type="str"),
        timeout=dict(type="float", default=60.0),
        retries=dict(type="int", default=3),
    )


def environment():
    """The argument_spec of a connection and the environment that is meant."""
    return dict(connection(), environment=dict(type="str"), project=dict(type="str"))


def waiting(wait_timeout):
    """The argument_spec of a wait.

    :param wait_timeout: default bound, in seconds.
    """
    return dict(
        wait=dict(type="bool", default=True),
        wait_timeout=dict(type="float", default=float(wait_timeout)),
        wait_interval=dict(type="float", default=1.0),
    )

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong between the collection and the orchestrator's API."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError


class ApiError(StagecraftError):
    """The server answered with a failure.

    :param method: HTTP method.
    :param path: path below the server's url.
    :param status: HTTP status.
    :param message: the server's own message.
    """

    def __init__(self, method, path, status, message, remedy=""):
        text = "%s %s: HTTP %s: %s" % (method, path, status, message)
        super().__init__("%s. %s" % (text.rstrip("."), remedy) if remedy else text)
        self.method = method
        self.path = path
        self.status = status
        self.server_message = message


class NotFound(ApiError):
    """The API knows the call, and the thing asked for is not there."""


class UnknownEndpoint(ApiError):
    """The server does not have this call: an older or newer release, or not an orchestrator's url."""


class AccessDenied(ApiError):
    """No token, a wrong one, or one that may not make this call."""


class Conflict(ApiError):
    """The state of the orchestrator does not allow the call."""


class Unreachable(StagecraftError):
    """No answer: the connection failed, or broke."""

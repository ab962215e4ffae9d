# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of an environment: small named texts that the orchestrator keeps.

The server's own removal of a parameter always compiles the model again, and with ``auto_deploy`` on it deploys the result.
So nothing is ever removed here: an empty text stands for "not there".
"""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import environment as environments
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import NotFound


class ParameterStore:
    """Named texts in one environment.

    :param client: session with the server.
    :param environment: UUID.
    """

    def __init__(self, client, environment):
        self._client = client
        self._environment = environment

    def get(self, name):
        """The text, or None where there is no such parameter.

        :raises InputError: there is no such environment.
        """
        try:
            return self._client.get(self._path(name), self._environment)["parameter"]["value"] or None
        except NotFound:
            self._check_environment()
            return None

    def put(self, name, value):
        """Write the text; repeating it does no harm."""
        body = {"source": "user", "value": value, "resource_id": "", "metadata": {}}
        self._client.request("PUT", self._path(name), self._environment, body=body, repeat=True)

    def delete(self, name):
        """Empty it; nothing happens where it is not there.

        :raises InputError: there is no such environment.
        """
        if self.get(name) is not None:
            self.put(name, "")

    def _check_environment(self):
        """A missing environment and a missing parameter are both 404, and only the second means "nothing there"."""
        environments.fetch(self._client, self._environment)

    @staticmethod
    def _path(name):
        return "/api/v1/parameter/%s" % segment(name)

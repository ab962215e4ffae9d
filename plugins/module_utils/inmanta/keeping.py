# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping an environment as it is wanted: there with these fields, or not there."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import environment, settings
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import AccessDenied

FIELDS = ("repository", "branch", "description")
PROTECTION = "protected_environment"


class Keeper:
    """Brings one environment to the wanted state.

    :param client: session with the server.
    :param params: environment, environment_id, project, create_project, repository, branch, description.
    :param check_mode: nothing is written; the methods return what would be.
    """

    def __init__(self, client, params, check_mode=False):
        self._client = client
        self._params = params
        self._check_mode = check_mode
        given, self._id = params.get("environment"), params.get("environment_id")
        if self._id and not environment.is_uuid(self._id):
            raise InputError("environment_id", self._id, "is not a UUID", "Give a UUID, or leave it out")
        if environment.is_uuid(given):
            if self._id and self._id.lower() != given.lower():
                raise InputError("environment_id", self._id, "is not the UUID given as 'environment' (%s)" % given, "Give one of the two")
            # Only an environment that exists has a UUID in the place of its name.
            self._id, self._name, self._exists = given.lower(), None, True
        else:
            self._id, self._name, self._exists = self._id and self._id.lower(), given or None, False

    def present(self):
        """The environment as it is, or None."""
        if self._id:
            return environment.describe(environment.find(self._client, self._id))
        projects = environment.listing(self._client, self._name)
        found = environment.lookup(projects, self._name, self._params.get("project"))
        return environment.describe(environment.fetch(self._client, found["id"])) if found else None

    def absent(self, before):
        """Remove the environment.

        :param before: what :meth:`present` returned.
        :returns: None, for what is there afterwards.
        """
        if not before:
            return None
        if settings.read(self._client, before["id"]).values.get(PROTECTION):
            raise StagecraftError("environment: %s (%s) is protected and was not deleted. Set its setting %s to false first, with "
                                  "inmanta_settings, if it is really meant to go." % (before["name"], before["id"], PROTECTION))
        if not self._check_mode:
            environment.delete(self._client, before["id"])
        return None

    def wanted(self, before):
        """Make the environment, or give it the wanted fields.

        :param before: what :meth:`present` returned.
        :returns: the environment as it is afterwards.
        """
        # The server strips these texts too.
        fields = {name: self._params[name].strip() for name in FIELDS if self._params.get(name) is not None}
        if not before:
            return self._create(fields)
        after = dict(before, **fields)
        if self._name:
            after["name"] = self._name
        if after == before or self._check_mode:
            return after
        try:
            return environment.describe(environment.modify(self._client, before["id"], dict(fields, name=after["name"])))
        except AccessDenied as exc:
            wrong = [name for name in after if after[name] != before[name]]
            raise InputError(wrong[0], after[wrong[0]], "differs from what environment %s has (%r), and the server does not let this token "
                             "change it: %s" % (before["name"], before[wrong[0]], exc.server_message.rstrip(".")),
                             "Use a token that is not bound to one environment, or have it changed in the web console") from exc

    def _create(self, fields):
        if self._exists:
            raise InputError("environment", self._id, "does not exist on %s" % self._client.url,
                             "Check the UUID; to make an environment give its name, 'project' and, if wanted, 'environment_id'")
        if not self._name:
            raise InputError("environment", self._name, "is empty, and no environment has the id %s" % self._id, "Give the name of the new environment")
        if bool(fields.get("repository")) != bool(fields.get("branch")):
            raise InputError("repository", fields.get("repository"), "and branch %r do not go together" % fields.get("branch"),
                             "Give both for a new environment, or none")
        project_id = self._project_id()
        new = dict(fields, name=self._name)
        if self._id:
            new["environment_id"] = self._id
        if not self._check_mode:
            return environment.describe(environment.create(self._client, project_id, new))
        return dict(id=self._id, name=self._name, project_id=project_id, repository=fields.get("repository", ""),
                    branch=fields.get("branch", ""), halted=False, description=fields.get("description", ""))

    def _project_id(self):
        """The project's id, made now if that was asked for; None where it would be made."""
        wanted = self._params.get("project")
        if not wanted:
            raise InputError("project", wanted, "is empty, and the environment has to be made", "Give the name of its project")
        projects = environment.listing(self._client, self._name)
        for item in projects:
            if item["name"] == wanted:
                return item["id"]
        if not self._params.get("create_project"):
            raise InputError("project", wanted, "is not a project of %s" % self._client.url,
                             "Set 'create_project', or choose one of: %s" % environment.names(item["name"] for item in projects))
        return None if self._check_mode else environment.create_project(self._client, wanted)

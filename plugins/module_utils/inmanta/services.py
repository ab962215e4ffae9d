# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service instances: found, written with the version they were read at, and waited for over their log."""

from __future__ import annotations

import json
import time

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import paging
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError, Conflict, NotFound, UnknownEndpoint
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.masking import mask
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.waiting import Waiter

CATALOG = "/lsm/v1/service_catalog"
INVENTORY = "/lsm/v1/service_inventory"
# What the lifecycles that come with LSM call them; others are options.
BAD_STATES = {
    "created": ["rejected", "failed"],
    "updated": ["update_start_failed", "update_acknowledged_failed", "update_designed_failed", "update_rejected", "update_rejected_failed",
                "update_failed", "failed"],
    "deleted": [],
}
BAD_STATES["unchanged"] = sorted(set(BAD_STATES["created"] + BAD_STATES["updated"]))
GONE_STATES = ["terminated"]
SHOWN = ("id", "service_entity", "version", "state", "deleted", "service_identity_attribute_value", "candidate_attributes", "active_attributes",
         "rollback_attributes", "config", "created_at", "last_updated", "deployment_progress")
DIAGNOSIS_CHARACTERS = 4000
LIFTED = "Read it again, look at who changed it, and decide anew"


def catalog(client, environment):
    """The service entities by name, as the catalog describes them."""
    return {item["name"]: item for item in _ask_catalog(client, environment, CATALOG)}


def entity(client, environment, name):
    """The service entity as the catalog has it."""
    try:
        return _ask_catalog(client, environment, "%s/%s" % (CATALOG, segment(name)))
    except NotFound as exc:
        known = catalog(client, environment)
        raise InputError("service_entity", name, "is not in the service catalog of environment %s" % environment,
                         "Choose from: %s. The catalog is filled when the service definition is exported" % (", ".join(known) or "it is empty")) from exc


def _ask_catalog(client, environment, path):
    try:
        return client.get(path, environment)["data"]
    except UnknownEndpoint as exc:
        raise StagecraftError("url: %s has no LSM: it does not know the service catalog. Give the url of an orchestrator with LSM." % client.url) from exc


def target_states(params):
    """The states that are waited for; none for no wait."""
    wanted = params["target_states"]
    if wanted is None:
        wanted = GONE_STATES if params["state"] == "absent" else []
    return wanted if params["wait"] else []


class ServiceInstance:
    """One instance of a service entity, found by its id or by the value of its service identity.

    :param client: session with the server.
    :param environment: UUID.
    :param call: who asked: the options of inmanta_service_instance.
    """

    def __init__(self, client, environment, call, clock=time.monotonic, sleep=time.sleep):
        self._client = client
        self._environment = environment
        self._call = call
        self._params = call.params
        self._clock = clock
        self._sleep = sleep
        self._path = "%s/%s" % (INVENTORY, segment(call.params["service_entity"]))
        self._id = call.params["id"]
        self._log = []
        self._diagnosis = None
        self.now = None

    def find(self):
        """The instance as it is, or None."""
        described = entity(self._client, self._environment, self._params["service_entity"])
        if self._id:
            self.now = self._read()
        else:
            self.now = self._identified(described.get("service_identity"))
        if self.now and self.now.get("deleted"):
            self.now = None
        if self.now:
            self._id = self.now["id"]
            self._check_version()
        elif self._params["current_version"] is not None and self._params["state"] == "present":
            raise InputError("current_version", self._params["current_version"], "was given, and there is no such instance of %s"
                             % self._params["service_entity"], "Leave it out to create the instance, or correct 'id' or 'identity'", **self.result())
        return self.now

    def create(self):
        """Create the instance; its first version is 1."""
        body = {"attributes": self._params["attributes"] or {}}
        if self._params["initial_state"]:
            body["initial_state"] = self._params["initial_state"]
        if self._params["id"]:
            body["service_instance_id"] = self._params["id"]
        self.now = self._client.post(self._path, self._environment, body)["data"]
        self._id = self.now["id"]

    def differing(self):
        """The given attributes that the instance does not have: ``{name: (from, to)}``.

        An update that goes on counts: what it will be is in the candidate attributes.
        """
        has = self.now.get("candidate_attributes") or self.now.get("active_attributes") or {}
        return {name: (has.get(name), value) for name, value in (self._params["attributes"] or {}).items() if name not in has or has[name] != value}

    def update(self, names):
        """Write these attributes."""
        body = {"attributes": {name: self._params["attributes"][name] for name in names}}
        self._write("PATCH", body)

    def delete(self):
        """Begin the deletion."""
        self._write("DELETE")

    def wait(self, after, operation):
        """Wait until the instance has been in one of the target states.

        :param after: the version after which its log is looked at.
        :param operation: ``created``, ``updated``, ``deleted`` or ``unchanged``: what the default of the bad states depends on.
        :raises StagecraftError: it came to a bad state first.
        """
        wanted = target_states(self._params)
        bad = self._params["bad_states"] if self._params["bad_states"] is not None else BAD_STATES[operation]
        if not wanted:
            return
        seen = [after]

        def poll():
            for entry in self._log_after(seen[0]):
                seen[0] = entry["version"]
                self._log.append({"version": entry["version"], "state": entry["state"]})
                self.now = dict(self.now, **{key: entry[key] for key in SHOWN if entry.get(key) is not None and key != "id"})
                if entry["state"] in wanted:
                    return True, entry["state"]
                if entry["state"] in bad:
                    self._diagnosis = self._diagnose(entry["version"])
                    raise StagecraftError(
                        "%s: came to the state %s in version %d, which is one of bad_states. %sIts log and its events are in the web console."
                        % (self.name, entry["state"], entry["version"], "Diagnosis: %s. " % self._diagnosis[:600] if self._diagnosis else ""),
                        **self.result())
            return False, self.now["state"]

        waiter = Waiter(self._call, "%s, waiting for %s" % (self.name, " or ".join(wanted)), clock=self._clock, sleep=self._sleep)
        waiter.until(poll, lambda state: "%s: %s" % (self.name, state), self.result, timed=True)

    def result(self):
        """What the module returns, whatever happened."""
        now = self.now or {}
        return dict(id=self._id, state=now.get("state"), version=now.get("version"), log=self._log, diagnosis=self._diagnosis,
                    instance={key: now.get(key) for key in SHOWN} if now else None)

    @property
    def name(self):
        """What messages call it."""
        identity = (self.now or {}).get("service_identity_attribute_value")
        return "%s %s" % (self._params["service_entity"], identity or self._id or "")

    def _read(self):
        try:
            return self._client.get("%s/%s" % (self._path, segment(self._id)), self._environment)["data"]
        except NotFound:
            return None

    def _identified(self, attribute):
        value = self._params["identity"] or (self._params["attributes"] or {}).get(attribute)
        if not attribute or value is None:
            if self._params["state"] == "present" and not attribute:
                raise InputError("id", None, "is empty, and %s has no service identity to find an instance by" % self._params["service_entity"],
                                 "Give the UUID of the instance, or the one that a new instance shall have")
            raise InputError("identity", value, "is empty, and so is 'id'", "Give the UUID of the instance, or the value of its attribute %s" % attribute)
        found = [item for item in paging.everything(self._client, self._path, self._environment)
                 if item.get("service_identity_attribute_value") == str(value) and not item.get("deleted")]
        return found[0] if found else None

    def _check_version(self):
        expected = self._params["current_version"]
        if expected is not None and expected != self.now["version"]:
            raise InputError("current_version", expected, "is not the version of %s, which is %d in state %s: somebody changed it"
                             % (self.name, self.now["version"], self.now["state"]), LIFTED, **self.result())

    def _write(self, method, body=None):
        read_at = self.now["version"]
        try:
            self._client.request(method, "%s/%s" % (self._path, segment(self._id)), self._environment, query={"current_version": read_at}, body=body)
        except Conflict as exc:
            self.now = self._read() or self.now
            if self.now["version"] == read_at:
                raise
            raise InputError("current_version", read_at, "is not the version of %s any more, which is %d in state %s by now; nothing was written"
                             % (self.name, self.now["version"], self.now["state"]), LIFTED, **self.result()) from exc
        self.now = self._read() or self.now

    def _log_after(self, version):
        # With the version itself, since some servers answer an empty list with an error.
        query = {"sort": "version.desc", "filter.version": "ge:%d" % version}
        try:
            entries = paging.everything(self._client, "%s/%s/log" % (self._path, segment(self._id)), self._environment, query)
        except NotFound as exc:
            raise StagecraftError("%s: is not there any more, its last state was %s. Find out who removed it." % (self.name, self.now["state"]),
                                  **self.result()) from exc
        return sorted((entry for entry in entries if entry["version"] > version), key=lambda entry: entry["version"])

    def _diagnose(self, version):
        query = {"version": version, "rejection_lookbehind": 0, "failure_lookbehind": 1}
        try:
            found = self._client.get("%s/%s/diagnose" % (self._path, segment(self._id)), self._environment, query)["data"]
        except (ApiError, StagecraftError):
            return None  # what it adds must not hide the bad state
        return self._client.hide(mask(json.dumps(found, sort_keys=True)))[:DIAGNOSIS_CHARACTERS] if any((found or {}).values()) else None

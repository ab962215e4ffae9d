# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of the desired state: listed, read, compared, removed."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import normalise
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import eras, paging
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import NotFound

NEWEST = 20
MOST = 1000


def describe(version):
    """One version in the words of the modules' returns."""
    return dict(version=version["version"], status=version["status"], released=eras.was_released(version), date=version["date"],
                total=version["total"], labels=version.get("labels") or [])


def check_limit(limit):
    """``limit``, if the server can list that many versions at once."""
    if not 1 <= limit <= MOST:
        raise InputError("limit", limit, "is not between 1 and %d" % MOST, "Give such a number")
    return limit


def newest(client, environment, limit=NEWEST):
    """The newest versions, newest first.

    :param limit: how many, at most MOST.
    """
    return _list(client, environment, {"limit": limit})


def find(client, environment, version):
    """One version, or None."""
    found = _list(client, environment, {"filter.version": ["ge:%d" % version, "le:%d" % version], "limit": 1})
    return found[0] if found else None


def summary(client, environment, limit=NEWEST):
    """The newest versions and which of all is active.

    :returns: ``{"active": number or None, "newest": number or None, "list": [...]}``.
    """
    listed = newest(client, environment, limit)
    active = [item for item in listed if item["status"] == "active"]
    if not active and len(listed) >= limit:
        active = _list(client, environment, {"filter.status": "active", "limit": 1})
    return dict(active=active[0]["version"] if active else None, newest=listed[0]["version"] if listed else None, list=listed)


def resources(client, environment, version):
    """The resources of a version: resource, type, agent and the resources that it requires."""
    return [dict(resource=item["resource_id"], type=item["id_details"]["resource_type"], agent=item["id_details"]["agent"],
                 requires=item["requires"])
            for item in paging.everything(client, "/api/v2/desiredstate/%s" % segment(version), environment)]


def differences(client, environment, from_version, to_version):
    """What ``to_version`` changes in ``from_version``, in the form of a dry run's changes.

    :raises InputError: the versions cannot be compared.
    """
    if from_version >= to_version:
        raise InputError("diff_from", from_version, "is not older than version %d" % to_version, "Give a smaller number")
    try:
        answer = client.get("/api/v2/desiredstate/diff/%s/%s" % (segment(from_version), segment(to_version)), environment)
    except NotFound as exc:
        raise InputError("diff_from", from_version, "cannot be compared with version %d: %s" % (to_version, exc.server_message),
                         "Check that both versions exist") from exc
    return normalise(answer["data"]).changes


def delete(client, environment, version):
    """Remove a version and its dry runs."""
    client.delete("/api/v1/version/%s" % segment(version), environment)


def _list(client, environment, query):
    return [describe(item) for item in client.get("/api/v2/desiredstate", environment, query=query)["data"]]

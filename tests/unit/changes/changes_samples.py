# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the changes share: rows as the orchestrator gives them, and short ways to changes."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import Changes

FILE = "std::File[web1,path=/etc/demo.conf]"


def row(resource=FILE, status="modified", **attributes):
    """One row of a dry run's diff; an attribute is given as ``name=(before, after)``."""
    return {"resource_id": resource, "status": status, "attributes": {
        name: {"from_value": pair[0], "to_value": pair[1], "from_value_compare": str(pair[0]), "to_value_compare": str(pair[1])}
        for name, pair in attributes.items()}}


def change(resource=FILE, action="modified", **attributes):
    """One normalised change."""
    kind, _bracket, rest = resource.partition("[")
    return {"resource": resource, "type": kind, "agent": rest.split(",")[0], "action": action,
            "attributes": {name: list(pair) for name, pair in attributes.items()}}


def unchecked(resource=FILE, reason="agent_down"):
    """One resource that could not be checked."""
    base = change(resource)
    return {"resource": resource, "type": base["type"], "agent": base["agent"], "reason": reason}


def many(*changes_, not_checked=()):
    """``Changes`` of the given ones."""
    return Changes(changes_, not_checked)


def numbered(number, **attributes):
    """That many changes, each of its own resource."""
    return [change("std::File[web1,path=/%05d]" % index, **attributes) for index in range(number)]

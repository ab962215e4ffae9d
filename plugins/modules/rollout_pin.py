#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_pin: keep targets on a snapshot for a while."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_pin
short_description: Keep targets of a rollout on a snapshot for a while
version_added: 0.1.0
description:
  - Pins targets to a snapshot until a time, whatever their ring is due. Afterwards they go with their ring again by themselves.
  - A snapshot that is pinned is not removed. Every pin is kept on record.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.rollout
  - stagecraft.release.recording
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  targets:
    description: Names of the targets, inventory hosts in general.
    type: list
    elements: str
    required: true
  state:
    description: V(absent) lets the targets go with their ring at once.
    type: str
    choices: [present, absent]
    default: present
  snapshot:
    description: The snapshot. One that is not there, or that marks keep targets from, is refused. Required with O(state=present).
    type: str
  expires:
    description: When the pin ends, such as V(2030-01-31 22:00), in UTC where it has no offset. A time that is over is refused.
    type: str
  duration:
    description: How long it lasts from now on, such as V(4h), V(90m) or V(2d).
    type: str
  why:
    description: The reason. Required with O(state=present).
    type: str
    default: ""
  emergency:
    description: Goes past windows and freezes, and to a snapshot that is marked bad. It is on record.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Keep two hosts where they are until the incident is understood
  stagecraft.release.rollout_pin:
    targets: [web1, web2]
    snapshot: 20261121-0700
    duration: 4h
    why: INC-4711

- name: Let them go
  stagecraft.release.rollout_pin:
    targets: [web1, web2]
    state: absent
"""

RETURN = r"""
targets:
  description: The targets whose pin changed.
  returned: success
  type: list
  elements: str
  sample: [web1, web2]
message:
  description: What was done, and how many targets it concerns, as a sentence.
  returned: success
  type: str
  sample: 2 targets are pinned to 20261121-0700 until 2026-11-21 22:00 UTC, of which 2 are new or changed.
expires:
  description: When the pin ends, null with O(state=absent).
  returned: success
  type: str
  sample: 2026-11-21 22:00 UTC
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import marking
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_options.RECORDING,
        targets=dict(type="list", elements="str", required=True),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        snapshot=dict(type="str"),
        expires=dict(type="str"),
        duration=dict(type="str"),
        why=dict(type="str", default=""),
        emergency=dict(type="bool", default=False),
    ),
    mutually_exclusive=[("expires", "duration")],
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Pin the targets, or let them go."""
    params, now, until = call.params, int(clock()), None
    names = list(dict.fromkeys(name.strip() for name in params["targets"]))
    if not names or "" in names:
        raise InputError("targets", params["targets"], "has no name, or an empty one", "Give names of targets")
    if params["state"] == "present":
        until = _until(params, now)
        rollout_options.text("snapshot", params["snapshot"], "Give the name of the snapshot to stay on")
        rollout_options.text("why", params["why"], "Say why the targets do not go with their ring")
    with rollout_options.opened(call, "pinning targets") as store:
        store.need("pins", "snapshots", "marks")
        before, who = store.state.pins, rollout_options.who(params)
        if params["state"] == "present":
            entries = marking.pins(store.state, names, params["snapshot"], until, now, who, params["why"].strip(), params["emergency"])
        else:
            entries = marking.unpins(store.state, names, now, who, params["why"].strip())
        store.add("pins", entries)
        after = store.state.pins
    changed = [entry["target"] for entry in entries]
    shown = None if until is None else naming.text(until)
    said = "%d targets %s, of which %d are new or changed." % (
        len(names), "%s pinned to %s until %s" % ("would be" if call.check_mode else "are", params["snapshot"], shown), len(changed)) if shown else (
            "%d of %d targets had a pin and %s with their ring." % (len(changed), len(names), "would go" if call.check_mode else "go"))
    result = dict(changed=bool(changed), targets=changed, message=said, expires=shown)
    if call.diff:
        result["diff"] = dict(before={name: vars(before[name]) if name in before else None for name in changed},
                              after={name: vars(after[name]) if name in after else None for name in changed})
    return result


def _until(params, now):
    if params["duration"] is not None:
        return now + rollout_options.duration("duration", params["duration"], 1)
    if params["expires"] is None:
        raise InputError("expires", None, "is not set", "Say when the pin ends with 'expires' or 'duration': one without an end is forgotten")
    return rollout_options.instant("expires", params["expires"])


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

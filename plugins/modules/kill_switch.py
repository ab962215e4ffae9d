#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module kill_switch: stop a rollout at once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kill_switch
short_description: Stop every change of a rollout at once
version_added: 0.1.0
description:
  - Throws or takes off the kill switch of the fleet, a ring or a host. It is looked at before every batch and every stage.
  - It needs no lock and nothing else of the state, and works on a full disk. Whatever is at its path is on, a directory or a link that leads nowhere too,
    so it can be thrown with any tool.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.rollout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  state:
    description: V(engaged) stops, V(released) lets go on. Releasing removes a file, a link or an empty directory, and refuses anything else.
    type: str
    choices: [engaged, released]
    required: true
  level:
    description: What is stopped.
    type: str
    choices: [fleet, ring, host]
    default: fleet
  name:
    description: Name of the ring or the host. Required with O(level=ring) and O(level=host).
    type: str
  why:
    description: Why, for everybody who is stopped. Required with O(state=engaged).
    type: str
    default: ""
  schedule:
    description: File with the schedule. With it a ring that is not in it is refused.
    type: path
  by:
    description: Who does this, for the record. By default the user that the task runs as.
    type: str
"""

EXAMPLES = r"""
- name: Stop everything
  stagecraft.release.kill_switch:
    state: engaged
    why: name servers fail, see INC-4711

- name: Let production go on
  stagecraft.release.kill_switch:
    level: ring
    name: prod
    state: released
"""

RETURN = r"""
kill_switches:
  description: Everything that is on after the task, each with C(level), C(name), C(message), C(by) and C(at) in seconds since 1970.
  returned: success
  type: list
  elements: dict
  sample: [{level: fleet, name: "", message: "name servers fail, see INC-4711", by: carol, at: 1795251600}]
message:
  description: What was done and what is on, as sentences.
  returned: success
  type: str
  sample: "The kill switch of the fleet was engaged. On now: the fleet (by carol since 2026-11-21 09:00 UTC: name servers fail, see INC-4711)."
targets:
  description: The targets that this kill switch stops, as far as it was recorded what they ran.
  returned: success
  type: list
  elements: str
"""

import os
import time

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading, switches
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_options.STATE_DIR,
        state=dict(type="str", choices=[switches.ON, switches.OFF], required=True),
        level=dict(type="str", choices=["fleet", "ring", "host"], default="fleet"),
        name=dict(type="str"),
        why=dict(type="str", default=""),
        schedule=dict(type="path"),
        by=dict(type="str"),
    ),
    required_if=[("level", "ring", ["name"]), ("level", "host", ["name"])],
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Throw the switch, or take it off."""
    params = call.params
    place, level, engage = params["state_dir"], params["level"], params["state"] == switches.ON
    name, message = _name(call), params["why"].strip()
    if engage:
        rollout_options.text("why", message, "Say why: everybody who is stopped reads it")
    if not os.path.isdir(place):
        raise InputError("state_dir", place, "is not there, so nothing would %s" % ("stop" if engage else "go on"), "Give the state directory of the rollout")
    before = switches.find(place, level, name)
    changed = switches.differs(place, before, level, name, message) if engage else before is not None
    if changed and not call.check_mode:
        act = switches.engage if engage else switches.release
        warning = act(place, level, name, message, rollout_options.who(params), int(clock()))
        if warning:
            call.warn(warning)
    state = reading.load(place)
    targets = sorted(target for target in state.targets if {"fleet": "", "ring": state.rings.get(target), "host": target}[level] == name)
    if level != "fleet" and not targets:
        call.warn("%s %s: no target is recorded there. Look at the spelling, if the rollout ran there before." % (level, name))
    said = "The kill switch of %s %s %s. On now: %s." % (
        switches.place(level, name), "would be" if changed and call.check_mode else "was" if changed else "was already", params["state"],
        "; ".join(switches.told(stop) for stop in state.switches) or "none")
    result = dict(changed=changed, message=said, kill_switches=[vars(stop) for stop in state.switches], targets=targets)
    if call.diff:
        result["diff"] = dict(before=vars(before) if before else None, after=dict(level=level, name=name, message=message) if engage else None)
    return result


def _name(call):
    params = call.params
    if params["level"] == "fleet":
        if params["name"]:
            raise InputError("name", params["name"], "goes with the level ring or host", "Give that level too, or leave the name out")
        return ""
    name = rollout_options.text("name", params["name"], "Give the name of the ring or the host")
    if params["level"] == "ring" and params["schedule"]:
        try:
            rings = [ring.name for ring in rollout_options.schedule(params["schedule"]).rings]
        except StagecraftError as exc:  # what stops a ring does not depend on the schedule
            call.warn("Whether ring %s is in the schedule is not known: %s" % (name, exc.message))
            return name
        if name not in rings:
            raise InputError("name", name, "is no ring of %s" % params["schedule"], "Give one of %s" % ", ".join(rings))
    return name


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

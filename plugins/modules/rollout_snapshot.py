#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_snapshot: copies of the configuration repository that targets run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_snapshot
short_description: Take and remove snapshots of a configuration repository
version_added: 0.1.0
description:
  - Takes a snapshot of a git repository, named after the hour in UTC such as C(20261121-0900), or as told. The first one of an hour stays.
  - A snapshot is there complete or not at all, never changes, and is known by its commit and the digest of its content.
  - Refused are a repository that cannot be read, a reference that is not there, a commit without files or with submodules, a history that was rewritten
    since the last snapshot of the same reference, and a name that is there with other content.
  - Afterwards those are removed that are too old and of no use any more. Kept are, whatever their age, those that a target runs or ran before, that a pin
    leads to, that are the newest good ones of a ring, and barriers. Nothing is removed while the state cannot be read.
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
  state:
    description: V(absent) removes the snapshot O(name), and refuses one that is needed.
    type: str
    choices: [present, absent]
    default: present
  repository:
    description: Address of the repository, by https, ssh or path. Credentials in it are kept nowhere. Required with O(state=present).
    type: str
  ref:
    description: The branch to take, or a tag or a full commit id.
    type: str
    default: main
  name:
    description: Name of the snapshot. Without it, O(prefix) and the hour.
    type: str
  prefix:
    description: What names after the hour begin with.
    type: str
    default: ""
  barrier:
    description: Why every target must pass through this snapshot. An empty text takes that back.
    type: str
  dead_end:
    description: Why no target leaves this snapshot by itself. An empty text takes that back.
    type: str
  only_changed:
    description: Take none when nothing was committed since the last one of the same reference.
    type: bool
    default: false
  max_age:
    description: Refuse when the newest commit is older, such as V(7d).
    type: str
  accept_rewritten:
    description: Take a history that the commit of the last snapshot is not part of.
    type: bool
    default: false
  keep_age:
    description: Snapshots that are not older are kept.
    type: str
    default: 72h
  keep_count:
    description: So many of the newest are kept, however old.
    type: int
    default: 24
  schedule:
    description: File with the schedule, which says what the newest good snapshot of each ring is. Without it, the newest good one of all is kept.
    type: path
  timeout:
    description: Seconds that each call of git may take.
    type: int
    default: 120
requirements:
  - git 2.31 or newer
"""

EXAMPLES = r"""
- name: Take the snapshot of this hour
  stagecraft.release.rollout_snapshot:
    repository: git@git.example.com:ops/config.git
    ref: main

- name: Take a release that every target must pass through
  stagecraft.release.rollout_snapshot:
    repository: git@git.example.com:ops/config.git
    ref: v37
    name: v37
    barrier: moves the data to the new format
"""

RETURN = r"""
snapshot:
  description: What is known of the snapshot, null when it is not there. C(path) is the directory with its content. In check mode C(digest) is empty.
  returned: success
  type: dict
  sample: {name: 20261121-0900, at: 1795251600, commit: 3f2a91c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6, digest: "sha256:0a1b", files: 214, ref: main,
           repository: "git@git.example.com:ops/config.git", taken_at: 1795251604, taken_by: carol, barrier: "", dead_end: ""}
removed:
  description: The snapshots that were removed.
  returned: success
  type: list
  elements: str
message:
  description: What was done, as a sentence.
  returned: success
  type: str
  sample: 20261121-0900 was taken from commit 3f2a91c0d1e2 of main
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options, snapshot_taking
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import keeping
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_options.RECORDING,
        state=dict(type="str", choices=["present", "absent"], default="present"),
        repository=dict(type="str"),
        ref=dict(type="str", default="main"),
        name=dict(type="str"),
        prefix=dict(type="str", default=""),
        barrier=dict(type="str"),
        dead_end=dict(type="str"),
        only_changed=dict(type="bool", default=False),
        max_age=dict(type="str"),
        accept_rewritten=dict(type="bool", default=False),
        keep_age=dict(type="str", default="72h"),
        keep_count=dict(type="int", default=24),
        schedule=dict(type="path"),
        timeout=dict(type="int", default=120),
    ),
    required_if=[("state", "present", ["repository"]), ("state", "absent", ["name"])],
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Take the snapshot or remove it, and remove what is not needed any more."""
    params, now = call.params, int(clock())
    schedule, keep_age = rollout_options.schedule(params["schedule"]), rollout_options.duration("keep_age", params["keep_age"])
    if params["keep_count"] < 1:
        raise InputError("keep_count", params["keep_count"], "is not a number of snapshots", "Give at least 1")
    present = params["state"] == "present"
    with rollout_options.taking(call, "taking a snapshot" if present else "removing a snapshot", present) as layout:
        ready = _prepare(call, layout, now) if present else None
        with rollout_options.opened(call, "putting a snapshot in place" if present else "removing a snapshot", create=present) as store:
            before = sorted(store.state.described)
            if ready:
                keeping.sweep(store)
                name, changed, message = ready.finish(store, {key: params[key] for key in ("barrier", "dead_end")})
                removed, unsure = snapshot_taking.prune(store, schedule, now, keep_age, params["keep_count"])
                if unsure:
                    call.warn("No old snapshot was removed: %s" % unsure)
            else:
                name, changed = params["name"], snapshot_taking.remove(store, params["name"], schedule, now)
                removed, message = [name] if changed else [], "%s was removed" % name if changed else "%s is not there" % name
    found = store.state.described.get(name)
    result = dict(changed=changed or bool(removed), removed=removed, message=message,
                  snapshot=dict(found, path=store.layout.content(name)) if found else None)
    if call.diff:
        result["diff"] = dict(before=dict(snapshots=before), after=dict(snapshots=sorted(store.state.described)))
    return result


def _prepare(call, layout, now):
    params = call.params
    source = snapshot_taking.Source(params["repository"], params["ref"], params["timeout"],
                                    rollout_options.duration("max_age", params["max_age"], 1), params["accept_rewritten"])
    return snapshot_taking.prepare(layout, source, now, rollout_options.who(params), params["name"], params["prefix"], params["only_changed"],
                                   call.check_mode)


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_mark: say that snapshots are good or bad."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_mark
short_description: Mark snapshots of a rollout good or bad
version_added: 0.1.0
description:
  - Marks snapshots by name, or those that hold a commit. A mark acts from the next decision on; the last one about a snapshot counts, and all are kept.
  - Snapshots that are taken later are not marked, even where they hold the commit; M(stagecraft.release.rollout_snapshot) says when that is so. One whose
    content is that of a bad one is marked when it is taken.
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
  snapshots:
    description: Names of snapshots. One that is not there is refused.
    type: list
    elements: str
    aliases: [snapshot]
  commit:
    description: Id of a commit, or at least its first seven digits. Every snapshot that holds it is marked, those with its fix too.
    type: str
  range:
    description: The bad commit and its fix as C(BAD..FIX). Every snapshot that holds the first and not the second is marked.
    type: str
  state:
    description:
      - V(bad) keeps targets from the snapshot, and takes those that run it back to the newest acceptable one before.
      - V(badfwd) takes targets that ran it on to the next acceptable one.
      - V(good) is needed where a ring takes only snapshots that are marked good.
      - V(none) takes the mark back.
    type: str
    choices: [good, bad, badfwd, none]
    required: true
  why:
    description: The reason, for everybody who is held back. Required with V(bad) and V(badfwd).
    type: str
    default: ""
  approved:
    description:
      - With O(state=badfwd), who approved that targets may go past what the ring before theirs runs.
      - With O(state=good), who approved that targets may go to it again although snapshots that were marked bad with it still are.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Mark everything between the bad commit and its fix
  stagecraft.release.rollout_mark:
    range: 3f2a91c..77b01de
    state: bad
    why: breaks the name servers

- name: Say that a snapshot is good
  stagecraft.release.rollout_mark:
    snapshot: 20261121-0900
    state: good
"""

RETURN = r"""
snapshots:
  description: The snapshots that the mark is about, oldest first.
  returned: success
  type: list
  elements: str
  sample: [20261121-0800, 20261121-0900]
marked:
  description: Those of them whose mark changed.
  returned: success
  type: list
  elements: str
message:
  description: What was done, and how many targets it concerns, as sentences.
  returned: success
  type: str
  sample: "Marked bad: 20261121-0800, 20261121-0900. 12 targets run one of them."
targets:
  description: The targets that run one of them now, as far as it was recorded.
  returned: success
  type: list
  elements: str
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils import commit_finding, rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import marking
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_options.RECORDING,
        snapshots=dict(type="list", elements="str", aliases=["snapshot"]),
        commit=dict(type="str"),
        range=dict(type="str"),
        state=dict(type="str", choices=["good", "bad", "badfwd", "none"], required=True),
        why=dict(type="str", default=""),
        approved=dict(type="str", default=""),
    ),
    required_one_of=[("snapshots", "commit", "range")],
    mutually_exclusive=[("snapshots", "commit", "range")],
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Mark the snapshots."""
    params = call.params
    with rollout_options.opened(call, "marking snapshots %s" % params["state"]) as store:
        store.need("marks", "snapshots")
        names, commit, fix = list(dict.fromkeys(params["snapshots"] or ())), "", ""
        for field in ("commit", "range"):
            if params[field] is not None:
                names, commit, fix = commit_finding.find(store, field, params[field].strip())
        if not names:
            rollout_options.text("snapshots", "", "Give the name of a snapshot")
        before = store.state.last_marks
        entries = marking.marks(store.state, names, params["state"], int(clock()), rollout_options.who(params), params["why"].strip(),
                                params["approved"].strip(), commit=commit, fix=fix)
        store.add("marks", entries)
    marked = [entry["snapshot"] for entry in entries]
    targets, would = store.state.running(names), "Would be marked" if call.check_mode else "Marked"
    said = "%s %s: %s. %d targets run one of them." % (would if marked else "Already marked", params["state"], ", ".join(marked or names), len(targets))
    result = dict(changed=bool(marked), snapshots=names, marked=marked, message=said, targets=targets)
    if call.diff:
        result["diff"] = dict(before={name: before[name].state if name in before else "none" for name in marked},
                              after={name: params["state"] for name in marked})
    return result


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module stages_fact: the one writer of stage facts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stages_fact
short_description: Write the stage facts of a unit
version_added: 0.1.0
description:
  - Records what became of a stage, what it hands on, settings saved before they are changed for a while, and what was released.
  - All that one task asks for is written in one step that survives a crash, and adds one line to the journal.
  - Refused while another run holds the unit's lock.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.state
  - stagecraft.release.connection
  - stagecraft.release.environment
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  stage:
    description: The stage that O(status) and O(output) are about.
    type: str
    choices: [build, stage, install, configure]
  status:
    description:
      - V(running) before the first task of the stage, V(done) after the last one, V(failed) with the cause.
      - V(waiting) when the stage waits for a person; a later V(done) or V(failed) leaves that as it is, until it is V(running) again.
      - V(reopened) makes a stage pending that was complete or waiting; one that never ran stays as it is.
    type: str
    choices: [running, done, failed, waiting, reopened]
  release:
    description: The release. Needed with O(status=running); otherwise that of the stage's record when not given.
    type: str
  inputs:
    description: The unit's own inputs of this stage, or their digest. Only the digest is sent to the host and written.
    type: raw
  output:
    description: Values that the stage hands on, merged into those it has handed on already. No secrets. Keys that begin with C(_) are
      evidence, which does not make the next stage pending.
    type: dict
  cause:
    description: Why the stage failed, waits or was reopened. Cut after 2000 characters.
    type: str
  save:
    description:
      - Settings about to be changed for a while, by name, each with what it C(was) and what it will be C(set) to.
      - What is saved already is never overwritten.
    type: dict
  clear:
    description: Names of saved settings that were put back.
    type: list
    elements: str
  history:
    description:
      - An entry for the list of releases that the unit has come to run. The last 20 are kept.
      - Gets the C(output) of O(stage) unless it has one, and is not written while that stage waits.
    type: dict
  aborted:
    description: An entry for the list of releases that were given up.
    type: dict
  forget:
    description: A release that was given up, and whose records of stages are dropped.
    type: str
  record:
    description:
      - The release record that the run of O(release) begins with, and why it was overridden. The last 20 are kept. The journal gets its C(change_ticket)
        and its C(override).
    type: dict
  restart_pending:
    description: Names of what must be restarted in configure, in place of those that are there.
    type: list
    elements: str
  kill_switch:
    description: With O(status=running), where the kill switches of a rollout are. While one is on for the host, nothing is written and the task fails with
      C(held), the reason. The action looks at them on the controller.
    type: dict
    suboptions:
      state_dir:
        description: Directory of the state of the rollout.
        type: path
        required: true
      ring:
        description: The ring of the host.
        type: str
  run:
    description: Id of the run. The action fills it in.
    type: str
  host:
    description: Name of the target in the journal. The action fills it in.
    type: str
  user:
    description: Who runs, for the journal. The action fills it in.
    type: str
seealso:
  - module: stagecraft.release.stages_info
"""

EXAMPLES = r"""
- name: Save a setting before it is changed
  stagecraft.release.stages_fact:
    unit: shop
    save:
      auto_deploy:
        was: true
        set: false

- name: Complete a stage
  stagecraft.release.stages_fact:
    unit: shop
    stage: stage
    status: done
    release: v36-1
    output:
      manifest: sha256:0fd1
"""

RETURN = r"""
facts:
  description: The unit's stage facts after the write.
  returned: always
  type: dict
"""

import json
import time

from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import arguments, backend_for
from ansible_collections.stagecraft.release.plugins.module_utils.fact_writing import apply, journal_line
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module
from ansible_collections.stagecraft.release.plugins.module_utils.stages.gate import STAGES
from ansible_collections.stagecraft.release.plugins.module_utils.state import facts, identity, lock

SPEC = dict(
    argument_spec=dict(
        arguments(),
        stage=dict(type="str", choices=list(STAGES)),
        status=dict(type="str", choices=["running", "done", "failed", "waiting", "reopened"]),
        release=dict(type="str"),
        inputs=dict(type="raw"),
        output=dict(type="dict"),
        cause=dict(type="str"),
        save=dict(type="dict"),
        clear=dict(type="list", elements="str"),
        history=dict(type="dict"),
        aborted=dict(type="dict"),
        forget=dict(type="str"),
        record=dict(type="dict"),
        restart_pending=dict(type="list", elements="str"),
        kill_switch=dict(type="dict", options=dict(state_dir=dict(type="path", required=True), ring=dict(type="str"))),
        run=dict(type="str"),
        host=dict(type="str"),
        user=dict(type="str"),
    ),
    supports_check_mode=True,
    required_if=[("status", "running", ["release"])],
    required_by=dict(status=["stage"], output=["stage"], record=["release"]),
)


def execute(call, clock=time.time):
    """Read, change, write, under the backend's exclusion."""
    params = call.params
    backend = backend_for(params, call.heartbeat)
    if call.check_mode:
        return _execute(call, backend, clock)
    with backend.exclusive():
        return _execute(call, backend, clock)


def _execute(call, backend, clock):
    params, now = call.params, clock()
    document = facts.parse(backend.read("facts"), backend.describe())
    before = facts.unit_of(document, params["unit"])
    after = apply(before, params, lock.utc(now), call.check_mode)
    changed = after != before
    if changed and not call.check_mode:
        if params["run"]:
            lock.check(backend, params["unit"], {"run": params["run"], "target": params["host"]}, now, identity.holder_alive)
        backend.write("facts", facts.serialise(facts.with_unit(document, params["unit"], after)))
        try:
            backend.journal(journal_line(params, after, lock.utc(now)))
        except StagecraftError as exc:
            call.warn("The stage facts are written, but the journal has no line for it: %s" % exc.message)
    result = dict(changed=changed, facts=after)
    if call.diff:
        texts = [json.dumps(unit, indent=1, sort_keys=True) + "\n" for unit in (before, after)]
        result["diff"] = dict(before=texts[0], after=texts[1], before_header=backend.describe(), after_header=backend.describe())
    return result


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module stages_info: the gate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stages_info
short_description: Read the stage facts of a unit and say which stages are pending
version_added: 0.1.0
description:
  - Reads the stage facts, the saved settings and the lock of one unit on one target, and says which stages are pending.
  - With O(backend=file) an action of the same name reads the files by one command of the host's shell. It needs neither Python nor
    facts nor C(become) there. A file that is not there is empty; one that cannot be read is an error.
  - Writes nothing.
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
    support: none
options:
  release:
    description:
      - The wanted release.
      - Without it, the release whose stage was started last.
    type: str
  inputs:
    description:
      - The unit's own inputs, or their digest, by stage. A stage whose inputs are not named has none.
      - If the whole option is not given, fingerprints are not compared, and a stage is complete when it is done for the release.
    type: dict
  run:
    description: The stages that are meant. The name C(all) stands for every stage.
    type: list
    elements: str
    default: [build, stage, install, configure]
  force:
    description: Stages to run although they are complete. The name C(all) stands for every stage.
    type: list
    elements: str
    default: []
seealso:
  - module: stagecraft.release.stages_fact
"""

EXAMPLES = r"""
- name: Ask which stages are pending
  stagecraft.release.stages_info:
    unit: shop
    release: v36-1
    inputs:
      configure:
        port: 8080
  register: gate

- name: Group the hosts
  ansible.builtin.group_by:
    key: stages_pending_{{ item }}
  loop: "{{ gate.pending }}"
"""

RETURN = r"""
facts:
  description: The unit's stage facts; empty when there are none.
  returned: always
  type: dict
release:
  description: The release that the answer is about; null when none was asked for and none was ever started.
  returned: always
  type: str
  sample: v36-1
pending:
  description: The stages that are meant and not complete, in order.
  returned: always
  type: list
  elements: str
  sample: [install, configure]
complete:
  description: The stages that are meant and complete.
  returned: always
  type: list
  elements: str
dependent:
  description: Those of RV(complete) that come after a pending one. They become pending if it hands on something else than before.
  returned: always
  type: list
  elements: str
missing:
  description: Stages that are not meant and not complete, though a pending one comes after them.
  returned: always
  type: list
  elements: str
reasons:
  description: Why a stage is pending or missing, by stage.
  returned: always
  type: dict
  sample: {install: "never run"}
lock:
  description: The run that holds the unit's lock, with C(stale) when another run may take it over; null when none does.
  returned: always
  type: dict
saved:
  description: The settings that were changed for a while, each with what it C(was) and what it was C(set) to.
  returned: always
  type: dict
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import arguments, backend_for
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module
from ansible_collections.stagecraft.release.plugins.module_utils.stages import gate
from ansible_collections.stagecraft.release.plugins.module_utils.state import facts, identity, lock

SPEC = dict(
    argument_spec=dict(
        arguments(),
        release=dict(type="str"),
        inputs=dict(type="dict"),
        run=dict(type="list", elements="str", default=list(gate.STAGES)),
        force=dict(type="list", elements="str", default=[]),
    ),
    supports_check_mode=True,
)


def execute(call, backend=None, clock=time.time):
    """Read, and answer.

    :param backend: where to read, where it is not what the options mean.
    """
    params = call.params
    backend = backend or backend_for(params)
    units = facts.parse(backend.read("facts"), backend.describe())["units"]
    unit = units.get(params["unit"], {})
    holder = lock.read(backend, params["unit"])
    if holder:
        holder["stale"] = lock.stale(holder, clock(), identity.holder_alive)
    answer = gate.pending(unit, params["release"], params["inputs"], params["run"], params["force"])
    return dict(answer, changed=False, facts=unit, lock=holder, saved=unit.get("saved", {}))


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

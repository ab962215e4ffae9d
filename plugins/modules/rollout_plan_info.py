#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_plan_info: what every target would run in the hours to come."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_plan_info
short_description: Tell what every target would run in the hours to come
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Decides for now and for each full hour after it, as if each run succeeded and nothing else happened - no new snapshot, mark, pin or approval.
  - Returns it as data, as lines of a table, and as a picture in SVG that is readable in light and in dark. Changes nothing but O(dest).
  - An action of the same name prints the table line by line.
extends_documentation_fragment:
  - stagecraft.release.rollout
  - stagecraft.release.rollout_reading
options:
  rings:
    description: Names of the targets by ring, all that there are.
    type: dict
    required: true
  hours:
    description: How many hours ahead, up to a week.
    type: int
    default: 24
  title:
    description: What is rolled out, for the heading of the picture.
    type: str
    default: Rollout
  dest:
    description: File on the controller for the picture, absolute or from where Ansible was started. Not written in check mode.
    type: path
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: stagecraft.release.rollout_explain_info
"""

EXAMPLES = r"""
- name: Tell what would run until tomorrow
  stagecraft.release.rollout_plan_info:
    schedule: "{{ rollout_schedule }}"
    state_dir: "{{ rollout_state_dir }}"
    rings: "{{ rollout_rings }}"
    dest: /var/www/html/rollout.svg
"""

RETURN = r"""
moments:
  description: The instants, now and then full hours.
  returned: success
  type: list
  elements: str
plan:
  description: Targets of a ring that do the same, with one entry for each instant.
  returned: success
  type: list
  elements: dict
  sample:
    - ring: qa
      targets: [web1, web2]
      hours: [{action: run, release: 20300131-0900, code: due, starts: true}]
table:
  description: The same for people.
  returned: success
  type: list
  elements: str
picture:
  description: The picture.
  returned: success
  type: str
dest:
  description: The file of the picture, empty where none is wanted.
  returned: success
  type: str
"""

import os

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_deciding
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import picture, summary, table
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import utc
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

LONGEST = 7 * 24
SPEC = dict(
    argument_spec=dict(
        rollout_deciding.ARGUMENTS,
        rings=dict(type="dict", required=True),
        hours=dict(type="int", default=24),
        title=dict(type="str", default="Rollout"),
        dest=dict(type="path"),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Look ahead, tell, and write the picture where it is wanted."""
    params = call.params
    if not 1 <= params["hours"] <= LONGEST:
        raise InputError("hours", params["hours"], "is not from 1 to %d" % LONGEST, "Give the number of hours to look ahead")
    rollout = rollout_deciding.load(params, params["rings"])
    found = rollout.forecast(params["hours"])
    marks = rollout.state.marks
    lines, drawn = table.lines(found, marks), picture.draw(found, marks, params["title"])
    for line in lines:
        call.progress(line)
    dest = os.path.abspath(params["dest"]) if params["dest"] else ""
    changed = bool(dest) and rollout_deciding.put(dest, drawn, call.check_mode)
    return dict(changed=changed, dest=dest, moments=[utc(moment, summary.ISO) for moment in found.moments], table=lines, picture=drawn,
                plan=[dict(ring=row.ring, targets=list(row.targets), hours=[
                    dict(action=decision.action, release=decision.release or "", code=decision.code, starts=starts)
                    for decision, starts in zip(row.decisions, row.starts)]) for row in found.rows])


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

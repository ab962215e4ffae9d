#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One table of the state of many targets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stages_table_info
short_description: Show the state of many targets as one table
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Makes one table of target, unit, release, pending stages, lock holder, saved settings and waiting digest from what
    M(stagecraft.release.stages_info) returned for each target.
  - An action of the same name prints the table line by line.
options:
  targets:
    description: One entry for each target, in the order of the table.
    type: list
    elements: dict
    required: true
    suboptions:
      target:
        description: The inventory host.
        type: str
        required: true
      unit:
        description: The unit on it.
        type: str
        default: ""
      state:
        description: What M(stagecraft.release.stages_info) returned.
        type: dict
        default: {}
      error:
        description: Why the target could not be read.
        type: str
        default: ""
attributes:
  check_mode:
    description: Can run in check mode; it never writes.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
seealso:
  - module: stagecraft.release.stages_info
"""

EXAMPLES = r"""
- name: Read the state
  stagecraft.release.stages_info:
    unit: shop
  register: shop_state

- name: Show the table
  stagecraft.release.stages_table_info:
    targets:
      - target: "{{ inventory_hostname }}"
        unit: shop
        state: "{{ shop_state }}"
"""

RETURN = r"""
table:
  description: The lines of the table, with a heading.
  returned: success
  type: list
  elements: str
rows:
  description: The same as data.
  returned: success
  type: list
  elements: dict
  sample:
    - target: production
      unit: shop
      release: v36-1
      pending: configure
      lock: "-"
      saved: auto_deploy=true
      waiting: sha256:5a1f0c35d3c8a2fe1f0f8f5c1d9b6f6d6dbb0b7a0e2b6f1a9d0c8e7f6a5b4c3d
"""

from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module
from ansible_collections.stagecraft.release.plugins.module_utils.stages.table import COLUMNS, lines, row

SPEC = dict(
    argument_spec=dict(
        targets=dict(type="list", elements="dict", required=True, options=dict(
            target=dict(type="str", required=True),
            unit=dict(type="str", default=""),
            state=dict(type="dict", default={}),
            error=dict(type="str", default=""),
        )),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Make the table, and show it line by line."""
    rows = [row(item["target"], item["unit"], item["state"], item["error"]) for item in call.params["targets"]]
    table = lines(COLUMNS, rows)
    for line in table:
        call.progress(line)
    return dict(changed=False, table=table, rows=rows)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

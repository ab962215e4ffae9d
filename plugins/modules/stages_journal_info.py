#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module stages_journal_info: read the journal of a unit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stages_journal_info
short_description: Read the journal of a unit
version_added: 0.1.0
description:
  - Reads what M(stagecraft.release.stages_fact) wrote about a unit and when, with what was put aside when the journal grew. Writes nothing.
  - The journal names what was written, and holds no values; these are in the stage facts.
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
  limit:
    description: How many of the newest entries are returned.
    type: int
    default: 1000
seealso:
  - module: stagecraft.release.stages_fact
  - module: stagecraft.release.stages_info
"""

EXAMPLES = r"""
- name: Read who did what when
  stagecraft.release.stages_journal_info:
    unit: shop
  register: journal
"""

RETURN = r"""
entries:
  description:
    - The entries about the unit, oldest first. Each has C(at), C(unit), C(run), C(user) and C(host), and whatever was written of C(stage), C(status),
      C(release), C(cause), C(output), C(saved), C(cleared), C(forgot), C(history), C(aborted), C(restart_pending), C(record) and
      C(override).
  returned: always
  type: list
  elements: dict
  sample: [{at: "2030-01-31T17:00:00Z", unit: shop, stage: install, status: done, release: v36-1}]
damaged:
  description: Number of lines that could not be read. A run that was killed can leave one.
  returned: always
  type: int
"""

from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import arguments, backend_for
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module
from ansible_collections.stagecraft.release.plugins.module_utils.state import journal

SPEC = dict(argument_spec=dict(arguments(), limit=dict(type="int", default=1000)), supports_check_mode=True)


def execute(call):
    """Read the journal."""
    if call.params["limit"] < 1:
        raise InputError("limit", call.params["limit"], "is less than 1", "Give the number of entries to return")
    entries, damaged = journal.entries(backend_for(call.params), call.params["unit"], call.params["limit"])
    return dict(changed=False, entries=entries, damaged=damaged)


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a release record and judge whether the release may start."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_record_info
short_description: Read a release record, and judge whether the release may start
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Reads the record of a release, a file that says who answers for the release, when it may run, which notices had to be sent when, and which ticket
    it belongs to. Says whether the release may start now. It changes nothing, and does not fail when the release may not start.
  - What cannot be understood, such as an unknown key or a day that does not exist, is an error, and so is the record of another release.
requirements:
  - PyYAML, for a record in a file
  - a database of time zones, of the system or of the Python package tzdata
options:
  record:
    description:
      - The record, as the path of a YAML or JSON file on the controller, or as a mapping.
      - Its keys are C(release), C(crew_chief), C(driver), C(change_ticket), C(summary), C(window), C(notices), C(working_days) and C(holidays).
      - C(window) has C(start), C(end) and C(time_zone). A time without an offset is one of that zone.
      - C(notices) is a list. Each has C(name), C(lead_working_days) and, when it was sent, C(sent), a time or a day.
    type: raw
    required: true
  release:
    description: The release that is about to start. The record must be about it.
    type: str
    required: true
  required:
    description:
      - What must be as it should. C(crew_chief), C(driver) and C(change_ticket) must be there, V(notices) sent in time, and V(window) open.
    type: list
    elements: str
    choices: [crew_chief, driver, change_ticket, notices, window]
    default: [crew_chief, driver, change_ticket, notices, window]
  working_days:
    description: Weekdays that are working days, for a record that does not say.
    type: list
    elements: str
    default: [monday, tuesday, wednesday, thursday, friday]
  holidays:
    description: Days that are not working days, besides those that the record names.
    type: list
    elements: raw
    default: []
  override:
    description: Why the release may start although something is missing, late or closed. At least two words.
    type: str
    default: ""
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without writing anything.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
seealso:
  - module: stagecraft.release.release_announce_send
"""

EXAMPLES = r"""
- name: Read the record
  stagecraft.release.release_record_info:
    record: releases/v36-1.yml
    release: v36-1
  register: record

- name: Stop when the release may not start
  ansible.builtin.fail:
    msg: "{{ record.message }}"
  when: record.verdict == 'refused'
"""

RETURN = r"""
verdict:
  description: V(clear) when nothing is wrong, V(overridden) when something is and O(override) says why it may start, else V(refused).
  returned: success
  type: str
problems:
  description: What is missing, late or closed, each as a text.
  returned: success
  type: list
  elements: str
override:
  description: The reason, when there is something that it overrides; else empty.
  returned: success
  type: str
record:
  description: What the record says, with the times of its window as ISO 8601 and the window in words.
  returned: success
  type: dict
notices:
  description: The notices, each with its C(deadline) and C(state), which is V(sent), V(due), V(late) or V(unknown).
  returned: success
  type: list
  elements: dict
window:
  description: V(open), V(before), V(over) or V(unknown).
  returned: success
  type: str
message:
  description: One paragraph for the operator.
  returned: success
  type: str
"""

import datetime

from ansible_collections.stagecraft.release.plugins.module_utils.people import record as records, verdict, workdays
from ansible_collections.stagecraft.release.plugins.module_utils.record_reading import read
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        record=dict(type="raw", required=True),
        release=dict(type="str", required=True),
        required=dict(type="list", elements="str", choices=list(verdict.REQUIRED), default=list(verdict.REQUIRED)),
        working_days=dict(type="list", elements="str", default=list(workdays.DEFAULT)),
        holidays=dict(type="list", elements="raw", default=[]),
        override=dict(type="str", default=""),
    ),
    supports_check_mode=True,
)
MESSAGES = {"clear": "%s: nothing is missing, late or closed.", "overridden": "%s: %s Overridden because: %s",
            "refused": "%%s: %%s Put it right, or start all the same with a reason, which is recorded: %s" % verdict.OVERRIDE}


def execute(call, now=lambda: datetime.datetime.now(datetime.timezone.utc)):
    """Read and judge."""
    params = call.params
    data, source = read(params["record"])
    record = records.parse(data, source, params["working_days"], params["holidays"])
    override = verdict.check_override(params["override"])
    found = verdict.judge(record, params["release"], params["required"], now(), override)
    parts = {"clear": (source,), "refused": (source, " ".join(found.problems)), "overridden": (source, " ".join(found.problems), found.override)}
    return dict(changed=False, verdict=found.verdict, problems=found.problems, override=found.override, record=record.as_dict(),
                notices=found.notices, window=found.window, message=MESSAGES[found.verdict] % parts[found.verdict])


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

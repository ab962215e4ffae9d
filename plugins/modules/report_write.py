#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module report_write: the report of a release as files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report_write
short_description: Write the report of a release as HTML, Markdown and JSON
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Makes the report of one release from what was recorded about it, and writes it on the controller as C(TARGET-RELEASE.html), C(.md) and C(.json).
  - The HTML page needs no other file, and its Content-Security-Policy lets it load none. Texts from outside are never markup.
  - The same record gives the same files. Only the user who writes them can read them, since they hold values of the configuration.
options:
  directory:
    description: Directory of the files on the controller; made where it is not there.
    type: str
    required: true
  target:
    description: Name of the target.
    type: str
    required: true
  unit:
    description: Name of the unit.
    type: str
    required: true
  release:
    description: The release. Without it, the one whose stage was begun last, or that was given up last.
    type: str
  facts:
    description: The stage facts, as RV(stagecraft.release.stages_info#module:facts) gives them.
    type: dict
    required: true
  journal:
    description: The journal, as RV(stagecraft.release.stages_journal_info#module:entries) gives it.
    type: list
    elements: dict
    required: true
  evidence:
    description: Documents of evidence by their names, which are C(candidate), C(drift), C(abort) and C(emergency); null where there is none.
    type: dict
    default: {}
  about:
    description: More texts for the head of the report, by their labels. What looks like a password in them is masked.
    type: dict
    default: {}
  procedure:
    description: The checklist. V(upgrade) is the written procedure for a service model, V(stages) has the stages of any unit.
    type: str
    choices: [stages, upgrade]
    default: stages
  formats:
    description: The files that are written.
    type: list
    elements: str
    choices: [html, markdown, json]
    default: [html, markdown, json]
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without writing anything.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
seealso:
  - module: stagecraft.release.stages_info
  - module: stagecraft.release.stages_journal_info
  - module: stagecraft.release.stages_evidence_info
"""

EXAMPLES = r"""
- name: Write the report
  stagecraft.release.report_write:
    directory: /var/lib/releases/reports
    target: "{{ inventory_hostname }}"
    unit: shop
    facts: "{{ state.facts }}"
    journal: "{{ journal.entries }}"
"""

RETURN = r"""
release:
  description: The release that the report is about.
  returned: success
  type: str
outcome:
  description: V(deployed), V(waiting), V(failed), V(emergency), V(aborted), V(unfinished) or V(prepared).
  returned: success
  type: str
files:
  description: The files, by format.
  returned: success
  type: dict
  sample: {html: /var/lib/releases/reports/web1-v36-1.html}
"""

import json
import os

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.masking import mask
from ansible_collections.stagecraft.release.plugins.module_utils.report import document as documents, files, markdown, page
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

FORMATS = {"html": (".html", page.render), "markdown": (".md", markdown.render),
           "json": (".json", lambda document: json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")}
SPEC = dict(
    argument_spec=dict(
        directory=dict(type="str", required=True),
        target=dict(type="str", required=True),
        unit=dict(type="str", required=True),
        release=dict(type="str"),
        facts=dict(type="dict", required=True),
        journal=dict(type="list", elements="dict", required=True),
        evidence=dict(type="dict", default={}),
        about=dict(type="dict", default={}),
        procedure=dict(type="str", choices=["stages", "upgrade"], default="stages"),
        formats=dict(type="list", elements="str", choices=list(FORMATS), default=list(FORMATS)),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Make the document, and write what differs."""
    params = call.params
    directory = files.check_directory(params["directory"])
    release = params["release"] or documents.newest(params["facts"])
    if not release:
        raise InputError("release", release, "is not given, and no release of the unit was ever begun", "Run a release first, or look at 'unit'")
    about = {label: mask(str(text)) for label, text in params["about"].items()}
    document = documents.build(params["target"], params["unit"], release, params["facts"], params["journal"], params["evidence"], about,
                               params["procedure"])
    base = files.base_name(params["target"], release)
    texts = {base + FORMATS[name][0]: FORMATS[name][1](document) for name in params["formats"]}
    stale = {name: text for name, text in texts.items() if not files.is_same(os.path.join(directory, name), text)}
    if stale and not call.check_mode:
        files.write(directory, stale)
    return dict(changed=bool(stale), release=release, outcome=document["outcome"]["state"],
                files={name: os.path.join(directory, base + FORMATS[name][0]) for name in params["formats"]})


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

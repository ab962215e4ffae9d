#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module stages_evidence: what a later run compares with, or support asks for."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stages_evidence
short_description: Keep a document of evidence about a unit
version_added: 0.1.0
description:
  - Keeps a mapping, such as the dry run that was recorded before an upgrade, under a name beside the stage facts of a unit.
  - With O(backend=file) only the user who wrote it can read it, since evidence may hold values of a configuration.
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
  name:
    description: Name of the document within the unit. Letters, digits, C(.), C(_) and C(-).
    type: str
    required: true
  state:
    description: Whether the document is there.
    type: str
    choices: [present, absent]
    default: present
  content:
    description: The document. Needed with O(state=present).
    type: dict
  packed:
    description: Filled in by the action. It is O(content) as one text, so that no log of the host shows what is in it.
    type: str
seealso:
  - module: stagecraft.release.stages_evidence_info
"""

EXAMPLES = r"""
- name: Record the dry run before the upgrade
  stagecraft.release.stages_evidence:
    unit: shop
    name: dryrun-v36-1
    content:
      digest: sha256:0fd1
      changes: []
"""

RETURN = r"""
document:
  description: Where the document is, or was.
  returned: always
  type: str
  sample: /var/lib/stagecraft/evidence-shop-dryrun-v36-1.json
"""

from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import arguments, backend_for
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module
from ansible_collections.stagecraft.release.plugins.module_utils.state import backends, evidence

SPEC = dict(
    argument_spec=dict(
        arguments(),
        name=dict(type="str", required=True),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        content=dict(type="dict"),
        packed=dict(type="str", no_log=True),
    ),
    supports_check_mode=True,
    mutually_exclusive=[("content", "packed")],
)


def execute(call):
    """Write or remove the document, if that changes anything."""
    params = call.params
    name = evidence.document(params["unit"], params["name"])
    backend = backend_for(params, call.heartbeat)
    text = _text(params) if params["state"] == "present" else None
    with evidence.exclusion(backend, call.check_mode):
        changed = backend.read(name) != text
        if changed and not call.check_mode:
            if text is None:
                backend.delete(name)
            else:
                backend.write(name, text, private=True)
    return dict(changed=changed, document=backend.describe(name))


def _text(params):
    if params["packed"]:
        return backends.unpack(params["packed"])
    if params["content"] is None:
        raise InputError("content", None, "is not given", "Give the document as a mapping, or state: absent")
    return evidence.serialise(params["content"])


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

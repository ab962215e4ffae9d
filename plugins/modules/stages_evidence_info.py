#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module stages_evidence_info: read what stages_evidence keeps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stages_evidence_info
short_description: Read a document of evidence about a unit
version_added: 0.1.0
description:
  - Reads a document that M(stagecraft.release.stages_evidence) keeps. Writes nothing.
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
    description: Name of the document within the unit.
    type: str
    required: true
seealso:
  - module: stagecraft.release.stages_evidence
"""

EXAMPLES = r"""
- name: Read the dry run that was recorded before the upgrade
  stagecraft.release.stages_evidence_info:
    unit: shop
    name: dryrun-v36-1
  register: before
"""

RETURN = r"""
found:
  description: Whether the document is there.
  returned: always
  type: bool
content:
  description: The document; null when it is not there.
  returned: always
  type: dict
document:
  description: Where it is, or would be.
  returned: always
  type: str
  sample: /var/lib/stagecraft/evidence-shop-dryrun-v36-1.json
"""

from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import arguments, backend_for
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module
from ansible_collections.stagecraft.release.plugins.module_utils.state import evidence

SPEC = dict(argument_spec=dict(arguments(), name=dict(type="str", required=True)), supports_check_mode=True)


def execute(call):
    """Read the document."""
    name = evidence.document(call.params["unit"], call.params["name"])
    backend = backend_for(call.params)
    content = evidence.parse(backend.read(name), backend.describe(name))
    return dict(changed=False, found=content is not None, content=content, document=backend.describe(name))


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

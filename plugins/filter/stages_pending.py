# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate as a filter, for the conditions of the engine."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stages_pending
short_description: The stages that a unit lacks
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Says which stages of a unit are pending by its stage facts, in order.
options:
  _input:
    description: The unit's facts, as returned by M(stagecraft.release.stages_info) and M(stagecraft.release.stages_fact).
    type: dict
    required: true
  release:
    description: The release that is wanted.
    type: str
    required: true
  inputs:
    description: By stage, what it depends on.
    type: dict
    default: {}
  force:
    description: Stages that are pending although they are complete.
    type: list
    elements: str
    default: []
positional: release, inputs, force
seealso:
  - module: stagecraft.release.stages_info
"""

EXAMPLES = r"""
- name: Install where that is pending
  ansible.builtin.include_tasks: install.yml
  when: "'install' in (shop.facts | stagecraft.release.stages_pending('v36-1'))"
"""

RETURN = r"""
_value:
  description: The pending stages.
  type: list
  elements: str
"""

from ansible.errors import AnsibleFilterError
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.stages.gate import pending


def stages_pending(facts, release, inputs=None, force=()):
    """The stages that the unit lacks, in order.

    :param facts: the unit's facts, as returned by stages_info and stages_fact.
    :param release: the release that is wanted.
    :param inputs: what each stage depends on.
    :param force: stages to run in any case, while they were not yet done by this run.
    """
    try:
        return pending(facts, release, inputs or {}, force=force)["pending"]
    except StagecraftError as exc:
        raise AnsibleFilterError(exc.message) from exc


class FilterModule:
    """The collection's filters on stage facts."""

    def filters(self):
        """Names and functions."""
        return {"stages_pending": stages_pending}

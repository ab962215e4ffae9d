# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup rollout_release: what one host runs now."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_release
short_description: The snapshot that a host of a rollout runs now
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Decides what hosts run now, for a task or a template. Each time it is evaluated it reads the schedule and the state and decides anew.
  - A run in which all tasks have to mean the same takes the variables of the inventory source P(stagecraft.release.rollout#inventory) instead, which
    decides once.
options:
  _terms:
    description: Inventory hosts.
    type: list
    elements: str
    required: true
  schedule:
    description: File of the schedule.
    type: path
    required: true
    vars:
      - name: rollout_schedule
  state_dir:
    description: Directory of the state.
    type: path
    default: /var/lib/stagecraft/rollout
    vars:
      - name: rollout_state_dir
  hosts:
    description: Groups or hosts that take part, as for the inventory source.
    type: list
    elements: str
    default: [all]
  now:
    description: Decide as if it were this time in UTC. For rehearsals.
    type: str
    vars:
      - name: rollout_now
  details:
    description: Return the whole decision, and not only the snapshot.
    type: bool
    default: false
seealso:
  - plugin: stagecraft.release.rollout
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Say what web7 runs
  ansible.builtin.debug:
    msg: "{{ lookup('stagecraft.release.rollout_release', 'web7', schedule='/etc/stagecraft/schedule.yml') or 'nothing' }}"
"""

RETURN = r"""
_list:
  description:
    - For each host the snapshot that it runs, where it holds the one that it has; empty where it has none.
    - With O(details) a dictionary with C(action), C(release), C(code), C(reason) and C(passed_over).
  type: list
  elements: raw
"""

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.stagecraft.release.plugins.module_utils import rollout_deciding, rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import selectors, summary
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading


class LookupModule(LookupBase):
    """The lookup of that name."""

    def run(self, terms, variables=None, **kwargs):
        """Decide for the hosts."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            rollout = self._rollout(variables or {})
            unknown = [term for term in terms if term not in rollout.decisions]
            if unknown:
                raise InputError("_terms", unknown[0], "takes no part in the rollout", "Name a host of the inventory, and look at 'hosts'")
        except StagecraftError as exc:
            raise AnsibleLookupError(exc.message) from exc
        found = [rollout.decisions[term] for term in terms]
        return [summary.decision(decision) if self.get_option("details") else decision.release or "" for decision in found]

    def _rollout(self, variables):
        """Schedule, state and all hosts."""
        schedule = rollout_options.schedule(self.get_option("schedule"))
        groups, hostvars = variables.get("groups", {}), variables.get("hostvars", {})
        named = {name for wanted in self.get_option("hosts") for name in groups.get(wanted, [wanted])}
        facts = {name: {"groups": [], "domain": hostvars[name].get(schedule.domain_variable, "") if schedule.domain_variable else ""}
                 for name in groups.get("all", ()) if name in named}
        for group, members in groups.items():
            for name in members:
                if name in facts:
                    facts[name]["groups"].append(group)
        return rollout_deciding.Rollout(schedule, reading.load(self.get_option("state_dir")), rollout_deciding.instant(self.get_option("now")),
                                        selectors.assign(schedule, facts))

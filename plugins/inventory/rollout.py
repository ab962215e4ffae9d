# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventory plugin rollout: rings as groups, and what each host runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout
short_description: Put hosts into the rings of a rollout and decide what each runs
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Reads the hosts that earlier inventory sources gave, and puts each into the group C(ring_NAME) of its ring. These groups are children of the group
    C(rollout) in the order of the rings, so that V(hosts=rollout) goes from the most eager ring to the most cautious one.
  - Decides once for each host which snapshot it runs. A run keeps that decision, also when its inventory is refreshed.
  - Like P(ansible.builtin.constructed#inventory) it needs a source after those that have the hosts. Files of a directory are read in the order of their
    names, and several C(-i) in the order given.
  - A schedule that cannot be used makes no groups, so nothing runs. A state that cannot be read makes every host hold.
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [stagecraft.release.rollout]
  schedule:
    description: File of the schedule. A relative path is taken from the directory of the inventory file.
    type: str
    required: true
  state_dir:
    description: Directory of the state. A relative path is taken from the directory of the inventory file.
    type: str
    default: /var/lib/stagecraft/rollout
  hosts:
    description: Groups or hosts that take part. The others get no ring. One that no ring selects goes with the most cautious ring.
    type: list
    elements: str
    default: [all]
  now:
    description: Decide as if it were this time in UTC, such as V(2030-01-31 10:16). For rehearsals.
    type: str
    vars:
      - name: rollout_now
seealso:
  - plugin: stagecraft.release.rollout_release
    plugin_type: lookup
  - module: stagecraft.release.rollout_explain_info
"""

EXAMPLES = r"""
# inventory/zz.rollout.yml, beside inventory/hosts.yml
plugin: stagecraft.release.rollout
schedule: ../rollout/schedule.yml
state_dir: /var/lib/stagecraft/rollout
hosts: [release_targets]

# Every host then has, for example
# stagecraft_release: 20300131-0900
# stagecraft_rollout: {action: run, code: due, current: 20300131-0800, order: 1, reason: ..., ring: qa}
# and a unit is told what to run in the inventory:
# config_tree_release: "{{ stagecraft_release }}"
"""

import functools
import os
import re

from ansible.errors import AnsibleParserError
from ansible.inventory.group import to_safe_group_name
from ansible.inventory.helpers import sort_groups
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template
from ansible_collections.stagecraft.release.plugins.module_utils import rollout_deciding, rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import selectors
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import RUN
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading

PARENT = "rollout"
ENDINGS = (".rollout.yml", ".rollout.yaml")
_NAME = re.compile(r"[\w.+:@-]*\Z")
# What was decided in this process, by the options: the decision of a run outlives a refresh of its inventory.
_DECIDED = {}


@functools.cache
def _name(text):
    """A name as a variable. Words of people stay what no template is made of, and are shown with a mark of that; in names it would be in the way."""
    text = text or ""
    return trust_as_template(text) if _NAME.match(text) else text


@functools.cache
def _reason(decision):
    """Why, and for who holds for want of a snapshot, what is wrong with the newest."""
    if decision.action == RUN or not decision.passed_over:
        return decision.reason
    return "%s; %s: %s" % (decision.reason, decision.passed_over[0].snapshot, decision.passed_over[0].reason)


def _value(host, name):
    """A variable of a host, or of the nearest of its groups that has it, as text."""
    if not name:
        return ""
    nearest = reversed(sort_groups(host.groups))
    return str(host.vars.get(name) or next((group.vars[name] for group in nearest if group.vars.get(name)), ""))


def _new_group(inventory, name, hosts=()):
    """Make a group; a host that is in it for another reason would be rolled out to without a decision.

    :returns: its name, with what no group name can hold replaced.
    """
    name = inventory.add_group(to_safe_group_name(name, force=True, silent=True))
    group = inventory.groups[name]
    if group.get_hosts():
        raise StagecraftError("The group %s has hosts already, and is one that this plugin makes. Give the other group another name." % name)
    for host in hosts:
        group.add_host(host)
    return name


class InventoryModule(BaseInventoryPlugin):
    """The plugin of that name."""

    NAME = "stagecraft.release.rollout"

    def verify_file(self, path):
        """Whether the file is one of this plugin."""
        return super().verify_file(path) and path.endswith(ENDINGS)

    def parse(self, inventory, loader, path, cache=True):
        """Make groups and decisions of the hosts that are there."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        here = os.path.dirname(os.path.abspath(path))
        params = {name: os.path.join(here, os.path.expanduser(self.get_option(name))) for name in ("schedule", "state_dir")}
        params["now"] = self.get_option("now")
        try:
            self._apply(inventory, params)
        except StagecraftError as exc:
            raise AnsibleParserError("%s: %s Nothing is rolled out." % (path, exc.message)) from exc

    def _apply(self, inventory, params):
        hosts = self._hosts(inventory)
        if not hosts:
            raise StagecraftError("No host is there that this source could put into rings. Name it after the sources that have the hosts.")
        key = tuple(params.items())
        if key not in _DECIDED:
            _DECIDED[key] = self._decide(hosts, params)
        rollout = _DECIDED[key]
        groups, releases = self._groups(inventory, rollout, params), {}
        moving = inventory.groups[_new_group(inventory, "rollout_moving")]
        order = {ring.name: number for number, ring in enumerate(rollout.schedule.rings)}
        for host in hosts:
            if host.name not in rollout.decisions:
                raise StagecraftError("The host %s came during the run, which decided without it. Run again." % host.name)
            target, decision = rollout.targets[host.name], rollout.decisions[host.name]
            ring = rollout.schedule.ring(target.ring).name
            groups[ring].add_host(host)
            if decision.action == RUN:
                releases.setdefault(decision.release, []).append(host)
            host.set_variable("stagecraft_release", _name(decision.release))
            host.set_variable("stagecraft_rollout", {
                "ring": _name(ring), "order": order[ring], "action": _name(decision.action), "release": _name(decision.release),
                "code": _name(decision.code), "reason": _reason(decision), "current": _name(target.current), "disabled": _name(target.disabled)})
            if decision.action == RUN and decision.release != target.current:
                moving.add_host(host)
        names = {release: _new_group(inventory, "rollout_release_%d" % number, releases[release]) for number, release in enumerate(sorted(releases), 1)}
        inventory.groups["all"].set_variable("rollout_release_groups", names)

    def _decide(self, hosts, params):
        """Decide for all hosts, once."""
        schedule, state = rollout_options.schedule(params["schedule"]), reading.load(params["state_dir"])
        rings = selectors.assign(schedule, {
            host.name: {"groups": [group.name for group in host.groups], "domain": _value(host, schedule.domain_variable)} for host in hosts})
        for problem in rings.problems:
            self.display.warning("rollout: %s" % problem)
        disabled = {host.name: str(host.vars["rollout_disabled"]) for host in hosts if host.vars.get("rollout_disabled")}
        return rollout_deciding.Rollout(schedule, state, rollout_deciding.instant(params["now"]), rings, disabled)

    def _hosts(self, inventory):
        """The hosts that take part, in the order of the inventory."""
        wanted = self.get_option("hosts")
        if wanted == ["all"]:
            return list(inventory.hosts.values())
        named = set()
        for name in wanted:
            if name not in inventory.groups and name not in inventory.hosts:
                raise StagecraftError("hosts: %r is neither a group nor a host of the sources before. Correct the name, or the order of the sources." % name)
            named.update([name] if name in inventory.hosts else [host.name for host in inventory.groups[name].get_hosts()])
        return [host for name, host in inventory.hosts.items() if name in named]

    def _groups(self, inventory, rollout, params):
        """The parent, with what playbooks want to know, and the group of each ring; by name of the ring."""
        _new_group(inventory, PARENT)
        groups = {}
        for ring in rollout.schedule.rings:
            name = _new_group(inventory, "ring_%s" % ring.name)
            inventory.add_child(PARENT, name)
            if name in (group.name for group in groups.values()):
                raise StagecraftError("Two rings have the group %s, since group names hold only letters, digits and _. Rename one of the rings." % name)
            groups[ring.name] = inventory.groups[name]
        variables = {"rollout_schedule": params["schedule"], "rollout_state_dir": params["state_dir"], "rollout_decided_at": rollout.now,
                     "rollout_problems": rollout.state.problems, "rollout_ring_groups": {ring: group.name for ring, group in groups.items()}}
        for name, value in variables.items():
            inventory.groups["all"].set_variable(name, value)
        return groups

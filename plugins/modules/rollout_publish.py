#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_publish: the state of a rollout for hosts that pull."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_publish
short_description: Publish the signed state of a rollout for hosts that pull
version_added: 0.1.0
description:
  - Writes the schedule, snapshots, marks, pins, approvals, kill switches, and how far the rings have come to one signed file, C(rollout.signed), which
    any web server hands out. M(stagecraft.release.rollout_pull) reads it.
  - The file is put in place in one step. It holds no addresses of repositories; it does hold names of hosts, and who marked what and why.
  - Run it often, since hosts hold when the file is too old, and after each kill switch, mark and pin.
  - What cannot be relied on stops the fleet. A state that cannot be read is published with a stop of the fleet that says why; so is a schedule that cannot
    be used, with the schedule that was published before.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.rollout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  schedule:
    description: File of the schedule.
    type: path
    required: true
  dest:
    description: Directory for the file. It is made where it is not there.
    type: path
    required: true
  ssh_key:
    description: File of the private key that signs, without a passphrase, or of a public key whose private half an agent holds.
    type: path
    required: true
  rings:
    description: Names of the hosts by ring, all that there are. A host that is in none goes with the most cautious ring.
    type: dict
    required: true
  name:
    description: Name of the rollout. Hosts refuse the state of another one, though the same key signed it.
    type: str
    default: rollout
  refresh:
    description: How long a file that says the same is left alone, such as V(5m). V(0) writes it each time.
    type: str
    default: 5m
  lock_timeout:
    description: Seconds to wait for another run that publishes to O(dest).
    type: float
    default: 30
  now:
    description: Publish as if it were this time in UTC, such as V(2030-01-31 10:16). For rehearsals.
    type: str
requirements:
  - OpenSSH 8.2 or newer
seealso:
  - module: stagecraft.release.rollout_pull
"""

EXAMPLES = r"""
- name: Publish the state of the rollout
  stagecraft.release.rollout_publish:
    schedule: /etc/stagecraft/schedule.yml
    dest: /srv/www/rollout
    ssh_key: /etc/stagecraft/rollout_key
    rings:
      dev: [dev1]
      prod: [web1, web2]
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /srv/www/rollout/rollout.signed
serial:
  description: Its serial, a number that only grows.
  returned: success
  type: int
made_at:
  description: When it was made.
  returned: success
  type: str
  sample: 2030-01-31 10:16 UTC
hosts:
  description: How many hosts it names.
  returned: success
  type: int
problems:
  description: Why the state or the schedule could not be relied on, so that the fleet is stopped.
  returned: success
  type: list
  elements: str
message:
  description: What was done, as a sentence.
  returned: success
  type: str
"""

import os
import time

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options, rollout_publishing
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming, published
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        rollout_options.STATE_DIR,
        schedule=dict(type="path", required=True),
        dest=dict(type="path", required=True),
        ssh_key=dict(type="path", required=True, no_log=False),
        rings=dict(type="dict", required=True),
        name=dict(type="str", default="rollout"),
        refresh=dict(type="str", default="5m"),
        lock_timeout=dict(type="float", default=30),
        now=dict(type="str"),
    ),
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Publish."""
    params = call.params
    refresh = rollout_options.duration("refresh", params["refresh"])
    now = rollout_options.instant("now", params["now"]) if params["now"] else int(clock())
    rollout_options.text("name", params["name"], "Give the name of the rollout")
    done = rollout_publishing.publish(params, now, refresh, call.check_mode)
    for problem in done.problems:
        call.warn("Every host that pulls holds: %s" % problem)
    if done.before.problem:
        call.warn("What was published before cannot be used, and its serial is not known: %s" % done.before.problem)
    path, hosts, stops = os.path.join(params["dest"], published.FILE), len(done.content["hosts"]), len(done.content["kill_switches"])
    said = "%s %s, serial %d of %s, for %d hosts, with %d kill switches on" % (
        path, ("would be written" if call.check_mode else "was written") if done.changed else "says the same already", done.serial,
        naming.text(done.made_at), hosts, stops)
    result = dict(changed=done.changed, path=path, serial=done.serial, made_at=naming.text(done.made_at), hosts=hosts, problems=done.problems, message=said)
    if call.diff:
        result["diff"] = dict(before=done.before.said, after=done.content)
    return result


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

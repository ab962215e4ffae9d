#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module stages_lock: one run at a time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stages_lock
short_description: Hold, release or break the lock of a unit
version_added: 0.1.0
description:
  - One run at a time works on a unit on a target. The holder is the C(ansible-playbook) process, so all tasks of a run share the lock.
  - The lock is held for O(lease) seconds from the last renewal on. A run whose process is gone is taken over at once by a run on
    the same controller; other controllers wait for the lease. Their clocks must agree when O(backend=environment).
  - Holding a lock that this run has already renews it.
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
  state:
    description:
      - V(held) takes or renews the lock, and fails with the holder when another run has it.
      - V(released) gives back the lock of this run and leaves that of another run alone.
      - V(broken) removes the lock whoever has it. Only for a run that is known to be dead.
    type: str
    choices: [held, released, broken]
    default: held
  lease:
    description: Seconds for which the lock is held without being renewed.
    type: int
    default: 90
  purpose:
    description: What the run does, for the message to others.
    type: str
  renew_only:
    description: Fail when this run does not hold the lock, where O(state=held) would take it. Set by long waits.
    type: bool
    default: false
  holder:
    description: The run that asks. The action fills it in.
    type: dict
    suboptions:
      run:
        description: Id of the run.
        type: str
        required: true
      target:
        description: Inventory host that the lock is held for; another host of the same run is refused.
        type: str
      controller:
        description: Id of the controller.
        type: str
        required: true
      pid:
        description: Process id of ansible-playbook there.
        type: int
        required: true
      started:
        description: When that process started, as the controller counts it.
        type: int
      user:
        description: Who runs it.
        type: str
  gone_run:
    description: Id of a run whose process its own controller found to be gone. The action fills it in.
    type: str
"""

EXAMPLES = r"""
- name: Hold the lock while the release is delivered
  stagecraft.release.stages_lock:
    unit: shop
    purpose: release v36-1

- name: Give it back
  stagecraft.release.stages_lock:
    unit: shop
    state: released
"""

RETURN = r"""
lock:
  description: The holder of the lock after the task, or on failure the one that refused it; null when there is none.
  returned: always
  type: dict
  sample: {run: 20261121T093000Z-0a1b2c3d, target: web1, user: deploy, controller: "ci1:5f0c1d2e3a4b", pid: 4711, since: "2026-11-21T09:30:02Z",
           renewed: "2026-11-21T09:31:10Z", lease: 90, purpose: release v36-1}
previous:
  description: With O(state=broken), the holder that had it; null when there was none or it could not be read.
  returned: always
  type: dict
"""

import functools
import time

from ansible_collections.stagecraft.release.plugins.module_utils.backend_choice import arguments, backend_for
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module
from ansible_collections.stagecraft.release.plugins.module_utils.state import identity, lock

SPEC = dict(
    argument_spec=dict(
        arguments(),
        state=dict(type="str", choices=["held", "released", "broken"], default="held"),
        lease=dict(type="int", default=lock.LEASE),
        purpose=dict(type="str"),
        renew_only=dict(type="bool", default=False),
        holder=dict(type="dict", options=dict(
            run=dict(type="str", required=True),
            target=dict(type="str"),
            controller=dict(type="str", required=True),
            pid=dict(type="int", required=True),
            started=dict(type="int"),
            user=dict(type="str"),
        )),
        gone_run=dict(type="str"),
    ),
    supports_check_mode=True,
)


def execute(call, client=None, clock=time.time):
    """One change of the lock.

    :param client: a session to use with backend ``environment``.
    """
    params = call.params
    if params["lease"] < 1:
        raise InputError("lease", params["lease"], "is not a number of seconds", "Give at least 1; waits renew the lock every 20 s")
    backend = backend_for(params, call.heartbeat, client)
    alive = functools.partial(identity.holder_alive, gone=params["gone_run"])
    return dict(_change(call, backend, _holder(params), clock(), alive))


def _change(call, backend, holder, now, alive):
    unit, state = call.params["unit"], call.params["state"]
    before = lock.read(backend, unit) if state != "broken" or call.check_mode else None
    mine = before is not None and lock.same_run(before, holder)
    if call.check_mode:
        if state == "held":
            lock.check(backend, unit, holder, now, alive)
        changed = {"held": not mine, "released": mine, "broken": before is not None}[state]
        return dict(changed=changed, lock=before, previous=before if state == "broken" else None)
    if state == "broken":
        had, previous = lock.break_(backend, unit)
        return dict(changed=had, lock=None, previous=previous)
    if state == "released":
        released = lock.release(backend, unit, holder)
        return dict(changed=released, lock=None if released else before, previous=None)
    take = lock.renew if call.params["renew_only"] else lock.acquire
    return dict(changed=not mine, lock=take(backend, unit, holder, now, alive), previous=None)


def _holder(params):
    if not params["holder"]:
        raise InputError("holder", params["holder"], "is empty", "Run the module as a task: its action fills the holder in")
    return dict(params["holder"], lease=params["lease"], purpose=params["purpose"])


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

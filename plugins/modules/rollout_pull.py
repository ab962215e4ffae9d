#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module rollout_pull: a host finds its own release."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_pull
short_description: Find the release of this host by the published state of its rollout
version_added: 0.1.0
description:
  - Runs on the host itself, under C(ansible-pull) as a rule. It fetches the state that M(stagecraft.release.rollout_publish) published,
    verifies its signature, keeps it if it is newer than the one before, and decides with the same rules as a rollout that is pushed.
  - It holds rather than fails, with RV(reason), when no source has a valid state and the one that was kept is older than O(max_age), when the host is
    disabled, or when a kill switch is on. What the last known state stops stays stopped, however old that is.
  - A state that is signed by nobody in O(allowed_signers), changed, cut off, or older than what was seen before does not count, and is told in RV(problems).
  - What the host ran is recorded with M(stagecraft.release.rollout_record) and the same O(state_dir). M(stagecraft.release.kill_switch) with it stops this
    host alone.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.server
attributes:
  check_mode:
    description: Can run in check mode; it decides by what the sources have, and keeps nothing.
    support: full
  diff_mode:
    description: Shows what changed in diff mode.
    support: none
  platform:
    description: Runs on the host that pulls.
    support: full
    platforms: posix
options:
  sources:
    description: Directories with the file C(rollout.signed), each an http or https url or an absolute path. All are asked, and the newest state counts.
    type: list
    elements: str
    required: true
  allowed_signers:
    description: File of the keys that may have signed it, as C(ssh-keygen) knows it.
    type: path
    required: true
  identity:
    description: The only principal in it that counts.
    type: str
  name:
    description: Name of the rollout, as it was published.
    type: str
    default: rollout
  state_dir:
    description: Directory on this host for the state that was kept and for what the host ran. It is made where it is not there.
    type: path
    default: /var/lib/stagecraft/pull
  max_age:
    description: How old the state may be, whether it was kept or just fetched, such as V(2h).
    type: str
    default: 2h
  host:
    description: Name of this host in the rollout. By default that of its names which the state knows.
    type: str
  ring:
    description: The ring that it is in. By default the one that the state says; a host or ring that is not known there gets the most cautious one.
    type: str
  disable_file:
    description: While anything is there, even a directory or a link that leads nowhere, the host takes no release. Its text is the reason.
    type: path
    default: /etc/stagecraft/rollout.disabled
  begun:
    description: The release that this run began with. The decision is that one, or to hold.
    type: str
    default: ""
  timeout:
    description: Seconds that a source may stay silent.
    type: float
    default: 10.0
  now:
    description: Decide as if it were this time in UTC, such as V(2030-01-31 10:16). For rehearsals, with a O(state_dir) of their own.
    type: str
requirements:
  - OpenSSH 8.2 or newer
seealso:
  - module: stagecraft.release.rollout_publish
"""

EXAMPLES = r"""
- name: Find the release of this host
  stagecraft.release.rollout_pull:
    sources: [https://rollout.example.com/site, https://mirror.example.com/site]
    allowed_signers: /etc/stagecraft/allowed_signers
    max_age: 4h
  register: rollout_pulled
"""

RETURN = r"""
action:
  description: V(run) or V(hold).
  returned: success
  type: str
release:
  description: The snapshot to run; with V(hold) the one that the host has, empty where it has none.
  returned: success
  type: str
  sample: 20300131-0900
current:
  description: The snapshot that the host runs, empty where it runs none.
  returned: success
  type: str
code:
  description: The reason in one word, such as V(due), V(kill_switch), V(disabled), V(stale), V(no_document) or V(clock).
  returned: success
  type: str
reason:
  description: The reason in one sentence.
  returned: success
  type: str
passed_over:
  description: The candidates before it, with why they were not taken.
  returned: success
  type: list
  elements: dict
  sample: [{snapshot: 20300131-0900, code: bad, reason: "it is marked bad by ada: no doors"}]
commit:
  description: The commit that the release was made from, empty where none is known.
  returned: success
  type: str
digest:
  description: The digest of its content, empty where none is known.
  returned: success
  type: str
host:
  description: The name that the host is decided for.
  returned: success
  type: str
ring:
  description: The ring that it is decided with, empty where no state is known.
  returned: success
  type: str
source:
  description: Where the state is from; V(kept) where no source had it, empty where there is none.
  returned: success
  type: str
serial:
  description: Its serial, V(0) where there is none.
  returned: success
  type: int
made_at:
  description: When it was made, empty where there is none.
  returned: success
  type: str
  sample: 2030-01-31 10:16 UTC
age:
  description: Its age in seconds by the clock of this host, none where there is none.
  returned: success
  type: int
stale:
  description: Whether it is older than O(max_age), or there is none.
  returned: success
  type: bool
problems:
  description: What was passed over, and why.
  returned: success
  type: list
  elements: str
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options, rollout_pulling
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import documents, signature
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming, pulled
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        documents.SERVER,
        sources=dict(type="list", elements="str", required=True),
        allowed_signers=dict(type="path", required=True),
        identity=dict(type="str"),
        name=dict(type="str", default="rollout"),
        state_dir=dict(type="path", default="/var/lib/stagecraft/pull"),
        max_age=dict(type="str", default="2h"),
        host=dict(type="str"),
        ring=dict(type="str"),
        disable_file=dict(type="path", default="/etc/stagecraft/rollout.disabled"),
        begun=dict(type="str", default=""),
        timeout=dict(type="float", default=10.0),
        now=dict(type="str"),
    ),
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Ask, verify, decide."""
    params = call.params
    max_age = rollout_options.duration("max_age", params["max_age"], least=60)
    now = rollout_options.instant("now", params["now"]) if params["now"] else int(clock())
    if not params["sources"] or params["timeout"] <= 0:
        field = "timeout" if params["sources"] else "sources"
        raise InputError(field, params[field], "is nothing to ask with", "Give at least one source, and a timeout in seconds such as 10")
    signature.check_trust(params["allowed_signers"], None, True)
    found, host = rollout_pulling.look(params, now, call.check_mode)
    document = found.document
    for problem in found.problems:
        call.warn(problem)
    if document and host.ring and host.ring not in [ring.name for ring in document.schedule.rings]:
        call.warn("ring: %r is no ring of the published schedule, so the host is decided with the most cautious one" % host.ring)
    if document and not host.ring and host.name not in document.rings:
        call.warn("host: %r is not known to the published state, so the host is decided with the most cautious ring. Give the name that it has in the "
                  "inventory of the rollout." % host.name)
    decision = pulled.judge(document, host, now, max_age, params["begun"])
    release = document.state.described.get(decision.release, {}) if document else {}
    return dict(changed=found.changed, action=decision.action, release=decision.release or "", code=decision.code, reason=decision.reason,
                current=host.local.target(host.name, None).current or "", passed_over=[dict(vars(passed)) for passed in decision.passed_over],
                commit=release.get("commit", ""), digest=release.get("digest", ""), host=host.name, problems=found.problems, source=found.source,
                ring=pulled.ring_of(document, host) if document else "", serial=document.serial if document else 0,
                made_at=naming.text(document.made_at) if document else "", age=now - document.made_at if document else None,
                stale=document is None or now - document.made_at > max_age)


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

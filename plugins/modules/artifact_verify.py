#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module artifact_verify: what a release is, proved by its signature."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact_verify
short_description: Verify the manifest of a release, and its artifacts
version_added: 0.1.0
description:
  - Reads the manifest of a release from the first source that has it as it should be, and checks its signature, its form, that it is the
    release that was asked for, its serial and its expiry. A source that was passed over is a warning.
  - Keeps manifest and signatures in a directory, from which M(stagecraft.release.artifact_fetch) takes them.
  - Holds the artifacts beside the manifest against it, where they are on the host.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.server
attributes:
  check_mode:
    description: Can run in check mode; verifies and writes nothing.
    support: full
  diff_mode:
    description: Shows what changed in diff mode.
    support: none
  platform:
    description: Runs on the host of the task; where that is the controller, in the controller's own process.
    support: full
    platforms: posix
options:
  sources:
    description: Release directories in the order in which they are tried, each an http or https url or an absolute path on the host.
    type: list
    elements: str
    required: true
  project:
    description: The project that the manifest must be of.
    type: str
  release:
    description: The release that the manifest must be of.
    type: str
  allowed_signers:
    description: File of the keys that may sign, in the format of ssh-keygen. A C(namespaces) option in it must allow C(stagecraft.release).
    type: path
  identity:
    description: The only principal whose signature counts; of a key of gpg, its fingerprint, user id or address.
    type: str
  keyring:
    description: File of the keys of gpg that may sign, binary as C(gpg --export) writes it.
    type: path
  require_signature:
    description: Whether a release without a signature is an error. Needs O(allowed_signers) or O(keyring).
    type: bool
    default: true
  where_possible:
    description: Where neither ssh-keygen nor gpgv can check the signature on this host, return V(unchecked) and do not fail.
    type: bool
    default: false
  minimum_serial:
    description: The lowest serial that is taken, as a rule the highest that was seen.
    type: int
    default: 0
  digest:
    description: The digest that the manifest must have.
    type: str
  allow_expired:
    description: Take a manifest that has expired too, to prove what was staged before.
    type: bool
    default: false
  dest:
    description:
      - Directory to keep the manifest and its signatures in. Made when it is not there.
      - Where it keeps a manifest of the same release with a higher serial, the lower one is refused.
    type: path
  artifacts:
    description: Which artifacts are held against the manifest; V(fast) looks at presence and size, V(full) at their digests.
    type: str
    choices: [none, fast, full]
    default: none
  sets:
    description: The sets whose artifacts count. All of them by default.
    type: list
    elements: str
    default: []
  platforms:
    description: The platforms whose artifacts count. All of them by default; V(any) always does.
    type: list
    elements: str
    default: []
  report_only:
    description: Return artifacts that differ and do not fail.
    type: bool
    default: false
  timeout:
    description: Seconds that a server may stay silent. One document may take ten times as long.
    type: float
    default: 30.0
requirements:
  - OpenSSH 8.2 or newer, for O(allowed_signers)
  - gpgv, for O(keyring)
seealso:
  - module: stagecraft.release.artifact_manifest
  - module: stagecraft.release.artifact_fetch
"""

EXAMPLES = r"""
- name: Verify the release on the controller
  stagecraft.release.artifact_verify:
    sources:
      - https://releases.example.com/shop/v2
      - /mnt/releases/shop/v2
    project: shop
    release: v2
    allowed_signers: /etc/stagecraft/allowed_signers
    minimum_serial: 7
    dest: /var/cache/stagecraft/shop/v2
  delegate_to: localhost
  run_once: true

- name: Find out what changed on a host since it was staged
  stagecraft.release.artifact_verify:
    sources: [/var/lib/stagecraft/artifacts/releases/shop/v2]
    require_signature: false
    digest: sha256:51c48291bab1cb709609ca1758f57fa6f2be533cc8a237ed7d782a8382b2ba7e
    allow_expired: true
    artifacts: full
    report_only: true
  register: drift
"""

RETURN = r"""
digest:
  description: The digest of the manifest.
  returned: success
  type: str
project:
  description: The project of the manifest.
  returned: success
  type: str
release:
  description: The release of the manifest.
  returned: success
  type: str
serial:
  description: Its serial.
  returned: success
  type: int
created:
  description: When the release was built.
  returned: success
  type: str
commit:
  description: The commit of its source.
  returned: success
  type: str
signature:
  description: V(good), V(unchecked) where the host has no command for it, or V(none) where no signature is required and none was checked.
  returned: success
  type: str
signed_by:
  description: The principal, or user id and fingerprint, who signed.
  returned: success
  type: str
artifacts:
  description: How many artifacts of O(sets) and O(platforms) there are.
  returned: success
  type: int
bytes:
  description: How many bytes they are.
  returned: success
  type: int
by_kind:
  description: How many of them of each kind.
  returned: success
  type: dict
path:
  description: The directory that O(dest) names.
  returned: success
  type: str
source:
  description: The source that was used.
  returned: success
  type: str
differing:
  description: The artifacts that are not as the manifest says, each with its C(path), the C(problem), and the C(sha256) that it should have.
  returned: success, and when artifacts differ
  type: list
  elements: dict
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import checking, documents, manifest, verifying
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        documents.SERVER,
        sources=dict(type="list", elements="str", required=True),
        project=dict(type="str"),
        release=dict(type="str"),
        allowed_signers=dict(type="path"),
        identity=dict(type="str"),
        keyring=dict(type="path"),
        require_signature=dict(type="bool", default=True),
        where_possible=dict(type="bool", default=False),
        minimum_serial=dict(type="int", default=0),
        digest=dict(type="str"),
        allow_expired=dict(type="bool", default=False),
        dest=dict(type="path"),
        artifacts=dict(type="str", choices=["none", "fast", "full"], default="none"),
        sets=dict(type="list", elements="str", default=[]),
        platforms=dict(type="list", elements="str", default=[]),
        report_only=dict(type="bool", default=False),
        timeout=dict(type="float", default=30.0),
    ),
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Read, verify, hold against the files, keep."""
    params = call.params
    verifying.check_options(params)
    found = verifying.first(params, time.strftime(manifest.TIME, time.gmtime(clock())), call.warn)
    document = found.document
    entries = manifest.select(document, params["sets"], params["platforms"])
    problems = verifying.differing(found, entries, params["artifacts"])
    result = dict(manifest.summary(entries), changed=False, digest=manifest.digest(found.release.text), signature=found.state,
                  signed_by=found.signed_by, source=found.release.source, path=params["dest"] or "", differing=problems)
    result.update({key: document[key] for key in ("project", "release", "serial", "created", "commit")})
    if problems and not params["report_only"]:
        raise StagecraftError("%s: %d of %d artifacts of release %s differ from its manifest: %s. Stage the release again."
                              % (found.release.source, len(problems), len(entries), document["release"], checking.told(problems)), **result)
    if params["dest"]:
        result["changed"] = verifying.keep(found, params["dest"], call.check_mode)
    return result


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module artifact_manifest: the signed list of what a build produced."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact_manifest
short_description: Make the signed manifest of a release
version_added: 0.1.0
description:
  - Describes all files in the directories of a release and writes C(manifest.json), C(SHA256SUMS) and signatures beside them.
  - The same files give the same manifest. What did not change keeps its serial and time, so its digest stays and nothing is staged again.
  - A symbolic link, a special file, or a name that no manifest may hold is an error that names the file.
  - Each kind adds what it needs, read from the file; a wheel, package, image or git archive is told by its ending, and anything else in such
    a directory, as an index, is a plain file.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without writing or signing anything.
    support: full
  diff_mode:
    description: Shows the manifest before and after in diff mode, unless it is longer than 100,000 bytes.
    support: full
  platform:
    description: Runs on the build host.
    support: full
    platforms: posix
options:
  path:
    description: The release directory, C(ROOT/PROJECT/RELEASE), or the working directory C(ROOT/.work/PROJECT/RELEASE) of one.
    type: path
    required: true
  project:
    description: What is released, as a rule the name of the unit. Letters, digits, V(.), V(_) and V(-).
    type: str
    required: true
  release:
    description: The release. The same characters.
    type: str
    required: true
  commit:
    description: The commit of the source, V("") where there is none.
    type: str
    default: ""
  root:
    description: The releases root, in which the serials of the project's other releases are looked up. By default what O(path) lies below.
    type: path
  directories:
    description:
      - The directories to describe. None holds another one.
      - By default those of C(wheels), C(packages), C(git), C(images), C(rootfs) and C(files) that are there.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The directory, relative to the release directory.
        type: str
        required: true
      kind:
        description: What its files are.
        type: str
        required: true
        choices: [wheel, package, git, image, rootfs, file]
      platform:
        description: A label of your choice for the hosts that can use them. V(any) fits all.
        type: str
        default: any
      sets:
        description: Names of the sets that they belong to. A host is staged with the sets that it names.
        type: list
        elements: str
        default: [default]
      origin:
        description: Where they come from, in one line.
        type: str
        default: ""
  serial:
    description:
      - A number that only grows from one manifest of the project to the next.
      - By default it stays when nothing changed, and else is one more than the highest of the project's releases.
    type: int
  created:
    description: When the release was built, such as V(2026-11-21T09:00:00Z). By default it stays when nothing changed, and else is now.
    type: str
  expires:
    description: From when on nobody may stage the release any more.
    type: str
  ssh_key:
    description: File of the private key that makes C(manifest.json.sig), or of a public key whose private half an agent holds.
    type: path
  gpg_key:
    description: Id of the key of gpg that makes C(manifest.json.gpg).
    type: str
  gpg_home:
    description: Home directory of gpg. By default that of the user.
    type: path
requirements:
  - OpenSSH 8.2 or newer, for O(ssh_key)
  - GnuPG 2.1 or newer, for O(gpg_key)
seealso:
  - module: stagecraft.release.artifact_verify
"""

EXAMPLES = r"""
- name: Describe and sign what was built
  stagecraft.release.artifact_manifest:
    path: /srv/stagecraft/releases/.work/shop/v2
    project: shop
    release: v2
    commit: 4f2a9d0c8be1c3a5d6e7f8091a2b3c4d5e6f7081
    ssh_key: /etc/stagecraft/release_key
  register: built
"""

RETURN = r"""
digest:
  description: The digest of the manifest.
  returned: success
  type: str
  sample: sha256:51c48291bab1cb709609ca1758f57fa6f2be533cc8a237ed7d782a8382b2ba7e
serial:
  description: Its serial.
  returned: success
  type: int
created:
  description: When the release was built.
  returned: success
  type: str
artifacts:
  description: How many artifacts it has.
  returned: success
  type: int
bytes:
  description: How many bytes they are.
  returned: success
  type: int
by_kind:
  description: How many artifacts of each kind.
  returned: success
  type: dict
  sample: {package: 3, wheel: 31}
path:
  description: The release directory.
  returned: success
  type: str
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import describing, making, manifest
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

DIFF_LIMIT = 100000
SPEC = dict(
    argument_spec=dict(
        path=dict(type="path", required=True),
        project=dict(type="str", required=True),
        release=dict(type="str", required=True),
        commit=dict(type="str", default=""),
        root=dict(type="path"),
        directories=dict(type="list", elements="dict", default=[], options=dict(
            path=dict(type="str", required=True),
            kind=dict(type="str", required=True, choices=list(manifest.KINDS)),
            platform=dict(type="str", default=manifest.ANY),
            sets=dict(type="list", elements="str", default=["default"]),
            origin=dict(type="str", default=""),
        )),
        serial=dict(type="int"),
        created=dict(type="str"),
        expires=dict(type="str"),
        ssh_key=dict(type="path", no_log=False),
        gpg_key=dict(type="str", no_log=False),
        gpg_home=dict(type="path"),
    ),
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Describe, write, sign."""
    params = call.params
    made, before, changed = making.make(params, time.strftime(manifest.TIME, time.gmtime(clock())), call.check_mode)
    stray = describing.stray(params["path"], params["directories"] or describing.conventional(params["path"]))
    if stray:
        call.warn("%s: is in no directory of the manifest, so no host will get: %s" % (params["path"], ", ".join(stray[:10])))
    text = manifest.serialise(made)
    result = dict(manifest.summary(made["artifacts"]), changed=changed, digest=manifest.digest(text), serial=made["serial"], created=made["created"],
                  path=params["path"])
    if call.diff:
        result["diff"] = dict(before=_shown(before or b""), after=_shown(text), before_header=manifest.MANIFEST, after_header=manifest.MANIFEST)
    return result


def _shown(text):
    return text.decode("utf-8", "replace") if len(text) <= DIFF_LIMIT else "(%d bytes, %s)\n" % (len(text), manifest.digest(text))


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

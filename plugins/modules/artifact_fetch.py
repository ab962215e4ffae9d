#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module artifact_fetch: the artifacts of a release, brought to a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact_fetch
short_description: Fetch the artifacts of a release into the store of a host
version_added: 0.1.0
description:
  - Brings the artifacts that a host needs of a release, several at a time, each from the first source that has it as the manifest says.
    What the host has already, from this or another release, is not fetched again; what an interrupted run left is taken up.
  - The store keeps each content once. A release in it looks like a release directory, made of hard links, and is there only when it is
    complete and on the disk. So the store's directory C(releases), served by any web server, is a source for other hosts.
  - Older releases of the same project are removed afterwards.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.server
attributes:
  check_mode:
    description: Can run in check mode; returns what would be fetched and removed, and asks no source.
    support: full
  diff_mode:
    description: Shows what changed in diff mode.
    support: none
  platform:
    description: Runs on the host of the task; the manifest comes from the controller.
    support: full
    platforms: posix
options:
  manifest:
    description:
      - Directory on the controller with the verified manifest and its signatures, as O(stagecraft.release.artifact_verify#module:dest) of
        M(stagecraft.release.artifact_verify) keeps it.
    type: path
    required: true
  digest:
    description: The digest that the manifest must have.
    type: str
  store:
    description: Directory of the store on the host. Not a symbolic link; directories above it may be.
    type: path
    default: /var/lib/stagecraft/artifacts
  sources:
    description:
      - Release directories in the order in which they are asked for each artifact, each an http or https url, an absolute path on the host, or
        C(controller:) and an absolute path on the controller.
      - From the controller, all that is missing is sent in one tar file by the task's connection; it needs room in C(remote_tmp).
    type: list
    elements: str
    default: []
  sets:
    description: The sets whose artifacts are fetched. All of them by default. A complete release keeps those that it has.
    type: list
    elements: str
    default: []
  platforms:
    description: The platforms whose artifacts are fetched. All of them by default; V(any) always is.
    type: list
    elements: str
    default: []
  parallel:
    description: How many artifacts are fetched at a time.
    type: int
    default: 8
  bandwidth:
    description: Bytes a second that all of them together may take. V(0) for no limit.
    type: int
    default: 0
  timeout:
    description: Seconds that a source may bring next to nothing, and that another run may hold the store.
    type: float
    default: 30.0
  retries:
    description: How often a source is asked again for an artifact when it breaks off or has a passing error.
    type: int
    default: 2
  reserve:
    description: Bytes that must stay free on the store's file system.
    type: int
    default: 67108864
  keep:
    description: How many releases of the project are kept, this one among them. V(0) for all.
    type: int
    default: 3
  keep_releases:
    description: Releases of the project that are never removed, such as the current and the previous one.
    type: list
    elements: str
    default: []
  replace:
    description: Whether a release may take the place of one with the same name and another manifest.
    type: bool
    default: false
  documents:
    description: The manifest and its signatures, packed. The action fills it in.
    type: dict
  bundles:
    description: What the action brought from the controller, by source.
    type: dict
  leave_missing:
    description: Return what no source has in RV(missing) and do not fail. The action sets it.
    type: bool
    default: false
seealso:
  - module: stagecraft.release.artifact_verify
"""

EXAMPLES = r"""
- name: Fetch the release from the region's mirror, or else from the place where it was built
  stagecraft.release.artifact_fetch:
    manifest: /var/cache/stagecraft/shop/v2
    sources:
      - http://mirror.example.com/releases/shop/v2
      - https://build.example.com/releases/shop/v2
    sets: [web]
    platforms: [debian12-amd64]
    keep_releases: [v1]

- name: Fetch it from the controller, by the connection that there is
  stagecraft.release.artifact_fetch:
    manifest: /var/cache/stagecraft/shop/v2
    sources: ["controller:/srv/stagecraft/releases/shop/v2"]
"""

RETURN = r"""
path:
  description: The release in the store. In check mode, where it would be.
  returned: success
  type: str
digest:
  description: The digest of its manifest.
  returned: success
  type: str
fetched:
  description: How many files were fetched. Artifacts with the same content are one file.
  returned: success, and when artifacts could not be fetched
  type: int
fetched_bytes:
  description: How many bytes they are.
  returned: success, and when artifacts could not be fetched
  type: int
present:
  description: How many files the host had already.
  returned: success, and when artifacts could not be fetched
  type: int
sources_used:
  description: How many files came from each source.
  returned: success, and when artifacts could not be fetched
  type: dict
removed:
  description: The releases that were removed.
  returned: success
  type: list
  elements: str
missing:
  description: The artifacts that no source had.
  returned: with O(leave_missing)
  type: list
  elements: str
"""

import time

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import documents, staging, views
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        documents.SERVER,
        manifest=dict(type="path", required=True),
        digest=dict(type="str"),
        store=dict(type="path", default="/var/lib/stagecraft/artifacts"),
        sources=dict(type="list", elements="str", default=[]),
        sets=dict(type="list", elements="str", default=[]),
        platforms=dict(type="list", elements="str", default=[]),
        parallel=dict(type="int", default=8),
        bandwidth=dict(type="int", default=0),
        timeout=dict(type="float", default=30.0),
        retries=dict(type="int", default=2),
        reserve=dict(type="int", default=64 * 1024 * 1024),
        keep=dict(type="int", default=3),
        keep_releases=dict(type="list", elements="str", default=[]),
        replace=dict(type="bool", default=False),
        documents=dict(type="dict", no_log=True),
        bundles=dict(type="dict"),
        leave_missing=dict(type="bool", default=False),
    ),
    supports_check_mode=True,
)


def execute(call, clock=time.time):
    """Check, plan, fetch, make complete."""
    params = call.params
    staging.check_options(params)
    found = staging.unpacked(params["documents"]) if params["documents"] else documents.kept(params["manifest"])
    return staging.stage(params, staging.Wanted(found, params["manifest"], params["digest"]), call, views.utc(clock()))


def main():
    """Run as an ordinary module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

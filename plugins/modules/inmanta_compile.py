#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compile the model of an environment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_compile
short_description: Compile the service model of an Inmanta environment
version_added: 0.1.0
description:
  - Asks the orchestrator for a compile, finds its own compile again among those of others, waits for it and returns the
    version that it stored.
  - Where the setting C(auto_deploy) is on, the orchestrator deploys the version at once; RV(released) tells.
  - A failure names the first stage that failed with the compiler's own error; never the stage's command line, which can
    hold a token.
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.connection
  - stagecraft.release.environment
  - stagecraft.release.waiting
  - stagecraft.release.attributes
attributes:
  check_mode:
    support: full
    details: Checks that the environment could compile; compiles nothing.
  diff_mode:
    support: none
options:
  update:
    description:
      - Fetch the head of the environment's branch and install the modules that it asks for, before compiling.
      - The web console's "Update project & recompile".
    type: bool
    default: false
  reinstall:
    description: Make a new checkout and a new virtual environment before compiling, as "Cleanup & recompile" does. Releases up to 14 cannot.
    type: bool
    default: false
  reason:
    description: Shown in the orchestrator's compile reports and as the label of the version; a unique id is added.
    type: str
    default: Compile by stagecraft.release
  retries_interrupted:
    description: How often a compile that ended because the server stopped, or because it was killed, is done again.
    type: int
    default: 1
  lock:
    description: The lock of the run, as stagecraft.release roles hand it over; renewed while waiting.
    type: dict
  wait_timeout:
    default: 1800.0
notes:
  - With O(wait=false) the module returns when the compile is queued; RV(version) is then null.
seealso:
  - module: stagecraft.release.inmanta_dryrun
  - module: stagecraft.release.inmanta_deploy
"""

EXAMPLES = r"""
- name: Fetch the release branch and compile it
  stagecraft.release.inmanta_compile:
    url: https://orchestrator.example.com:8888
    token: "{{ orchestrator_token }}"
    environment: 4dbf8ee6-5d8b-4a2c-8a4e-1a5f3bd5b1d9
    update: true
    reason: Release v36-1
  register: candidate

- name: Stop where the candidate is being deployed already
  ansible.builtin.assert:
    that: not candidate.released
"""

RETURN = r"""
version:
  description: The version that this compile stored; null in check mode, on failure and with O(wait=false).
  returned: always
  type: int
  sample: 42
status:
  description: Status of the version when the compile had ended, such as V(candidate) or V(active).
  returned: always
  type: str
  sample: candidate
released:
  description: Whether the version was released, which means that it is deployed; null without a version.
  returned: always
  type: bool
report:
  description: The compile's own report; null in check mode.
  returned: always
  type: dict
  contains:
    id: {description: Id of the compile report., type: str}
    requested: {description: When the compile was asked for., type: str}
    started: {description: When it started., type: str}
    completed: {description: When it ended., type: str}
    success: {description: Whether it succeeded., type: bool}
    version: {description: The version that it stored., type: int}
stage:
  description: Name of the first stage that failed; null when none did.
  returned: always
  type: str
  sample: Recompiling configuration model
error:
  description: The compiler's error with its place, or the end of what the failed stage printed, without secrets.
  returned: always
  type: str
interrupted:
  description: Whether the compile ended because the server stopped or because it was killed.
  returned: always
  type: bool
"""

from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments, compile as compiles
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.opening import open_environment
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        update=dict(type="bool", default=False),
        reinstall=dict(type="bool", default=False),
        reason=dict(type="str", default="Compile by stagecraft.release"),
        retries_interrupted=dict(type="int", default=1),
        lock=dict(type="dict"),
        **arguments.waiting(1800)
    ),
    supports_check_mode=True,
)


def execute(call):
    """Compile, or only check that it can be done.

    :returns: the result with ``changed``.
    """
    client, environment = open_environment(call)
    compiles.check(client, environment)
    if call.check_mode:
        return dict(compiles.no_result(), changed=True)
    return dict(compiles.compile_model(client, environment, call), changed=True)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

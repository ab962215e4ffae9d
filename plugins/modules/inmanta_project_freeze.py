#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Freeze the modules of an Inmanta project."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: inmanta_project_freeze
version_added: 0.1.0
short_description: Freeze the modules of an Inmanta project for production
description:
  - Runs C(inmanta project freeze --recursive --operator "==") and puts the pins into C(project.yml), where comments, order and layout stay as they are.
  - Refuses C(install_mode) other than C(release), C(pip.pre), pre-releases, versions that do not satisfy what C(project.yml) and C(requirements.txt)
    asked for before, and modules that are a checkout which is not on the tag of its version.
  - The file is replaced in one step, and only when everything was checked. Nothing else in the project changes.
options:
  path:
    description: The project, checked out, with its modules installed.
    type: path
    required: true
  virtualenv:
    description: The virtual environment in which the modules are installed. Its C(bin/inmanta) is run.
    type: path
    required: true
  write:
    description: Whether to write C(project.yml). If not, its text is only returned.
    type: bool
    default: true
  expected:
    description: Versions by module that are expected. Another one is refused.
    type: dict
    default: {}
  index_policy:
    description:
      - What to do about packages that strangers could replace, see PEP 708.
      - V(refuse) refuses a public package index that is used beside another index, or for packages that O(private_packages) names.
      - It also refuses a password in the address of an index, since everybody who may read the repository would read it.
      - The indexes are those of C(pip) and C(repo) in C(project.yml). Where C(pip.use_system_config) is set, pip's own configuration on this host counts.
    type: str
    choices: [refuse, allow]
    default: refuse
  private_packages:
    description: Names of packages that are private, with C(*) and C(?), such as C(inmanta-module-acme-*).
    type: list
    elements: str
    default: []
  public_indexes:
    description: Hosts of public indexes, such as mirrors. The one that pip knows by itself is always public.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one command may take.
    type: int
    default: 300
attributes:
  check_mode:
    description: Can run in check mode; it does and checks everything but the writing.
    support: full
  diff_mode:
    description: Shows what changes in C(project.yml).
    support: full
  platform:
    description: Runs where the project is checked out.
    support: full
    platforms: posix
requirements:
  - git 2.31 or newer
  - PyYAML
  - ruamel.yaml
  - packaging
seealso:
  - module: stagecraft.release.git_release_commit
author:
  - Contributors to the stagecraft.release project (@stagecraft)
"""

EXAMPLES = r"""
- name: Freeze every module
  stagecraft.release.inmanta_project_freeze:
    path: ~/model
    virtualenv: ~/model/.env
    private_packages: [inmanta-module-acme-*]
    expected:
      std: 8.7.5
  register: model_frozen
"""

RETURN = r"""
requires:
  description: The pins.
  returned: success
  type: list
  elements: str
  sample: ["fs == 1.2.0", "std == 8.7.5"]
requires_before:
  description: What C(project.yml) asked for.
  returned: success
  type: list
  elements: str
  sample: ["std >= 8"]
added:
  description: Modules that C(project.yml) did not name.
  returned: success
  type: list
  elements: str
  sample: ["fs"]
modules:
  description: Where each module comes from.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    version:
      description: Its version.
      type: str
    generation:
      description: V(v2) for a package, V(v1) for a directory of the module path.
      type: str
    source:
      description: Path of its checkout, null for an ordinary package.
      type: str
    tag:
      description: The tag that the checkout is on, null for an ordinary package and for a module that the project's repository holds.
      type: str
indexes:
  description: The package indexes, without credentials.
  returned: success
  type: list
  elements: str
text:
  description: The text of C(project.yml) with the pins.
  returned: success
  type: str
"""

from ansible_collections.stagecraft.release.plugins.module_utils.repository.freezing import freeze, write
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        path=dict(type="path", required=True),
        virtualenv=dict(type="path", required=True),
        write=dict(type="bool", default=True),
        expected=dict(type="dict", default={}),
        index_policy=dict(type="str", choices=["refuse", "allow"], default="refuse"),
        private_packages=dict(type="list", elements="str", default=[]),
        public_indexes=dict(type="list", elements="str", default=[]),
        timeout=dict(type="int", default=300),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Freeze the project.

    :param call: the options.
    """
    given = call.params
    options = dict(private=given["private_packages"], public=given["public_indexes"], timeout=given["timeout"])
    result = freeze(given["path"], given["virtualenv"], given["expected"], given["index_policy"], **options)
    if result["changed"] and given["write"] and not call.check_mode:
        write(given["path"], result["text"])
    return result


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

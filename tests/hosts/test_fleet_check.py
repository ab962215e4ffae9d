# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks for units on hosts refuse before they look at any host."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.system.playbooks import Run, environ

CHECKED = "TASK [Check the variables that belong to plays] ******************************** ok: [localhost]"


def run(directory: Path, playbook: str, inventory: dict[str, Any], **extra: Any) -> Run:
    """Run one of the collection's playbooks, or one that imports it with ``imported`` variables."""
    path = directory / "inventory.json"
    # In the inventory, so that the playbook is read before the role is looked for.
    inventory["vars"] = dict(inventory.get("vars", {}), release_role="nobody.knows.this_role")
    path.write_text(json.dumps({"all": inventory}))
    name, imported = "stagecraft.release.%s" % playbook, extra.pop("imported", None)
    if imported is not None:
        importing = directory / "import.json"
        importing.write_text(json.dumps([{"name": "Import", "ansible.builtin.import_playbook": name, "vars": imported}]))
        name = str(importing)
    done = subprocess.run(["ansible-playbook", "-i", str(path), name, "-e", json.dumps(extra)],
                          env=environ(), text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return Run(done.returncode, done.stdout, 0.0)


def hosts(group: str, **variables: Any) -> dict[str, Any]:
    """An inventory of one host in one group."""
    return {"children": {group: {"hosts": {"web1": {"ansible_connection": "local"}}}}, "vars": variables}


@pytest.mark.parametrize("playbook, inventory, extra, texts", [
    ("site", hosts("web"), {}, ["release_targets: no host of the inventory matches release_targets", "-e release_targets=GROUP"]),
    ("build", hosts("web"), {}, ["release_build_hosts: no host of the inventory matches release_build", "-e release_build_hosts=HOST"]),
    ("stage", hosts("web", release_targets="web"), {}, ["release_targets: set in the inventory, where plays do not see it", "-e"]),
    ("configure", hosts("web", release_serial=2), {"release_targets": "web"}, ["release_serial: set in the inventory, where plays do not see it"]),
    ("configure", hosts("web"), {"release_targets": "web", "release_serial": "all"}, ["release_serial: all is not a number of hosts"]),
    ("configure", hosts("web"), {"release_targets": "web", "release_max_fail_percentage": 101}, ["release_max_fail_percentage: 101 is not a number from 0"]),
], ids=["no target", "no build host", "targets of the inventory", "serial of the inventory", "serial", "percentage"])
def test_what_no_play_could_use_is_refused(tmp_path: Path, playbook: str, inventory: dict[str, Any], extra: dict[str, Any], texts: list[str]) -> None:
    refused = run(tmp_path, playbook, inventory, **extra).refused(*texts)
    assert "nobody.knows.this_role" not in refused.text, "a host was looked at"


@pytest.mark.parametrize("extra", [{"release_targets": "web", "release_serial": [1, "25%"]}, {"imported": {"release_targets": "web", "release_serial": 2}}],
                         ids=["extra variables", "variables of the import"])
def test_what_plays_see_is_taken(tmp_path: Path, extra: dict[str, Any]) -> None:
    taken = run(tmp_path, "configure", hosts("web", release_serial=7), **extra)
    assert CHECKED in taken.text and "'nobody.knows.this_role' was not found" in taken.text, taken.output

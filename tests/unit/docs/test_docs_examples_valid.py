# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation are valid, and the pages show them as they are."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.changes import approval, policy_text
from ansible_collections.stagecraft.release.plugins.module_utils.changes.expectation import Expectation
from ansible_collections.stagecraft.release.plugins.module_utils.changes.policy import Policy
from ansible_collections.stagecraft.release.plugins.module_utils.people import announcement
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import release_record_info

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs/examples"
PAGES = ROOT / "docs/docsite/rst"
PLAYBOOKS = [*sorted(path for path in EXAMPLES.glob("*.yml") if path.read_text().count("hosts: inmanta_environments")), EXAMPLES / "unit/site.yml"]
MACHINE = {"resource": "vm::Machine[lab-1,name=db1]", "type": "vm::Machine", "agent": "a1", "action": "modified", "attributes": {"memory_mb": [2048, 4096]}}
PORT = {"resource": "net::Port[access-7,name=ge1]", "type": "net::Port", "agent": "access-7", "action": "modified", "attributes": {"enabled": [False, True]}}
PAGE = {"resource": "fs::File[web1,path=/srv/portal/a.html]", "type": "fs::File", "agent": "web1", "action": "added", "attributes": {}}
PACKAGE = {"resource": "pkg::Deb[db2,name=x]", "type": "pkg::Deb", "agent": "db2", "action": "modified", "attributes": {"version": ["1", "2"]}}


def policy(name: str) -> Policy:
    path = EXAMPLES / name
    return Policy.parse(policy_text.parse_text(path.read_text(), str(path)))


def run(*command: str) -> subprocess.CompletedProcess:
    paths = [ROOT / ".cache/collections", EXAMPLES / "unit/collections"]
    env = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=os.pathsep.join(map(str, paths)), ANSIBLE_NOCOLOR="1", ANSIBLE_LOCALHOST_WARNING="0",
               STAGECRAFT_INMANTA_TOKEN="a token", PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=120)


@pytest.mark.parametrize("name, change, covered", [
    ("policy.yml", PAGE, True),
    ("policy.yml", PACKAGE, True),
    ("policy.yml", dict(PAGE, resource="fs::File[web1,path=/etc/cron.d/portal]"), False),
    ("policy.yml", dict(PAGE, action="removed"), False),
    ("policy.yml", dict(PACKAGE, attributes={"version": ["1", "2"], "held": [True, False]}), False),
    ("policy-values.yml", MACHINE, True),
    ("policy-values.yml", dict(MACHINE, attributes={"memory_mb": [4096, 2048]}), False),
    ("policy-values.yml", PORT, True),
    ("policy-values.yml", dict(PORT, attributes={"enabled": [True, False]}), False),
    ("policy-values.yml", dict(MACHINE, agent="lab-1", action="removed", attributes={}), True),
])
def test_policies_cover_what_the_page_says(name, change, covered):
    assert (policy(name).uncovered(change) is None) is covered


def test_approvals():
    (given,) = approval.parse(yaml.safe_load((EXAMPLES / "approvals.yml").read_text())["inmanta_model_approve"])
    assert given["who"] == "Ada"
    assert approval.text_of(given["expires"]) == "2090-01-31T16:00:00Z"


@pytest.mark.parametrize("now, verdict", [("2030-01-31T21:30+00:00", "clear"), ("2030-02-01T01:30+00:00", "refused")])
def test_release_record(now, verdict):
    path = EXAMPLES / "releases/v36-1.yml"
    given = ArgumentSpecValidator(release_record_info.SPEC["argument_spec"]).validate({"record": str(path), "release": "v36-1"}).validated_parameters
    found = release_record_info.execute(Call(given), now=lambda: datetime.datetime.fromisoformat(now))
    assert found["verdict"] == verdict
    assert [(notice["state"], notice["deadline"][:16]) for notice in found["notices"]] == [("sent", "2030-01-29T22:00"), ("sent", "2030-01-16T22:00")]


def test_announcements():
    """The example names options of the role alone, and its payload can be filled."""
    given = yaml.safe_load((EXAMPLES / "announce.yml").read_text())
    options = yaml.safe_load((ROOT / "roles/release_announce/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert len(given) >= 8 and set(given) <= set(options)
    data = announcement.compose("start", {"release": "v36-1"}, {}, datetime.datetime.now(datetime.timezone.utc))
    assert "v36-1" in announcement.fill(given["release_announce_webhooks"][0]["payload"], data, "payload")["text"]


def test_expectation():
    assert Expectation.parse(str(EXAMPLES / "expect.yml"), lambda path: Path(path).read_text()).types == {"vm::Machine": 4, "net::Port": 12}


def test_inventory():
    done = run("ansible-inventory", "-i", str(EXAMPLES / "inventory.yml"), "--list")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["inmanta_environments"]["hosts"] == ["production"]
    lines = (EXAMPLES / "inventory.yml").read_text().split("---\n")[1].splitlines()
    assert len(lines) <= 10


def test_playbooks_are_valid():
    assert len(PLAYBOOKS) >= 7
    done = run("ansible-playbook", "-i", str(EXAMPLES / "inventory.yml"), "--syntax-check", *map(str, PLAYBOOKS))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("playbook: ") == len(PLAYBOOKS)


def blocks(page: Path) -> list:
    """The YAML blocks of a page, read."""
    pattern = r"^( *)```yaml\n(.*?)^ *```" if page.suffix == ".md" else r"^( *)\.\. code-block:: yaml\n\n((?:\1 +.*\n|\n)+)"
    found = re.findall(pattern, page.read_text() + "\n", re.M | (re.S if page.suffix == ".md" else 0))
    return [yaml.safe_load(textwrap.dedent(text)) for _indent, text in found]


@pytest.mark.parametrize("page, name", [
    ("quick_start_guide.rst", "inventory.yml"), ("policy_guide.rst", "policy.yml"), ("policy_guide.rst", "approvals.yml"),
    ("deploy_new_guide.rst", "expect.yml"),
    ("awx_guide.rst", "awx_install.yml"), ("awx_guide.rst", "awx_configure.yml"), ("unit_guide.rst", "unit/site.yml"),
    ("people_guide.rst", "releases/v36-1.yml"), ("people_guide.rst", "announce.yml"), ("rollout_schedule.rst", "rollout/schedule.yml"),
    ("rollout_pull.rst", "rollout/pull.yml"),
])
def test_pages_show_the_example(page, name):
    assert yaml.safe_load((EXAMPLES / name).read_text()) in blocks(PAGES / page)


def test_readme_shows_the_inventory():
    assert yaml.safe_load((EXAMPLES / "inventory.yml").read_text()) in blocks(ROOT / "README.md")


def test_the_page_on_values_shows_rules_of_the_example():
    rules = yaml.safe_load((EXAMPLES / "policy-values.yml").read_text())["rules"]
    assert {"rules": rules[:2]} in blocks(PAGES / "policy_guide.rst")

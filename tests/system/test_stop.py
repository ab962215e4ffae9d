# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""stop.yml halts whatever can be reached, at once; resume.yml lets it go on."""

from __future__ import annotations

import re
import time

import pytest

from tests.bed.api import wait_for
from tests.bed.network import free_port

MANY = 2500


@pytest.fixture(scope="module")
def bare(secured_bed):
    """An environment without a version on an orchestrator that wants tokens."""
    made = secured_bed.environment("bare", secured_bed.repository("bare"))
    yield made
    made.delete()


def halted(environment):
    """Whether the orchestrator says so."""
    return environment.api.data("GET", "/api/v2/environment/%s" % environment.id)["halted"]


def test_half_broken_inventory(subject, secured_bed, bare):
    """Wrong url, wrong token, no url, no environment of that id: the others stop, the run fails and names these."""
    url, name = subject.variables["inmanta_model_url"], "inmanta_model_environment"
    # Nobody logs in at the targets, and no variable of the release is looked at.
    idle = {"ansible_host": "127.0.0.1", "ansible_port": free_port(), "inmanta_model_backend": "file", "inmanta_model_policy": "{{ nowhere }}",
            "inmanta_model_on_failure": "nonsense"}
    secured = {"inmanta_model_url": secured_bed.server.url, "inmanta_model_ca_path": str(secured_bed.server.ca), name: bare.id}
    token = secured_bed.server.token()
    subject.write(
        dict(idle, inmanta_model_url="http://127.0.0.1:%d" % free_port(), **{name: "by-name"}),
        dict(subject.variables, **idle),
        dict(secured, **idle, inmanta_model_token="wrong"),
        dict(secured, **idle, inmanta_model_token=token),
        dict(idle, **{name: subject.id}),
        dict(idle, inmanta_model_url=url, **{name: "00000000-0000-0000-0000-000000000000"}))
    run = subject.run("stop").refused("halted: target2, target4", "NOT halted: target, target3, target5, target6")
    for host, text in {"target": "no connection", "target3": "token", "target5": "url: '' is empty", "target6": "does not exist"}.items():
        line = next(line for line in run.output.splitlines() if line.startswith("fatal: [%s]" % host))
        assert text in line, line
    assert token not in run.output and "wrong" not in run.output
    assert halted(subject) and halted(bare)

    again = subject.run("stop", None, "--limit", "target2").ok()
    assert "was halted before" in again.text and "changed=0" in again.text

    subject.run("resume").refused("running: target2, target4", "NOT running: target, target3, target5, target6")
    assert not halted(subject) and not halted(bare)


def test_one_of_several(subject, bare, secured_bed):
    secured = {"inmanta_model_url": secured_bed.server.url, "inmanta_model_ca_path": str(secured_bed.server.ca),
               "inmanta_model_environment": bare.name, "inmanta_model_token": secured_bed.server.token()}
    subject.write(subject.variables, secured)
    assert "changed=1" in subject.run("stop", None, "--check").ok().text and not halted(subject)
    subject.run("stop", None, "--limit", "target2").ok()
    assert halted(bare) and not halted(subject)
    subject.run("resume", None, "--limit", "target2").ok()
    assert not halted(bare)
    subject.run("stop", inmanta_model_targets="nobody").refused("no host of the inventory matches nobody")


def test_in_the_middle_of_a_deployment(subject):
    """What was still deployed is told, the rest stays, and goes on after the end of the stop."""
    release = subject.release(nulls=MANY, agents=["a%d" % number for number in range(10)])
    subject.api.set(subject.id, "auto_deploy", False)
    version = subject.environment.compile(timeout=300)["version"]
    before = time.monotonic()
    subject.api.promote(subject.id, version)
    wait_for(lambda: subject.active == version and subject.api.by_state(subject.id).get("deployed", 0) > 10, 120, "the first deployed resources")
    run = subject.run("stop").ok()
    stood = subject.api.by_state(subject.id)
    assert subject.described["halted"] is True
    assert sum(stood.get(state, 0) for state in ("available", "deploying")), "all was deployed before the stop, %.0f s" % (time.monotonic() - before)
    told = int(re.search(r"While it stopped these (\d+) resources were still deployed: std::testing::NullResource\[a\d", run.text).group(1))
    assert 0 < told <= stood["deployed"] + stood.get("deploying", 0)
    time.sleep(3)
    assert subject.api.by_state(subject.id) == stood

    resumed = subject.run("resume").ok()
    assert "runs again" in resumed.text and "'available'" in resumed.text
    assert subject.api.wait_deployed(subject.id, version, 300) == {"deployed": MANY + 1}
    assert subject.motd == release


@pytest.mark.slow
def test_as_fast_as_the_server(subject):
    """The time over what the server itself takes for one stop."""
    began = time.monotonic()
    subject.api.call("POST", "/api/v2/actions/environment/halt", env=subject.id)
    alone = time.monotonic() - began
    subject.api.call("POST", "/api/v2/actions/environment/resume", env=subject.id)
    run = subject.run("stop").ok()
    assert run.seconds < alone + 8, (run.seconds, alone)
    subject.run("resume").ok()

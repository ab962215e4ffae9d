# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The orchestrator is stopped and started while a run waits for it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.bed import Bed
from tests.system.beds import new_bed
from tests.system.killing import Before, ReleaseLine, check_delivered, complete, rerun
from tests.system.playbooks import EXPECT_ALL, Run

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def own_bed() -> Iterator[Bed]:
    """An orchestrator that nobody else uses."""
    with new_bed() as started:
        yield started


@pytest.fixture(scope="module")
def target(own_bed, tmp_path_factory) -> Iterator[ReleaseLine]:
    """An environment of it, with enough resources that a dry run or a deployment takes a while."""
    yield ReleaseLine(own_bed, "restarted", tmp_path_factory.mktemp("restarted"), nulls=400)


def upgrade(target: ReleaseLine, release: str, line: str, act) -> Run:
    """Run upgrade.yml, and call ``act`` when it prints a line that matches."""
    began, seen, output = time.monotonic(), False, []
    running = target.start("upgrade", release, inmanta_model_policy=EXPECT_ALL)
    with running:
        for text in running.stdout:
            output.append(text)
            if not seen and re.search(line, text):
                seen = True
                act()
    assert seen, "%r was not printed: %s" % (line, "".join(output)[-4000:])
    return Run(running.returncode, "".join(output), time.monotonic() - began)


@pytest.mark.parametrize("line, kill", [
    pytest.param(r"compile: (Updating|Recompiling|Pulling|Installing)", False, id="compile"),
    pytest.param(r"dry run of v\d+: ", False, id="dry run", marks=slow),
    pytest.param(r" v\d+: \d+/\d+ deployed", False, id="deployment", marks=slow),
    pytest.param(r" v\d+: ", True, id="promoted, then killed", marks=slow),
])
def test_orchestrator_restarts_during(own_bed, target, line, kill):
    release, content = target.next_release()
    before = Before.of(target)

    def restart():
        own_bed.server.stop(kill=kill)
        time.sleep(1)
        own_bed.server.start()
    run = upgrade(target, release, line, restart)
    done = complete(target, release)
    if run.rc:
        # A clear error: a message of ours, and no traceback.
        assert re.search(r"fatal: \[target\]: .*(no connection|server stopped|does not answer|not done within|again)", run.text), run.output[-4000:]
        assert "Traceback" not in run.output
        rerun(target, release)
    check_delivered(target, release, before, content, done)

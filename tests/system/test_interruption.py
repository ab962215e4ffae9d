# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed anywhere is finished by one plain run, and nothing is done twice."""

from __future__ import annotations

import pytest

from tests.bed.api import wait_for
from tests.system.killing import Before, Point, check_clean, check_delivered, complete, journal, kill_at, lock, released, rerun

slow = pytest.mark.slow
DRY_RUN_LINE = r"dry run of v\d+: "
DEPLOY_LINE = r" v\d+: "
RUNNING_LINE = r"compile: (?!sent|queued)"

POINTS = [
    pytest.param(Point("Check that the project is released for production"), id="inside build", marks=slow),
    pytest.param(Point("Switch auto_deploy off and the protection on"), id="auto_deploy saved, not off yet"),
    pytest.param(Point("Record where the release branch was"), id="auto_deploy off", marks=slow),
    pytest.param(Point("Recompile the model that runs", line=RUNNING_LINE), id="recompile", marks=slow),
    pytest.param(Point("Dry run of the active version", line=DRY_RUN_LINE), id="dry run for drift", marks=slow),
    pytest.param(Point("Complete stage"), id="before stage is complete", marks=slow),
    pytest.param(Point("Update the project and recompile", line="compile: "), id="compile sent", marks=slow),
    pytest.param(Point("Update the project and recompile", line=RUNNING_LINE, after=1), id="candidate compiles"),
    pytest.param(Point("Record the candidate"), id="candidate compiled, not recorded", marks=slow),
    pytest.param(Point("Check that the release branch was not moved meanwhile"), id="candidate recorded", marks=slow),
    pytest.param(Point("Dry run of the candidate", line=DRY_RUN_LINE), id="dry run of the candidate", marks=slow),
    pytest.param(Point("Deploy the version"), id="before promote", marks=slow),
    pytest.param(Point("Deploy the version", line=DEPLOY_LINE), id="after promote"),
    pytest.param(Point("Deploy the version", line=DEPLOY_LINE, after=0.7), id="deployment", marks=slow),
    pytest.param(Point("Forget the saved settings"), id="settings restored, saved not cleared"),
    pytest.param(Point("Complete configure"), id="before configure is complete", marks=slow),
]

# The main process is killed and its workers are not.
SURVIVORS = [
    pytest.param(Point("Deploy the version", line=DEPLOY_LINE, mode="main"), id="deployment", marks=slow),
    pytest.param(Point("Update the project and recompile", line=RUNNING_LINE, mode="main"), id="candidate compiles", marks=slow),
    pytest.param(Point("Update the project and recompile", line=RUNNING_LINE, mode="frozen"), id="compile, worker wakes later", marks=slow),
    pytest.param(Point("Deploy the version", after=0.2, mode="frozen"), id="promote, worker wakes later"),
]

ABORT_POINTS = [
    pytest.param(Point("Delete the candidate", count=2), id="before the candidate is deleted"),
    pytest.param(Point("Revert the release branch"), id="candidate deleted"),
    pytest.param(Point("Update the project and recompile", line=RUNNING_LINE), id="compile of the reverted branch"),
    pytest.param(Point("Deploy the release before", line=DEPLOY_LINE), id="deployment of the release before"),
    pytest.param(Point("Forget the saved settings"), id="settings restored, saved not cleared"),
]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(line_of_releases, tmp_path, point):
    target = line_of_releases
    release, content = target.next_release()
    before = Before.of(target)
    kill_at(point, target, "upgrade", release, tmp_path).wait()
    done = complete(target, release)
    rerun(target, release)
    check_delivered(target, release, before, content, done)


@pytest.mark.parametrize("point", SURVIVORS)
def test_worker_that_survives(line_of_releases, tmp_path, point):
    target = line_of_releases
    release, content = target.next_release()
    before = Before.of(target)
    killed = kill_at(point, target, "upgrade", release, tmp_path)
    done = complete(target, release)
    try:
        assert killed.survivors() or point.mode == "main"
        rerun(target, release)
        lines, versions, settings = journal(target), target.versions, target.settings
    finally:
        killed.resume()
    killed.wait(30)
    assert lock(target) is None
    assert (journal(target), target.versions, target.settings) == (lines, versions, settings)
    check_delivered(target, release, before, content, done)


@slow
@pytest.mark.parametrize("how", ["given up", "killed"])
def test_compile_that_nobody_waits_for_deploys_nothing(line_of_releases, tmp_path, how):
    target = line_of_releases
    release, content = target.next_release()
    before = Before.of(target)
    if how == "killed":
        kill_at(Point("Update the project and recompile", line="compile: "), target, "upgrade", release, tmp_path)
    else:
        target.upgrade(release, stages_run=["build", "stage"]).ok()
        target.upgrade(release, stages_run=["install"], inmanta_model_compile_timeout=0.5).refused("not done within wait_timeout")
    # The compile may have ended by now: then there is nothing to refuse.
    restored = target.run("restore")
    if restored.rc:
        restored.refused("a compile of", "stagecraft.release: %s" % release, "deployed unjudged")

    def idle():
        return not target.environment.api.call("GET", "/api/v1/compilequeue", env=target.environment.id)["queue"]
    wait_for(idle, 180, "the end of the compile")
    assert released(target) == before.released
    rerun(target, release)
    check_delivered(target, release, before, content)


@slow
@pytest.mark.parametrize("point", ABORT_POINTS)
def test_killed_abort(line_of_releases, tmp_path, point):
    target = line_of_releases
    content = target.repository.deployed("motd")
    back = {"inmanta_model_previous_release": content.strip()}
    previous = target.repository.git("rev-parse", "%s^{tree}" % content.strip())
    release, _content = target.next_release()
    target.upgrade(release, inmanta_model_policy={}).refused("sha256:")
    before, candidate = released(target), target.facts()["stages"]["install"]["output"]["candidate"]
    kill_at(point, target, "abort", None, tmp_path, **back).wait()
    target.run("abort", **back).ok()
    target.repository.git("fetch", "-q", "origin")
    # The next release is made on top of the revert, since the orchestrator's clone has it.
    target.repository.git("merge", "-q", "--ff-only", "origin/release")
    assert target.repository.git("rev-parse", "origin/release^{tree}") == previous
    # An abort that had deployed the release before does so again: the same tree, after the same comparison.
    assert released(target) - before and candidate not in released(target)
    assert target.repository.deployed("motd") == content
    assert [entry["release"] for entry in target.facts()["aborted"]].count(release) == 1
    check_clean(target)

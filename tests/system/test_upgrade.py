# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""upgrade.yml takes a deployed service model to its next release, and leaves one alone that runs it already."""

from __future__ import annotations

import json

import pytest

from tests.system.playbooks import EXPECT_ALL
from tests.system.subject import COVER_NOTHING, digest_of, journal_of, new_subject

STAGES = ["build", "stage", "install", "configure"]
PASSWORD = "A long enough passw0rd"


def assert_deployed(subject, release):
    """The release is on disk, is what the facts say, and nothing is left of the way there."""
    facts = subject.facts()
    assert subject.motd == release
    assert {stage: (facts["stages"][stage]["status"], facts["stages"][stage]["release"]) for stage in STAGES} == {
        stage: ("done", release) for stage in STAGES}
    assert facts["history"][-1]["release"] == release
    assert subject.active == facts["stages"]["install"]["output"]["candidate"]
    assert facts["saved"] == {}
    assert subject.settings["auto_deploy"] is True


def test_upgrade_and_rerun(subject):
    release = subject.release({"added": "new\n"})
    run = subject.upgrade(release).ok()
    assert_deployed(subject, release)
    assert subject.repository.deployed("added") == "new\n"
    candidate = subject.active
    for line in ("target: compile: done, v%d" % candidate, "target: dry run of v%d: 2/2 checked" % candidate,
                 "target: v%d: 2/2 deployed, 0 failed, 0 to go" % candidate):
        assert line in run.output
    assert [(entry["stage"], entry["status"]) for entry in journal_of(subject) if entry.get("status")][-8:] == [
        (stage, status) for stage in STAGES for status in ("running", "done")]

    before = subject.everything()
    again = subject.upgrade(release).ok()
    assert "%s is deployed, nothing to do" % release in again.text
    assert "Hold the lock" not in again.output
    assert again.seconds < run.seconds / 2
    assert "nothing to do" in subject.run("upgrade", release, "--check", "--diff").ok().text
    assert subject.everything() == before


def test_push_and_diff(subject):
    release = subject.release({"added": None}, push_branch=False)
    before = subject.everything()
    subject.upgrade(release).refused("inmanta_model_push")
    after = subject.everything()
    assert {key: after[key] for key in ("settings", "versions", "refs", "files")} == {
        key: before[key] for key in ("settings", "versions", "refs", "files")}
    run = subject.upgrade(release, "--diff", inmanta_model_push=True).ok()
    assert subject.branch_head() == subject.repository.commit(release)
    assert "target: +++ after deployment" in run.output and subject.repository.resource_id("motd") in run.output
    assert_deployed(subject, release)
    assert subject.repository.deployed("added") is None


def test_forced_install_deploys_nothing_unjudged(subject):
    release = subject.release()
    subject.upgrade(release).ok()
    (subject.repository.target / "motd").write_text("changed by hand\n", encoding="utf-8")
    active = subject.active
    run = subject.run("upgrade", release, stages_force=["install"], inmanta_model_policy=COVER_NOTHING).refused("waiting for approval")
    assert run.output.index("Switch auto_deploy off") < run.output.index("Update the project and recompile")
    assert subject.active == active < max(subject.versions)
    assert subject.settings["auto_deploy"] is False
    assert subject.repository.deployed("motd") == "changed by hand\n"
    subject.run("upgrade", release, inmanta_model_policy=COVER_NOTHING, inmanta_model_approve=digest_of(run)).ok()
    assert subject.active == max(subject.versions)
    assert subject.settings["auto_deploy"] is True


SITE = """
- hosts: inmanta_environments
  gather_facts: false
  roles:
    - stagecraft.release.inmanta_model
"""


def test_role_by_name_in_two_steps(subject):
    """As a site and AWX do it: the role, the environment by its names, install and configure in runs of their own."""
    release = subject.release()
    path = subject.directory / "site.yml"
    path.write_text(SITE, encoding="utf-8")
    subject.write(dict(subject.variables, inmanta_model_environment=subject.environment.name,
                       inmanta_model_project=subject.environment.project_name))
    before = subject.everything()
    subject.play(path, release, stages_run=["configure"]).refused("stages_run", "build, stage, install", "is not complete")
    assert subject.everything() == before
    subject.play(path, release, stages_run=STAGES[:3]).ok()
    assert subject.motd != release
    assert subject.settings["auto_deploy"] is False
    subject.play(path, release, stages_run=["configure"]).ok()
    assert_deployed(subject, release)
    compiles = subject.compiles
    subject.play(path, release).ok()
    assert subject.compiles == compiles


def test_state_in_files_of_the_controller(subject, tmp_path):
    release, parameters = subject.release(), subject.parameters
    facts, journal = tmp_path / "facts.d" / "stagecraft.fact", tmp_path / "log" / "journal.jsonl"
    subject.write(dict(subject.variables, ansible_connection="local", inmanta_model_backend="file", inmanta_model_facts_path=str(facts),
                       inmanta_model_journal_path=str(journal), inmanta_model_state_directory=str(tmp_path / "state")))
    subject.upgrade(release).ok()
    unit = json.loads(facts.read_text(encoding="utf-8"))["units"][subject.id]
    assert {record["status"] for record in unit["stages"].values()} == {"done"}
    assert set(unit["stages"]) == set(STAGES)
    assert [json.loads(line)["stage"] for line in journal.read_text(encoding="utf-8").splitlines() if "done" in line] == STAGES
    assert subject.parameters == parameters
    assert subject.motd == release
    assert subject.settings["auto_deploy"] is True
    assert "nothing to do" in subject.upgrade(release).ok().text


def test_check_mode_writes_nothing(subject):
    """With nothing done, and with a candidate that waits; up to date: see above."""
    release = subject.release()
    before = subject.everything()
    run = subject.run("upgrade", release, "--check", "--diff").ok()
    assert "build, stage, install, configure pending for %s" % release in run.text
    assert "released for production" in run.text
    assert subject.everything() == before

    waiting = subject.run("upgrade", release).refused("waiting for approval")
    before = subject.everything()
    run = subject.run("upgrade", release, "--check", "--diff").ok()
    for text in ("configure pending for %s" % release, "modified", "motd", digest_of(waiting)):
        assert text in run.text
    assert subject.everything() == before


@pytest.fixture(scope="module")
def secured(secured_bed, tmp_path_factory):
    """An environment on a server with TLS that wants tokens."""
    subject = new_subject(secured_bed, tmp_path_factory.mktemp("secured"))
    subject.variables["inmanta_model_ca_path"] = str(secured_bed.server.ca)
    yield subject
    subject.environment.delete()


def test_environment_token_and_tls(secured, secured_bed):
    token = secured_bed.server.token(secured.id)
    secured.write(dict(secured.variables, inmanta_model_token=token))
    release = secured.release()
    runs = [secured.run("upgrade", release, "-vvvv", inmanta_model_policy=EXPECT_ALL).ok(),
            secured.run("upgrade", release, "-vvvv", inmanta_model_policy=EXPECT_ALL).ok(),
            secured.run("status", None, "-vvvv").ok()]
    assert_deployed(secured, release)
    assert "nothing to do" in runs[1].text
    assert release in runs[2].text
    assert not [run.seconds for run in runs if token in run.output]
    assert not [name for name, value in secured.parameters.items() if token in value]


@pytest.mark.slow
def test_username_and_password(secured, secured_bed):
    secured_bed.api().create_user("operator", PASSWORD)
    secured.write(dict(secured.variables, inmanta_model_username="operator", inmanta_model_password=PASSWORD,
                       inmanta_model_environment=secured.environment.name))
    release = secured.release()
    run = secured.upgrade(release, "-vvv").ok()
    assert_deployed(secured, release)
    assert PASSWORD not in run.output
    assert not [name for name, value in secured.parameters.items() if PASSWORD in value]

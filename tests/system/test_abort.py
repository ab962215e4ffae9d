# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""abort.yml takes a release back, proves that it did, and stops the environment where it cannot."""

from __future__ import annotations

import os
import signal

import pytest

from tests.system.playbooks import EXPECT_ALL
from tests.system.subject import COVER_NOTHING, git


@pytest.fixture
def running(subject):
    """The environment after an upgrade, so that there is a release on record to go back to: the subject and that release."""
    if not subject.runs:
        subject.upgrade(subject.release()).ok()
    return subject, subject.runs


def wait_for_approval(subject, release):
    """Bring the release to where it waits for approval: its candidate."""
    subject.run("upgrade", release, inmanta_model_policy=COVER_NOTHING).refused("waiting for approval")
    return subject.facts()["stages"]["install"]["output"]["candidate"]


def assert_taken_back(subject, release, previous, deployed):
    """The previous release runs again, on the branch too, and nothing of the release is pending."""
    facts = subject.facts()
    assert subject.motd == previous
    assert subject.tree("release") == subject.tree(previous)
    assert subject.settings["auto_deploy"] is True
    assert (facts["stages"], facts["saved"]) == ({}, {})
    assert [(entry["release"], entry["deployed"]) for entry in facts["aborted"]][-1:] == [(release, deployed)]
    assert facts["history"][-1]["release"] == previous
    assert subject.active == facts["history"][-1]["output"]["version"]


def test_nothing_deployed(subject):
    previous = subject.release({"other": "as released\n"})
    subject.upgrade(previous).ok()
    (subject.repository.target / "other").write_text("drifted\n", encoding="utf-8")
    release = subject.release({"other": "as released\n"})
    candidate = wait_for_approval(subject, release)
    run = subject.run("abort").ok()
    assert candidate not in subject.versions
    assert git(subject.repository.origin, "rev-parse", "release~1") == subject.repository.commit(release)
    assert "Revert" in git(subject.repository.origin, "log", "-1", "--format=%s", "release")
    assert "%s was given up. %s is deployed again" % (release, previous) in run.text
    assert_taken_back(subject, release, previous, deployed=False)
    assert subject.repository.deployed("other") == "drifted\n"
    assert previous in subject.run("status").ok().text
    assert "abort-%s" % release in " ".join(subject.parameters)

    subject.run("abort").refused("nothing to abort", "restore.yml")
    before = subject.everything()
    subject.upgrade(release).refused(release, "was aborted", "Revert the revert", "new tag")
    assert subject.settings == before["settings"]
    assert subject.versions == before["versions"]

    again = subject.release()
    subject.upgrade(again).ok()
    assert subject.motd == again


def test_after_it_was_deployed(running):
    """With merges on the branch, a file that the release brought and one that it took away."""
    subject, first = running
    previous = subject.release({"old": "stays\n"})
    subject.upgrade(previous).ok()
    work = subject.repository
    work.git("checkout", "-q", "-b", "side")
    work.git("commit", "-q", "--allow-empty", "-m", "Aside")
    work.git("checkout", "-q", "main")
    work.git("commit", "-q", "--allow-empty", "-m", "Meanwhile")
    work.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
    release = subject.release({"old": None, "new": "comes\n"})
    subject.upgrade(release).ok()
    assert (subject.repository.deployed("old"), subject.repository.deployed("new")) == (None, "comes\n")
    subject.run("abort").ok()
    assert subject.repository.deployed("old") == "stays\n"
    assert_taken_back(subject, release, previous, deployed=True)
    assert first in [entry["release"] for entry in subject.facts()["history"]]


@pytest.mark.slow
def test_given_up_without_touching_git(running):
    subject, previous = running
    release = subject.release()
    candidate = wait_for_approval(subject, release)
    head = subject.branch_head()
    run = subject.run("abort", inmanta_model_abort_revert=False).ok()
    assert "was given up" in run.text and "still holds it" in run.text
    assert subject.branch_head() == head
    assert candidate not in subject.versions
    assert subject.motd == previous
    assert subject.settings["auto_deploy"] is True
    assert subject.facts()["stages"] == {}


@pytest.mark.slow
def test_somebody_pushed_meanwhile(running):
    subject, previous = running
    release = subject.release()
    wait_for_approval(subject, release)
    subject.release()
    head = subject.branch_head()
    subject.run("abort").refused("branch", "has gone on since release '%s'" % release)
    assert subject.branch_head() == head
    assert subject.motd == previous
    assert subject.settings["auto_deploy"] is False


def test_difference_is_an_emergency(running):
    """Something changed a file while the release waited: the dry run is not the recorded one."""
    subject, previous = running
    release = subject.release()
    wait_for_approval(subject, release)
    (subject.repository.target / "motd").write_text("changed by hand\n", encoding="utf-8")
    subject.run("abort").refused("Emergency stop of %s" % subject.environment.name, "motd", "Contact support", "compile report", "dry run",
                                 "emergency-%s" % release)
    assert subject.described["halted"] is True
    assert subject.repository.deployed("motd") == "changed by hand\n"
    assert subject.settings["auto_deploy"] is False
    assert "emergency-%s" % release in " ".join(subject.parameters)


def test_too_many_failures_stop(running):
    """A deployment over max_failed halts the environment; abort.yml takes it back once it may resume it."""
    subject, previous = running
    release = subject.release(failing=["lost"])
    subject.upgrade(release).refused("1 failed", "more than max_failed=0 allows", "/missing/lost")
    assert subject.described["halted"] is True
    subject.run("abort").refused("halted", "inmanta_model_abort_resume")
    subject.run("abort", inmanta_model_abort_resume=True).ok()
    assert subject.described["halted"] is False
    assert_taken_back(subject, release, previous, deployed=True)


@pytest.mark.slow
def test_too_many_failures_abort(running):
    subject, previous = running
    release = subject.release(failing=["lost"])
    subject.upgrade(release, inmanta_model_on_failure="abort").refused("1 failed", "more than max_failed=0 allows", "The release was aborted")
    assert subject.described["halted"] is False
    assert_taken_back(subject, release, previous, deployed=True)


@pytest.mark.slow
def test_killed_after_the_push(running):
    """Run again after SIGKILL between the pushed revert and the compile, abort.yml finishes."""
    subject, previous = running
    release = subject.release()
    wait_for_approval(subject, release)
    head = subject.branch_head()
    process = subject.start("abort", inmanta_model_policy=EXPECT_ALL)
    for line in process.stdout:
        if "Update the project and recompile" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    process.wait()
    pushed = subject.branch_head()
    assert pushed != head
    assert subject.motd == previous
    subject.run("abort").ok()
    assert subject.branch_head() == pushed
    assert_taken_back(subject, release, previous, deployed=False)

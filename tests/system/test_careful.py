# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""deploy_careful.yml: agents deploy in their turn and not before; the disk is looked at all the time."""

from __future__ import annotations

import getpass
import grp
import os
import threading
import time

import pytest

from tests.system.killing import Point, kill_at
from tests.system.playbooks import EXPECT_ALL
from tests.system.subject import Subject, converse

AGENTS = ("a1", "a2", "a3")
ORDER = ["a2", "local", "a1"]
TURNS = ["a2", "motd", "a1", "a3"]  # the file of each agent; internal has none


class Sampler(threading.Thread):
    """Looks at the files every 10 ms, and notes every change with the time."""

    def __init__(self, repository, names):
        super().__init__(daemon=True)
        self._read = {name: lambda name=name: repository.deployed(name) for name in names}
        self._end = threading.Event()
        self.before = {name: read() for name, read in self._read.items()}
        self.now = dict(self.before)
        self.changes = []

    def run(self):
        while not self._end.wait(0.01):
            for name, read in self._read.items():
                content = read()
                if content not in (self.now[name], None, ""):  # a file that is being replaced
                    self.now[name] = content
                    self.changes.append((name, time.monotonic()))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_details):
        self._end.set()
        self.join()

    @property
    def order(self):
        """The files in the order in which they changed."""
        return [name for name, _at in self.changes]


def model(subject, text, missing=()):
    """A file on each agent, whose content is `text`, and a resource on the agent internal; a1 needs what a2 has."""
    work = subject.repository
    kind, old = work._entity, work._old_std  # pylint: disable=protected-access
    via = "" if old else ", via=mitogen::Local()"
    owner = 'owner="%s", group="%s"' % (getpass.getuser(), grp.getgrgid(os.getegid()).gr_name)
    lines = ['std::testing::NullResource(name="first", agentname="internal")']
    for name in AGENTS:
        path = work.target / "missing" / name if name in missing else work.target / name
        lines.append('%s = std::Host(name="%s", os=std::linux%s)' % (name, name, via))
        lines.append('file_%s = %s(host=%s, path="%s", content="%s", mode=644, %s, purged=false)' % (name, kind, name, path, text, owner))
    return "\n".join([*lines, "file_a1.requires = file_a2", ""])


def next_release(subject, missing=()):
    """Tag a release that changes the file of every agent."""
    return subject.release(extra_model=model(subject, "release v%d" % (subject.number + 1), missing))


def careful(subject, release, *arguments, **extra):
    """Run deploy_careful.yml."""
    return subject.run("deploy_careful", release, *arguments,
                       **dict({"inmanta_model_policy": EXPECT_ALL, "inmanta_model_careful_order": ORDER}, **extra))


@pytest.fixture(name="running")
def running_fixture(subject):
    """The subject, with every agent at work."""
    for agent in AGENTS:
        (subject.repository.target / agent).unlink(missing_ok=True)
    release = next_release(subject)
    subject.environment.deploy(timeout=300)
    assert subject.repository.deployed("a1") == "release %s" % release
    subject.api.set(subject.id, "autostart_agent_deploy_interval", "300")
    return subject


def paused(subject):
    """The agents that are paused."""
    return sorted(agent["name"] for agent in subject.api.agents(subject.id) if agent["paused"])


def test_each_agent_in_its_turn(running):
    settings = running.settings
    release = next_release(running)
    with Sampler(running.repository, TURNS) as disk:
        careful(running, release).ok()
    assert disk.order == TURNS
    assert disk.now == dict.fromkeys(TURNS, "release %s" % release) | {"motd": "release %s\n" % release}
    assert running.settings == settings and paused(running) == []
    assert running.facts()["saved"] == {} and running.facts()["history"][-1]["release"] == release
    assert running.api.by_state(running.id).keys() == {"deployed"}


@pytest.mark.slow
def test_failure_stops_the_rest_and_is_gone_on_with(running):
    settings = running.settings
    release = next_release(running, missing=["a1"])
    with Sampler(running.repository, TURNS) as disk:
        run = careful(running, release).refused("agent a1", "1 failed", "/missing/a1", "The environment was halted and its settings are back")
        time.sleep(3)
        assert disk.order == ["a2", "motd"]
        assert running.settings == settings and running.described["halted"] is True
        assert "agents" in running.facts()["saved"], run.output[-3000:]

        assert "Agents that stay paused: a1, a3" in running.run("resume").ok().text
        time.sleep(3)
        assert disk.order == ["a2", "motd"] and paused(running) == ["a1", "a3"]
        (running.repository.target / "missing").mkdir()
        careful(running, release).ok()
        assert disk.order == ["a2", "motd", "a3"]
    assert running.settings == settings and paused(running) == [] and running.facts()["saved"] == {}


@pytest.mark.slow
@pytest.mark.parametrize("point, deployed", [
    (Point("Save the agents that are held"), []),
    (Point("Switch off what deploys by itself"), []),
    (Point("Promote the candidate"), []),
    (Point("Prove that no agent deploys before its turn"), []),
    (Point("Say what the agent did"), []),
    (Point("Say what the agent did", count=2), TURNS[:1]),
    (Point("Put the saved settings back"), TURNS)])
def test_killed_and_gone_on_with(running, tmp_path, point, deployed):
    """Nothing more is deployed once the run is dead, and a plain second run ends what it began."""
    settings = running.settings
    release = next_release(running)
    with Sampler(running.repository, TURNS) as disk:
        kill_at(point, running, "deploy_careful", release, tmp_path, inmanta_model_careful_order=ORDER).wait()
        time.sleep(3)
        assert disk.order == deployed
        careful(running, release).ok()
        assert disk.order == TURNS
    assert running.settings == settings and paused(running) == [] and running.facts()["saved"] == {}
    assert list(running.versions.values()).count("active") == 1


@pytest.mark.slow
def test_killed_and_restored(running, tmp_path):
    """While the agents are being held: restore.yml puts everything back. In the halt of that: resume.yml first, as the message says."""
    settings = running.settings
    with Sampler(running.repository, TURNS) as disk:
        kill_at(Point("Promote the candidate"), running, "deploy_careful", next_release(running), tmp_path, inmanta_model_careful_order=ORDER).wait()
        assert paused(running) and running.settings["autostart_agent_deploy_interval"] == "0"
        running.run("restore").ok()
    assert running.settings == settings and paused(running) == []
    assert set(disk.order) <= set(TURNS)

    release = next_release(running)
    kill_at(Point("Resume the environment with its agents paused"), running, "deploy_careful", release, tmp_path, inmanta_model_careful_order=ORDER).wait()
    careful(running, release).refused("is halted", "resume")
    running.run("resume").ok()
    careful(running, release).ok()
    assert running.settings == settings and paused(running) == [] and running.facts()["saved"] == {}


@pytest.mark.slow
def test_a_person_looks_before_each(running):
    release = next_release(running)
    command = running.command("deploy_careful", release, inmanta_model_policy=EXPECT_ALL, inmanta_model_careful_pause=True)
    with Sampler(running.repository, TURNS) as disk:
        run = converse(command, "Type yes to activate it", "no")
    assert run.rc and "nobody said yes to internal" in run.text, run.output[-3000:]
    assert disk.order == [] and running.described["halted"] is True


@pytest.mark.slow
def test_bad_order(running):
    settings, release = running.settings, next_release(running)
    careful(running, release, inmanta_model_careful_order=["a2", "b7"]).refused("inmanta_model_careful_order: b7 have no resource in")
    assert running.described["halted"] is False and paused(running) == []
    assert dict(running.settings, auto_deploy=True) == settings


@pytest.mark.slow
def test_first_version(bed, tmp_path):
    """An environment without a version."""
    repository = bed.repository("first")
    environment = bed.environment("first", repository)
    try:
        new = Subject(environment, tmp_path)
        repository.release("v1", {"motd": "release v1\n"}, extra_model=model(new, "release v1"))
        with Sampler(repository, TURNS) as disk:
            careful(new, "v1").ok()
        assert disk.order == TURNS and new.settings["auto_deploy"] is True
    finally:
        environment.delete()

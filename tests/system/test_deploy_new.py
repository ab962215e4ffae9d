# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""deploy_new.yml: from nothing to a first version that is as expected; the disk shows what was and was not deployed."""

from __future__ import annotations

import uuid

import pytest

from tests.bed import Environment
from tests.bed.bed import AGENTS
from tests.system.killing import Point, kill_at
from tests.system.playbooks import Run
from tests.system.subject import Subject

NULLS = 3
NULL = "std::testing::NullResource"


class First(Subject):
    """An environment that is declared and not there."""

    def __init__(self, bed, directory):
        name = "first-%s" % uuid.uuid4().hex[:8]
        project = "project-%s" % name
        super().__init__(Environment("", name, "", project, bed.repository(name), "release", bed.api()), directory)
        self.declared = {"autostart_agent_deploy_interval": 300, "autostart_agent_repair_interval": "0"}
        if bed.release.era == "agents":
            self.declared.update(autostart_agent_map={agent: "local:" for agent in AGENTS}, autostart_agent_deploy_splay_time=0)
        self.file = "std::File" if self.repository._old_std else "fs::File"  # pylint: disable=protected-access
        self.expected = {"types": {self.file: 1, NULL: NULLS}}
        self.variables.update(inmanta_model_environment=name, inmanta_model_project=project)
        self.write(self.variables)
        self.number = 0

    def release(self, files=None, **options) -> str:
        """Tag the next release on the branch."""
        if self.number:
            return super().release(files, **dict({"nulls": NULLS}, **options))
        self.number = 1
        self.repository.release("v1", dict({"motd": "release v1\n"}, **(files or {})), **dict({"nulls": NULLS}, **options))
        return "v1"

    def options(self, extra):
        """The extra variables of a run."""
        return dict({"inmanta_model_new_create": True, "inmanta_model_new_settings": self.declared, "inmanta_model_new_expect": self.expected}, **extra)

    def deploy(self, release: str, *arguments: str, **extra) -> Run:
        """Run deploy_new.yml."""
        run = self.run("deploy_new", release, *arguments, **self.options(extra))
        self.find()
        return run

    @property
    def project(self):
        """The project as the orchestrator lists it; None when it is not there."""
        return next((item for item in self.api.data("GET", "/api/v2/project") if item["name"] == self.environment.project_name), None)

    def find(self):
        """Take up the environment's id, once it is made."""
        project = self.project
        if project and project["environments"]:
            self.environment.project = project["id"]
            self.id = self.environment.id = project["environments"][0]["id"]

    def delete(self):
        """Remove what was made."""
        if self.id:
            self.environment.delete()

    def proved(self, release):
        """The release is deployed, and everything is as declared."""
        assert self.motd == release and self.api.by_state(self.id) == {"deployed": self.total}
        settings = self.settings
        wanted = dict(self.declared, auto_deploy=True, server_compile=True, protected_environment=True)
        for name, value in wanted.items():
            assert settings.get(name, True) == (str(value) if name.endswith("interval") else value), name
        assert settings.get("push_on_auto_deploy", True) is True
        facts = self.facts()
        assert facts["saved"] == {} and [item["release"] for item in facts["history"]] == [release]
        assert len(self.versions) == facts["stages"]["configure"]["output"]["version"]
        assert self.parameter("stagecraft.lock-%s" % self.id) is None

    @property
    def total(self):
        """Number of resources that are expected."""
        return sum(self.expected["types"].values())


@pytest.fixture(scope="module", name="other")
def other_fixture(bed):
    """An environment by which the server tells its settings."""
    made = bed.environment("other-%s" % uuid.uuid4().hex[:8], bed.repository())
    yield made
    made.delete()


@pytest.fixture(name="first")
def first_fixture(bed, other, tmp_path):
    """An environment that is declared and not there; removed at the end."""
    made = First(bed, tmp_path)
    yield made
    made.delete()


def test_from_nothing(first, tmp_path):
    """Check mode, then a version that nobody expects, then one that is deployed; after that nothing is left to do."""
    release = first.release()
    shown = first.deploy(release, "--check", "--diff").ok().text
    assert "%s: would be made" % first.environment.name in shown and "protected_environment: false -> true" in shown
    assert 'autostart_agent_deploy_interval: 600 -> 300' in shown
    assert first.project is None and first.motd is None

    run = first.deploy(release, inmanta_model_new_expect={"types": {first.file: 2}})
    run.refused("is not as expected: %s: 2 expected, 1 found; not expected: %s[" % (first.file, NULL), "Found: 1 %s, 3 %s" % (first.file, NULL),
                "Nothing was deployed, and auto_deploy stays off", "deploy_new.yml again")
    assert first.motd is None and first.api.by_state(first.id) == {} and first.settings["auto_deploy"] is False
    assert set(first.versions.values()) == {"candidate"}, "one compile, one version"

    run = first.deploy(release, inmanta_model_report_directory=str(tmp_path)).ok()
    assert "Settings as declared" in run.text and "As expected: " in run.text
    first.proved(release)
    assert "the first version is as expected" in (tmp_path / ("target-%s.md" % release)).read_text(encoding="utf-8")

    before = first.everything()
    assert "nothing to do" in first.deploy(release).ok().text
    assert first.everything() == before
    first.deploy(first.release(push_branch=False), inmanta_model_push=True).refused("deployed, which is not the first version of v2", "upgrade.yml")
    assert first.everything()["versions"] == before["versions"] and first.motd == release


@pytest.mark.slow
def test_too_many_failures(first):
    """A failure halts the environment; when it is mended and resumed, the next run goes on."""
    release = first.release(failing=["lost"])
    first.expected["types"][first.file] = 2
    first.deploy(release, stages_run=["build", "stage", "install"]).ok()
    checked = first.deploy(release, "--check").ok().text
    assert "no version is active" in checked and "As expected: 2 %s" % first.file in checked and first.motd is None

    first.deploy(release).refused("1 failed", "more than max_failed=0 allows", "The environment was halted", "resume.yml", "deploy_new.yml again",
                                  "Its resources now: {")
    assert first.described["halted"] is True and first.settings["auto_deploy"] is False
    first.deploy(release).refused("is halted")

    (first.repository.target / "missing").mkdir()
    first.run("resume").ok()
    first.deploy(release).ok()
    first.proved(release)
    assert first.repository.deployed("missing/lost") == "never deployed"


BEGUN, ENDED = Point("Read which stages the environment lacks"), Point("Switch auto_deploy to what is declared")


@pytest.mark.slow
@pytest.mark.parametrize("point, on_disk", [
    (BEGUN, False),
    (Point("Set the environment up as declared"), False),
    (Point("Update the project and recompile", line="compile: (?!sent|queued)"), False),
    (Point("Judge them by what is expected"), False),
    (Point("Deploy the version", line=r" v\d+: "), None),
    (ENDED, True),
])
def test_killed(first, tmp_path, point, on_disk):
    release = first.release()
    kill_at(point, first, "deploy_new", release, tmp_path, **first.options({})).wait()
    first.find()
    assert on_disk is None or (first.motd == release) is on_disk
    # Up to release 14 a setting that nobody has set or read is not listed.
    assert first.settings.get("auto_deploy", True) is (point in (BEGUN, ENDED))
    first.deploy(release).ok()
    assert first.motd == release
    assert first.settings["auto_deploy"] is True and first.settings["protected_environment"] is True
    assert first.facts()["saved"] == {} and [item["release"] for item in first.facts()["history"]] == [release]
    assert list(first.versions.values()).count("active") == 1 and "retired" not in first.versions.values()


BAD = {
    "setting": ({"inmanta_model_new_settings": {"auto_deply": True}}, ["settings: 'auto_deply' is not a setting", "Did you mean auto_deploy"]),
    "value": ({"inmanta_model_new_settings": {"auto_deploy": "perhaps"}}, ["settings.auto_deploy: 'perhaps' is not a bool"]),
    "type": ({"inmanta_model_new_expect": {"types": {"nowhere::File": 1}}}, ["'nowhere::File' is of the module nowhere", "Its modules are"]),
    "nothing": ({"inmanta_model_new_expect": {}}, ["expects nothing, so nothing could be deployed"]),
    "shape": ({"inmanta_model_new_expect": {"types": ["fs::File"]}}, ["is not a mapping of types and numbers"]),
    "number": ({"inmanta_model_new_expect": {"types": {"std::File": "many"}}}, ["expect.types.std::File: 'many' is not a number of resources"]),
    "compile": ({"inmanta_model_new_settings": {"server_compile": False}}, ["server_compile: is false"]),
    "protection": ({"inmanta_model_new_settings": {"protected_environment": False}}, ["protected_environment: is false", "ignore"]),
    "not asked": ({"inmanta_model_new_create": False}, ["is not an environment of", "inmanta_model_new_create: true"]),
    "abort": ({"inmanta_model_on_failure": "abort"}, ["no release to go back to"]),
    "release": ({"inmanta_model_release": "v7"}, ["'v7' is not a tag"]),
}


@pytest.mark.parametrize("case", ["setting", "type", *(pytest.param(name, marks=pytest.mark.slow) for name in BAD if name not in ("setting", "type"))])
def test_bad_input_comes_before_the_first_write(first, case):
    given, texts = BAD[case]
    release = first.release()
    first.deploy(None if case == "release" else release, **given).refused(*texts)
    assert first.project is None


@pytest.mark.slow
def test_what_the_project_declares(bed, first):
    """Settings in project.yml that differ, or would deploy at once, are found before anything is made."""
    first.deploy(first.release(settings={"autostart_agent_deploy_interval": "60"})).refused(
        "project.yml at v1 declares other values: autostart_agent_deploy_interval (60 there, 300 here)")
    first.deploy(first.release(settings={"auto_deploy": True})).refused("project.yml at v2 switches auto_deploy on")
    assert first.project is None
    if bed.release.era != "agents":
        release = first.release(settings={"autostart_agent_deploy_interval": "300"})
        first.deploy(release).ok()
        first.proved(release)


@pytest.mark.slow
def test_an_environment_that_runs_is_refused(first, subject):
    release = subject.release()
    before = subject.everything()
    subject.run("deploy_new", release, inmanta_model_new_expect=first.expected).refused("has v", "upgrade.yml")
    assert subject.everything() == before

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project release with the real ``inmanta`` command of each orchestrator release, and real git."""

from __future__ import annotations

import pytest

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.freezing import freeze
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import inmanta_project_freeze as module
from tests.system.projects import DevelopedProject, Workshop, environment, wanted_release
from tests.unit.inmanta.loopback import Answer, Loopback

LAYOUT = """\
# The model of the north region
name: north   # also the name on the orchestrator

modulepath: libs
requires:
    # what everything is built on
    - std >= 4, < 9   # not the next one
    - "acme"
pip:
    index_url: %(index)s  # ours
    use_system_config: false
# the end
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A virtual environment with the modules of the orchestrator's release and one of our own."""
    try:
        made = Workshop(tmp_path_factory.mktemp("workshop"), wanted_release())
    except LookupError as reason:
        pytest.skip(str(reason))
    for version in ("1.1.0", "1.2.0"):
        made.publish("acme", version)
    made.install("inmanta-module-acme==1.2.0")
    return made


@pytest.fixture(autouse=True)
def own_settings(monkeypatch):
    """No settings of this machine for pip and git."""
    for name, value in environment().items():
        if name.startswith(("PIP_", "GIT_")):
            monkeypatch.setenv(name, value)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(workshop, tmp_path):
    """A project that asks for two modules; the third comes with one of them on newer releases."""
    made = DevelopedProject(tmp_path, workshop)
    imports = "".join("import %s\n" % name for name in sorted(workshop.release.modules)) + "import acme\n"
    made.commit(project_yml=LAYOUT % {"index": workshop.index.as_uri()}, main_cf=imports, _gitignore="libs/\n",
                requirements_txt="inmanta-module-acme~=1.1  # ours\n")
    return made


def pinned(workshop, **more):
    """What everything is frozen to."""
    versions = dict(workshop.release.modules, acme="1.2.0", **more)
    return {name: "%s == %s" % (name, version) for name, version in versions.items()}


def frozen_text(workshop):
    """project.yml with the pins put in by hand."""
    pins = pinned(workshop)
    added = "".join("\n    - " + pins[name] for name in sorted(set(pins) - {"std", "acme"}))
    text = LAYOUT % {"index": workshop.index.as_uri()}
    return text.replace("std >= 4, < 9", pins["std"]).replace('"acme"', '"%s"%s' % (pins["acme"], added))


def test_released_once(project, workshop):
    """Check mode shows the freeze and changes nothing; the run commits, tags and pushes; the next one finds nothing to do."""
    before = project.everything()
    looked = project.release("v36-1", "--check", "--diff").ok()
    assert "+    - \"acme == 1.2.0\"" in looked.output and "-    - \"acme\"" in looked.output
    assert project.everything() == before
    project.release("v36-1").ok()
    assert project.git("show", "v36-1:project.yml", directory=project.origin) + "\n" == frozen_text(workshop)
    assert (project.work / "project.yml").read_text() == frozen_text(workshop)
    heads = [project.git("rev-parse", "v36-1^{commit}", "refs/heads/release", directory=place).split() for place in (project.work, project.origin)]
    assert len(set(sum(heads, []))) == 1 and project.git("status", "--porcelain") == ""
    assert project.git("log", "-1", "--format=%an %s") == "Dev Freeze the modules for v36-1"
    assert project.git("rev-parse", "HEAD^") == before["head"] and project.git("cat-file", "-t", "v36-1") == "tag"
    assert project.git("rev-parse", "origin/release") == project.git("rev-parse", "HEAD")
    made = project.git("rev-parse", "HEAD")
    assert "nothing was left to freeze" in project.release("v36-2").ok().text
    assert project.git("rev-parse", "v36-2^{commit}", "HEAD", "refs/heads/release", directory=project.origin).split() == [made] * 3


def test_release_record(project):
    """A late notice is refused with everything as it was; why it was overridden is in the tag, and in what is announced."""
    notice = {"name": "mail to the users", "lead_working_days": 2}
    record = {"release": "v36-1", "crew_chief": "Ada Example", "driver": "Bob Example", "change_ticket": "CHG-4711", "notices": [notice],
              "window": {"start": "2020-01-31 22:00", "end": "2090-01-31 23:00", "time_zone": "Europe/Brussels"}}
    with Loopback(Answer(204)) as chat:
        given = {"release_announce_record": record, "release_announce_webhooks": [{"url": chat.url}]}
        before = project.everything()
        project.release("v36-1", **given).refused("notices[0] 'mail to the users': is late: it is not sent")
        assert project.everything() == before and chat.seen == []
        project.release("v36-1", release_announce_override="the board agreed by phone", **given).ok()
        project.release("v36-1", release_announce_override="the board agreed by phone", inmanta_project_release_branch="nowhere", **given).refused("nowhere")
    assert [seen["body"]["event"] for seen in chat.seen] == ["start", "success", "start", "failure"]
    assert "nowhere" in chat.seen[3]["body"]["cause"] and chat.seen[1]["body"]["override"] == "the board agreed by phone"
    message = project.git("tag", "--list", "--format=%(contents)", "v36-1", directory=project.origin)
    assert message.startswith("Release v36-1\n\nThe release record was overridden because: the board agreed by phone. notices[0] 'mail to the users': is late")


def test_pushed_by_somebody_else(project):
    """Refused before anything is frozen, with the tree as it was; taken in, the release is made."""
    other = project.work.parent / "other"
    project.git("clone", "--quiet", project.origin, other)
    (other / "main.cf").write_text((other / "main.cf").read_text() + "# theirs\n")
    project.git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "--all", "-m", "Theirs", directory=other)
    project.git("push", "--quiet", directory=other)
    before = project.everything()
    project.release("v1").refused("branch: 'release' was moved in the repository by somebody else", "git pull")
    assert project.everything() == before


@pytest.fixture
def frozen(project, workshop):
    """Freezes the project, and looks that it only looked."""
    def run(**options):
        before = project.everything()
        try:
            return freeze(str(project.work), str(workshop.virtualenv), **options)
        finally:
            assert project.everything() == before
    return run


def test_what_is_frozen(project, workshop, frozen):
    """Every module with its version, the ones that were not named apart; the command's own cache is gone."""
    found = frozen(expected={"acme": "1.2.0"})
    assert found["text"] == frozen_text(workshop) and found["changed"]
    assert found["requires"] == sorted(pinned(workshop).values())
    assert found["requires_before"] == ["std >= 4, < 9", "acme"]
    assert found["added"] == sorted(set(workshop.release.modules) - {"std"})
    assert {(item["generation"], item["source"], item["tag"]) for item in found["modules"]} == {("v2", None, None)}
    assert found["indexes"] == [workshop.index.as_uri()]
    assert not (project.work / ".cfcache").exists()


def test_frozen_without_a_release(project, workshop):
    """The module by itself writes the file, and leaves the rest to whoever called it."""
    given = dict(path=str(project.work), virtualenv=str(workshop.virtualenv))
    params = ArgumentSpecValidator(module.SPEC["argument_spec"]).validate(given).validated_parameters
    assert module.execute(Call(params))["changed"]
    assert (project.work / "project.yml").read_text() == frozen_text(workshop)
    assert project.git("status", "--porcelain") == "M project.yml"


def refused(frozen, *texts, **options):
    with pytest.raises(StagecraftError) as raised:
        frozen(**options)
    assert [text for text in texts if text not in raised.value.message] == [], raised.value.message
    assert "\n" not in raised.value.message and "Traceback" not in raised.value.message


@pytest.mark.parametrize("more, texts", [
    ("install_mode: prerelease\n", ["install_mode", "'prerelease'", "absent or 'release'"]),
    ("install_mode: master\n", ["install_mode", "'master'", "absent or 'release'"]),
    ("    pre: true\n", ["pip.pre", "True", "absent or false"]),
])
def test_mode_that_is_not_release(project, frozen, more, texts):
    """The command itself would freeze all of these."""
    project.commit(project_yml=(project.work / "project.yml").read_text() + more)
    refused(frozen, "project.yml", *texts)


def test_what_was_asked_is_not_installed(project, frozen):
    """The command of newer orchestrators freezes what is installed, whatever was asked for; the older one says what it misses."""
    project.commit(requirements_txt="inmanta-module-acme>=1.3\n")
    refused(frozen, "acme>=1.3", "version 1.2.0")


@pytest.mark.slow
def test_pre_release(project, workshop, frozen):
    workshop.publish("acme", "1.3.0rc1")
    workshop.install("inmanta-module-acme==1.3.0rc1")
    try:
        refused(frozen, "acme", "1.3.0rc1", "pre-release")
    finally:
        workshop.install("inmanta-module-acme==1.2.0")


@pytest.mark.slow
def test_model_that_does_not_load(project, frozen):
    project.commit(main_cf="import no_such_module\n")
    refused(frozen, "path", "no_such_module", "inmanta project install")


@pytest.mark.slow
def test_entry_that_the_model_does_not_import(project, frozen):
    project.commit(main_cf="import std\n")
    refused(frozen, "'acme'", "does not import")


def test_public_index_beside_our_own(project, workshop, frozen, monkeypatch):
    """What pip's own configuration adds counts when the project lets it in."""
    text = (project.work / "project.yml").read_text()
    project.commit(project_yml=text.replace("    index_url: %s  # ours\n    use_system_config: false" % workshop.index.as_uri(),
                                            "    use_system_config: true"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", workshop.index.as_uri())
    refused(frozen, "public index", workshop.index.as_uri(), "index_policy")
    assert frozen(index_policy="allow", private=["inmanta-module-acme*"])["changed"]


def tagged(project, source, tag):
    """Make a commit of what is there, and tag it."""
    project.git("init", "--quiet", source)
    project.git("add", "--all", directory=source)
    project.git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "-m", "Module", directory=source)
    project.git("tag", tag, directory=source)


def test_modules_that_are_checkouts(project, workshop, frozen, tmp_path):
    """One of the older kind in the module path, and a package that is installed from its source: each on the tag of its version."""
    first, second = project.work / "libs/mine", tmp_path / "ours"
    for name, text in {"module.yml": "name: mine\nlicense: ASL 2.0\nversion: 0.3.1\n", "model/_init.cf": "", "plugins/__init__.py": ""}.items():
        (first / name).parent.mkdir(parents=True, exist_ok=True)
        (first / name).write_text(text)
    workshop.edit("ours", "2.0.0", second)
    try:
        project.commit(main_cf="import std\nimport acme\nimport mine\nimport ours\n")
        tagged(project, first, "0.3.1")
        tagged(project, second, "1.9.0")
        refused(frozen, "ours", str(second), "is not at the tag of its version 2.0.0", "1.9.0")
        project.git("tag", "v2.0.0", directory=second)
        found = [item for item in frozen()["modules"] if item["name"] in ("mine", "ours")]
        assert found == [{"name": "mine", "version": "0.3.1", "generation": "v1", "source": str(first), "tag": "0.3.1"},
                         {"name": "ours", "version": "2.0.0", "generation": "v2", "source": str(second), "tag": "v2.0.0"}]
    finally:
        workshop.forget("ours")

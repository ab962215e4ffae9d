# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Input that cannot be used gets one paragraph with field, value and remedy, and the environment is as it was."""

from __future__ import annotations

import json
import re
import uuid
from http.server import BaseHTTPRequestHandler

import pytest

from tests.bed.network import free_port
from tests.serving import Quiet, WebServer
from tests.system.playbooks import EXPECT_ALL
from tests.system.subject import Subject

NOBODY = str(uuid.UUID(int=7))
KEPT = ("settings", "environment", "versions", "compiles", "refs", "files")
FATAL = re.compile(r"^fatal: \[[^]]+\]: FAILED! => (\{.*\})$", re.MULTILINE)


def complaint(run):
    """The one message that a refused run ends with."""
    assert run.rc != 0, run.output[-3000:]
    messages = {json.loads(found)["msg"] for found in FATAL.findall(run.output)}
    assert len(messages) == 1, run.output[-5000:]
    message = messages.pop()
    # Ansible's own check of a role's arguments has a heading.
    assert "\n" not in message.replace("Validation of arguments failed:\n", "").strip()
    assert not [word for word in ("Traceback", "object has no attribute", "is undefined", "non-zero return") if word in message]
    return message


def assert_refused(subject, run, texts):
    """One paragraph with all of the texts."""
    message = complaint(run)
    assert [text for text in texts if text not in message] == [], message


def assert_unchanged(subject, before):
    """Everything is as it was, but for the collection's own notes."""
    after = subject.everything()
    assert {key: after[key] for key in KEPT} == {key: before[key] for key in KEPT}


@pytest.fixture
def unchanged(subject):
    """The environment, of which nothing but the collection's own notes may differ after the test."""
    before = subject.everything()
    yield subject
    assert_unchanged(subject, before)
    assert json.loads(subject.parameter("stagecraft.facts") or '{"units": {}}')["units"].get(subject.id, {}).get("saved", {}) == {}


@pytest.fixture(scope="module")
def not_an_orchestrator():
    """url of a web server that answers every request with a page."""
    class Pages(Quiet, BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html><body>It works!</body></html>")

    with WebServer(Pages) as server:
        yield server.url


def test_unreachable_url(unchanged):
    url = "http://127.0.0.1:%d" % free_port()
    assert_refused(unchanged, unchanged.run("upgrade", "v1", inmanta_model_url=url, inmanta_model_retries=1), ["url", url])


def test_url_of_something_else(unchanged, not_an_orchestrator):
    run = unchanged.run("upgrade", "v1", inmanta_model_url=not_an_orchestrator)
    assert_refused(unchanged, run, ["url", not_an_orchestrator, "orchestrator"])


VALUES = {
    "url without scheme": ({"inmanta_model_url": "localhost:8888"}, ["url", "localhost:8888", "http"]),
    "unknown UUID": ({"inmanta_model_environment": NOBODY}, ["environment", NOBODY, "Check the UUID"]),
    "unknown name": ({"inmanta_model_environment": "nowhere"}, ["environment", "nowhere", "Choose one of"]),
    "unknown project": ({"inmanta_model_environment": "nowhere", "inmanta_model_project": "none"}, ["project", "none", "Choose one of"]),
    "no repository": ({"inmanta_model_git_url": "/srv/none.git"}, ["repository", "/srv/none.git"]),
    "no branch": ({"inmanta_model_branch": "none"}, ["branch", "none"]),
    "no tag": ({"inmanta_model_release": "v999"}, ["release", "v999"]),
    "no release": ({"inmanta_model_release": ""}, ["inmanta_model_release"]),
    "unknown key of a policy": ({"inmanta_model_policy": {"ruels": []}}, ["policy", "ruels", "rules"]),
    "policy with bad JMESPath": ({"inmanta_model_policy": {"rules": [{"match": "resource =="}]}}, ["match", "resource =="]),
    "no policy file": ({"inmanta_model_policy": "/srv/none.yml"}, ["policy", "/srv/none.yml"]),
    "no digest": ({"inmanta_model_approve": "sha256:12ab"}, ["approve", "sha256:12ab", "Copy the digest"]),
    "no expiry": ({"inmanta_model_approve": [{"digest": "sha256:" + "0" * 64, "expires": "tomorrow"}]}, ["expires", "tomorrow", "date"]),
    "unknown stage": ({"stages_force": ["instal"]}, ["force", "instal", "install"]),
    "unknown choice": ({"inmanta_model_protect": "yes"}, ["inmanta_model_protect", "enforce"]),
    "not a number": ({"inmanta_model_max_failed": "some"}, ["inmanta_model_max_failed", "some"]),
}


@pytest.mark.parametrize("case", list(VALUES))
def test_value(unchanged, case):
    variables, texts = VALUES[case]
    assert_refused(unchanged, unchanged.run("upgrade", **dict({"inmanta_model_release": "v1"}, **variables)), texts)


@pytest.mark.parametrize("text, texts", [
    ("rules:\n  - actoins: [added]\n", ["actoins", "actions"]),
    ("rules:\n  - match: \"starts_with(resource\"\n", ["match", "starts_with(resource"]),
    ("rules: [\n", ["policy.yml"]),
])
def test_policy_file(unchanged, text, texts):
    path = unchanged.directory / "policy.yml"
    path.write_text(text, encoding="utf-8")
    assert_refused(unchanged, unchanged.run("upgrade", "v1", inmanta_model_policy=str(path)), ["policy", *texts])


@pytest.mark.parametrize("options, texts", [
    ({"push_branch": False}, ["branch", "inmanta_model_push"]),
    ({"frozen": False}, ["inmanta_model_release", "==", "inmanta_model_require_released"]),
    ({"extra_project": "install_mode: prerelease\n"}, ["inmanta_model_release", "install_mode", "inmanta_model_require_released"]),
])
def test_release(subject, options, texts):
    release = subject.release(**options)
    before = subject.everything()
    assert_refused(subject, subject.upgrade(release), [release, *texts])
    assert_unchanged(subject, before)


def test_other_repository(subject):
    """The repository that the inventory declares is there, and it is not the one that the environment has."""
    release, other = subject.release(), "file://%s" % subject.repository.url
    before = subject.everything()
    run = subject.upgrade(release, inmanta_model_repository=other)
    assert_refused(subject, run, ["inmanta_model_repository", other, subject.repository.url, "Correct the inventory"])
    assert_unchanged(subject, before)


def test_server_compile_off(subject):
    subject.api.set(subject.id, "server_compile", False)
    before = subject.everything()
    assert_refused(subject, subject.upgrade("v1"), ["server_compile", "off", "Switch it on"])
    assert_unchanged(subject, before)


def test_halted(subject):
    subject.api.call("POST", "/api/v2/actions/environment/halt", env=subject.id)
    before = subject.everything()
    assert_refused(subject, subject.upgrade("v1"), [subject.environment.name, "halted", "resume"])
    assert_unchanged(subject, before)


def test_repository_of_the_environment_is_gone(subject):
    """The inventory and the orchestrator agree on a repository that does not exist."""
    gone = str(subject.directory / "gone.git")
    subject.declare(gone, "release")
    subject.write(dict(subject.variables, inmanta_model_repository=gone))
    before = subject.everything()
    assert_refused(subject, subject.upgrade("v1"), ["repository", gone])
    assert_unchanged(subject, before)


def test_model_that_does_not_compile(subject):
    """The error names the place in the model; the settings are back; the next, good release is deployed."""
    before = subject.everything()
    release = subject.release(broken="name")
    assert_refused(subject, subject.upgrade(release), ["does_not_exist", "main.cf"])
    assert subject.settings == before["settings"]
    assert subject.facts()["saved"] == {}
    assert subject.motd == before["files"]["motd"].split()[-1]
    good = subject.release()
    subject.upgrade(good).ok()
    assert subject.motd == good


CORRUPT = {
    "no JSON": "{not json",
    "other schema": '{"schema": 99, "units": {}}',
    "units are a list": '{"schema": 1, "units": []}',
}


@pytest.mark.parametrize("case", list(CORRUPT))
def test_corrupt_parameter(unchanged, case):
    unchanged.write_parameter("stagecraft.facts", CORRUPT[case])
    try:
        assert_refused(unchanged, unchanged.upgrade("v1"), ["stagecraft.facts"])
        assert unchanged.parameter("stagecraft.facts") == CORRUPT[case]
    finally:
        unchanged.write_parameter("stagecraft.facts", "")


@pytest.mark.parametrize("case", list(CORRUPT))
def test_corrupt_file(unchanged, tmp_path, case):
    facts = tmp_path / "stagecraft.fact"
    facts.write_text(CORRUPT[case], encoding="utf-8")
    unchanged.write(dict(unchanged.variables, ansible_connection="local", inmanta_model_backend="file", inmanta_model_facts_path=str(facts),
                         inmanta_model_journal_path=str(tmp_path / "journal.jsonl"), inmanta_model_state_directory=str(tmp_path / "state")))
    assert_refused(unchanged, unchanged.upgrade("v1"), [str(facts)])
    assert facts.read_text(encoding="utf-8") == CORRUPT[case]


@pytest.mark.parametrize("playbook", ["upgrade", "abort", "restore"])
def test_declared_twice(unchanged, playbook):
    unchanged.write(unchanged.variables, unchanged.variables)
    run = unchanged.run(playbook, "v1")
    run.refused("inmanta_model_environment", unchanged.id, "target2", "keep one of these hosts")


def test_declared_once_by_name(unchanged):
    """The same environment by its UUID and by its name."""
    unchanged.write(unchanged.variables, dict(unchanged.variables, inmanta_model_environment=unchanged.environment.name))
    unchanged.run("upgrade", "v1").refused("inmanta_model_environment", unchanged.id, "keep one of these hosts")


@pytest.mark.parametrize("playbook", ["upgrade", "abort", "status", "restore"])
def test_empty_group(unchanged, playbook):
    unchanged.inventory.write_text(json.dumps({"inmanta_environments": {"hosts": {}}}), encoding="utf-8")
    assert_refused(unchanged, unchanged.run(playbook, "v1"), ["inmanta_model_targets", "inmanta_environments"])


SETTINGS = """
- hosts: inmanta_environments
  gather_facts: false
  tasks:
    - name: Set
      stagecraft.release.inmanta_settings:
        url: "{{ inmanta_model_url }}"
        environment: "{{ inmanta_model_environment }}"
        settings: "{{ wanted }}"
        unsupported: fail
"""


@pytest.mark.parametrize("wanted, texts", [
    ({"auto_deploy": False, "auto_depoly": True}, ["auto_depoly", "auto_deploy"]),
    ({"auto_deploy": False, "server_compile": "maybe"}, ["server_compile", "maybe", "bool"]),
    ({"auto_deploy": False, "available_versions_to_keep": "many"}, ["available_versions_to_keep", "many"]),
])
def test_settings(unchanged, wanted, texts):
    path = unchanged.directory / "settings.yml"
    path.write_text(SETTINGS, encoding="utf-8")
    assert_refused(unchanged, unchanged.run(str(path), wanted=wanted), texts)


@pytest.fixture(scope="module")
def guarded(secured_bed, tmp_path_factory):
    """An environment on a server with TLS that wants tokens; nothing is deployed there."""
    repository = secured_bed.repository()
    repository.release("v1", {"motd": "release v1\n"})
    environment = secured_bed.environment("guarded-%s" % uuid.uuid4().hex[:6], repository)
    subject = Subject(environment, tmp_path_factory.mktemp("guarded"))
    subject.variables["inmanta_model_ca_path"] = str(secured_bed.server.ca)
    yield subject
    environment.delete()


@pytest.mark.parametrize("case, texts", [
    ("none", ["token"]),
    ("garbage", ["token"]),
    ("expired", ["token", "expired"]),
    ("of another environment", ["token", "environment"]),
    ("with a name", ["environment", "UUID"]),
])
def test_token(guarded, secured_bed, case, texts):
    server = secured_bed.server
    token = {"none": "", "garbage": "abc.def.ghi", "expired": server.token(guarded.id, expire=-60),
             "of another environment": server.token(NOBODY), "with a name": server.token(guarded.id)}[case]
    variables = dict(guarded.variables, inmanta_model_token=token)
    if case == "with a name":
        variables["inmanta_model_environment"] = guarded.environment.name
    guarded.write(variables)
    before = guarded.settings
    run = guarded.run("upgrade", "v1", inmanta_model_policy=EXPECT_ALL)
    assert_refused(guarded, run, texts)
    assert guarded.settings == before
    assert not token or token not in run.output


@pytest.mark.parametrize("variables, texts", [
    ({"inmanta_model_ca_path": ""}, ["ca_path"]),
    ({"inmanta_model_ca_path": "/srv/none.crt"}, ["ca_path", "/srv/none.crt"]),
    ({"inmanta_model_username": "nobody", "inmanta_model_password": "not this one"}, ["username", "nobody"]),
])
def test_connection(guarded, variables, texts):
    guarded.write(dict(guarded.variables, **variables))
    run = guarded.run("upgrade", "v1")
    assert_refused(guarded, run, texts)
    assert "not this one" not in run.output

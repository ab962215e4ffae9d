# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reaching repositories: what git is told, what can go wrong and what the operator reads then."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from urllib.parse import quote

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import failures
from ansible_collections.stagecraft.release.plugins.module_utils.repository.branch import bring_to_release, revert_to
from ansible_collections.stagecraft.release.plugins.module_utils.repository.clone import Clone
from ansible_collections.stagecraft.release.plugins.module_utils.repository.git import Git, environment
from ansible_collections.stagecraft.release.plugins.module_utils.repository.names import Repository
from ansible_collections.stagecraft.release.plugins.module_utils.repository.process import Finished
from ansible_collections.stagecraft.release.plugins.module_utils.repository.release import inspect
from ansible_collections.stagecraft.release.tests.unit.repository import gitserver


def read(url, release="v2", branch="release", timeout=60):
    return inspect(str(url), release, branch, timeout=timeout)


def program(path, script):
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return str(path)


def with_password(place, name="origin"):
    return "http://%s:%s@%s/%s.git" % (gitserver.USER, quote(gitserver.PASSWORD, safe=""), place, name)


def test_branch_that_is_not_there_names_those_that_are(project):
    with pytest.raises(InputError, match=r"branch: 'main' is not a branch of .*\(there: release\)"):
        read(project.url, branch="main")


def test_tag_that_is_not_there_names_those_that_are(project):
    with pytest.raises(InputError, match=r"release: 'v3' is not a tag of .*\(v., v.\)"):
        read(project.url, release="v3")


def test_a_branch_is_no_tag(project):
    with pytest.raises(InputError, match="release: 'release' is not a tag"):
        read(project.url, release="release")


def test_many_tags_are_cut(project):
    project.git("tag", "-d", "v1")
    for number in range(12):
        project.git("tag", "x%d" % number)
    project.git("push", "--quiet", "--tags", "origin")
    with pytest.raises(InputError, match=r"\.\.\. 6 more"):
        read(project.url, release="v3")


def test_tag_of_something_that_is_no_commit(project):
    project.git("tag", "blob", "HEAD:main.cf")
    project.push("refs/tags/blob")
    with pytest.raises(InputError, match="release: 'blob' is a tag of .* that names no commit"):
        read(project.url, release="blob")


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_repository_that_is_not_there(tmp_path, prefix):
    with pytest.raises(InputError, match="repository: .*nowhere.* is not there"):
        read("%s%s/nowhere" % (prefix, tmp_path))


def test_empty_repository_has_no_branch(tmp_path):
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "empty")], check=True)
    with pytest.raises(InputError, match="branch: 'release' is not a branch .*there: none"):
        read(tmp_path / "empty")


def test_port_where_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputError, match="repository: .* could not be reached .*connect"):
        read("http://u:s3cret@127.0.0.1:%d/x" % port)


@pytest.mark.parametrize("scheme", ["http", "git"])
def test_server_that_does_not_answer(scheme):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begun = time.monotonic()
        with pytest.raises(InputError, match="did not answer within 1 s"):
            read("%s://127.0.0.1:%d/x" % (scheme, silent.getsockname()[1]), timeout=1)
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Host key verification failed.", "the host key of its server is not known"),
        ("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", "the host key of its server is not known"),
        ("git@h: Permission denied (publickey).", "the authentication failed"),
        ("ERROR: Repository not found.", "is not there"),
        ("fatal: '/x' does not appear to be a git repository", "is not there"),
        ("ssh: connect to host h port 22: No route to host", "could not be reached .*No route to host"),
        ("ssh: Could not resolve hostname h: Name or service not known", "could not be reached .*Could not resolve"),
    ],
)
@pytest.mark.parametrize("url", ["git@h.example.com:x", "ssh://git@h.example.com/x"])
def test_what_ssh_says(tmp_path, monkeypatch, said, told, url):
    monkeypatch.setenv("GIT_SSH_COMMAND", program(tmp_path / "ssh", 'echo "%s" >&2; exit 255\n' % said))
    with pytest.raises(InputError, match="repository: .*" + told):
        read(url)


@pytest.mark.parametrize("own", [False, True])
def test_ssh_never_asks_unless_told_otherwise(tmp_path, monkeypatch, own):
    """A stand-in for ssh in PATH records its arguments; core.sshCommand of the operator is left alone."""
    program(tmp_path / "ssh", 'echo "$@" >%s/args; exit 255\n' % tmp_path)
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path, os.environ["PATH"]))
    if own:
        (tmp_path / "gitconfig").write_text("[core]\n\tsshCommand = ssh -oMine=1\n")
    with pytest.raises(InputError):
        read("git@h.example.com:x")
    args = (tmp_path / "args").read_text()
    assert ("-oBatchMode=yes" in args, "-oMine=1" in args) == (not own, own)


def test_ssh_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_SSH_COMMAND", str(tmp_path / "no-ssh"))
    with pytest.raises(InputError, match="repository: .*a program that git needs was not found"):
        read("git@h.example.com:x")


def test_git_that_is_not_installed(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "copies"))
    with pytest.raises(StagecraftError, match="git is not installed on the controller"):
        read(project.url)


def test_no_room_for_a_copy(project, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    with pytest.raises(StagecraftError, match="No temporary directory"):
        Clone(project.url).__enter__()


def test_http_with_credentials_reads_and_pushes(at_v2, tmp_path):
    (at_v2.origin / "config").open("a").write("[http]\n\treceivepack = true\n")
    with gitserver.serving(tmp_path) as place:
        assert read(with_password(place))["branch"]["at_release"]
        assert revert_to(with_password(place), "release", "v2", "v1")["changed"]
    assert at_v2.tree("release") == at_v2.tree("v1")


def test_http_rejection_that_repeats_the_password(project, tmp_path):
    (project.origin / "config").open("a").write("[http]\n\treceivepack = true\n")
    project.hook("pre-receive", "echo no for '%s' >&2; exit 1\n" % gitserver.PASSWORD)
    with gitserver.serving(tmp_path) as place:
        with pytest.raises(StagecraftError, match=r"rejected: no for \*\*\*") as caught:
            bring_to_release(with_password(place), "release", "v2")
    assert gitserver.PASSWORD not in caught.value.message


@pytest.mark.parametrize("credentials", ["", "op:wr0ng@", "wr0ng@"])
def test_http_without_the_right_credentials(project, tmp_path, credentials):
    with gitserver.serving(tmp_path) as place:
        with pytest.raises(InputError, match="repository: .*the authentication failed") as caught:
            read("http://%s%s/origin.git" % (credentials, place), timeout=30)
    assert "wr0ng" not in caught.value.message


def test_http_repository_that_is_not_there(project, tmp_path):
    with gitserver.serving(tmp_path) as place:
        with pytest.raises(InputError, match="repository: .* is not there"):
            read(with_password(place, "other"))


def test_http_password_is_in_no_argument(project, tmp_path, monkeypatch):
    """Every user of a machine sees the arguments of every process."""
    real, seen = subprocess.Popen, []

    def popen(command, **options):
        seen.append((command, options["env"]))
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(InputError):
        read("http://u:s3cret@127.0.0.1:9/x")
    assert seen and not any("s3cret" in word for command, env in seen for word in command)
    assert seen[-1][1]["STAGECRAFT_GIT_PASSWORD"] == "s3cret"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_repository_of_another_user(at_v2):
    for directory, names, files in os.walk(at_v2.origin):
        for name in names + files + ["."]:
            os.chown(os.path.join(directory, name), 65534, 65534)
    assert read(at_v2.url)["branch"]["at_release"]
    assert revert_to("file://" + at_v2.url, "release", "v2", "v1")["changed"]


def test_environment_of_git(project):
    base = {
        "PATH": "/bin",
        "GIT_DIR": "/elsewhere",
        "GIT_INDEX_FILE": "x",
        "GIT_TRACE": "1",
        "GIT_CURL_VERBOSE": "1",
        "GIT_CONFIG_PARAMETERS": "'a.b=c'",
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.proxy",
        "GIT_CONFIG_VALUE_0": "p",
    }
    env = environment(Repository(project.url), base)
    assert not {"GIT_DIR", "GIT_INDEX_FILE", "GIT_TRACE", "GIT_CURL_VERBOSE", "GIT_CONFIG_PARAMETERS"} & set(env)
    assert (env["PATH"], env["GIT_SSL_NO_VERIFY"], env["GIT_CONFIG_VALUE_0"]) == ("/bin", "1", "p")
    assert (env["GIT_TERMINAL_PROMPT"], env["LC_ALL"]) == ("0", "C")
    pairs = {env["GIT_CONFIG_KEY_%d" % n]: env["GIT_CONFIG_VALUE_%d" % n] for n in range(int(env["GIT_CONFIG_COUNT"]))}
    assert (pairs["safe.directory"], pairs["protocol.ext.allow"], pairs["http.proxy"]) == ("*", "never", "p")


def test_rewriting_to_a_transport_helper_is_refused_too(tmp_path):
    (tmp_path / "gitconfig").write_text('[url "ext::touch %s/ran "]\n\tinsteadOf = https://h/\n' % tmp_path)
    with pytest.raises(InputError, match="transport 'ext' not allowed"):
        read("https://h/x")
    assert not (tmp_path / "ran").exists()


def test_inherited_git_directory_is_not_used(project, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert read(project.url)["commit"]


def test_interrupt_ends_git_and_removes_the_copy(project, monkeypatch):
    ended = []

    def communicate(self, *_args, **_kwargs):
        ended.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate)
    with pytest.raises(KeyboardInterrupt):
        read(project.url)
    assert ended[0].returncode is not None


def test_failure_of_the_copy_is_told(project):
    with Clone(project.url) as clone:
        with pytest.raises(StagecraftError, match="git cat-file failed on the temporary copy"):
            clone.git.read("cat-file", "blob", "nothing")
        with pytest.raises(StagecraftError, match="could not compare"):
            clone.is_ancestor("0" * 40, "1" * 40)


def test_text_that_is_not_utf8(project, tmp_path):
    (project.work / "project.yml").write_bytes(b"requires: [\xff]\n")
    project.commit("Broken")
    project.tag("broken")
    assert read(project.url, "broken")["problems"]


@pytest.mark.parametrize(
    ("out", "err", "told"),
    [
        ("", "remote: A\nremote: B\n", "A; B"),
        ("!\tx:y\t[rejected] (fetch first)\nDone", "hint: long", "[rejected] (fetch first)"),
        ("", "fatal: cut off", "cut off"),
        ("", "", "git gave no reason"),
    ],
)
def test_words_of_a_rejection(out, err, told):
    assert failures.refused(Finished(1, out, err)) == told


def test_limit_of_a_local_command(project, tmp_path):
    program(tmp_path / "git", "sleep 30\n")
    git = Git(Repository(project.url), str(tmp_path), 0.2)
    git.env["PATH"] = "%s:%s" % (tmp_path, git.env["PATH"])
    with pytest.raises(StagecraftError, match="git init failed"):
        git.read("init")

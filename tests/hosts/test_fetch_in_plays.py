# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action artifact_fetch in real plays: the manifest goes from the controller to the host, and artifacts too where the controller has them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.playbooks import Run, environ

FILES = {"wheels/a.whl": b"wheel", "files/one": b"same", "files/two": b"same", "files/big": b"b" * 700000, "files/rest": b"rest"}


def make(directory: Path, files: dict[str, bytes], name: str = "v2") -> Path:
    """A release directory."""
    path = directory / "shop" / name
    entries = []
    for place, content in files.items():
        (path / place).parent.mkdir(parents=True, exist_ok=True)
        (path / place).write_bytes(content)
        entries.append({"path": place, "kind": "file", "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "platform": "any",
                        "origin": "", "sets": ["default"], "mode": "0644"})
    (path / "manifest.json").write_text(json.dumps({"schema": 1, "project": "shop", "release": name, "serial": 1, "commit": "",
                                                    "created": "2026-11-21T09:00:00Z", "artifacts": entries}))
    return path


class Host:
    """This machine as a host with a store and a temporary directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = directory / "store"
        self.remote = directory / "remote"
        self.local = directory / "local"
        self.variables: dict[str, Any] = {"ansible_connection": "local", "ansible_remote_tmp": str(self.remote)}
        self.result: dict[str, Any] = {}

    def fetch(self, path: Path, *sources: str, check: bool = False, pipelining: bool = True, **more: Any) -> Run:
        """One play with one task; its result is in ``result``, and nothing temporary is left after it."""
        kept = self.directory / "verified"
        kept.mkdir(exist_ok=True)
        (kept / "manifest.json").write_bytes((path / "manifest.json").read_bytes())
        (kept / "manifest.json.sig").write_bytes(b"signed")
        options = {"manifest": str(kept), "store": str(self.store), "sources": list(sources), "reserve": 0}
        play = [{"hosts": "all", "gather_facts": False, "tasks": [
            {"stagecraft.release.artifact_fetch": dict(options, **more), "register": "fetched", "ignore_errors": True},
            {"ansible.builtin.copy": {"content": "{{ [fetched, lookup('pipe', find)] | to_json }}", "dest": str(self.directory / "result.json")},
             "vars": {"find": "find %s %s -name '*.tar'" % (self.local, self.remote)}, "check_mode": False},
            {"ansible.builtin.fail": {"msg": "{{ fetched.msg | default('') }}"}, "when": "fetched is failed"}]}]
        self.remote.mkdir(exist_ok=True)
        (self.directory / "play.json").write_text(json.dumps(play))
        (self.directory / "inventory.json").write_text(json.dumps({"all": {"hosts": {"host": self.variables}}}))
        command = ["ansible-playbook", "-i", str(self.directory / "inventory.json"), str(self.directory / "play.json")] + ["--check"] * check
        done = subprocess.run(command, env=environ(ANSIBLE_LOCAL_TEMP=str(self.local), ANSIBLE_PIPELINING=str(pipelining)), text=True, timeout=120,
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.result, left = json.loads((self.directory / "result.json").read_text())
        assert left == ""
        for temporary in (self.remote, self.local):
            assert not temporary.exists() or os.listdir(temporary) == [], "left: %s" % list(os.walk(temporary))
        return Run(done.returncode, done.stdout, 0.0)

    def staged(self, name: str = "v2") -> dict[str, bytes]:
        """The artifacts of a release in the store."""
        view = self.store / "releases" / "shop" / name
        return {place: (view / place).read_bytes() for place in FILES if (view / place).exists()}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "host")
    made.directory.mkdir()
    yield made


@pytest.mark.parametrize("pipelining", [True, False])
def test_all_from_the_controller(host: Host, tmp_path: Path, pipelining: bool) -> None:
    path = make(tmp_path / "controller", FILES)
    source = "controller:%s" % path
    host.fetch(path, source, pipelining=pipelining).ok()
    assert host.staged() == FILES
    assert (host.result["fetched"], host.result["present"], host.result["sources_used"]) == (4, 0, {source: 4})
    assert (host.store / "releases/shop/v2/manifest.json.sig").read_bytes() == b"signed"
    assert (host.store / "releases/shop/v2/manifest.json").read_bytes() == (path / "manifest.json").read_bytes()
    host.fetch(path, source, pipelining=pipelining).ok()
    assert (host.result["changed"], host.result["fetched"], host.result["present"]) == (False, 0, 4)


def test_only_what_no_source_before_had(host: Host, tmp_path: Path) -> None:
    path = make(tmp_path / "controller", FILES)
    first = make(tmp_path / "first", {"files/big": FILES["files/big"], "files/one": b"SAME"})
    (tmp_path / "second").mkdir()
    (tmp_path / "second/wheels").mkdir()
    (tmp_path / "second/wheels/a.whl").write_bytes(b"wheel")
    (path / "files/big").unlink()
    sources = [str(first), "controller:%s" % (tmp_path / "second"), "controller:%s" % path]
    run = host.fetch(path, *sources).ok()
    assert host.staged() == FILES
    assert host.result["sources_used"] == dict(zip(sources, [1, 1, 2]))
    assert (host.result["fetched"], host.result["present"], host.result["changed"]) == (4, 0, True)
    assert "%s: 1 artifacts were taken from another source" % sources[1] not in run.text


def test_a_source_after_the_controller(host: Host, tmp_path: Path) -> None:
    path = make(tmp_path / "controller", FILES)
    other = make(tmp_path / "other", FILES)
    (path / "files/rest").unlink()
    host.fetch(path, "controller:%s" % path, str(other)).ok()
    assert host.staged() == FILES
    assert host.result["sources_used"] == {"controller:%s" % path: 3, str(other): 1}


def test_check_mode_sends_nothing(host: Host, tmp_path: Path) -> None:
    path = make(tmp_path / "controller", FILES)
    host.fetch(path, "controller:%s" % path, check=True).ok()
    assert (host.result["changed"], host.result["fetched"], host.result["fetched_bytes"]) == (True, 4, 700013)
    assert not host.store.exists()


def test_what_nobody_has_is_named_with_all_that_was_asked(host: Host, tmp_path: Path) -> None:
    path = make(tmp_path / "controller", FILES)
    (path / "files/rest").write_bytes(b"REST")
    host.fetch(path, "/nowhere/at/all", "controller:%s" % path).refused(
        "1 of 4 artifacts of release v2 could not be fetched", "artifact files/rest: controller:%s has the sha256" % path,
        "The sources before: ", "/nowhere/at/all is not a directory on this host")
    assert host.staged() == {}
    assert os.listdir(host.store / "releases/shop") == []


def test_a_manifest_that_changed_since_it_was_verified(host: Host, tmp_path: Path) -> None:
    path = make(tmp_path / "controller", FILES)
    host.fetch(path, str(path), digest="sha256:" + "1" * 64).refused("manifest: digest", "is not the expected sha256:111")
    assert not host.store.exists()


@pytest.mark.parametrize("more, said", [
    ({"sources": ["controller:relative"]}, "is not a directory on the controller"),
    ({"sources": ["controller:/nowhere"]}, "is not a directory on the controller"),
    ({"sources": ["nowhere"]}, "is neither a url nor an absolute path"),
    ({"manifest": "/nowhere"}, "has no manifest.json"),
    ({"parallel": "many"}, "parallel"),
    ({"nonsense": 1}, "nonsense"),
])
def test_options_that_lead_nowhere(host: Host, tmp_path: Path, more: dict[str, Any], said: str) -> None:
    path = make(tmp_path / "controller", FILES)
    host.fetch(path, **more).refused(said)
    assert host.staged() == {}


def test_a_host_whose_disk_takes_no_tar_file(host: Host, tmp_path: Path) -> None:
    """The transfer fails; nothing stays on the host."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    path = make(tmp_path / "controller", dict(FILES, **{"files/big": os.urandom(6 << 20)}))
    host.remote.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(host.remote)], stderr=subprocess.PIPE, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        run = host.fetch(path, "controller:%s" % path)
        run.refused("No space left on device")
    finally:
        subprocess.run(["umount", "-l", str(host.remote)], check=True)
    assert host.staged() == {}

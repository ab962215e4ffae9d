# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit config_tree through the collection's playbooks, on hosts that are all this machine, each with directories of its own."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.playbooks import Run, environ

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
APPLY = """#!/bin/sh
set -e
if [ -e broken ]; then echo "the hinges of $(cat hinges.conf) are missing" >&2; exit 3; fi
cat hinges.conf >> ../../applied
"""


def command(*argv: object) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run([str(part) for part in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0, f"{argv}: {done.stdout}"
    return done.stdout.strip()


def tree(directory: Path) -> dict[str, tuple[float, bytes]]:
    """Everything below a directory: the time at which it was changed, and its content."""
    return {str(path.relative_to(directory)): (path.lstat().st_mtime, path.read_bytes() if path.is_file() else b"") for path in directory.rglob("*")}


class Host:
    """A target: its variables, and what is on it."""

    def __init__(self, directory: Path, name: str, unit: str) -> None:
        self.place = directory / name
        self.name, self.unit = name, unit
        self.root, self.facts_path = self.place / "opt", self.place / "facts.d" / "stagecraft.fact"
        self.variables: dict[str, Any] = {
            "config_tree_name": unit, "config_tree_root": str(self.root), "release_artifacts_store": str(self.place / "store"),
            "config_tree_facts_path": str(self.facts_path), "config_tree_journal_path": str(self.place / "journal.jsonl"),
            "config_tree_state_directory": str(self.place / "state")}

    @property
    def current(self) -> str:
        """Name of the tree in use."""
        return (self.root / "current").readlink().name

    @property
    def releases(self) -> list[str]:
        """Releases whose trees are there, without their digests."""
        return sorted(re.sub("-[0-9a-f]{8}$", "", path.name) for path in (self.root / "releases").iterdir())

    @property
    def applied(self) -> list[str]:
        """What the trees' own command applied, in order; read and emptied."""
        path = self.root / "applied"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    @property
    def facts(self) -> dict[str, Any]:
        """The unit's stage facts."""
        return json.loads(self.facts_path.read_text(encoding="utf-8"))["units"][self.unit]

    @property
    def ran(self) -> list[str]:
        """The stages that were run, by the journal, in order; read and emptied."""
        path = self.place / "journal.jsonl"
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        path.unlink(missing_ok=True)
        return [line["stage"] for line in lines if line.get("status") == "running"]


class Site:
    """A build host and two targets: one with the doors, from a repository, and one with the gates, from a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root, self.repository, self.files = (directory / name for name in ("releases", "repository", "files"))
        self.doors, self.gates = Host(directory, "front", "doors"), Host(directory, "back", "gates")
        self.latest, self.number = "", 0
        self.extra: list[str] = []
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "key")
        (directory / "signers").write_text("builder@example.com " + (directory / "key.pub").read_text(encoding="utf-8"), encoding="utf-8")
        command("git", "init", "-q", "-b", "main", self.repository)
        (self.files / "deep").mkdir(parents=True)
        for place in (self.repository, self.files):
            (place / "apply.sh").write_text(APPLY, encoding="utf-8")
            (place / "apply.sh").chmod(0o755)
        (self.repository / "hinges.link").symlink_to("hinges.conf")
        (self.files / "hinges.conf").write_text("g1\n", encoding="utf-8")
        (self.files / "deep" / "lock.conf").write_text("lock\n", encoding="utf-8")
        shared = {
            "ansible_connection": "local", "ansible_python_interpreter": PYTHON, "release_role": "stagecraft.release.config_tree",
            "config_tree_apply": ["./apply.sh"], "config_tree_validate": ["sh", "-n", "apply.sh"],
            "config_tree_health": [{"command": ["grep", "-q", "{{ config_tree_release }}", "{{ config_tree_root }}/current/hinges.conf"]}],
            "config_tree_health_retries": 1, "config_tree_health_delay": 0,
            "config_tree_keep_releases": ["wanted"], "release_artifacts_root": str(self.root),
            "release_artifacts_sources": [f"controller:{self.root}"], "release_artifacts_cache": str(directory / "cache"),
            "release_artifacts_sign_key": str(directory / "key"), "release_artifacts_allowed_signers": str(directory / "signers")}
        repository, files = ({"config_tree_repository": str(self.repository), "config_tree_release": "{{ doors_release }}"},
                             {"config_tree_directory": str(self.files), "config_tree_release": "g1"})
        self.inventory = {"all": {"vars": shared, "children": {
            "release_build": {"hosts": {
                "builder": dict(Host(directory, "builder", "doors").variables, **repository),
                "carpenter": dict(Host(directory, "carpenter", "gates").variables, **files)}},
            "release_targets": {"hosts": {
                "front": dict(self.doors.variables, **repository), "back": dict(self.gates.variables, **files)}}}}}

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        return command("git", "-C", self.repository, "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments)

    def tag(self, name: str = "", **files: str) -> str:
        """A new tag, with a content of its own and the given files besides; its name."""
        self.number += 1
        name = name or f"v{self.number}"
        for path in self.extra:
            (self.repository / path).unlink()
        self.extra = list(files)
        (self.repository / "hinges.conf").write_text(f"{name}\n", encoding="utf-8")
        for path, text in files.items():
            (self.repository / path).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", name)
        self.git("tag", "--force", "-a", "-m", name, name)
        return name

    def run(self, playbook: str, release: str, *arguments: str, limit: str = "builder,front", **extra: Any) -> Run:
        """Run one of the collection's playbooks with a release of the doors; for them alone unless told otherwise."""
        inventory = self.directory / "inventory.json"
        self.inventory["all"]["vars"]["doors_release"] = release
        inventory.write_text(json.dumps(self.inventory), encoding="utf-8")
        began = time.monotonic()
        done = subprocess.run(
            ["ansible-playbook", "-i", str(inventory), f"stagecraft.release.{playbook}", "--limit", limit + ",localhost", *arguments,
             "-e", json.dumps(extra)],
            env=environ(ANSIBLE_PIPELINING="1", ANSIBLE_FORKS="4"), text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def deliver(self, release: str, **extra: Any) -> Run:
        """Bring the doors to a release, which must succeed; the notes of what ran and was applied begin anew."""
        _earlier = self.doors.ran, self.doors.applied
        run = self.run("site", release, **extra).ok()
        self.latest = release
        return run

    def archive(self, release: str) -> Path:
        """The published artifact of a release of the doors."""
        return self.root / "doors" / release / "git" / "tree.tar.gz"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The doors with their first release; each test takes them to releases of its own, or leaves them where they are."""
    made = Site(tmp_path_factory.mktemp("site"))
    made.deliver(made.tag())
    return made


@pytest.fixture(scope="module")
def broken(site: Site) -> str:
    """A release that is built, and whose command to apply it fails."""
    release = site.tag(broken="yes")
    site.run("build", release).ok()
    return release


def test_a_tag_becomes_a_tree_that_is_in_use(site: Site) -> None:
    host, commit = site.doors, site.git("rev-parse", "v1^{commit}")
    published = site.root / "doors" / "v1"
    manifest = json.loads((published / "manifest.json").read_text(encoding="utf-8"))
    assert [(entry["path"], entry["commit"]) for entry in manifest["artifacts"]] == [("git/tree.tar.gz", commit)]
    assert manifest["commit"] == commit
    assert (published / "manifest.json.sig").is_file()
    made = host.root / "releases" / f"v1-{hashlib.sha256((published / 'manifest.json').read_bytes()).hexdigest()[:8]}"
    assert (host.root / "current").readlink() == made
    assert (made / "hinges.conf").read_text(encoding="utf-8") == "v1\n"
    assert (made / "hinges.link").readlink() == Path("hinges.conf")
    assert host.applied == ["v1"]
    assert [host.facts["stages"][stage]["status"] for stage in ("stage", "install", "configure")] == ["done"] * 3
    assert host.facts["history"][0]["output"]["path"] == str(made)


def test_the_next_release_lies_beside_runs_the_hooks_and_is_not_done_twice(site: Site, tmp_path: Path) -> None:
    host, before, was = site.doors, site.latest, site.doors.current
    hooks = {}
    for name in ("before_install", "after_install", "after_configure"):
        hooks[name] = str(tmp_path / f"{name}.yml")
        Path(hooks[name]).write_text(json.dumps([{
            "name": "Note the link", "ansible.builtin.shell": f"echo {name} $(basename $(readlink {host.root}/current)) >> {tmp_path}/noted"}]),
            encoding="utf-8")
    for left in ("gone-00000000", "wanted-11111111", "somebody's"):
        (host.root / "releases" / left).mkdir()
    release = site.tag()

    site.deliver(release, stages_hook_files=hooks)
    assert host.ran == ["stage", "install", "configure"]
    assert host.applied == [release]
    assert (host.root / "current" / "hinges.conf").read_text(encoding="utf-8") == f"{release}\n"
    assert (tmp_path / "noted").read_text(encoding="utf-8").split() == ["before_install", was, "after_install", was, "after_configure", host.current]
    assert host.releases == sorted([before, release, "wanted", "somebody's"])

    seen = tree(host.root), host.facts_path.read_bytes()
    again = site.deliver(release, stages_hook_files=hooks, stages_force={"gates": ["all"]})
    assert set(re.findall(r"changed=(\d+)", again.output)) == {"0"}
    assert host.ran == []
    assert (tree(host.root), host.facts_path.read_bytes()) == seen


def test_forced_stages_are_those_of_the_unit_that_is_named(site: Site) -> None:
    site.deliver(site.latest, stages_force={"doors": ["configure"], "gates": ["all"]})
    assert (site.doors.ran, site.doors.applied) == (["configure"], [site.latest])


@pytest.mark.slow
def test_verify_brings_back_artifacts_that_are_gone(site: Site) -> None:
    was, store = site.doors.current, site.doors.place / "store" / "releases" / "doors" / site.latest
    site.deliver(site.latest)
    shutil.rmtree(store)
    site.deliver(site.latest, stages_verify="fast")
    assert (site.doors.current, site.doors.ran, site.doors.applied) == (was, ["stage"], [])
    assert (store / ".complete").is_file()


def test_verify_full_finds_a_changed_file_and_the_run_mends_it(site: Site) -> None:
    host, was = site.doors, site.doors.current
    (host.root / "current" / "hinges.conf").write_text("somebody was here\n", encoding="utf-8")
    (host.root / "current" / "apply.sh").touch()
    site.deliver(site.latest, stages_verify="full")
    assert host.current == was
    assert (host.root / "current" / "hinges.conf").read_text(encoding="utf-8") == f"{site.latest}\n"
    assert (host.ran, host.applied) == (["install", "configure"], [site.latest])
    assert not [name for name in host.releases if name.startswith(".")]


def test_a_tag_that_was_moved_is_refused(site: Site) -> None:
    host, release = site.doors, site.latest
    commit = site.git("rev-parse", f"{release}^{{commit}}")
    seen = tree(host.place), tree(site.root / "doors")
    site.tag(release, extra="something else")
    try:
        moved = site.git("rev-parse", f"{release}^{{commit}}")
        site.run("site", release).refused(f"the tag {release} of {site.repository} points to {moved} now", f"built on builder from {commit}")
    finally:
        site.git("tag", "--force", "-a", "-m", "as it was", release, commit)
    assert (tree(host.place), tree(site.root / "doors")) == seen


def test_facts_that_cannot_be_read_are_an_error_and_nothing_is_touched(site: Site) -> None:
    spoilt = {name: Host(site.directory, name, "doors") for name in ("corrupt", "directory", "dangling", "newer")}
    for host in spoilt.values():
        host.facts_path.parent.mkdir(parents=True)
    spoilt["corrupt"].facts_path.write_text('{"schema": 1, "units"', encoding="utf-8")
    spoilt["directory"].facts_path.mkdir()
    spoilt["dangling"].facts_path.symlink_to("nowhere")
    spoilt["newer"].facts_path.write_text('{"schema": 99, "units": {}}', encoding="utf-8")
    seen = {name: tree(host.place) for name, host in spoilt.items()}
    hosts = site.inventory["all"]["children"]["release_targets"]["hosts"]
    hosts.update({name: dict(hosts["front"], **host.variables) for name, host in spoilt.items()})
    try:
        run = site.run("install", site.latest, limit=",".join(spoilt))
    finally:
        for name in spoilt:
            del hosts[name]
    assert run.rc == 2
    for name, said in (("corrupt", "JSON"), ("directory", "directory"), ("dangling", "link"), ("newer", "99")):
        answer = re.search(rf"fatal: \[{name}\].*", run.output)
        assert answer and str(spoilt[name].facts_path) in answer[0] and said in answer[0], run.output[-4000:]
        assert tree(spoilt[name].place) == seen[name]


def test_check_mode_tells_what_would_be_done_and_writes_nothing(site: Site, broken: str) -> None:
    seen = tree(site.doors.place), tree(site.root)
    run = site.run("site", broken, "--check").ok()
    assert f"doors on front: stage, install, configure pending for {broken}" in run.text
    assert f"1 artifacts, {site.archive(broken).stat().st_size} bytes, would be fetched" in run.text
    assert (tree(site.doors.place), tree(site.root)) == seen


def test_a_tampered_artifact_is_refused_and_the_tree_in_use_is_not_touched(site: Site, broken: str) -> None:
    host, archive = site.doors, site.archive(broken)
    seen, content = tree(host.root), archive.read_bytes()
    archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        site.run("site", broken).refused("git/tree.tar.gz", "front", "sha256")
    finally:
        archive.write_bytes(content)
    assert tree(host.root) == seen
    assert host.facts["stages"]["stage"]["status"] == "failed"
    assert not (host.place / "store" / "releases" / "doors" / broken / ".complete").exists()


def test_a_release_that_cannot_be_applied_is_taken_back(site: Site, broken: str) -> None:
    host, was, history = site.doors, site.doors.current, site.doors.facts["history"]
    _earlier = host.applied
    run = site.run("site", broken).refused(f"front: {host.root}/current: {broken}-", f"the hinges of {broken} are missing", f"back on {was}")
    assert run.rc == 2
    assert host.current == was
    assert host.applied == [site.latest]
    record = host.facts["stages"]["configure"]
    assert record["status"] == "failed"
    assert f"the hinges of {broken} are missing" in record["cause"] and f"back on {was}" in record["cause"]
    assert host.facts["history"] == history


@pytest.mark.slow
def test_a_directory_becomes_a_tree_that_is_checked_before_it_is_whole(site: Site) -> None:
    host, everywhere = site.gates, "carpenter,back"
    refusing = ["sh", "-c", "pwd; cat hinges.conf; false"]
    site.run("site", "", limit=everywhere, config_tree_validate=refusing).refused("Check the tree", "/releases/.g1-")
    assert host.facts["stages"]["install"]["status"] == "failed"
    assert not (host.root / "current").exists()
    assert [name for name in host.releases if not name.startswith(".")] == []

    site.run("site", "", limit=everywhere).ok()
    manifest = json.loads((site.root / "gates" / "g1" / "manifest.json").read_text(encoding="utf-8"))
    assert [entry["path"] for entry in manifest["artifacts"]] == ["files/apply.sh", "files/deep/lock.conf", "files/hinges.conf"]
    assert (host.root / "current" / "apply.sh").stat().st_mode & 0o777 == 0o755
    assert host.applied == ["g1"]

    lock, seen = host.root / "current" / "deep" / "lock.conf", host.current
    lock.write_text("somebody was here\n", encoding="utf-8")
    _earlier = host.ran
    site.run("site", "", limit=everywhere, stages_force={"gates": ["install"]}).ok()
    assert lock.read_text(encoding="utf-8") == "lock\n"
    assert (host.current, host.ran, host.applied) == (seen, ["install", "configure"], ["g1"])

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role release_artifacts: releases of real wheels, packages, repositories, images, root file systems and files, built, staged and installed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import serving
from tests.fleet import NoEngine
from tests.fleet.docker import docker
from tests.fleet.engine import Engine
from tests.system.playbooks import ROOT, Run, environ

HERE = Path(__file__).resolve().parent / "artifacts"
LOCAL = ["wheels", "git", "rootfs", "files"]


def command(*argv: object, **options: Any) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run([str(part) for part in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=300, **options)
    assert done.returncode == 0, f"{argv}: {done.stdout}"
    return done.stdout.strip()


class Site:
    """A build host and targets that are all this machine, each with directories of its own, and the sources of a shop."""

    def __init__(self, directory: Path, targets: tuple[str, ...] = ("one",)) -> None:
        self.directory = directory
        self.root = directory / "releases"
        self.key = directory / "key"
        self.said = directory / "said.json"
        self.sources = directory / "sources"
        self.hosts: dict[str, dict[str, Any]] = {"builder": {"installed": "/not/here"}}
        self.hosts.update({name: self.target(name) for name in targets})
        self.targets = targets
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        (directory / "allowed_signers").write_text("builder@example.com " + self.key.with_suffix(".pub").read_text(encoding="utf-8"), encoding="utf-8")
        self.variables: dict[str, Any] = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "said": str(self.said), "kinds": LOCAL,
            "steps": ["resolve", "stage", "install", "verify"],
            "release_artifacts_project": "shop", "release_artifacts_release": "v1", "release_artifacts_root": str(self.root),
            "release_artifacts_sources": [f"controller:{self.root}"], "release_artifacts_cache": str(directory / "cache"),
            "release_artifacts_sign_key": str(self.key), "release_artifacts_allowed_signers": str(directory / "allowed_signers"),
            "release_artifacts_wheels_sources": [str(self.sources / "portal")], "release_artifacts_wheels_requirements": ["idna==3.10"],
            "release_artifacts_wheels_only_binary": [":all:"],
            "release_artifacts_rootfs": [{"name": "base", "tree": str(self.sources / "tree"), "path": "{{ installed }}/base"}],
            "release_artifacts_files": [{"src": f"{self.sources}/conf/", "dest": "conf/"},
                                        {"src": f"{self.sources}/run.sh", "dest": "bin/run", "mode": "0755"}],
            "release_artifacts_git": [
                {"name": "model", "repository": str(self.sources / "model"), "version": "v1", "path": "{{ installed }}/model"},
                {"name": "page", "repository": str(self.sources / "model"), "version": "v1", "format": "archive", "path": "{{ installed }}/page"}],
            "release_artifacts_files_path": "{{ installed }}/files", "release_artifacts_wheels_path": "{{ installed }}/venv",
        }
        self.write_sources()

    def target(self, name: str) -> dict[str, Any]:
        """The variables of a target."""
        place = self.directory / name
        return {"release_artifacts_store": str(place / "store"), "installed": str(place / "opt" / "shop-{{ release_artifacts_release }}")}

    def write_sources(self) -> None:
        """What the shop is built from."""
        portal, conf, tree, model = (self.sources / name for name in ("portal", "conf", "tree", "model"))
        for directory in (portal, conf / "deep", tree / "etc", tree / "proc" / "1", tree / "usr" / "bin", model):
            directory.mkdir(parents=True)
        shutil.copy(HERE / "backend.py", portal / "backend.py")
        (portal / "version.txt").write_text("portal 1.0\n", encoding="utf-8")
        (portal / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n', encoding="utf-8")
        (conf / "shop.conf").write_text("port = 8080\n", encoding="utf-8")
        (conf / "deep" / "tool").write_text("#!/bin/sh\necho tool\n", encoding="utf-8")
        (conf / "deep" / "tool").chmod(0o755)
        (self.sources / "run.sh").write_text("#!/bin/sh\necho run\n", encoding="utf-8")
        for path, text in (("etc/hostname", "builder\n"), ("etc/machine-id", "0" * 32), ("etc/os-release", "ID=shop\n"), ("proc/1/status", "no\n")):
            (tree / path).write_text(text, encoding="utf-8")
        (tree / "usr" / "bin" / "sh").symlink_to("dash")
        git = ["git", "-C", str(model), "-c", "user.name=A", "-c", "user.email=a@example.com"]
        command("git", "init", "-q", "-b", "main", model)
        (model / "main.cf").write_text("v1\n", encoding="utf-8")
        command(*git, "add", ".")
        command(*git, "commit", "-q", "-m", "one")
        command(*git, "tag", "-a", "-m", "release", "v1")
        (model / "main.cf").write_text("later\n", encoding="utf-8")
        command(*git, "commit", "-q", "-a", "-m", "two")

    def run(self, playbook: str, *arguments: str, **extra: Any) -> Run:
        """Run one of the playbooks beside this file."""
        self.said.unlink(missing_ok=True)
        inventory = self.directory / "inventory.json"
        inventory.write_text(json.dumps({"all": {"vars": self.variables, "children": {
            "builders": {"hosts": {"builder": self.hosts["builder"]}}, "targets": {"hosts": {name: self.hosts[name] for name in self.targets}}}}}),
            encoding="utf-8")
        began = time.monotonic()
        done = subprocess.run(
            ["ansible-playbook", "-i", str(inventory), str(HERE / playbook), "-e", json.dumps(extra), *arguments],
            env=environ(ANSIBLE_PIPELINING="1", ANSIBLE_FORKS="2"), text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=400)
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def build(self, *kinds: str, **extra: Any) -> dict[str, Any]:
        """Build a release; what build_finish registered."""
        self.run("build.yml", **dict({"kinds": list(kinds)} if kinds else {}, **extra)).ok()
        return json.loads(self.said.read_text(encoding="utf-8"))

    def deploy(self, *kinds: str, **extra: Any) -> Run:
        """Stage and install a release."""
        return self.run("deploy.yml", **dict({"kinds": list(kinds)} if kinds else {}, **extra))

    def seen(self, target: str = "one") -> dict[str, Any]:
        """What the last deploy registered on a target."""
        return json.loads(Path(f"{self.said}.{target}").read_text(encoding="utf-8"))

    def published(self, release: str = "v1") -> Path:
        """The directory of a release on the build host."""
        return self.root / "shop" / release

    def manifest(self, release: str = "v1") -> dict[str, Any]:
        """The manifest of a published release."""
        return json.loads((self.published(release) / "manifest.json").read_text(encoding="utf-8"))

    def installed(self, path: str, target: str = "one", release: str = "v1") -> Path:
        """A path of what was installed on a target."""
        return self.directory / target / "opt" / f"shop-{release}" / path


def tree(directory: Path) -> dict[str, tuple[float, bytes]]:
    """Every file below a directory: its time of modification and its content."""
    return {str(path.relative_to(directory)): (path.stat().st_mtime, path.read_bytes()) for path in directory.rglob("*") if path.is_file()}


def changed(run: Run) -> int:
    """How many tasks changed something, over all hosts."""
    return sum(int(number) for number in re.findall(r"changed=(\d+)", run.output))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with release v1 of all that this machine can build, and install without touching its system."""
    made = Site(tmp_path_factory.mktemp("built"))
    made.build()
    return made


@pytest.fixture(scope="module")
def deployed(built: Site) -> Site:
    """The same, staged to and installed on the target ``one``."""
    built.deploy().ok()
    return built


@pytest.fixture
def published(built: Site) -> Iterator[Path]:
    """The published release, put back afterwards."""
    kept = built.directory / "kept"
    shutil.copytree(built.published(), kept)
    yield built.published()
    shutil.rmtree(built.published())
    kept.rename(built.published())


def test_a_release_is_published_whole_signed_and_by_its_conventions(built: Site) -> None:
    manifest = built.manifest()
    entries = {entry["path"]: entry for entry in manifest["artifacts"]}
    assert {path: entry["kind"] for path, entry in entries.items()} == {
        "files/bin/run": "file", "files/conf/deep/tool": "file", "files/conf/shop.conf": "file", "git/model.bundle": "git", "git/page.tar.gz": "git",
        "rootfs/base.tar.gz": "rootfs", "wheels/idna-3.10-py3-none-any.whl": "wheel", "wheels/portal-1.0-py3-none-any.whl": "wheel",
        "wheels/requirements.lock": "file"}
    commit = command("git", "-C", built.sources / "model", "rev-parse", "v1^{commit}")
    assert {entries["git/model.bundle"]["commit"], entries["git/page.tar.gz"]["commit"]} == {commit}
    assert (entries["files/conf/deep/tool"]["mode"], entries["files/bin/run"]["mode"], entries["files/conf/shop.conf"]["mode"]) == ("0755", "0755", "0644")
    assert manifest["serial"] == 1
    command("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=built.published())
    assert (built.published() / "manifest.json.sig").is_file()
    assert list((built.root / ".work" / "shop").iterdir()) == []
    assert [path.name for path in (built.root / "shop").iterdir()] == ["v1"]
    assert (built.root / ".work").stat().st_mode & 0o777 == 0o700
    assert not (built.sources / "portal" / "build-leftover").exists(), "a source was built in its own place"


def test_the_lock_names_every_wheel_with_its_digest(built: Site) -> None:
    sums = {entry["path"].split("/")[1]: entry["sha256"] for entry in built.manifest()["artifacts"] if entry["kind"] == "wheel"}
    lines = (built.published() / "wheels" / "requirements.lock").read_text(encoding="utf-8").splitlines()[1:]
    assert [line for line in lines if line] == [
        f"idna==3.10 --hash=sha256:{sums['idna-3.10-py3-none-any.whl']}", f"portal==1.0 --hash=sha256:{sums['portal-1.0-py3-none-any.whl']}"]


def test_a_root_file_system_holds_nothing_of_the_machine_that_made_it(built: Site) -> None:
    with tarfile.open(built.published() / "rootfs" / "base.tar.gz") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == [".", "./etc", "./etc/os-release", "./proc", "./usr", "./usr/bin", "./usr/bin/sh"]
    assert {member.mtime for member in members} == {315532800}


def test_an_unchanged_rebuild_keeps_digest_serial_and_files(built: Site) -> None:
    before, inodes = tree(built.published()), {path: path.stat().st_ino for path in built.published().rglob("*")}
    manifest = (built.published() / "manifest.json").read_bytes()
    again = built.build()
    assert (again["changed"], again["serial"], again["digest"]) == (False, 1, "sha256:" + hashlib.sha256(manifest).hexdigest())
    assert tree(built.published()) == before
    assert {path: path.stat().st_ino for path in built.published().rglob("*")} == inodes
    assert list((built.root / ".work" / "shop").iterdir()) == []


def test_the_same_name_with_other_content_is_refused_until_it_is_asked_for(site: Site) -> None:
    first = site.build("files")
    before = tree(site.published())
    (site.sources / "conf" / "shop.conf").write_text("port = 9090\n", encoding="utf-8")
    site.run("build.yml", kinds=["files"]).refused("release_artifacts_release: v1 of shop is published", "files/conf/shop.conf", "release_artifacts_replace")
    assert tree(site.published()) == before
    replaced = site.build("files", release_artifacts_replace=True)
    assert (first["serial"], replaced["serial"], replaced["digest"] == first["digest"]) == (1, 2, False)
    assert (site.published() / "files" / "conf" / "shop.conf").read_text(encoding="utf-8") == "port = 9090\n"


@pytest.mark.parametrize("name", ["../v1", ".v1", "v1\n", ""])
def test_names_that_are_no_directory_names_are_refused_before_anything_is_removed(site: Site, name: str) -> None:
    keep = site.root / ".work" / "keep"
    keep.mkdir(parents=True)
    site.run("build.yml", release_artifacts_release=name).refused("release_artifacts_release")
    assert keep.is_dir()


@pytest.mark.parametrize("kind, variables, texts", [
    ("git", {"release_artifacts_git": [{"name": "model", "repository": "{{ sources }}/model", "version": "v9"}]}, ["release_artifacts_git: model", "v9"]),
    pytest.param("git", {"release_artifacts_git": [{"name": "model", "repository": "{{ sources }}/model", "version": "--all"}]},
                 ["release_artifacts_git: model"], marks=pytest.mark.slow),
    ("wheels", {"release_artifacts_wheels_python": "/no/python"}, ["/no/python"]),
])
def test_what_cannot_be_built_leaves_nothing_published(site: Site, kind: str, variables: dict[str, Any], texts: list[str]) -> None:
    site.run("build.yml", kinds=[kind], sources=str(site.sources), **variables).refused(*texts)
    assert not site.published().exists()


@pytest.mark.slow
def test_a_repository_with_submodules_is_refused(site: Site) -> None:
    model = site.sources / "model"
    (model / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = ../x\n', encoding="utf-8")
    git = ["git", "-C", model, "-c", "user.name=A", "-c", "user.email=a@example.com"]
    command(*git, "add", ".gitmodules")
    command(*git, "commit", "-q", "-m", "three")
    repository = {"name": "model", "repository": str(model), "version": "main"}
    site.run("build.yml", kinds=["git"], release_artifacts_git=[repository]).refused("release_artifacts_git: model: main has submodules")
    site.build("git", release_artifacts_git=[dict(repository, submodules="leave_out")])


def test_check_mode_builds_nothing(site: Site) -> None:
    site.run("build.yml", "--check", kinds=[*LOCAL, "packages", "images"]).ok()
    assert not site.root.exists()


def test_each_kind_is_installed_as_it_was_built(deployed: Site) -> None:
    output = subprocess.run([deployed.installed("venv/bin/portal")], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert output == "portal 1.0 shop\n"
    assert (deployed.installed("model/main.cf").read_text(), deployed.installed("page/main.cf").read_text()) == ("v1\n", "v1\n")
    assert command("git", "-C", deployed.installed("model"), "status", "--porcelain") == ""
    assert command("git", "-C", deployed.installed("model"), "describe") == "v1"
    assert os.readlink(deployed.installed("base/usr/bin/sh")) == "dash"
    tool, conf = deployed.installed("files/conf/deep/tool"), deployed.installed("files/conf/shop.conf")
    assert (tool.stat().st_mode & 0o777, conf.stat().st_mode & 0o777, conf.read_text()) == (0o755, 0o644, "port = 8080\n")
    assert conf.stat().st_nlink == 1, "an installed file is a link into the store"
    assert sorted(path.name for path in deployed.installed("").iterdir()) == ["base", "files", "model", "page", "venv"]
    seen = deployed.seen()
    assert seen["verified"]["signature"] == seen["checked"]["signature"] == "good"
    assert seen["staged"]["path"] == str(deployed.directory / "one" / "store" / "releases" / "shop" / "v1")


def test_a_second_run_fetches_and_changes_nothing(deployed: Site) -> None:
    before = tree(deployed.directory / "one" / "opt")
    again = deployed.deploy().ok()
    assert deployed.seen()["staged"]["fetched"] == 0
    assert changed(again) == 1, again.output  # what the playbook itself writes down
    assert tree(deployed.directory / "one" / "opt") == before


@pytest.mark.slow
def test_what_was_left_unfinished_is_made_again(deployed: Site) -> None:
    for directory, marker in (("venv", ".stagecraft"), ("model", ".git/stagecraft"), ("files", ".stagecraft")):
        deployed.installed(f"{directory}/{marker}").unlink()
        deployed.installed(f".{directory}.begun").write_text("", encoding="utf-8")
        deployed.installed(f"{directory}/half").write_text("", encoding="utf-8")
    deployed.deploy(steps=["install"]).ok()
    for directory in ("venv", "model", "files"):
        assert not deployed.installed(f"{directory}/half").exists()
        assert not deployed.installed(f".{directory}.begun").exists()
    assert subprocess.run([deployed.installed("venv/bin/portal")], stdout=subprocess.PIPE, text=True, check=True).stdout == "portal 1.0 shop\n"


def test_what_still_writes_into_an_unfinished_directory_is_waited_for(deployed: Site) -> None:
    page = deployed.installed("page")
    (page / ".stagecraft").unlink()
    begun = page.parent / f".{page.name}.begun"
    begun.touch()
    survivor = subprocess.Popen(["flock", str(begun), "sh", "-c", 'for i in $(seq 80); do echo "$i" > "$0/late-$i"; sleep 0.1; done', str(page)])
    deployed.deploy("git", steps=["install"]).ok()
    assert survivor.poll() == 0, "the directory was made again while something was still writing there"
    assert (page / ".stagecraft").exists() and not list(page.glob("late-*"))


def test_a_directory_of_somebody_else_is_not_touched(deployed: Site) -> None:
    foreign = deployed.directory / "foreign"
    foreign.mkdir()
    (foreign / "precious").write_text("mine\n", encoding="utf-8")
    deployed.deploy("files", steps=["install"], release_artifacts_files_path=str(foreign)).refused(str(foreign), "was not written by this role")
    deployed.deploy("files", steps=["install"], release_artifacts_files_path="relative").refused("relative", "not an absolute path")
    assert [path.name for path in foreign.iterdir()] == ["precious"]


@pytest.mark.slow
def test_installed_content_of_another_build_is_refused_until_it_is_asked_for(deployed: Site) -> None:
    marker = deployed.installed("files/.stagecraft")
    whole = marker.read_text(encoding="utf-8")
    marker.write_text("another build\n", encoding="utf-8")
    deployed.deploy("files", steps=["install"]).refused(str(deployed.installed("files")), "release_artifacts_replace")
    assert marker.read_text(encoding="utf-8") == "another build\n"
    deployed.deploy("files", steps=["install"], release_artifacts_replace=True).ok()
    assert marker.read_text(encoding="utf-8") == whole


@pytest.mark.slow
@pytest.mark.parametrize("extent, text", [("fast", "bytes"), ("full", "sha256")])
def test_drift_of_staged_files_is_found(deployed: Site, extent: str, text: str) -> None:
    conf = deployed.directory / "one" / "store" / "releases" / "shop" / "v1" / "files" / "conf" / "shop.conf"
    content = conf.read_bytes()
    conf.write_bytes(content.upper() if extent == "full" else content + b"#")
    try:
        deployed.deploy(steps=["verify"], release_artifacts_verify=extent).refused("files/conf/shop.conf", text, "Stage the release again")
        deployed.deploy(steps=["verify"], release_artifacts_verify=extent, release_artifacts_verify_report_only=True).ok()
        assert [one["path"] for one in deployed.seen()["checked"]["differing"]] == ["files/conf/shop.conf"]
    finally:
        conf.write_bytes(content)


@pytest.mark.slow
def test_what_differs_is_fetched_anew_although_another_release_is_a_link_to_it(site: Site) -> None:
    for release in ("v1", "v2"):
        site.build("files", release_artifacts_release=release)
        site.deploy("files", steps=["resolve", "stage"], release_artifacts_release=release).ok()
    conf = site.directory / "one" / "store" / "releases" / "shop" / "v2" / "files" / "conf" / "shop.conf"
    content = conf.read_bytes()
    conf.write_bytes(content.upper())
    of_v2 = {"release_artifacts_release": "v2", "release_artifacts_verify": "full"}
    site.deploy("files", steps=["verify"], **of_v2).refused("files/conf/shop.conf")
    site.deploy("files", steps=["resolve", "stage", "verify"], **of_v2).ok()
    assert conf.read_bytes() == content


def test_what_is_not_staged_is_not_installed(built: Site) -> None:
    built.deploy("files", steps=["install"], release_artifacts_store=str(built.directory / "empty")).refused(
        "release v1 of shop is not staged on one", "Stage it first")


def stage_elsewhere(site: Site, name: str, **extra: Any) -> Run:
    """Stage to a new store."""
    return site.deploy(steps=["resolve", "stage"], release_artifacts_store=str(site.directory / name / "store"),
                       release_artifacts_cache=str(site.directory / name / "cache"), **extra)


def test_a_tampered_artifact_is_refused_with_its_name(built: Site, published: Path) -> None:
    artifact = published / "files" / "conf" / "shop.conf"
    artifact.write_text("port = 6666\n", encoding="utf-8")
    stage_elsewhere(built, "tampered-artifact").refused("files/conf/shop.conf")
    assert not (built.directory / "tampered-artifact" / "store" / "releases" / "shop" / "v1").exists()


def test_a_tampered_manifest_is_refused(built: Site, published: Path) -> None:
    manifest = published / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"serial": 1', '"serial": 9'), encoding="utf-8")
    stage_elsewhere(built, "tampered-manifest").refused("manifest.json.sig", "does not fit the manifest")
    assert not (built.directory / "tampered-manifest").exists()


@pytest.mark.slow
def test_a_release_that_changed_under_its_name_is_refused_where_it_was_staged(site: Site) -> None:
    site.build("files")
    site.deploy("files").ok()
    (site.sources / "conf" / "shop.conf").write_text("port = 9090\n", encoding="utf-8")
    site.build("files", release_artifacts_replace=True)
    site.deploy("files").refused("v1", "files/conf/shop.conf")
    assert site.installed("files/conf/shop.conf").read_text(encoding="utf-8") == "port = 8080\n"
    site.deploy("files", release_artifacts_replace=True).ok()
    assert site.installed("files/conf/shop.conf").read_text(encoding="utf-8") == "port = 9090\n"


@pytest.mark.slow
def test_hosts_of_one_play_may_be_brought_to_different_releases(tmp_path: Path) -> None:
    site = Site(tmp_path, targets=("one", "two"))
    site.build("files")
    (site.sources / "conf" / "shop.conf").write_text("port = 9090\n", encoding="utf-8")
    assert site.build("files", release_artifacts_release="v2")["serial"] == 2
    site.hosts["two"]["release_artifacts_release"] = "v2"
    site.deploy("files").ok()
    assert [site.seen(name)["verified"]["release"] for name in ("one", "two")] == ["v1", "v2"]
    assert site.installed("files/conf/shop.conf").read_text(encoding="utf-8") == "port = 8080\n"
    assert site.installed("files/conf/shop.conf", "two", "v2").read_text(encoding="utf-8") == "port = 9090\n"


@pytest.fixture
def server(built: Site) -> Iterator[str]:
    """A web server of the releases root."""
    with serving.files(built.root) as running:
        yield running.url


@pytest.mark.slow
def test_a_server_and_a_directory_of_the_target_are_sources_too(built: Site, server: str) -> None:
    stage_elsewhere(built, "by-server", release_artifacts_sources=[f"{server}/"]).ok()
    seen = built.seen()["staged"]
    assert (list(seen["sources_used"]), seen["fetched"]) == ([f"{server}/shop/v1"], 9)
    stage_elsewhere(built, "by-directory", release_artifacts_sources=[str(built.root)], release_artifacts_manifest_sources=[server]).ok()
    assert list(built.seen()["staged"]["sources_used"]) == [f"{built.root}/shop/v1"]


@pytest.mark.slow
def test_check_mode_says_what_would_be_fetched(built: Site) -> None:
    run = built.run("deploy.yml", "--check", release_artifacts_store=str(built.directory / "checked" / "store"),
                    release_artifacts_cache=str(built.directory / "checked" / "cache"), steps=["resolve", "stage", "install"]).ok()
    assert "changed" in run.output and built.seen()["staged"]["fetched"] == 9
    assert not (built.directory / "checked" / "store").exists()


@pytest.mark.slow
def test_check_mode_says_what_would_be_installed(deployed: Site) -> None:
    run = deployed.run("deploy.yml", "--check", installed=str(deployed.directory / "nowhere"), steps=["install"]).ok()
    for name in ("venv", "model", "page", "base", "files"):
        assert f"{deployed.directory}/nowhere/{name}: would be made from" in run.text
    assert not (deployed.directory / "nowhere").exists()


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """The name of a small image with a tag of its own; the test is skipped where no engine can run."""
    engine = Engine()
    try:
        engine.acquire()
    except NoEngine as reason:
        pytest.skip(str(reason))
    name = f"stagecraft-test-{uuid.uuid4().hex[:8]}:v1"
    make_image(tmp_path, name, "v1")
    yield name
    docker("rmi", "--force", name, check=False)
    engine.release()


def make_image(directory: Path, name: str, text: str) -> None:
    """Make an image with one file."""
    (directory / "release").write_text(text, encoding="utf-8")
    command("tar", "-C", directory, "-cf", directory / "image.tar", "release")
    docker("import", str(directory / "image.tar"), name)


def image_id(name: str) -> str:
    """The id of an image; empty when it is not there."""
    return docker("image", "inspect", "--format", "{{.Id}}", name, check=False).stdout.strip()


@pytest.mark.slow
def test_an_image_is_loaded_once_and_never_in_the_place_of_another(site: Site, image: str) -> None:
    site.build("images", release_artifacts_images=[image])
    wanted = image_id(image)
    entry, = site.manifest()["artifacts"]
    assert (entry["kind"], entry["id"], entry["tags"]) == ("image", wanted, [image])
    docker("rmi", image)
    assert site.deploy("images").ok() and image_id(image) == wanted
    assert changed(site.deploy("images").ok()) == 1  # what the playbook itself writes down
    make_image(site.directory, image, "other")
    other = image_id(image)
    site.deploy("images").refused(entry["path"], other, wanted, "Tag each release uniquely")
    assert image_id(image) == other
    site.deploy("images", release_artifacts_replace=True).ok()
    assert image_id(image) == wanted
    docker("rmi", other)


@pytest.mark.slow
def test_an_image_that_is_not_there_is_not_pulled(site: Site, image: str) -> None:
    site.run("build.yml", kinds=["images"], release_artifacts_images=[image + "-missing"]).refused(image + "-missing")
    assert not site.published().exists()


@pytest.mark.slow
def test_a_root_file_system_is_made_by_debootstrap(site: Site) -> None:
    if os.geteuid() or not shutil.which("apt-get"):
        pytest.skip("debootstrap needs root, and is got by apt")
    tool = site.directory / "debootstrap"
    tool.mkdir()
    command("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "debootstrap", cwd=tool)
    command("dpkg-deb", "-x", next(tool.glob("*.deb")), tool)
    wrapper = tool / "run"
    wrapper.write_text(f"#!/bin/sh\nDEBOOTSTRAP_DIR={tool}/usr/share/debootstrap exec {tool}/usr/sbin/debootstrap \"$@\"\n", encoding="utf-8")
    wrapper.chmod(0o755)
    system = {"name": "debian", "suite": "bookworm", "include": ["hello"], "path": "{{ installed }}/debian", "exclude": ["./usr/share/doc/*"]}
    site.build("rootfs", release_artifacts_rootfs=[system], release_artifacts_rootfs_tool=str(wrapper))
    site.deploy("rootfs", release_artifacts_rootfs=[system]).ok()
    root = site.installed("debian")
    assert command("chroot", root, "hello") == "Hello, world!"
    assert not any((root / path).exists() for path in ("etc/hostname", "etc/machine-id", "usr/share/doc/hello"))
    assert list((root / "proc").iterdir()) == list((root / "dev").iterdir()) == []


def test_options_are_documented_with_the_defaults_that_they_have() -> None:
    role = ROOT / "roles" / "release_artifacts"
    entries = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    documented = {name: option for entry in entries.values() for name, option in entry["options"].items()}
    assert set(documented) == set(defaults)
    assert {name: option["default"] for name, option in documented.items() if "default" in option} == {
        name: defaults[name] for name, option in documented.items() if "default" in option}
    public = {path.stem for path in (role / "tasks").glob("*.yml")} - {"main", "resolve", "resolve_from", "gate", "staged", "versioned", "check_view"}
    assert set(entries) == public

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories turned into entries, and what is read from each kind of file."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import describing, kinds, manifest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

from manifest_samples import document, fill, image_tar, run, tar

COMMIT = "4f2a9d0c8be1c3a5d6e7f8091a2b3c4d5e6f7081"
GIT_ENV = dict(os.environ, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b",
               GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")


def describe(root, *directories):
    return describing.describe(str(root), list(directories) or describing.conventional(str(root)))


def one(root, path, content, kind):
    """The entry of a single file."""
    fill(root, {path: content})
    return describe(root, dict(path=path.split("/")[0], kind=kind))[0]


def refused(root, *directories):
    with pytest.raises(InputError) as caught:
        describe(root, *directories)
    return caught.value.message


def test_the_conventional_directories_in_one(tmp_path):
    fill(tmp_path, {"wheels/a_b.c-1.0-py3-none-any.whl": b"w", "wheels/requirements.txt": b"r", "packages/x/jq_1.6-2.1_amd64.deb": b"d",
                    "packages/Packages": b"p", "git/v2.tar.gz": tar({"f": b"1"}, "w:gz", COMMIT), "images/shop.tar": image_tar(),
                    "rootfs/base.tar.gz": b"t", "files/etc/shop.conf": b"c", "notes/x": b"", "manifest.json": b"{}"})
    entries = describe(tmp_path)
    assert [(entry["path"], entry["kind"]) for entry in entries] == [
        ("files/etc/shop.conf", "file"), ("git/v2.tar.gz", "git"), ("images/shop.tar", "image"), ("packages/Packages", "file"),
        ("packages/x/jq_1.6-2.1_amd64.deb", "package"), ("rootfs/base.tar.gz", "rootfs"), ("wheels/a_b.c-1.0-py3-none-any.whl", "wheel"),
        ("wheels/requirements.txt", "file")]
    assert entries[0] == dict(path="files/etc/shop.conf", kind="file", mode="0644", size=1, sha256=hashlib.sha256(b"c").hexdigest(), platform="any",
                              origin="", sets=["default"])
    manifest.validate(document(*entries), "here")
    assert describing.stray(str(tmp_path), describing.conventional(str(tmp_path))) == ["notes"]


def test_each_directory_gives_its_files_platform_sets_and_origin(tmp_path):
    fill(tmp_path, {"w/12/x": b"1", "w/13/x": b"2"})
    entries = describe(tmp_path, dict(path="w/13", kind="file", platform="debian13", sets=["web", "db", "web"], origin="https://pypi.example.com"),
                       dict(path="w/12", kind="rootfs", platform="debian12"))
    assert [(entry["path"], entry["platform"], entry["sets"], entry["origin"]) for entry in entries] == [
        ("w/12/x", "debian12", ["default"], ""), ("w/13/x", "debian13", ["db", "web"], "https://pypi.example.com")]


def test_only_the_bit_that_lets_a_file_run_is_noted(tmp_path):
    fill(tmp_path, {"files/a": b"", "files/b": b"", "files/c": b""})
    for name, mode in (("a", 0o600), ("b", 0o4711), ("c", 0o666)):
        (tmp_path / "files" / name).chmod(mode)
    assert [entry["mode"] for entry in describe(tmp_path)] == ["0644", "0755", "0644"]


def test_many_files_come_in_the_order_of_their_paths(tmp_path):
    fill(tmp_path, {"files/%d/%d" % (number % 7, number): b"%d" % number for number in range(500)})
    entries = describe(tmp_path)
    assert len(entries) == 500 and entries == sorted(entries, key=lambda entry: entry["path"])
    assert all(entry["sha256"] == hashlib.sha256(entry["path"].split("/")[2].encode()).hexdigest() for entry in entries)


@pytest.mark.parametrize("target", ["../outside", "b", "nowhere", "/etc/passwd"])
def test_a_link_is_refused_by_name(tmp_path, target):
    fill(tmp_path, {"files/b": b"", "outside": b""})
    (tmp_path / "files/a").symlink_to(target)
    assert refused(tmp_path).startswith("directories: file: 'files/a' is a symbolic link. Take it out")


def test_a_link_to_a_directory_is_refused(tmp_path):
    fill(tmp_path, {"real/x": b"", "files/x": b""})
    (tmp_path / "files/sub").symlink_to("../real")
    assert "'files/sub' is a symbolic link" in refused(tmp_path)
    (tmp_path / "rootfs").symlink_to("real")
    assert "'rootfs' is a symbolic link" in refused(tmp_path, dict(path="rootfs", kind="rootfs"))


def test_special_files_and_bad_names_are_refused(tmp_path):
    fill(tmp_path, {"files/x": b""})
    os.mkfifo(tmp_path / "files/pipe")
    assert "'files/pipe' is neither a file nor a directory" in refused(tmp_path)
    os.unlink(tmp_path / "files/pipe")
    for name, problem in ((b"a\nb", "control character"), (b"a\\b", "backslash"), (b"\xff", "does not show")):
        path = os.path.join(os.fsencode(tmp_path), b"files", name)
        with open(path, "wb"):
            pass
        assert problem in refused(tmp_path) and "Rename the file" in refused(tmp_path)
        os.unlink(path)
    assert len(describe(tmp_path)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_named(tmp_path):
    fill(tmp_path, {"files/x": b""})
    (tmp_path / "files/x").chmod(0)
    assert "'files/x' cannot be read: Permission denied" in refused(tmp_path)


@pytest.mark.parametrize("directories, problem", [
    (["a", "a/b"], "'a/b' overlaps with 'a'"), (["a/b", "a"], "'a' overlaps with 'a/b'"), (["a", "a"], "'a' overlaps with 'a'"),
    (["../a"], "leads out of"), (["/a"], "is an absolute path"), (["c"], "cannot be read as a directory: No such file"),
    (["a/b/x"], "cannot be read as a directory: Not a directory"), (["manifest.json"], "keeps for itself"),
])
def test_directories_that_cannot_be_described(tmp_path, directories, problem):
    fill(tmp_path, {"a/b/x": b"", "ab/x": b""})
    assert problem in refused(tmp_path, *[dict(path=path, kind="file") for path in directories])
    assert len(describe(tmp_path, dict(path="a", kind="file"), dict(path="ab", kind="file"))) == 2


def test_more_files_than_a_manifest_may_have(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "ENTRY_LIMIT", 3)
    fill(tmp_path, {"files/%d" % number: b"" for number in range(4)})
    assert "4 is more than the 3 files" in refused(tmp_path)


@pytest.mark.parametrize("name, dist, version", [
    ("requests-2.32.3-py3-none-any.whl", "requests", "2.32.3"), ("Foo.Bar__baz-1.0-2-cp313-cp313-manylinux_2_28_x86_64.whl", "foo-bar-baz", "1.0"),
    ("x-1.0+local.1-py3-none-any.WHL", "x", "1.0+local.1"), ("x-1.0_1-py3-none-any.whl", "x", "1.0-1"),
])
def test_wheels(tmp_path, name, dist, version):
    entry = one(tmp_path, "wheels/" + name, b"", "wheel")
    assert (entry["kind"], entry["dist"], entry["version"]) == ("wheel", dist, version)


@pytest.mark.parametrize("name", ["x.whl", "x-1.0.whl", "x-1.0-py3-none.whl", "x-1-2-3-4-5-6.whl", "-1.0-py3-none-any.whl"])
def test_a_file_that_is_not_named_like_a_wheel_is_refused(tmp_path, name):
    fill(tmp_path, {"wheels/" + name: b""})
    assert "'wheels/%s' is not the name of a wheel" % name in refused(tmp_path)


@pytest.mark.parametrize("name, package, version, arch", [
    ("jq_1.6-2.1+deb12u1_amd64.deb", "jq", "1.6-2.1+deb12u1", "amd64"), ("vim_2%3a9.0.1378-2_all.deb", "vim", "2:9.0.1378-2", "all"),
    ("python3-libs-3.9.18-1.el9_3.x86_64.rpm", "python3-libs", "3.9.18-1.el9_3", "x86_64"),
])
def test_packages(tmp_path, name, package, version, arch):
    entry = one(tmp_path, "packages/" + name, b"", "package")
    assert (entry["kind"], entry["package"], entry["version"], entry["arch"]) == ("package", package, version, arch)


@pytest.mark.parametrize("name", ["jq.deb", "jq_1.6.deb", "a_b_c_d.deb", "x.rpm", "x-1.noarch.rpm"])
def test_a_file_that_is_not_named_like_a_package_is_refused(tmp_path, name):
    fill(tmp_path, {"packages/" + name: b""})
    assert "'packages/%s' is not the name of a package" % name in refused(tmp_path)


class Repository:
    """A git repository with two commits, a lightweight tag v1 and an annotated tag v2, and a tag of that tag."""

    def __init__(self, path, *options):
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main", *options)
        for number, tag in ((1, ["v1"]), (2, ["-a", "-m", "release", "v2"])):
            (path / "f").write_text(str(number) * 1000)
            self.git("add", "f")
            self.git("commit", "-q", "-m", "commit %d" % number)
            self.git("tag", *tag)
        self.git("tag", "-a", "-m", "again", "v2-signed", "v2")
        self.commit = self.git("rev-parse", "HEAD")

    def git(self, *arguments):
        return run("git", *arguments, cwd=self.path, env=GIT_ENV).decode().strip()

    def bundle(self, target, *references):
        target.parent.mkdir(exist_ok=True)
        self.git("bundle", "create", "-q", str(target), *references)


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def repository(request, tmp_path_factory):
    return Repository(tmp_path_factory.mktemp("git") / "r", "--object-format=" + request.param)


@pytest.mark.parametrize("references, named", [
    (["HEAD"], "HEAD"), (["main"], "HEAD"), (["v2"], "HEAD"), (["v1"], "v1"), (["v2-signed"], "HEAD"), (["v2", "HEAD"], "HEAD"),
    (["main", "v1"], "HEAD"), (["v2", "v2-signed"], "HEAD"), (["--all"], "HEAD"),
])
def test_the_commit_of_a_bundle(tmp_path, repository, references, named):
    repository.bundle(tmp_path / "git/x.bundle", *references)
    assert describe(tmp_path)[0]["commit"] == repository.git("rev-parse", named + "^{commit}")


def test_a_bundle_of_two_releases_does_not_say_which(tmp_path, repository):
    repository.bundle(tmp_path / "git/x.bundle", "v1", "v2")
    assert "'git/x.bundle' does not say which of its commits is the release. Put HEAD" in refused(tmp_path)


def test_a_bundle_that_needs_other_commits_is_refused(tmp_path, repository):
    repository.bundle(tmp_path / "git/x.bundle", "main", "^v1")
    assert "needs commits that are not in it" in refused(tmp_path)


def test_a_bundle_of_a_tag_is_followed_past_other_objects(tmp_path):
    repository = Repository(tmp_path / "r")
    for number in range(30):
        (repository.path / ("g%d" % number)).write_bytes(os.urandom(5000))
        repository.git("add", ".")
        repository.git("commit", "-q", "-m", str(number))
        repository.git("tag", "-a", "-m", "x" * number, "t%d" % number)
    repository.git("repack", "-adfq", "--depth=50")
    repository.bundle(tmp_path / "git/x.bundle", "t17")
    assert describe(tmp_path)[0]["commit"] == repository.git("rev-parse", "t17^{commit}")


@pytest.mark.parametrize("content", [b"", b"not a bundle", b"# v9 git bundle\n", b"# v2 git bundle\n", b"# v2 git bundle\n\n",
                                     b"# v2 git bundle\n" + b"a" * 40 + b" refs/tags/v2\n\nPACK\0\0\0\2\0\0\0\5\xff",
                                     b"# v2 git bundle\n" + b"a" * 40 + b" refs/tags/v2\n\nPACK\0\0\0\2\0\0\0\5\x90\x01junk"])
def test_a_broken_bundle_is_refused_by_name(tmp_path, content):
    fill(tmp_path, {"git/x.bundle": content})
    assert "'git/x.bundle'" in refused(tmp_path)


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "zip"])
def test_the_commit_of_an_archive(tmp_path, repository, ending):
    (tmp_path / "git").mkdir()
    repository.git("archive", "-o", str(tmp_path / "git" / ("x." + ending)), "v2")
    assert describe(tmp_path)[0]["commit"] == repository.commit


@pytest.mark.parametrize("name, content", [("x.tar", tar({"f": b"1"})), ("x.tar.gz", b"junk"), ("x.tgz", b""), ("x.zip", b"junk"),
                                           ("x.tar.gz", tar({"f": b"1"}, "w:gz", COMMIT)[:20])])
def test_an_archive_that_names_no_commit_is_refused(tmp_path, name, content):
    fill(tmp_path, {"git/" + name: content})
    assert "'git/%s'" % name in refused(tmp_path) and "git archive" in refused(tmp_path)


@pytest.mark.parametrize("mode, name", [("w", "x.tar"), ("w:gz", "x.tar.gz")])
def test_id_and_tags_of_an_image(tmp_path, mode, name):
    entry = one(tmp_path, "images/" + name, image_tar(b'{"a": 1}', ("shop:v2", "shop:latest"), mode=mode), "image")
    assert entry["id"] == "sha256:" + hashlib.sha256(b'{"a": 1}').hexdigest() and entry["tags"] == ["shop:latest", "shop:v2"]


def test_an_image_without_tags(tmp_path):
    assert one(tmp_path, "images/x.tar", image_tar(tags=()), "image")["tags"] == []


@pytest.mark.parametrize("content, problem", [
    (b"junk", "is not an archive of a container image"), (tar({"f": b"1"}), "is not an archive"), (tar({"manifest.json": b"[]"}), "holds 0 images"),
    (image_tar(images=2), "holds 2 images"), (tar({"manifest.json": b'[{"Config": "none"}]'}), "is not an archive"),
    (tar({"manifest.json": b"<html>"}), "is not an archive"), (tar({"manifest.json": b'["x"]'}), "is not an archive"),
    (image_tar(mode="w:gz")[:60], "is not an"), (tar({"manifest.json": b'{"0": {}}'}), "is not an archive"),
])
def test_a_file_that_is_no_image_is_refused(tmp_path, content, problem):
    fill(tmp_path, {"images/x.tar": content})
    assert "'images/x.tar' " + problem in refused(tmp_path)


def test_a_configuration_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "TEXT_LIMIT", 1000)
    fill(tmp_path, {"images/x.tar": image_tar(b"x" * 2000)})
    assert "is not a small file" in refused(tmp_path)


def test_a_real_image_where_there_is_an_engine(tmp_path):
    try:
        subprocess.run(["docker", "info"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no container engine answers here")
    tag = "stagecraft-describing:test-%d" % os.getpid()
    run("docker", "import", "-", tag, input=tar({"f": b"1"}))
    try:
        (tmp_path / "images").mkdir()
        run("docker", "save", "-o", str(tmp_path / "images/x.tar"), tag)
        entry = describe(tmp_path)[0]
        assert entry["id"] == run("docker", "image", "inspect", "-f", "{{.Id}}", tag).decode().strip() and entry["tags"] == [tag]
    finally:
        run("docker", "image", "rm", tag)

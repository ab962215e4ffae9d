# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module artifact_manifest."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest, signature
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import artifact_manifest

from manifest_samples import EPOCH, NOW, PRINCIPAL, GpgKey, SshKey, call, fill

FILES = {"wheels/a-1.0-py3-none-any.whl": b"wheel", "files/shop.conf": b"conf"}


@pytest.fixture
def path(tmp_path):
    """A release directory below a releases root."""
    return fill(tmp_path / "releases" / "shop" / "v2", FILES)


def make(path, clock=EPOCH, **params):
    params = dict(dict(path=str(path), project="shop", release=path.name), **params)
    return artifact_manifest.execute(call(artifact_manifest, **params), clock=lambda: clock)


def read(path):
    return json.loads((path / "manifest.json").read_text())


def refused(path, **params):
    before = snapshot(path)
    with pytest.raises(StagecraftError) as caught:
        make(path, **params)
    assert snapshot(path) == before
    return caught.value.message


def snapshot(path):
    return {str(one.relative_to(path)): (one.stat().st_mtime_ns, one.read_bytes()) for one in path.rglob("*") if one.is_file()}


def test_a_manifest_with_sums_beside_it(path):
    result = make(path, commit="a" * 40)
    text = (path / "manifest.json").read_bytes()
    assert result == dict(changed=True, digest=manifest.digest(text), serial=1, created=NOW, artifacts=2, bytes=9, by_kind={"file": 1, "wheel": 1},
                          path=str(path))
    made = manifest.parse(text, "here")
    assert (made["project"], made["release"], made["commit"], made["created"]) == ("shop", "v2", "a" * 40, NOW)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=path, check=True)
    assert {name: os.stat(path / name).st_mode & 0o777 for name in os.listdir(path) if "." in name or name.isupper()} == {
        "manifest.json": 0o644, "SHA256SUMS": 0o644}


def test_the_same_files_give_the_same_bytes_everywhere(path, tmp_path):
    make(path)
    other = fill(tmp_path / "elsewhere" / "shop" / "v2", dict(reversed(FILES.items())))
    make(other)
    for name in ("manifest.json", "SHA256SUMS"):
        assert (path / name).read_bytes() == (other / name).read_bytes()


def test_again_changes_nothing_also_later(path):
    first = make(path)
    before = snapshot(path)
    assert make(path, clock=EPOCH + 90000) == dict(first, changed=False)
    assert snapshot(path) == before


def test_what_changed_gets_the_next_serial_and_its_time(path):
    first = make(path)
    fill(path, {"files/shop.conf": b"CONF"})
    second = make(path, clock=EPOCH + 60)
    assert (second["serial"], second["created"], second["changed"]) == (2, "2026-11-21T09:01:00Z", True)
    assert second["digest"] != first["digest"]
    assert make(path, commit="b" * 40)["serial"] == 3


def test_the_serial_follows_the_highest_of_the_project(path):
    make(path)
    fill(path.parent / "v1", FILES)
    make(path.parent / "v1", serial=41)
    fill(path.parent / "v3", FILES)
    fill(path.parent.parent / "other" / "v9", FILES)
    make(path.parent.parent / "other" / "v9", project="other", serial=99)
    (path.parent / "current").symlink_to("v1")
    (path.parent / "notes").write_text("")
    assert make(path.parent / "v3")["serial"] == 42
    assert make(path)["serial"] == 1


def test_a_working_directory_looks_at_the_published_releases(path):
    first = make(path, serial=5)
    work = fill(path.parent.parent / ".work" / "shop" / "v2", FILES)
    assert make(work, clock=EPOCH + 60) == dict(first, path=str(work), changed=True)
    assert (work / "manifest.json").read_bytes() == (path / "manifest.json").read_bytes()
    fill(work, {"files/shop.conf": b"other"})
    assert make(work)["serial"] == 6
    assert make(fill(path.parent.parent / ".work" / "shop" / "v3", FILES))["serial"] == 6


def test_another_root(path, tmp_path):
    make(path, serial=8)
    assert make(fill(tmp_path / "out", FILES), release="v3", root=str(tmp_path / "releases"))["serial"] == 9


def test_a_serial_that_is_given(path):
    assert make(path, serial=10)["serial"] == 10
    fill(path, {"files/shop.conf": b"CONF"})
    for serial in (9, 10):
        assert "serial: %d does not come after 10" % serial in refused(path, serial=serial)
    assert make(path, serial=11)["serial"] == 11
    for serial in (0, -3):
        assert "serial: %d is not a whole number from 1" % serial in refused(path, serial=serial)


def test_a_time_that_is_given(path):
    assert make(path, created="2020-01-01T00:00:00Z")["created"] == "2020-01-01T00:00:00Z"
    assert make(path)["created"] == "2020-01-01T00:00:00Z"
    assert "created: 'x' is not a time" in refused(path, created="x")


def test_a_broken_manifest_of_another_release_is_named(path):
    fill(path.parent / "v1", {"manifest.json": b"<html>"})
    assert "shop/v1/manifest.json: begins like an HTML page" in refused(path)


def test_expiry(path):
    make(path, expires="2026-12-01T00:00:00Z")
    assert read(path)["expires"] == "2026-12-01T00:00:00Z"
    assert make(path)["changed"] and "expires" not in read(path)
    assert "expires: '2026-11-21T09:00:00Z' is not after now" in refused(path, expires=NOW)
    assert "expires: 'never' is not a time" in refused(path, expires="never")


def test_directories_that_are_named(path):
    fill(path, {"pool/x.bin": b"1"})
    warned = call(artifact_manifest, path=str(path), project="shop", release="v2",
                  directories=[dict(path="pool", kind="file", platform="debian12-amd64", sets=["web"], origin="ci")])
    artifact_manifest.execute(warned)
    one, = read(path)["artifacts"]
    assert (one["path"], one["platform"], one["sets"], one["origin"]) == ("pool/x.bin", "debian12-amd64", ["web"], "ci")
    assert warned.warnings == ["%s: is in no directory of the manifest, so no host will get: files, wheels" % path]


@pytest.mark.parametrize("params, problem", [
    (dict(project="../x"), "project: '../x'"), (dict(release="feature/v2"), "release: 'feature/v2'"), (dict(commit="main"), "commit: 'main'"),
    (dict(directories=[dict(path="../x", kind="file")]), "leads out of"),
    (dict(directories=[dict(path="files", kind="file", platform="a b")]), "platform: 'a b'"),
    (dict(directories=[dict(path="files", kind="file", sets=["a/b"])]), "sets: 'a/b'"),
    (dict(directories=[dict(path="files", kind="file", origin="a\nb")]), "origin: 'a\\nb'"),
])
def test_options_that_are_refused(path, params, problem):
    assert problem in refused(path, **params)


def test_an_empty_release_is_refused(tmp_path):
    assert "v1' is not a directory on this host" in refused(tmp_path / "shop/v1")
    (tmp_path / "shop/v2").mkdir(parents=True)
    assert "has none of the directories wheels, packages, git" in refused(tmp_path / "shop/v2")
    (tmp_path / "shop/v2/files").mkdir()
    assert "holds no artifact in files" in refused(tmp_path / "shop/v2")


def test_a_link_among_the_artifacts_is_named(path):
    (path / "files/link").symlink_to("/etc/passwd")
    assert "'files/link' is a symbolic link" in refused(path)


def test_the_manifest_is_not_written_through_a_link(path, tmp_path):
    (tmp_path / "precious").write_bytes(b"precious")
    (path / "manifest.json").symlink_to(tmp_path / "precious")
    assert "manifest.json: is a symbolic link" in refused(path)
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_check_mode_writes_nothing_and_says_what_would_be(path, tmp_path):
    key = SshKey(tmp_path)
    before = snapshot(path)
    planned = make_checked(path, ssh_key=key.path)
    assert snapshot(path) == before and planned["changed"]
    assert make(path, ssh_key=key.path) == planned
    assert not make_checked(path, ssh_key=key.path)["changed"]
    os.unlink(path / "manifest.json.sig")
    assert make_checked(path, ssh_key=key.path)["changed"] and not (path / "manifest.json.sig").exists()


def make_checked(path, **params):
    asked = call(artifact_manifest, check_mode=True, path=str(path), project="shop", release="v2", **params)
    return artifact_manifest.execute(asked, clock=lambda: EPOCH)


def test_the_difference_is_shown(path, monkeypatch):
    def shown():
        asked = call(artifact_manifest, True, True, path=str(path), project="shop", release="v2")
        return artifact_manifest.execute(asked, clock=lambda: EPOCH)["diff"]

    assert shown()["before"] == "" and '"wheels/a-1.0-py3-none-any.whl"' in shown()["after"]
    make(path)
    assert shown()["before"] == shown()["after"] == (path / "manifest.json").read_text()
    monkeypatch.setattr(artifact_manifest, "DIFF_LIMIT", 100)
    assert "bytes, sha256:" in shown()["after"] and len(shown()["after"]) < 200


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_it_is_signed_and_a_good_signature_stays(path, tmp_path, kind):
    key = SshKey(tmp_path, kind=kind)
    assert make(path, ssh_key=key.path)["changed"]
    before = snapshot(path)
    text, made = (path / "manifest.json").read_bytes(), (path / "manifest.json.sig").read_bytes()
    assert signature.ssh_verify(text, made, key.allowed) == PRINCIPAL
    assert not make(path, ssh_key=key.path)["changed"]
    assert snapshot(path) == before


def test_another_key_or_a_broken_signature_is_replaced(path, tmp_path):
    one, two = SshKey(tmp_path, "one"), SshKey(tmp_path, "two")
    make(path, ssh_key=one.path)
    digest = make(path, ssh_key=two.path)["digest"]
    for broken in (None, b"x"):
        text, made = (path / "manifest.json").read_bytes(), (path / "manifest.json.sig").read_bytes()
        assert signature.ssh_verify(text, made, two.allowed) and manifest.digest(text) == digest
        if broken:
            (path / "manifest.json.sig").write_bytes(broken)
            assert make(path, ssh_key=two.path)["changed"]


def test_a_signature_of_another_manifest_does_not_stay(path, tmp_path):
    key = SshKey(tmp_path)
    make(path, ssh_key=key.path)
    assert not make(path)["changed"] and (path / "manifest.json.sig").exists()
    fill(path, {"files/shop.conf": b"CONF"})
    make(path)
    assert not (path / "manifest.json.sig").exists()


def test_a_key_that_cannot_sign_leaves_everything_as_it_was(path, tmp_path):
    make(path)
    fill(path, {"files/shop.conf": b"CONF"})
    assert "could not sign" in refused(path, ssh_key=str(tmp_path / "none"))


def test_gpg_signs_too(path, tmp_path_factory, tmp_path):
    key = GpgKey(tmp_path_factory.mktemp("g") / "h")
    try:
        options = dict(gpg_key=key.fingerprint, gpg_home=key.home, ssh_key=SshKey(tmp_path).path)
        make(path, **options)
        before = snapshot(path)
        assert not make(path, **options)["changed"] and snapshot(path) == before
        assert signature.gpgv_verify((path / "manifest.json").read_bytes(), (path / "manifest.json.gpg").read_bytes(), key.keyring)
    finally:
        key.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_names_the_directory(path, monkeypatch):
    real = os.fsync

    def full(descriptor):
        with open("/dev/full", "wb", buffering=0) as device:
            device.write(b"x")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    message = refused(path)
    assert "cannot be written: No space left on device" in message and str(path) in message


def test_as_an_ordinary_module(path):
    options = dict(path=str(path), project="shop", release="v2", _ansible_diff=True, _ansible_remote_tmp="/tmp")
    arguments = json.dumps(dict(ANSIBLE_MODULE_ARGS=options))
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    done = subprocess.run([sys.executable, artifact_manifest.__file__], input=arguments.encode(), env=environment, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    result = json.loads(done.stdout)
    assert done.returncode == 0 and result["changed"] and result["artifacts"] == 2, done.stderr
    with pytest.raises(InputError, match="serial"):
        make(path, commit="d" * 40, serial=1)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module artifact_fetch: its results, check mode, what the action sends to it, and manifests that are bad."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from ansible_collections.stagecraft.release.plugins.action import artifact_fetch as action
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest, staging
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import artifact_fetch

from manifest_samples import document, entry, fill, text
from servers import Server, fetch, objects, refused, release, tree

FILES = {"wheels/a.whl": b"wheel", "files/one": b"same", "files/two": b"same", "files/big": b"b" * 70000}
BYTES = 5 + 4 + 70000


@pytest.fixture
def path(tmp_path):
    return release(tmp_path / "releases", FILES)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def test_the_result(path, store):
    result = fetch(path, store, path)
    assert result == {"changed": True, "path": str(store / "releases/shop/v2"), "digest": manifest.digest((path / "manifest.json").read_bytes()),
                      "fetched": 3, "fetched_bytes": BYTES, "present": 0, "sources_used": {str(path): 3}, "removed": [], "warnings": []}
    again = fetch(path, store, path)
    assert again == dict(result, changed=False, fetched=0, fetched_bytes=0, present=3, sources_used={})


def test_check_mode_says_what_would_come_and_asks_nobody(tmp_path, path, store):
    with Server(tmp_path / "releases") as server:
        source = server.url + "/shop/v2"
        result = fetch(path, store, source, "controller:/srv/x", check_mode=True)
        assert not store.exists() and server.asked() == []
        assert (result["changed"], result["fetched"], result["fetched_bytes"], result["present"]) == (True, 3, BYTES, 0)
        assert result["path"] == str(store / "releases/shop/v2") and result["sources_used"] == {}
        further = release(tmp_path / "releases", {"files/one": b"same", "files/new": b"new"}, name="v3")
        fetch(path, store, source)
        server.asked()
        before = tree(store)
        result = fetch(further, store, source, check_mode=True)
        assert (result["changed"], result["fetched"], result["fetched_bytes"], result["present"]) == (True, 1, 3, 1)
        assert tree(store) == before and server.asked() == []
    assert fetch(path, store, check_mode=True)["changed"] is False


def test_check_mode_finds_what_would_not_fit_and_another_manifest(tmp_path, path, store):
    free = os.statvfs(tmp_path)
    assert "bytes free" in refused(path, store, check_mode=True, reserve=free.f_blocks * free.f_frsize)
    fetch(path, store, path)
    changed = release(tmp_path / "changed", dict(FILES, **{"files/two": b"two"}))
    assert "artifact files/two has the sha256" in refused(changed, store, check_mode=True)
    result = fetch(changed, store, check_mode=True, replace=True)
    assert (result["changed"], result["fetched"]) == (True, 1)


def test_the_numbers_of_a_failed_run(tmp_path, path, store):
    lacking = fill(tmp_path / "lacking", {"files/one": b"same"})
    with pytest.raises(StagecraftError) as caught:
        fetch(path, store, lacking)
    details = caught.value.details
    assert (details["changed"], details["fetched"], details["fetched_bytes"], details["sources_used"]) == (True, 1, 4, {str(lacking): 1})


@pytest.mark.parametrize("made, said", [
    (b"", "is empty"), (b"<html>", "HTML"), (b'{"schema": 1', "is not valid JSON"),
    (text(document(schema=2)), "schema: 2 is newer"),
    (text(document(entry("../../etc/passwd"))), "leads out of the release directory"),
    (text(document(entry("/etc/passwd"))), "is an absolute path"),
    (text(document(entry(".complete"))), "keeps for itself"),
    (text(document(entry("files/a"), entry("files/a"))), "is there twice"),
    (text(document(entry("files/a"), entry("files/a/b"))), "lies below"),
    (text(document(project="../x")), "project"),
    (text(document(release="..")), "release"),
    (text(document(*[entry("files/%d" % number) for number in range(100000)])), "100000 is more than the 50000"),
])
def test_a_manifest_that_is_bad_touches_nothing(tmp_path, store, made, said):
    path = fill(tmp_path / "bad", {"manifest.json": made})
    assert said in refused(path, store, path)
    assert not store.exists()


def test_a_directory_without_a_manifest(tmp_path, store):
    assert "has no manifest.json" in refused(tmp_path, store, tmp_path)


def test_the_digest_that_is_expected(path, store):
    message = refused(path, store, path, digest="sha256:" + "0" * 64)
    assert "manifest: digest" in message and "is not the expected sha256:000" in message
    assert fetch(path, store, path, digest=manifest.digest((path / "manifest.json").read_bytes()))["changed"]


# What the action sends

def bundle(where, contents):
    """A tar file as the action makes it."""
    with tarfile.open(where, "w") as archive:
        for content in contents:
            member = tarfile.TarInfo(hashlib.sha256(content).hexdigest())
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return str(where)


def test_documents_and_a_bundle_are_all_that_a_host_needs(tmp_path, path, store):
    sent = staging.packed({name: (path / name).read_bytes() for name in ("manifest.json", "SHA256SUMS")})
    made = bundle(tmp_path / "artifacts.tar", set(FILES.values()))
    result = fetch("/nowhere", store, "controller:/srv/x", documents=json.loads(json.dumps(sent)), bundles={"controller:/srv/x": made})
    assert result["sources_used"] == {"controller:/srv/x": 3}
    there = tree(result["path"])
    assert {name: there[name] for name in FILES} == FILES


def test_a_bundle_is_not_believed(tmp_path, path, store):
    made = bundle(tmp_path / "artifacts.tar", [b"wheel", b"b" * 70000])
    message = refused(path, store, "controller:/srv/x", bundles={"controller:/srv/x": made})
    assert "artifact files/one: controller:/srv/x has no such file" in message
    data = Path(made).read_bytes().replace(b"b" * 70000, b"b" * 69999 + b"c")
    Path(made).write_bytes(data)
    message = refused(path, tmp_path / "other", "controller:/srv/x", bundles={"controller:/srv/x": made})
    assert "artifact files/big: controller:/srv/x has the sha256" in message
    Path(made).write_bytes(data[:30000])
    assert "cannot be read" in refused(path, tmp_path / "third", "controller:/srv/x", bundles={"controller:/srv/x": made})


def test_what_is_missing_can_be_left_to_the_action(tmp_path, path, store):
    lacking = fill(tmp_path / "lacking", {"files/one": b"same"})
    result = fetch(path, store, lacking, leave_missing=True)
    assert sorted(result["missing"]) == ["files/big", "wheels/a.whl"] and "is missing there" in result["problems"]
    assert os.listdir(store / "releases" / "shop") == [] and len(objects(store)) == 1
    result = fetch(path, store, leave_missing=True)
    assert (sorted(result["missing"]), result["problems"], result["changed"]) == (["files/big", "wheels/a.whl"], "", False)
    assert os.listdir(store / ".parts") == []
    assert "missing" not in fetch(path, store, path, leave_missing=True)


@pytest.mark.parametrize("sent", ["%%%", "QUJD", 5])
def test_documents_that_are_damaged(path, store, sent):
    assert "documents: 'manifest.json' cannot be unpacked" in refused(path, store, path, documents={"manifest.json": sent})


def test_a_bomb_in_the_documents(path, store, monkeypatch):
    monkeypatch.setattr(manifest, "TEXT_LIMIT", 1000)
    assert "is longer than 1000 bytes" in refused(path, store, path, documents=staging.packed({"manifest.json": b"{" + b" " * 10000}))


def test_packing_takes_what_is_there_and_as_long_as_it_should_be(tmp_path, path):
    fill(tmp_path / "src", {"files/one": b"same", "files/big": b"short"})
    (tmp_path / "src" / "wheels").symlink_to(path / "wheels")
    made = io.BytesIO()
    action._pack(made, str(tmp_path / "src"), manifest.parse((path / "manifest.json").read_bytes(), "x")["artifacts"])
    made.seek(0)
    with tarfile.open(fileobj=made) as archive:
        assert archive.getnames() == [hashlib.sha256(b"same").hexdigest()]
    with pytest.raises(InputError, match="is not a directory on the controller"):
        action._pack(io.BytesIO(), "relative", [])


PYTHONS = [str(one) for one in sorted(Path("~/.pyenv/versions").expanduser().glob("3.[89].*/bin/python"))]


@pytest.mark.parametrize("python", PYTHONS or [pytest.param("", marks=pytest.mark.skip("no Python 3.8 or 3.9 is there"))])
def test_with_the_oldest_python_of_a_target(tmp_path, python):
    """The module and its room without Ansible: only what a target has."""
    path = release(tmp_path / "releases", {"files/%d" % number: b"%d" % number * 5000 for number in range(50)})
    store = tmp_path / "store"
    package = tmp_path / "python" / "ansible_collections" / "stagecraft" / "release" / "plugins"
    package.mkdir(parents=True)
    (package / "module_utils").symlink_to(Path(artifact_fetch.__file__).resolve().parents[1] / "module_utils")
    program = """
import sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import documents, staging
class call:
    check_mode, warn = False, print
params = dict(store=sys.argv[3], sources=[sys.argv[4]], sets=[], platforms=[], parallel=4, bandwidth=0, timeout=5.0, retries=0, reserve=0, keep=3,
              keep_releases=[], replace=False, validate_certs=True, ca_path=None, headers={}, bundles=None, leave_missing=False)
wanted = staging.Wanted(documents.kept(sys.argv[2]), sys.argv[2])
print([staging.stage(params, wanted, call, "2026-11-21T09:00:00Z")["fetched"] for _run in (1, 2)])
"""
    with Server(tmp_path / "releases") as server:
        command = [python, "-c", program, str(tmp_path / "python"), str(path), str(store), server.url + "/shop/v2"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False,
                              env=dict(os.environ, no_proxy="*", PYTHONDONTWRITEBYTECODE="1"))
        assert done.stdout.decode().strip() == "[50, 0]", done.stderr.decode()
        assert server.connections == 4
    assert {name: data for name, data in tree(store / "releases/shop/v2").items() if name != ".complete"} == tree(path)


def test_the_module_as_a_program(tmp_path, path, store):
    """As Ansible runs it on a host: all of it, then a failure that names the artifact."""
    def execute(*sources, **params):
        given = dict(dict(manifest=str(path), store=str(store), sources=[str(source) for source in sources], reserve=0), **params)
        done = subprocess.run([sys.executable, artifact_fetch.__file__], input=json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode(), timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env=dict(os.environ, PYTHONPATH=os.pathsep.join(one for one in sys.path if one)))
        return done.returncode, json.loads(done.stdout)

    assert [execute(path)[1]["changed"], execute()[1]["changed"]] == [True, False]
    code, result = execute(tmp_path, store=str(tmp_path / "other"))
    assert code == 1 and "artifact files/big: %s is missing there" % tmp_path in result["msg"]
    assert (result["fetched"], result["changed"]) == (0, False)

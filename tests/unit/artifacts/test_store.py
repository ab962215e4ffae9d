# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store of a host: what a release in it is, when it is complete, what is kept, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils import durable
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest, views
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import store as storing
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError

from manifest_samples import EPOCH, document, entry, fill
from servers import fetch, objects, refused, release, tree

FILES = {"wheels/a.whl": b"wheel", "files/shop.conf": b"conf", "files/deep/er/run": b"#!/bin/sh\n", "files/empty": b""}


@pytest.fixture
def path(tmp_path):
    return release(tmp_path / "releases", FILES)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def marker(view):
    """What a marker says."""
    return json.loads((view / ".complete").read_text())


def test_a_release_in_a_store_looks_like_its_directory(path, store):
    result = fetch(path, store, path)
    view = store / "releases" / "shop" / "v2"
    assert result["path"] == str(view)
    there = tree(view)
    assert marker(view) == {"manifest": result["digest"], "sets": [], "platforms": [], "files": 4, "bytes": 19, "at": "2026-11-21T09:00:00Z"}
    del there[".complete"]
    assert there == tree(path)
    for name, content in FILES.items():
        sha256 = hashlib.sha256(content).hexdigest()
        found = os.stat(store / "objects" / sha256[:2] / sha256)
        assert os.path.samefile(view / name, store / "objects" / sha256[:2] / sha256)
        assert found.st_mode & 0o7777 == 0o644
    assert os.stat(view).st_mode & 0o7777 == os.stat(view / "files").st_mode & 0o7777 == 0o755
    assert not os.listdir(store / ".work") and not os.listdir(store / ".parts")


def test_a_mask_does_not_hide_the_release_from_a_web_server(path, store):
    before = os.umask(0o077)
    try:
        view = Path(fetch(path, store, path)["path"])
    finally:
        os.umask(before)
    for name in tree(view):
        assert os.stat(view / name).st_mode & 0o444 == 0o444
    for above in (store, store / "objects", store / "releases", store / "releases" / "shop", view, view / "files" / "deep"):
        assert os.stat(above).st_mode & 0o555 == 0o555, above


def test_signatures_are_kept_and_added_later(path, store):
    view = Path(fetch(path, store, path)["path"])
    assert not (view / "manifest.json.sig").exists()
    fill(path, {"manifest.json.sig": b"signed"})
    assert fetch(path, store)["changed"]
    assert (view / "manifest.json.sig").read_bytes() == b"signed"
    assert not fetch(path, store)["changed"]


def test_the_second_run_changes_nothing_and_reads_no_artifact(path, store):
    first = fetch(path, store, path)
    before = {name: os.stat(store / name).st_mtime_ns for name in tree(store) if name != ".lock"}
    for name in FILES:
        os.utime(path / name, (0, 0))
        (path / name).unlink()
    again = fetch(path, store, path, clock=EPOCH + 99)
    assert (first["changed"], again["changed"], again["fetched"], again["present"]) == (True, False, 0, 4)
    assert {name: os.stat(store / name).st_mtime_ns for name in tree(store) if name != ".lock"} == before


def test_the_same_content_is_there_once(tmp_path, store):
    path = release(tmp_path / "releases", {"files/one": b"same", "files/two": b"same", "files/three": b"other"})
    result = fetch(path, store, path)
    assert (result["fetched"], result["present"], len(objects(store))) == (2, 0, 2)
    further = release(tmp_path / "releases", {"files/four": b"same", "files/five": b"new"}, name="v3")
    result = fetch(further, store, further)
    assert (result["fetched"], result["fetched_bytes"], result["present"]) == (1, 3, 1)
    assert os.stat(store / "releases/shop/v3/files/four").st_nlink == 4


def test_a_release_without_artifacts(tmp_path, store):
    path = release(tmp_path / "releases", {})
    result = fetch(path, store)
    assert (result["changed"], result["fetched"]) == (True, 0) and fetch(path, store)["changed"] is False
    assert sorted(tree(result["path"])) == [".complete", "SHA256SUMS", "manifest.json"]


def test_one_content_of_two_sizes_is_refused(tmp_path, store):
    made = document(entry("files/a", b"same"), entry("files/b", b"same", size=9))
    path = fill(tmp_path / "bad", {"manifest.json": manifest.serialise(made)})
    assert "artifact files/b: size" in refused(path, store, path)


def test_sets_widen_a_complete_release_and_never_narrow_it(tmp_path, store):
    path = release(tmp_path / "releases", {"files/web": (b"web", {"sets": ["web"]}), "files/db": (b"db", {"sets": ["db"]}),
                                           "files/rest": (b"rest", {"sets": ["rest"]})})
    view = Path(fetch(path, store, path, sets=["web"])["path"])
    assert sorted(tree(view / "files")) == ["web"]
    ino = os.stat(view).st_ino
    result = fetch(path, store, path, sets=["db"])
    assert (result["changed"], result["fetched"], result["present"]) == (True, 1, 1)
    assert sorted(tree(view / "files")) == ["db", "web"]
    assert (marker(view)["sets"], marker(view)["files"]) == (["db", "web"], 2)
    assert os.stat(view).st_ino == ino
    assert not fetch(path, store, path, sets=["web"])["changed"]
    assert fetch(path, store, path)["fetched"] == 1
    assert marker(view)["sets"] == []
    assert not fetch(path, store, path, sets=["db"])["changed"]


def test_platforms(tmp_path, store):
    path = release(tmp_path / "releases", {"a/1": (b"1", {"platform": "debian12-amd64"}), "a/2": (b"2", {"platform": "debian13-amd64"}), "a/3": b"3"})
    view = Path(fetch(path, store, path, platforms=["debian12-amd64"])["path"])
    assert sorted(tree(view / "a")) == ["1", "3"]
    fetch(path, store, path, platforms=["debian13-amd64"])
    assert sorted(tree(view / "a")) == ["1", "2", "3"]


def test_a_set_that_is_not_there(path, store):
    assert "sets: 'webb'" in refused(path, store, path, sets=["webb"])


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"manifest": 1}', b'{"manifest": "sha256:0", "sets": [], "platforms": [], "at": ""}',
    b'{"manifest": "x", "at": "", "sets": "default", "platforms": []}', b"[" * 100000, "link", "directory", "other sets",
], ids=lambda content: str(content)[:20])
def test_a_damaged_marker_is_none(path, store, content):
    view = Path(fetch(path, store, path)["path"])
    whole = marker(view)
    (view / ".complete").unlink()
    if content == "link":
        os.symlink("/dev/zero", view / ".complete")
    elif content == "directory":
        (view / ".complete").mkdir()
    elif content == "other sets":
        (view / ".complete").write_text(json.dumps(dict(whole, sets=["nobody"])))
    else:
        (view / ".complete").write_bytes(content)
    result = fetch(path, store)
    assert (result["changed"], result["fetched"], result["present"]) == (True, 0, 4)
    assert marker(view) == whole


def test_without_a_marker_a_content_is_believed_only_by_its_digest(path, store):
    view = Path(fetch(path, store, path)["path"])
    sha256 = hashlib.sha256(b"wheel").hexdigest()
    (view / ".complete").unlink()
    (store / "objects" / sha256[:2] / sha256).write_bytes(b"wheeL")
    result = fetch(path, store, path)
    assert (result["fetched"], result["present"]) == (1, 3)
    assert (view / "wheels/a.whl").read_bytes() == b"wheel"


def test_a_content_that_a_complete_release_vouches_for_is_not_read(tmp_path, path, store, monkeypatch):
    fetch(path, store, path)
    further = release(tmp_path / "releases", FILES, name="v3")
    read = []
    monkeypatch.setattr(views, "_has", lambda where, sha256: read.append(sha256) or True)
    assert fetch(further, store)["present"] == 4
    assert read == []
    os.unlink(store / "releases/shop/v2/.complete")
    os.unlink(store / "releases/shop/v3/.complete")
    fetch(further, store)
    assert len(read) == 4


def test_a_release_vouches_only_for_what_it_is_a_link_to(tmp_path, path, store):
    fetch(path, store, path)
    sha256 = hashlib.sha256(b"wheel").hexdigest()
    (store / "objects" / sha256[:2] / sha256).unlink()
    fill(store / "objects" / sha256[:2], {sha256: b"WHEEL"})
    further = release(tmp_path / "releases", FILES, name="v3")
    result = fetch(further, store, further)
    assert (result["fetched"], result["present"]) == (1, 3)
    assert [(store / "releases/shop" / name / "wheels/a.whl").read_bytes() for name in ("v2", "v3")] == [b"wheel", b"wheel"]


def test_a_file_that_is_gone_from_a_complete_release(path, store, tmp_path):
    view = Path(fetch(path, store, path)["path"])
    (view / "wheels/a.whl").unlink()
    result = fetch(path, store, path)
    assert (result["changed"], result["fetched"]) == (True, 0)
    assert (view / "wheels/a.whl").read_bytes() == b"wheel"
    shutil.rmtree(store / "objects")
    (view / "wheels/a.whl").write_bytes(b"short")
    (view / "wheels/a.whl").write_bytes(b"longer")
    result = fetch(path, store, path)
    assert (result["changed"], result["fetched"]) == (True, 1)
    assert (view / "wheels/a.whl").read_bytes() == b"wheel"
    assert not fetch(path, store, path)["changed"]


def test_another_release_of_the_same_name(tmp_path, path, store):
    view = Path(fetch(path, store, path)["path"])
    before = tree(store)
    changed = release(tmp_path / "changed", dict(FILES, **{"files/shop.conf": b"CONF"}))
    said = refused(changed, store, changed)
    assert "artifact files/shop.conf has the sha256" in said and "replace" in said and "release v2 of shop" in said
    assert tree(store) == before
    result = fetch(changed, store, changed, replace=True)
    assert (result["changed"], result["fetched"], result["present"]) == (True, 1, 3)
    assert (view / "files/shop.conf").read_bytes() == b"CONF"
    assert hashlib.sha256(b"conf").hexdigest() not in objects(store)
    assert marker(view)["manifest"] == result["digest"]
    assert not os.listdir(store / ".work")


@pytest.mark.parametrize("files, more, said", [
    ({"wheels/a.whl": b"wheel"}, {}, "artifact files/deep/er/run is no longer in it"),
    (dict(FILES, **{"files/new": b""}), {}, "artifact files/new is new in it"),
    (dict(FILES, **{"files/shop.conf": (b"conf", {"mode": "0755"})}), {}, "artifact files/shop.conf has the mode 0755, before 0644"),
    (FILES, {"serial": 8}, "the artifacts are the same"),
])
def test_what_changed_is_named(tmp_path, path, store, files, more, said):
    fetch(path, store, path)
    changed = release(tmp_path / "changed", files, **more)
    assert said in refused(changed, store, changed)


def test_a_release_that_was_not_complete_is_replaced_only_on_purpose(tmp_path, path, store):
    view = Path(fetch(path, store, path)["path"])
    (view / ".complete").unlink()
    changed = release(tmp_path / "changed", {"files/new": b"new"})
    assert "was staged before with another manifest" in refused(changed, store, changed)
    (view / "manifest.json").unlink()
    fetch(changed, store, changed)
    assert sorted(tree(view)) == [".complete", "SHA256SUMS", "files/new", "manifest.json"]


# Retention

def releases(store):
    """The releases that are there."""
    return sorted(os.listdir(store / "releases" / "shop"))


@pytest.fixture
def five(tmp_path, store):
    """Five releases, each with one file of its own and one of all, staged in an order that is not that of their names."""
    paths = {}
    for age, name in enumerate(["r3", "r1", "r5", "r2", "r4"]):
        paths[name] = release(tmp_path / "releases", {"files/own": name.encode(), "files/all": b"all"}, name=name)
        fetch(paths[name], store, paths[name], keep=0, clock=EPOCH + age)
    return paths


def test_no_release_is_removed_when_all_are_kept(five, store):
    assert releases(store) == ["r1", "r2", "r3", "r4", "r5"]
    assert len(objects(store)) == 6


def test_the_newest_are_kept_with_their_contents(five, store):
    result = fetch(five["r4"], store, keep=2)
    assert (result["changed"], result["removed"]) == (True, ["r3", "r1", "r5"])
    assert releases(store) == ["r2", "r4"]
    assert objects(store) == sorted(hashlib.sha256(content).hexdigest() for content in (b"all", b"r2", b"r4"))
    assert fetch(five["r4"], store, keep=2)["removed"] == []


def test_named_releases_and_the_fetched_one_are_kept(five, store):
    result = fetch(five["r3"], store, keep=1, keep_releases=["r1", "gone"])
    assert (result["removed"], releases(store)) == (["r5", "r2", "r4"], ["r1", "r3"])
    assert (store / "releases/shop/r1/files/own").read_bytes() == b"r1"


def test_what_is_not_complete_does_not_count(five, store):
    (store / "releases/shop/r2/.complete").write_text("{")
    assert fetch(five["r4"], store, keep=2)["removed"] == ["r2", "r3", "r1"]
    assert releases(store) == ["r4", "r5"]


def test_a_content_with_another_name_stays(five, store, tmp_path):
    sha256 = hashlib.sha256(b"r1").hexdigest()
    os.link(store / "releases/shop/r1/files/own", tmp_path / "used")
    fetch(five["r4"], store, keep=1)
    assert releases(store) == ["r4"]
    assert sha256 in objects(store) and hashlib.sha256(b"r3").hexdigest() not in objects(store)


def test_other_projects_are_left_alone(five, store, tmp_path):
    path = release(tmp_path / "releases", {"files/own": b"r1"}, project="other", name="r9")
    fetch(path, store, path, keep=1)
    assert releases(store) == ["r1", "r2", "r3", "r4", "r5"]


def test_check_mode_tells_what_would_be_removed(five, store):
    before = tree(store)
    result = fetch(five["r4"], store, keep=1, check_mode=True)
    assert (result["changed"], result["removed"]) == (True, ["r3", "r1", "r5", "r2"])
    assert tree(store) == before


# What is refused

@pytest.mark.parametrize("name", ["", "objects", "releases", ".parts", ".work", "releases/shop", "releases/shop/v2"])
def test_links_out_of_the_store(path, store, tmp_path, name):
    fetch(path, store, path)
    inside, outside = store / name, tmp_path / "elsewhere"
    os.rename(inside, outside)
    os.symlink(outside, inside)
    before = tree(outside)
    said = refused(path, store, path)
    assert str(inside) in said and "is a symbolic link" in said
    assert tree(outside) == before


def test_a_directory_of_a_release_that_is_a_link(path, store, tmp_path):
    view = Path(fetch(path, store, path)["path"])
    os.rename(view / "wheels", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", view / "wheels")
    assert "wheels' is a symbolic link" in refused(path, store, path)


@pytest.mark.parametrize("complete", [True, False])
def test_a_file_of_the_store_that_is_a_link(path, store, tmp_path, complete):
    view = Path(fetch(path, store, path)["path"])
    sha256 = hashlib.sha256(b"wheel").hexdigest()
    inside = view / "wheels/a.whl" if complete else store / "objects" / sha256[:2] / sha256
    (tmp_path / "elsewhere").write_bytes(b"wheel")
    inside.unlink()
    inside.symlink_to(tmp_path / "elsewhere")
    if not complete:
        (view / ".complete").unlink()
    said = refused(path, store, path)
    assert "is a symbolic link, not a regular file" in said and str(inside) in said


def test_a_shelf_that_is_a_link(path, store, tmp_path):
    sha256 = hashlib.sha256(b"wheel").hexdigest()
    (store / "objects").mkdir(parents=True)
    (store / "objects" / sha256[:2]).symlink_to(tmp_path)
    assert "is a symbolic link" in refused(path, store, path)
    assert sorted(os.listdir(tmp_path)) == ["releases", "store"]


def test_a_store_above_which_is_a_link(path, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "var").symlink_to(tmp_path / "data")
    assert fetch(path, tmp_path / "var" / "store", path)["fetched"] == 4


@pytest.mark.parametrize("given, said", [
    ("relative", "is not an absolute path"), ("/dev/null", "is not a directory"), ("/dev/null/below", "lies below")])
def test_a_store_that_cannot_be_one(path, given, said):
    with pytest.raises(StagecraftError) as caught:
        storing.Store(given).check()
    assert said in caught.value.message and "store" in caught.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_where_the_user_may_not_write(path, tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o555)
    assert "become" in refused(path, tmp_path / "theirs" / "store", path)


HOLD = """
import fcntl, os, sys, time
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(handle, fcntl.LOCK_EX)
os.write(handle, b"%d" % os.getpid())
print("held", flush=True)
sys.stdin.read()
"""


def test_two_runs_at_a_time(path, store):
    store.mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(store / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        said = refused(path, store, path, timeout=0.3)
        assert "is in use by another run (process %d on this host)" % holder.pid in said
        assert sorted(os.listdir(store)) == [".lock"]
        holder.stdin.close()
        assert fetch(path, store, path)["fetched"] == 4


def test_what_an_interrupted_run_left_is_taken_away(path, store, tmp_path):
    fill(store, {".work/tmp1/files/a": b"x", ".work/link": b"x", ".parts/" + "0" * 64 + ".part": b"old", ".parts/" + "1" * 64 + ".part": b"new"})
    os.utime(store / ".parts" / ("0" * 64 + ".part"), (1, 1))
    fetch(path, store, path)
    assert os.listdir(store / ".work") == []
    assert os.listdir(store / ".parts") == ["1" * 64 + ".part"]


def test_too_little_room_is_known_before(path, store):
    free = os.statvfs(store.parent)
    said = refused(path, store, path, reserve=free.f_blocks * free.f_frsize)
    assert "bytes free" in said and "for 4 artifacts" in said
    assert not (store / "releases" / "shop" / "v2").exists() and objects(store) == []
    fetch(path, store, path)
    assert not fetch(path, store, path, reserve=free.f_blocks * free.f_frsize)["changed"]


def test_room_for_a_lie_of_a_tebibyte(tmp_path, store):
    path = fill(tmp_path / "lie", {"manifest.json": manifest.serialise(document(entry("images/app.tar", b"a", kind="rootfs", size=1 << 40)))})
    said = refused(path, store, path)
    assert str(1 << 40) in said and "bytes free" in said


def test_a_disk_without_room_for_more_files(path, store, monkeypatch):
    monkeypatch.setattr(storing.Store, "room", lambda self: (1 << 40, 3, 4096))
    assert "can hold 3 more files; 4 are needed" in refused(path, store, path)


def test_more_names_than_a_file_can_have(tmp_path, store, monkeypatch):
    files = {"files/%d" % number: b"same" for number in range(4)}
    path = release(tmp_path / "releases", files)
    link, made = os.link, []

    def limited(source, target, **options):
        if len(made) >= 2:
            raise OSError(31, "Too many links")
        made.append(target)
        link(source, target, **options)

    monkeypatch.setattr(os, "link", limited)
    view = Path(fetch(path, store, path)["path"])
    assert {name: content for name, content in tree(view).items() if name.startswith("files/")} == files
    assert os.stat(view / "files/3").st_mode & 0o777 == 0o644


def test_a_disk_that_is_full_when_the_release_is_made(path, store, monkeypatch):
    def full(root, paths):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "sync", full)
        assert "no space is left there" in refused(path, store, path)
    assert os.listdir(store / ".work") == [] and os.listdir(store / "releases/shop") == []
    assert fetch(path, store)["fetched"] == 0


# Durability

def test_all_is_on_the_disk_before_the_marker(path, store, monkeypatch):
    """Every file, and every directory that holds a name of one, is synced when the marker is written; the release gets its name after that."""
    synced, sync, mark = set(), durable.sync, views.Plan._mark

    def noted(root, paths):
        synced.update(os.path.realpath(one) for one in paths)
        sync(root, paths)

    def marked(view, text):
        assert not (store / "releases/shop/v2").exists()
        for base, _directories, names in os.walk(view):
            assert base in synced
            for name in names:
                assert any(os.path.samefile(os.path.join(base, name), one) for one in synced if os.path.isfile(one)), name
        for base, _directories, names in os.walk(store / "objects"):
            assert base in synced
        mark(view, text)

    monkeypatch.setattr(durable, "sync", noted)
    monkeypatch.setattr(views.Plan, "_mark", staticmethod(marked))
    fetch(path, store, path)
    assert (store / "releases/shop/v2/.complete").exists()


@pytest.mark.parametrize("known", [True, False])
def test_syncing_with_and_without_the_platforms_help(tmp_path, monkeypatch, known):
    if not known:
        monkeypatch.setattr(durable, "_FUNCTIONS", {})
    one_by_one = []
    sync_one = durable.sync_one
    monkeypatch.setattr(durable, "sync_one", lambda path: one_by_one.append(path) or sync_one(path))
    fill(tmp_path, {str(number): b"x" for number in range(20)})
    durable.sync(str(tmp_path), [str(tmp_path / str(number)) for number in range(20)])
    assert len(one_by_one) == (0 if known and sys.platform == "linux" else 20)
    with pytest.raises(OSError):
        durable.sync(str(tmp_path), [str(tmp_path / "gone")])


CRASH = """
import os, sys
sys.path[:0] = sys.argv[1].split(":")
from ansible_collections.stagecraft.release.plugins.module_utils import durable
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import views
import os
point, path, store, more = sys.argv[2:]
def die(*_arguments, **_options):
    os._exit(9)
if point == "link":
    real, made = os.link, []
    def link(*arguments, **options):
        if len(made) == 2:
            os._exit(9)
        made.append(1)
        real(*arguments, **options)
    os.link = link
elif point == "rename":
    views.Plan._take_place = die
elif point == "between":
    real, made = os.rename, []
    def rename(*arguments):
        if made:
            os._exit(9)
        made.append(1)
        real(*arguments)
    os.rename = rename
else:
    setattr(*{"sync": (durable, "sync"), "mark": (views.Plan, "_mark")}[point], die)
from servers import fetch
fetch(path, store, path, replace=bool(more))
"""


def crash(point, path, store, more=""):
    """A run that ends at a point of no choice."""
    roots = ":".join([str(Path(__file__).parent)] + [str(Path(one)) for one in sys.path if one])
    done = subprocess.run([sys.executable, "-c", CRASH, roots, point, str(path), str(store), more], stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 9, done.stderr.decode()


@pytest.mark.parametrize("point", ["link", "sync", "mark", "rename"])
def test_a_run_that_is_killed_leaves_nothing_half_visible(path, store, point):
    crash(point, path, store)
    assert os.listdir(store / "releases" / "shop") == []
    result = fetch(path, store)
    assert (result["fetched"], result["present"]) == (0, 4)
    assert {name: content for name, content in tree(result["path"]).items() if name != ".complete"} == tree(path)


@pytest.mark.parametrize("point", ["link", "sync", "mark"])
def test_a_run_that_is_killed_while_it_adds_leaves_the_release_as_it_was(tmp_path, store, point):
    path = release(tmp_path / "releases", dict(FILES, **{"more/%d" % number: (b"%d" % number, {"sets": ["more"]}) for number in range(4)}))
    view = Path(fetch(path, store, path, sets=["default"])["path"])
    before = {name: content for name, content in tree(view).items() if not name.startswith("more/")}
    crash(point, path, store)
    assert {name: content for name, content in tree(view).items() if not name.startswith("more/")} == before
    assert marker(view)["sets"] == ["default"]
    assert fetch(path, store)["fetched"] == 0
    assert {name: content for name, content in tree(view).items() if name != ".complete"} == tree(path)


def test_a_run_that_is_killed_while_it_mends_leaves_no_marker(path, store):
    """What it linked may not be on the disk, so the next run has to look at the contents."""
    view = Path(fetch(path, store, path)["path"])
    (view / "wheels/a.whl").unlink()
    crash("sync", path, store)
    assert not (view / ".complete").exists()
    sha256 = hashlib.sha256(b"wheel").hexdigest()
    (store / "objects" / sha256[:2] / sha256).write_bytes(b"\0\0\0\0\0")
    assert fetch(path, store, path)["fetched"] == 1
    assert (view / "wheels/a.whl").read_bytes() == b"wheel"


@pytest.mark.parametrize("point", ["link", "mark", "between"])
def test_a_run_that_is_killed_while_it_replaces(tmp_path, path, store, point):
    view = Path(fetch(path, store, path)["path"])
    before = tree(view)
    changed = release(tmp_path / "changed", {"files/%d" % number: b"%d" % number for number in range(4)})
    crash(point, changed, store, "replace")
    assert not view.exists() if point == "between" else tree(view) == before
    fetch(changed, store, changed, replace=True)
    assert {name: content for name, content in tree(view).items() if name != ".complete"} == tree(changed)

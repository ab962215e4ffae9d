# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests read, checked and written."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

from manifest_samples import document, entry, fill, text

SHA = "a" * 64


def parse(*entries, **more):
    return manifest.parse(text(document(*entries, **more)), "https://host/shop/v2/manifest.json")


def refused(*entries, **more):
    with pytest.raises(StagecraftError) as caught:
        parse(*entries, **more)
    return caught.value.message


def test_what_was_written_is_read_again():
    made = document(entry("files/b"), entry("files/a", sets=["web", "db", "web"]), expires="2027-01-01T00:00:00Z", commit="a" * 40)
    written = manifest.serialise(made)
    again = manifest.parse(written, "here")
    assert [one["path"] for one in again["artifacts"]] == ["files/a", "files/b"]
    assert again["artifacts"][0]["sets"] == ["db", "web"]
    assert manifest.serialise(again) == written and written.endswith(b"}\n") and b"\r" not in written
    assert manifest.digest(written) == "sha256:" + hashlib.sha256(written).hexdigest()


def test_the_order_of_keys_and_entries_does_not_show():
    one, two = entry("files/ä", origin="größer"), entry("files/b")
    assert manifest.serialise(document(one, two)) == manifest.serialise(dict(reversed(document(two, dict(reversed(one.items()))).items())))
    assert "größer".encode() in manifest.serialise(document(one))


@pytest.mark.parametrize("path, problem", [
    ("/etc/passwd", "is an absolute path"), ("../x", "leads out of the release directory"), ("files/../../x", "leads out of the release directory"),
    ("files//x", "empty part"), ("files/./x", "part '.'"), ("files/", "empty part"), ("", "is empty"), (None, "is not a text"), (3, "is not a text"),
    ("files\\x", "backslash"), ("files/a\nb", "control character"), ("files/a\x00", "control character"), ("files/\u202etxt", "does not show"),
    ("files/\udcff", "does not show"), ("files/" + "x" * 256, "is longer"), ("/".join(["x" * 200] * 6), "is longer"),
    ("manifest.json", "keeps for itself"), ("SHA256SUMS", "keeps for itself"), (".complete", "keeps for itself"),
    ("manifest.json.sig", "keeps for itself"), ("manifest.json.gpg/x", "keeps for itself"),
])
def test_a_path_that_could_name_something_else_is_refused(path, problem):
    message = refused(entry("files/good"), entry(path))
    assert problem in message and "artifacts[1].path" in message and "https://host/shop/v2" in message


@pytest.mark.parametrize("path", ["a", "files/..a", "files/a b", "files/ä", "files/manifest.json", "x-1.0+l-py3-none-any.whl", "files/%2e%2e", "-f"])
def test_a_path_that_is_only_unusual_is_taken(path):
    assert parse(entry(path))["artifacts"][0]["path"] == path


@pytest.mark.parametrize("more, problem", [
    (dict(size=-1), "size: -1 is not a whole number"), (dict(size=1.0), "size: 1.0"), (dict(size=True), "size: True"), (dict(size="1"), "size: '1'"),
    (dict(size=(1 << 40) + 1), "size: 1099511627777"), (dict(size=None), "size: None"), (dict(sha256="A" * 64), "does not have the form of a sha256"),
    (dict(sha256=SHA + "\n"), "does not have the form of a sha256"), (dict(sha256=SHA[1:]), "sha256"),
    (dict(kind="exe"), "kind: 'exe' is not one of wheel"),
    (dict(kind=["file"]), "kind: 'list' is not one of"), (dict(platform=""), "platform: ''"), (dict(platform="a/b"), "platform: 'a/b'"),
    (dict(origin="a\nb"), "origin: 'a\\nb'"), (dict(origin=None), "origin: None"), (dict(sets=[]), "sets: '[]' is empty"),
    (dict(sets="web"), "sets: 'web' is not a list"), (dict(sets=["a b"]), "sets: 'a b'"), (dict(sets=[1]), "sets: 1"),
    (dict(mode="4755"), "mode: '4755'"), (dict(mode="644"), "mode: '644'"), (dict(kind="wheel", dist="x"), "version: None"),
    (dict(kind="package", package="x", version="1", arch=""), "arch: ''"), (dict(kind="git", commit="HEAD"), "commit: 'HEAD'"),
    (dict(kind="image", id="latest", tags=[]), "id: 'latest'"), (dict(kind="image", id="sha256:" + SHA, tags="x"), "tags: 'x' is not a list"),
    (dict(kind="image", id="sha256:" + SHA, tags=["a\x1b[2J"]), "tags: 'a\\x1b[2J'"),
])
def test_a_wrong_entry_is_named(more, problem):
    message = refused(entry("files/x", **more))
    assert "artifact files/x: " + problem.split(":")[0] in message or problem in message
    assert problem in message and "files/x" in message


def test_an_entry_that_is_no_mapping_is_refused():
    assert "artifacts[0]: 'list' is not a mapping" in refused([])


@pytest.mark.parametrize("more, problem", [
    (dict(schema=2), "schema: 2 is newer than 1"), (dict(schema=0), "schema: 0 is not a known schema"), (dict(schema="1"), "schema: '1' is not"),
    (dict(schema=True), "schema: True"), (dict(schema=None), "schema: None"), (dict(project="../x"), "project: '../x'"),
    (dict(project=""), "project: ''"),
    (dict(project=".work"), "project: '.work'"), (dict(release="feature/x"), "release: 'feature/x'"), (dict(release="-rf"), "release: '-rf'"),
    (dict(release="v2\n"), "release: 'v2\\n'"), (dict(release="x" * 129), "release: "), (dict(serial=0), "serial: 0"),
    (dict(serial=1 << 60), "serial"),
    (dict(serial="7"), "serial: '7'"), (dict(created="yesterday"), "created: 'yesterday'"), (dict(created=None), "created: None"),
    (dict(created="2026-1-1T0:0:0Z"), "created: '2026-1-1T0:0:0Z'"), (dict(expires="2026-13-01T00:00:00Z"), "expires: '2026-13-01T00:00:00Z'"),
    (dict(commit="main"), "commit: 'main'"), (dict(commit=None), "commit: None"), (dict(artifacts={}), "artifacts: 'dict' is not a list"),
])
def test_a_wrong_head_is_named(more, problem):
    assert problem in refused(**more)


def test_a_newer_schema_asks_for_an_update():
    assert "Update the collection stagecraft.release" in refused(schema=2)


@pytest.mark.parametrize("data, problem", [
    (b"", "is empty"), (b"<!DOCTYPE html><html>login</html>", "begins like an HTML page"), (b"\n  <html>", "begins like an HTML page"),
    (b"404: not found", "does not begin like a manifest"), (b"[]", "does not begin like a manifest"),
    (b'\xef\xbb\xbf{"schema": 1}', "does not begin"),
    (b'{"schema": 1', "is not valid JSON"), (b'{"schema": NaN}', "NaN is not a number"),
    (b'{"schema": 1, "schema": 1}', "a key is there twice: schema"),
    (b'{"a": "\xff"}', "is not valid JSON"), (b'{"a": ' + b"[" * 200000, "is not valid JSON"),
    (b'{"size": ' + b"9" * 5000 + b"}", "a number of 5000 digits"),
])
def test_what_is_no_manifest_is_told(data, problem):
    with pytest.raises(StagecraftError) as caught:
        manifest.parse(data, "https://host/manifest.json")
    assert problem in caught.value.message and caught.value.message.startswith("https://host/manifest.json")
    assert len(caught.value.message) < 600


def test_a_text_of_more_than_64_mib_is_not_parsed():
    with pytest.raises(StagecraftError, match="is longer than 67108864 bytes"):
        manifest.parse(b"{" + b" " * (64 << 20), "here")


def test_100000_entries_are_refused_and_50000_are_not():
    assert "100000 is more than the 50000 entries" in refused(*[entry("files/%d" % number) for number in range(100000)])
    assert len(parse(*[entry("files/%d" % number) for number in range(50000)])["artifacts"]) == 50000


def test_a_duplicate_path_is_refused():
    assert "'files/a' is there twice" in refused(entry("files/a"), entry("files/b"), entry("files/a", b"other"))


@pytest.mark.parametrize("above, below", [("a", "a/b"), ("a/b", "a/b/c/d")])
def test_an_artifact_below_an_artifact_is_refused(above, below):
    assert "%r lies below %r" % (below, above) in refused(entry(below), entry(above))
    assert parse(entry(below), entry(above + ".x"))


def test_keys_that_nobody_knows_do_no_harm():
    assert parse(entry(note="x"), note="y")["note"] == "y"


def test_a_long_value_is_cut_in_the_message():
    assert len(refused(project="x" * 100000)) < 600


def select(made, sets=(), platforms=()):
    return [one["path"] for one in manifest.select(made, list(sets), list(platforms))]


def test_sets_and_platforms_choose_entries():
    made = parse(entry("w/all"), entry("w/web", sets=["web"]), entry("w/both", sets=["db", "web"]), entry("w/deb12", platform="debian12-amd64"),
                 entry("w/web12", sets=["web"], platform="debian12-amd64"), entry("w/deb13", platform="debian13-amd64"))
    assert select(made) == ["w/all", "w/web", "w/both", "w/deb12", "w/web12", "w/deb13"]
    assert select(made, ["web"]) == ["w/web", "w/both", "w/web12"]
    assert select(made, ["default"], ["debian12-amd64"]) == ["w/all", "w/deb12"]
    assert select(made, [], ["debian13-amd64"]) == ["w/all", "w/web", "w/both", "w/deb13"]
    assert select(made, ["web", "db"], ["other"]) == ["w/web", "w/both"]
    with pytest.raises(InputError, match="sets: 'webb' is in no artifact of release v2 of shop. Give some of: db, default, web"):
        select(made, ["web", "webb"])


def test_a_summary_counts_by_kind():
    entries = [entry("a", b"123"), entry("b", b"4"), entry("c", b"", kind="rootfs")]
    assert manifest.summary(entries) == dict(artifacts=3, bytes=4, by_kind={"file": 2, "rootfs": 1})
    assert manifest.summary([]) == dict(artifacts=0, bytes=0, by_kind={})


def test_coreutils_reads_the_sums(tmp_path):
    contents = {"files/a b": b"1", "files/-x": b"2", "files/*ä%": b"3", " lead": b"4"}
    fill(tmp_path, contents)
    fill(tmp_path, {"SHA256SUMS": manifest.sums(document(*[entry(path, content) for path, content in contents.items()]))})
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=False, stdout=subprocess.PIPE)
    assert done.returncode == 0 and done.stdout.count(b": OK") == 4
    (tmp_path / "files/a b").write_bytes(b"x")
    assert subprocess.run(["sha256sum", "--check", "--status", "SHA256SUMS"], cwd=tmp_path, check=False).returncode == 1


def test_a_manifest_is_plain_json():
    assert json.loads(manifest.serialise(document(entry())))["artifacts"][0]["mode"] == "0644"

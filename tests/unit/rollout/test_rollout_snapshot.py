# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``rollout_snapshot`` on real repositories: complete or not there, never stale, and nothing that is needed goes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import content, keeping
from ansible_collections.stagecraft.release.plugins.modules import rollout_snapshot as module
from ansible_collections.stagecraft.release.tests.unit.repository.fixtures import own_git_settings  # noqa: F401  # pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.repository.gitrepo import Project, git
from ansible_collections.stagecraft.release.tests.unit.rollout.store_samples import at, fill, load, make, mark, named, ran, run, small_disk, tree


class Site:
    """A repository, and the state that its snapshots go to."""

    def __init__(self, path):
        self.project = Project(path)
        self.state_dir = path / "state"
        self.commit("One", main_cf="one")

    def commit(self, message, **files):
        """Commit and push."""
        commit = self.project.commit(message, **files)
        self.project.push()
        return commit

    def take(self, hour, **given):
        """Take the snapshot of an hour."""
        return run(module, at(hour), **dict({"repository": self.project.url, "ref": "release", "state_dir": str(self.state_dir), "by": "cron"}, **given))

    def names(self):
        """The snapshots that are there."""
        return [snapshot.name for snapshot in load(self.state_dir).snapshots]

    def content(self, name):
        """The files of a snapshot."""
        return tree(self.state_dir / "snapshots" / name)


def left(site):
    """What is not complete and was left."""
    return [path for room in (".work", ".new") for path in (site.state_dir / room).glob("*")]


@pytest.fixture
def site(tmp_path):
    """A repository with one commit, and no snapshot yet."""
    return Site(tmp_path)


def test_a_snapshot_of_the_hour(site):
    os.chmod(site.project.work / "main.cf", 0o755)
    (site.project.work / "deep/er").mkdir(parents=True)
    (site.project.work / "deep/er/file").write_bytes(b"\xff\r\n")
    (site.project.work / "link").symlink_to("/nowhere")
    head = site.commit("Two")
    done = site.take(7.25)
    found = done["snapshot"]
    assert done["changed"] and done["removed"] == [] and done["message"] == "%s was taken from commit %s of release" % (named(7), head[:12])
    assert (found["name"], found["at"], found["commit"], found["files"], found["taken_at"], found["taken_by"], found["ref"]) == (
        named(7), at(7), head, 3, at(7.25), "cron", "release")
    assert site.content(named(7)) == {"main.cf": b"one", "deep": None, "deep/er": None, "deep/er/file": b"\xff\r\n", "link": None}
    path = site.state_dir / "snapshots" / named(7)
    assert str(path) == found["path"] and os.readlink(path / "link") == "/nowhere"
    assert [(path / name).stat().st_mode & 0o777 for name in ("main.cf", "deep/er/file", "deep", ".")] == [0o755, 0o644, 0o755, 0o755]
    assert found["digest"] == content.digest(content.listing(path)) and load(site.state_dir).problems == []


def test_the_digest_tells_contents_apart(site, tmp_path):
    seen = set()
    for number, files in enumerate(({"a_cf": "1"}, {"a_cf": "2"}, {"a_cf": "1", "b_cf": ""}, {"a_cf": None, "c_cf": "1"})):
        site.commit("%d" % number, **files)
        seen.add(site.take(number)["snapshot"]["digest"])
    assert len(seen) == 4
    os.chmod(site.project.work / "c.cf", 0o755)
    site.commit("program")
    seen.add(site.take(4)["snapshot"]["digest"])
    assert len(seen) == 5


def test_the_first_of_an_hour_stays(site):
    first = site.take(7.1)["snapshot"]
    site.commit("Two", main_cf="two")
    before = tree(site.state_dir)
    done = site.take(7.9)
    assert not done["changed"] and done["snapshot"] == first and "the first one of an hour stays" in done["message"] and tree(site.state_dir) == before
    assert site.take(8)["changed"] and site.content(named(8)) == {"main.cf": b"two"}


def test_a_repository_that_cannot_be_reached_matters_only_when_one_is_due(site):
    site.take(7)
    shutil.rmtree(site.project.origin)
    assert not site.take(7.5)["changed"]
    before = tree(site.state_dir / "snapshots")
    with pytest.raises(InputError, match="repository: .* is not there"):
        site.take(8)
    assert tree(site.state_dir / "snapshots") == before and site.names() == [named(7)] and not left(site)


@pytest.mark.parametrize(("given", "field"), [
    ({"ref": "nope"}, "ref"), ({"ref": "a..b"}, "ref"), ({"ref": "0" * 40}, "repository"), ({"repository": "ext::sh"}, "repository"),
    ({"name": "../x"}, "name"), ({"name": ".x"}, "name"), ({"name": "x.json"}, "name"), ({"name": "a b"}, "name"), ({"prefix": "-"}, "prefix"),
    ({"name": "x" * 200}, "name"), ({"keep_age": "old"}, "keep_age"), ({"keep_count": 0}, "keep_count"), ({"max_age": "0"}, "max_age"),
    ({"schedule": "/nowhere/schedule.yml"}, "schedule"), ({"state_dir": "here"}, "state_dir"),
])
def test_errors_name_the_option(site, given, field):
    with pytest.raises(InputError) as caught:
        site.take(7, **given)
    assert caught.value.field == field
    assert not site.state_dir.exists() or site.names() == []


def test_a_tag_or_a_commit_under_a_name(site):
    site.project.tag("v1")
    first = site.project.head()
    site.commit("Two", main_cf="two")
    done = site.take(7.5, ref="v1", name="v1")
    assert done["snapshot"]["at"] == at(7.5) and site.content("v1") == {"main.cf": b"one"}
    again = site.take(9, ref=first, name="v1")
    assert not again["changed"] and "from the same commit" in again["message"]
    with pytest.raises(InputError, match="name: 'v1' is there already, with other content: it was made from commit %s" % first[:12]):
        site.take(9, name="v1")
    assert site.content("v1") == {"main.cf": b"one"}


def test_a_name_that_is_branch_and_tag_is_refused(site):
    site.project.tag("release")
    with pytest.raises(InputError, match="is both a branch and a tag"):
        site.take(7)


def test_an_empty_source_is_refused(site):
    site.commit("Nothing", main_cf=None)
    with pytest.raises(InputError, match="is empty: commit [0-9a-f]{12} holds no files"):
        site.take(7)
    site.commit("Nothing that is exported", main_cf="x")
    (site.project.work / ".gitattributes").write_text("* export-ignore\n")
    site.commit("Attributes")
    with pytest.raises(InputError, match="is empty"):
        site.take(7)
    assert site.names() == [] and os.listdir(site.state_dir / "snapshots") == [] and not left(site)


def test_a_submodule_is_refused(site):
    site.project.git("update-index", "--add", "--cacheinfo", "160000,%s,modules/fs" % site.project.head())
    site.project.git("commit", "--quiet", "-m", "Submodule")
    site.project.push()
    with pytest.raises(InputError, match="has the submodule modules/fs"):
        site.take(7)


def test_a_source_in_which_nothing_happens_is_stale(site):
    assert site.take(7, max_age="1h")["changed"]  # the commit is younger than that day is old
    now = int(git(site.project.origin, "show", "--no-patch", "--format=%ct", "release")) + 8 * 86400
    with pytest.raises(InputError, match="is stale: its newest commit [0-9a-f]{12} is 8 d old.*raise 'max_age' .7 d."):
        run(module, now, repository=site.project.url, ref="release", state_dir=str(site.state_dir), max_age="7d")


def test_a_history_that_was_rewritten_is_refused(site):
    site.commit("Two", main_cf="two")
    old = site.take(7)["snapshot"]["commit"]
    site.project.git("commit", "--quiet", "--amend", "-m", "Other two")
    site.project.push("+release:release")
    with pytest.raises(InputError, match="was rewritten: its history has not got %s any more, which snapshot %s was made from" % (old[:12], named(7))):
        site.take(8)
    with pytest.raises(InputError, match="was rewritten"):
        site.take(8, check_mode=True)
    assert site.names() == [named(7)]
    assert site.take(8, accept_rewritten=True)["changed"] and site.take(9)["changed"]
    assert git(site.state_dir / "repository.git", "cat-file", "-t", old) == "commit"  # what was taken can still be told


def test_a_history_that_went_back_is_refused(site):
    site.commit("Two", main_cf="two")
    site.take(7)
    site.project.push("+HEAD~1:release")
    with pytest.raises(InputError, match="was rewritten"):
        site.take(8)


def test_a_copy_of_the_repository_that_is_broken_is_made_again(site):
    site.take(7)
    (site.state_dir / "repository.git/HEAD").unlink()
    site.commit("Two", main_cf="two")
    assert site.take(8)["changed"] and site.content(named(8)) == {"main.cf": b"two"}


def test_the_locks_of_a_git_that_was_killed_are_no_hindrance(site):
    site.take(7)
    for name in ("refs/stagecraft/fetched.lock", "packed-refs.lock", "config.lock", "refs/stagecraft/snapshots/%s.lock" % named(8)):
        (site.state_dir / "repository.git" / name).write_text("")
    site.commit("Two", main_cf="two")
    assert site.take(8)["changed"]


def test_the_clock_is_put_back_an_hour(site):
    first = site.take(10.1)["snapshot"]
    site.commit("Two", main_cf="two")
    second = site.take(11.1)["snapshot"]
    site.commit("Three", main_cf="three")
    before = tree(site.state_dir)
    done = site.take(10.2)
    assert not done["changed"] and done["snapshot"] == first and "there is a snapshot of 2014-02-11 11:00 UTC: it was put back" in done["message"]
    assert not site.take(11.9)["changed"] and tree(site.state_dir) == before
    with pytest.raises(InputError, match="%s.* was not taken: The clock shows the hour of 2014-02-11 09:00 UTC.*it was put back" % named(9)):
        site.take(9.5)
    assert tree(site.state_dir) == before and site.take(12)["changed"] and second["name"] in site.names()


def test_names_are_in_utc_whatever_the_zone(site, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    assert site.take(7)["snapshot"]["name"] == "20140211-0700"
    assert site.take(8, prefix="conf-")["snapshot"]["name"] == "conf-20140211-0800"


def test_check_mode_writes_nothing(site):
    done = site.take(7, check_mode=True)
    assert done["changed"] and done["snapshot"]["files"] == 1 and done["diff"] == {"before": {"snapshots": []}, "after": {"snapshots": [named(7)]}}
    assert not site.state_dir.exists()
    site.take(7)
    site.commit("Two", main_cf="two")
    before = tree(site.state_dir)
    assert site.take(8 + 100 * 24, keep_age="1h", keep_count=1, check_mode=True)["removed"] == [named(7)] and tree(site.state_dir) == before


def test_only_what_changed(site):
    site.take(7)
    done = site.take(8, only_changed=True)
    assert not done["changed"] and done["snapshot"]["name"] == named(7) and "nothing was committed to release" in done["message"]
    site.commit("Two", main_cf="two")
    assert site.take(9, only_changed=True)["changed"] and site.names() == [named(7), named(9)]


def test_barrier_and_dead_end_are_noted(site):
    site.take(7, barrier="new format")
    assert load(site.state_dir).snapshots[0].barrier == "new format"
    assert not site.take(7.5)["changed"] and not site.take(7.5, barrier="new format")["changed"]
    done = site.take(7.5, barrier="", dead_end="ask ops")
    snapshot = load(site.state_dir).snapshots[0]
    assert done["changed"] and (snapshot.barrier, snapshot.dead_end) == ("", "ask ops") and "noted: barrier no more, dead_end ask ops" in done["message"]


def test_the_content_of_a_bad_one_is_bad_under_any_name(site):
    site.take(7)
    site.commit("Bad", main_cf="bad")
    site.take(8)
    mark(site.state_dir, 8)
    done = site.take(9)
    assert "its content is that of %s, which ann marked bad: broken" % named(8) in done["message"]
    assert load(site.state_dir).last_marks.get(named(9)).state == "bad" and load(site.state_dir).last_marks.get(named(7)) is None
    site.commit("Fix", main_cf="fixed")
    assert load(site.state_dir).last_marks.get(site.take(10)["snapshot"]["name"]) is None


def test_a_snapshot_with_a_commit_that_was_marked_is_told(site):
    bad = site.commit("Bad", main_cf="bad")
    site.take(8)
    mark(site.state_dir, 8, commit=bad)
    site.commit("More", other_cf="more")
    assert "holds commit %s, which %s was marked bad for" % (bad[:12], named(8)) in site.take(9)["message"]
    fix = site.commit("Fix", main_cf="fixed")
    mark(site.state_dir, 8, commit=bad, fix=fix)
    assert "marked" not in site.take(10)["message"]


def test_credentials_are_kept_nowhere(site, monkeypatch):
    store = str(site.state_dir)
    with pytest.raises(StagecraftError) as caught:
        run(module, at(7), repository="https://ann:hunter2@127.0.0.1:9/r.git", ref="main", state_dir=store, timeout=20)
    assert "hunter2" not in str(caught.value)
    assert not [name for name, data in tree(site.state_dir).items() if data and b"hunter2" in data]


# Complete or not there

KILLED = """
import os, sys
sys.path[:0] = sys.argv[4:]
from ansible_collections.stagecraft.release.tests.unit.rollout import store_samples
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import content, keeping, recording
from ansible_collections.stagecraft.release.plugins.module_utils.repository.mirror import Mirror
from ansible_collections.stagecraft.release.plugins.modules import rollout_snapshot
step = sys.argv[3]
def die(*_arguments, **_options):
    os._exit(9)
place, name = {"archived": (content, "unpack"), "unpacked": (content, "listing"), "proved": (Mirror, "keep"), "kept": (keeping, "publish"),
               "published": (keeping, "describe"), "renaming": (os, "rename"), "described": (recording.Store, "keep_valid")}[step]
setattr(place, name, die)
store_samples.run(rollout_snapshot, store_samples.at(8), repository=sys.argv[1], ref="release", state_dir=sys.argv[2])
"""


@pytest.mark.parametrize("step", ["archived", "unpacked", "proved", "kept", "renaming", "published", "described"])
def test_killed_between_the_steps(site, step):
    site.take(7)
    site.commit("Two", main_cf="two")
    done = subprocess.run([sys.executable, "-c", KILLED, site.project.url, str(site.state_dir), step, *sys.path], check=False, capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    state = load(site.state_dir)
    assert state.problems == [] and site.names() == [named(7)] + ([named(8)] if step == "described" else [])
    assert site.take(8)["changed"] is (step != "described")
    assert site.content(named(8)) == {"main.cf": b"two"} and load(site.state_dir).problems == []
    assert not left(site) and set(os.listdir(site.state_dir / "snapshots")) == {
        named(7), named(7) + ".json", named(8), named(8) + ".json"}


def test_what_a_killed_removal_left_goes(site):
    site.take(7)
    (site.state_dir / "snapshots/left").mkdir()
    (site.state_dir / ".work/old-x").mkdir()
    (site.state_dir / ".new/x").mkdir()
    site.take(8)
    assert not (site.state_dir / "snapshots/left").exists() and not left(site)


def test_a_content_that_is_not_what_was_packed_is_not_kept(site, monkeypatch):
    real = content.unpack

    def short(archive, directory):
        found = real(archive, directory)
        os.truncate(os.path.join(directory, "main.cf"), 1)
        return found

    monkeypatch.setattr(keeping.content, "unpack", short)
    with pytest.raises(StagecraftError, match="is not what the repository has"):
        site.take(7)
    assert site.names() == [] and os.listdir(site.state_dir / "snapshots") == [] and not left(site)


@pytest.mark.parametrize("cut", [10, 700, 2560, 20000])
def test_an_archive_that_is_cut_off_is_refused(site, tmp_path, cut):
    site.commit("Large", large_cf="x" * 20000)
    archive = tmp_path / "a.tar"
    git(site.project.origin, "archive", "--output=%s" % archive, "release")
    os.truncate(archive, cut)
    with pytest.raises(StagecraftError, match="is damaged"):
        content.unpack(str(archive), str(tmp_path / "out"))


def test_a_full_disk_takes_no_snapshot_and_loses_none(site, tmp_path):
    undo = small_disk(tmp_path / "disk", "2m")
    try:
        site.state_dir = tmp_path / "disk/state"
        site.take(7)
        site.commit("Large", large_cf="x" * 600000)
        fill(tmp_path / "disk")
        with open(tmp_path / "disk/filler", "r+b") as handle:
            handle.truncate(os.path.getsize(tmp_path / "disk/filler") - 700000)
        with pytest.raises(StagecraftError, match="(?i)no space left|space"):
            site.take(8)
        assert site.names() == [named(7)] and load(site.state_dir).problems == [] and not left(site)
        os.unlink(tmp_path / "disk/filler")
        assert site.take(8)["changed"] and len(site.content(named(8))["large.cf"]) == 600000
    finally:
        undo()


def test_two_at_once(site):
    code = KILLED.replace("setattr(place, name, die)\n", "")
    both = [subprocess.Popen([sys.executable, "-c", code, site.project.url, str(site.state_dir), "kept", *sys.path], stderr=subprocess.PIPE, text=True)
            for _number in range(2)]
    assert [one.communicate()[1] for one in both] == ["", ""] and [one.returncode for one in both] == [0, 0]
    assert site.names() == [named(8)] and load(site.state_dir).problems == []


def test_git_that_hangs_keeps_nobody_from_marking(site, tmp_path):
    site.take(7)
    git_that_hangs = tmp_path / "bin/git"
    git_that_hangs.parent.mkdir()
    git_that_hangs.write_text("#!/bin/sh\ncase \"$*\" in *fetch*) touch '%s'; while kill -0 $PPID; do sleep 0.1; done;; *) exec '%s' \"$@\";; esac\n" % (
        tmp_path / "begun", shutil.which("git")))
    git_that_hangs.chmod(0o755)
    site.commit("Two", main_cf="two")
    code = KILLED.replace("setattr(place, name, die)\n", "")
    taker = subprocess.Popen([sys.executable, "-c", code, site.project.url, str(site.state_dir), "kept", *sys.path],
                             stderr=subprocess.DEVNULL, env=dict(os.environ, PATH="%s:%s" % (git_that_hangs.parent, os.environ["PATH"])))
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < deadline and taker.poll() is None
            time.sleep(0.05)
        mark(site.state_dir, 7)
        with pytest.raises(StagecraftError, match="is held by .* .process %d.: taking a snapshot" % taker.pid):
            site.take(8, lock_timeout=0.2)
        assert load(site.state_dir).last_marks.get(named(7))
    finally:
        taker.kill()
        taker.wait()


# Retention

def prune(site, hour, **given):
    """Take a snapshot at an hour long after, and return what went."""
    return site.take(hour, **dict({"keep_age": "2h", "keep_count": 1}, **given))["removed"]


def test_what_is_old_and_of_no_use_goes(site):
    make(site.state_dir, 1, 2, 3, 4)
    assert prune(site, 5) == [named(1), named(2)] and site.names() == [named(3), named(4), named(5)]
    assert not (site.state_dir / "snapshots" / named(1)).exists() and load(site.state_dir).problems == []
    assert prune(site, 6, keep_count=3) == [named(3)]


def test_what_is_in_use_pinned_or_a_barrier_stays(site):
    make(site.state_dir, 1, 2, 3, 4, 5, 6)
    make(site.state_dir, 7, barrier="format")
    for hour in (1, 2, 3):
        ran(site.state_dir, hour, "web1")
    ran(site.state_dir, 4, "web1", ok=False)
    (site.state_dir / "pins.jsonl").write_text("".join(json.dumps(
        {"target": target, "snapshot": named(hour), "until": until, "at": 1, "by": "a", "why": "w", "emergency": False, "present": True}) + "\n"
        for target, hour, until in (("a", 5, at(31)), ("b", 6, at(29)))))
    assert prune(site, 30) == [named(1), named(6)]
    assert site.names() == [named(hour) for hour in (2, 3, 4, 5, 7, 30)]


def test_the_newest_good_one_stays_however_old(site, tmp_path):
    make(site.state_dir, 1, 2, 3)
    mark(site.state_dir, 2)
    mark(site.state_dir, 3)
    (tmp_path / "schedule.yml").write_text(
        "rings:\n  - {name: dev, selector: {groups: [dev]}}\n  - {name: prod, selector: {groups: [prod]}, delay: 4h}\n")
    assert prune(site, 30, schedule=str(tmp_path / "schedule.yml")) == [named(2), named(3)]
    assert site.names() == [named(1), named(30)]  # 0100 is the only one that prod may have


def test_nothing_goes_while_the_state_is_not_known(site):
    make(site.state_dir, 1, 2, 3)
    (site.state_dir / "targets/web1.json").write_text("{")
    warnings = []
    assert prune(site, 30, warnings=warnings) == [] and "No old snapshot was removed" in warnings[0] and len(site.names()) == 4
    with pytest.raises(StagecraftError, match="what these targets run is not known: web1"):
        site.take(31, state="absent", name=named(1))


def test_taking_one_away(site):
    make(site.state_dir, 1, 2, 3)
    ran(site.state_dir, 1, "web1")
    before = tree(site.state_dir)
    assert site.take(5, state="absent", name=named(2), check_mode=True)["changed"] and tree(site.state_dir) == before
    done = site.take(5, state="absent", name=named(2))
    assert done["changed"] and done["removed"] == [named(2)] and done["snapshot"] is None and site.names() == [named(1), named(3)]
    assert not site.take(5, state="absent", name=named(2))["changed"]
    for hour, reason in ((1, "in use"), (3, "newest good one")):
        with pytest.raises(InputError, match="name: .* is needed and was kept: .*%s" % reason):
            site.take(5, state="absent", name=named(hour))


def test_no_snapshot_while_marks_cannot_be_read(site):
    site.take(7)
    (site.state_dir / "marks.jsonl").write_text("{")
    with pytest.raises(StagecraftError, match="cannot be relied on"):
        site.take(8)
    assert set(os.listdir(site.state_dir / "snapshots")) == {named(7), named(7) + ".json"}

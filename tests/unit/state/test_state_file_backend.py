# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents in files: real files, real locks, real processes."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import re
import stat
import subprocess
import threading
import time

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state import backends
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend

FORK = multiprocessing.get_context("fork")


def make(tmp_path, **options):
    return FileBackend(str(tmp_path / "facts.d" / "s.fact"), str(tmp_path / "log" / "journal.jsonl"), str(tmp_path / "state"), **options)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("name", ["facts", "lock-shop", "evidence-a.b_c-D"])
def test_documents_come_back_and_go(tmp_path, name):
    backend = make(tmp_path)
    assert backend.read(name) is None
    backend.write(name, "one")
    backend.write(name, "zwei ü\n")
    assert backend.read(name) == "zwei ü\n"
    backend.delete(name)
    backend.delete(name)
    assert backend.read(name) is None


def test_a_run_that_must_stop_writes_and_removes_nothing(tmp_path):
    def stop():
        raise StagecraftError("the run was killed")
    make(tmp_path).write("facts", "one")
    backend = make(tmp_path, before_write=stop)
    assert backend.read("facts") == "one"
    for change in (lambda: backend.write("facts", "two"), lambda: backend.delete("facts")):
        with pytest.raises(StagecraftError, match="the run was killed"):
            change()
    assert backend.read("facts") == "one"


def test_modes_hold_whatever_the_umask(tmp_path):
    backend = make(tmp_path)
    before = os.umask(0o077)
    try:
        backend.write("facts", "x")
        backend.write("evidence-a", "x", private=True)
    finally:
        os.umask(before)
    assert mode(backend.path("facts")) == 0o644
    assert mode(backend.path("evidence-a")) == 0o600
    assert mode(tmp_path / "facts.d") == 0o755 and mode(tmp_path / "state") == 0o755


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "a b", "ä", "a\n"])
def test_names_that_could_leave_the_directory_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot name a document"):
        make(tmp_path).read(name)


@pytest.mark.parametrize("position, field", [(0, "facts_path"), (1, "journal_path"), (2, "state_directory")])
@pytest.mark.parametrize("path", ["~/x", "x/y", "", None])
def test_paths_must_be_absolute(position, field, path):
    paths = ["/a", "/b", "/c"]
    paths[position] = path
    with pytest.raises(InputError, match="%s: .*absolute path" % field):
        FileBackend(*paths)


def directory(path):
    path.mkdir()


def dangling(path):
    path.symlink_to(path.parent / "nowhere")


def endless(path):
    path.symlink_to(path)


def fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize("make_it, message", [
    (directory, "is a directory.*Move it away"),
    (dangling, "link to a file that is not there.*remove the link"),
    (endless, "link to a file that is not there"),
    (fifo, "not a regular file"),
])
@pytest.mark.parametrize("use", ["read", "write"])
def test_what_is_not_a_file_is_an_error_and_stays(tmp_path, make_it, message, use):
    backend = make(tmp_path)
    (tmp_path / "facts.d").mkdir()
    path = tmp_path / "facts.d" / "s.fact"
    make_it(path)
    with pytest.raises(StagecraftError, match=message) as caught:
        backend.read("facts") if use == "read" else backend.write("facts", "x")
    assert str(path) in caught.value.message
    assert os.path.lexists(path) and not path.is_file()


@pytest.mark.parametrize("use", ["read", "write"])
def test_a_file_in_place_of_a_directory_is_named(tmp_path, use):
    (tmp_path / "facts.d").write_text("in the way")
    with pytest.raises(StagecraftError, match="not a directory"):
        make(tmp_path).read("facts") if use == "read" else make(tmp_path).write("facts", "x")


def test_text_that_is_not_utf8_is_an_error(tmp_path):
    backend = make(tmp_path)
    backend.write("facts", "x")
    (tmp_path / "facts.d" / "s.fact").write_bytes(b"\xff\xfe")
    with pytest.raises(StagecraftError, match="not UTF-8"):
        backend.read("facts")


def test_a_link_to_a_file_is_followed_and_kept(tmp_path):
    backend = make(tmp_path)
    (tmp_path / "facts.d").mkdir()
    (tmp_path / "real").write_text("old")
    (tmp_path / "facts.d" / "s.fact").symlink_to(tmp_path / "real")
    assert backend.read("facts") == "old"
    backend.write("facts", "new")
    assert (tmp_path / "facts.d" / "s.fact").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def without_rights(paths, use, answer):
    """Use the backend as a user who may do nothing there."""
    if os.getuid() == 0:
        os.setuid(65534)
    try:
        FileBackend(*paths).read("facts") if use == "read" else FileBackend(*paths).write("facts", "y")
    except StagecraftError as exc:
        answer.put(exc.message)
    else:
        answer.put("it worked")


@pytest.mark.parametrize("use, message", [("read", "cannot be read by this user. Make it"), ("write", "may not be written.*become")])
def test_missing_rights_say_what_to_do(tmp_path, use, message):
    backend = make(tmp_path)
    backend.write("facts", "x")
    answer = FORK.Queue()
    (tmp_path / "facts.d").chmod(0)
    try:
        child = FORK.Process(target=without_rights, args=((backend.facts_path, backend.journal_path, backend.directory), use, answer))
        child.start()
        assert re.search(message, answer.get(timeout=30))
        child.join()
    finally:
        (tmp_path / "facts.d").chmod(0o755)


@pytest.mark.parametrize("number, message", [
    (errno.ENOSPC, "no space is left"), (errno.EDQUOT, "no space is left"), (errno.EACCES, "become"), (errno.EROFS, "become"),
    (errno.EIO, "could not write it"),
])
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_write_that_fails_leaves_the_old_document_and_nothing_else(tmp_path, monkeypatch, number, message, call):
    backend = make(tmp_path)
    backend.write("facts", "old")

    def broken(*args):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(backends.os, call, broken)
    with pytest.raises(StagecraftError, match=message) as caught:
        backend.write("facts", "new")
    monkeypatch.undo()
    assert backend.path("facts") in caught.value.message
    assert backend.read("facts") == "old"
    assert os.listdir(tmp_path / "facts.d") == ["s.fact"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount")
def test_a_really_full_file_system(tmp_path):
    small = tmp_path / "state"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("may not mount here")
    try:
        backend = make(tmp_path)
        backend.write("a", "old")
        with pytest.raises(StagecraftError, match="a.json: no space is left"):
            backend.write("a", "x" * 200000)
        assert backend.read("a") == "old"
        backend.write("a", "new")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_what_a_killed_writer_left_is_cleaned_away(tmp_path):
    backend = make(tmp_path)
    backend.write("facts", "old")
    (tmp_path / "facts.d" / ".s.fact.tmp").write_text("half")
    backend.write("facts", "new")
    assert os.listdir(tmp_path / "facts.d") == ["s.fact"] and backend.read("facts") == "new"


def add_up(paths, times):
    backend = FileBackend(*paths)
    for _number in range(times):
        with backend.exclusive():
            backend.write("counter", str(int(backend.read("counter") or 0) + 1))


def test_exclusive_keeps_every_change_of_two_processes(tmp_path):
    backend = make(tmp_path)
    paths = (backend.facts_path, backend.journal_path, backend.directory)
    workers = [FORK.Process(target=add_up, args=(paths, 40)) for _number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert backend.read("counter") == "80"


def hold(paths, ready):
    with FileBackend(*paths).exclusive():
        ready.set()
        time.sleep(120)


def test_exclusive_gives_up_and_is_free_when_the_holder_is_killed(tmp_path):
    backend = make(tmp_path, lock_timeout=0.2)
    ready = FORK.Event()
    holder = FORK.Process(target=hold, args=((backend.facts_path, backend.journal_path, backend.directory), ready))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(StagecraftError, match=r"\.lock: another process has held it for 0.2 s"):
        with backend.exclusive():
            pytest.fail("two holders")
    holder.kill()
    holder.join()
    with backend.exclusive():
        pass


def test_journal_appends_and_mends_a_broken_last_line(tmp_path):
    backend = make(tmp_path)
    backend.journal('{"a": 1}')
    with open(backend.journal_path, "a", encoding="utf-8") as handle:
        handle.write('{"ha')
    backend.journal('{"b": 2}')
    with open(backend.journal_path, encoding="utf-8") as handle:
        assert handle.read() == '{"a": 1}\n{"ha\n{"b": 2}\n'


def test_journal_is_rotated_by_size_and_keeps_the_newest(tmp_path):
    backend = make(tmp_path, journal_bytes=100, journal_keep=3)
    for number in range(40):
        backend.journal(json.dumps({"number": number, "filler": "x" * 20}))
    files = sorted(os.listdir(tmp_path / "log"))
    assert files == ["journal.jsonl", "journal.jsonl.1", "journal.jsonl.2", "journal.jsonl.3"]
    seen = [json.loads(line)["number"] for name in files[::-1][:3] + files[:1] for line in (tmp_path / "log" / name).read_text().splitlines()]
    assert seen == list(range(seen[0], 40)) and len(seen) >= 7
    assert all(os.path.getsize(tmp_path / "log" / name) <= 100 for name in files)


def test_journal_loses_no_line_of_many_writers_while_it_rotates(tmp_path):
    def write(writer):
        backend = make(tmp_path, journal_bytes=400, journal_keep=50)
        for number in range(25):
            backend.journal("%d-%d" % (writer, number))
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    lines = [line for name in os.listdir(tmp_path / "log") for line in (tmp_path / "log" / name).read_text().splitlines()]
    assert sorted(lines) == sorted("%d-%d" % (writer, number) for writer in range(4) for number in range(25))
    assert len(os.listdir(tmp_path / "log")) > 1

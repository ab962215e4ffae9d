# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host's files through its shell: real shells, real files."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend
from ansible_collections.stagecraft.release.plugins.plugin_utils import raw_read

SHELLS = [shell for shell in (["/bin/sh"], ["dash"], ["bash"], ["busybox", "sh"], ["zsh", "--emulate", "sh"]) if shutil.which(shell[0])]
LOCK = "lock-shop"


class Host:
    """An action whose connection is a shell on this machine."""

    def __init__(self, shell=("/bin/sh",), user=None, alter=lambda output: output):
        self.commands = []
        self._shell = list(shell)
        self._user = user
        self._alter = alter

    def _low_level_execute_command(self, cmd, sudoable=True):
        assert sudoable is False
        self.commands.append(cmd)
        answer = subprocess.run(self._shell + ["-c", cmd], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                preexec_fn=self._user and (lambda: os.setuid(self._user)))
        return {"rc": answer.returncode, "stdout": self._alter(answer.stdout.decode("utf-8")), "stderr": answer.stderr.decode("utf-8")}


def backend_in(root):
    return FileBackend(str(root / "facts.d" / "s.fact"), str(root / "j"), str(root / "state"))


def read(backend, host=None):
    host = host or Host()
    reader = raw_read.RawReader(host, backend).load("facts", LOCK)
    assert len(host.commands) == 1 and "\n" not in host.commands[0]
    return reader


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("text", ["", "x", "x\n", "\n\n", "ü {\"a\": 1}\n\n", "stagecraft-0 end facts\n", "$HOME `id` 'q' \"d\"\n"])
def test_texts_come_back_to_the_byte(tmp_path, shell, text):
    backend = backend_in(tmp_path)
    backend.write("facts", text)
    reader = read(backend, Host(shell))
    assert reader.read("facts") == text and reader.read(LOCK) is None
    assert abs(reader.clock() - time.time()) < 10


@pytest.mark.parametrize("name", ["with space", "quote'd", '"double"', "$HOME", "`id`", "semi;colon", "-n", "stern*"])
def test_paths_are_quoted(tmp_path, name):
    root = tmp_path / name
    root.mkdir()
    backend = backend_in(root)
    backend.write("facts", "f")
    backend.write(LOCK, "l")
    reader = read(backend)
    assert (reader.read("facts"), reader.read(LOCK)) == ("f", "l")


def no_parent(path):
    path.parent.rmdir()


def directory(path):
    path.mkdir()


def dangling(path):
    path.symlink_to(path.parent / "nowhere")


def endless(path):
    path.symlink_to(path)


def fifo(path):
    os.mkfifo(path)


def below_a_file(path):
    path.parent.rmdir()
    path.parent.write_text("")


def below_a_dangling_link(path):
    path.parent.rmdir()
    path.parent.symlink_to(path.parent.parent / "nowhere")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("make, message", [
    (lambda path: None, None), (no_parent, None), (directory, "is a directory"), (dangling, "link to a file that is not there"),
    (endless, "link to a file that is not there"), (fifo, "not a regular file"), (below_a_file, "below something that is not a directory"),
    (below_a_dangling_link, "below something that is not a directory"),
])
def test_only_what_is_not_there_is_absent(tmp_path, shell, make, message):
    (tmp_path / "facts.d").mkdir()
    make(tmp_path / "facts.d" / "s.fact")
    reader = read(backend_in(tmp_path), Host(shell))
    if message is None:
        assert reader.read("facts") is None
    else:
        with pytest.raises(StagecraftError, match="s.fact: .*%s" % message):
            reader.read("facts")


def test_a_link_to_a_file_is_followed(tmp_path):
    (tmp_path / "facts.d").mkdir()
    (tmp_path / "real").write_text("there")
    (tmp_path / "facts.d" / "s.fact").symlink_to(tmp_path / "real")
    assert read(backend_in(tmp_path)).read("facts") == "there"


@pytest.mark.parametrize("closed, mode", [("facts.d/s.fact", 0), ("facts.d", 0), ("facts.d", 0o644)])
def test_what_may_not_be_read_is_not_absent(tmp_path_factory, closed, mode):
    root = tmp_path_factory.mktemp("closed")
    user = 65534 if os.getuid() == 0 else None
    for folder in (root, root.parent, root.parent.parent):
        folder.chmod(0o755)
    backend = backend_in(root)
    backend.write("facts", "secret")
    (root / closed).chmod(mode)
    try:
        with pytest.raises(StagecraftError, match="s.fact: cannot be read by this user"):
            read(backend, Host(user=user)).read("facts")
    finally:
        (root / closed).chmod(0o755)


def test_what_the_shell_prints_besides_does_not_matter(tmp_path):
    backend = backend_in(tmp_path)
    backend.write("facts", "text")
    assert read(backend, Host(alter=lambda output: "Welcome!\nno newline here" + output + "bye")).read("facts") == "text"


def test_a_terminals_line_ends_leave_the_json_readable(tmp_path):
    backend = backend_in(tmp_path)
    backend.write("facts", "{}\n")
    reader = read(backend, Host(alter=lambda output: output.replace("\n", "\r\n")))
    assert reader.read("facts").split() == ["{}"] and reader.read(LOCK) is None


@pytest.mark.parametrize("keep", [0, 40, 80])
def test_an_answer_cut_short_is_never_nothing_done_yet(tmp_path, keep):
    backend = backend_in(tmp_path)
    backend.write("facts", "x" * 100)
    with pytest.raises(StagecraftError, match="no whole answer"):
        read(backend, Host(alter=lambda output: output[:keep])).read("facts")


def test_a_shell_that_fails_is_an_error_with_its_words(tmp_path):
    with pytest.raises(StagecraftError, match=r"rc 3\): no room"):
        raw_read.RawReader(Host(["/bin/sh", "-c", "echo no room >&2; exit 3", "x"]), backend_in(tmp_path)).load("facts")

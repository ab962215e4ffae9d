# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An engine that cannot run gives its reason. The programs here are stand-ins: no engine is touched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.fleet import engine
from tests.fleet.engine import Engine, NoEngine
from tests.fleet.keeper import identity, is_alive

# A client that reaches an engine when the stand-in of the engine has made the file `up`, and knows no container.
CLIENT = 'if [ "$1" = version ]; then test -e "$0.up"; exit; fi'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """programs(docker=…, dockerd=…): shell scripts that are the only such programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(engine, "HOME", tmp_path / "home")
    monkeypatch.setattr(engine, "KEEPER", tmp_path / "home" / "engine")
    monkeypatch.setattr(engine, "LOG", tmp_path / "home" / "engine.log")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def make(**scripts: str) -> Path:
        for name, text in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return folder

    return make


def test_root_is_needed(programs, monkeypatch):
    programs(docker="exit 0", dockerd="exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NoEngine, match="needs root"):
        Engine().acquire()


@pytest.mark.parametrize("present", [{}, {"dockerd": "exit 0"}, {"docker": "exit 1"}])
def test_missing_program_is_named_by_its_package(programs, present):
    programs(**present)
    with pytest.raises(NoEngine, match=f"install the Debian package {engine.PACKAGE}"):
        Engine().acquire()


def test_engine_that_does_not_start_says_why(programs):
    log = ("level=info msg=hello", "failed to start daemon: no iptables", "level=info msg=bye")
    programs(docker="exit 1", dockerd="".join(f'echo "{line}" >&2; ' for line in log) + "exit 1")
    mine = Engine()
    with pytest.raises(NoEngine, match="does not start here: failed to start daemon: no iptables"):
        mine.acquire()
    assert not engine.KEEPER.exists()


def test_engine_that_answers_is_used_and_never_stopped(programs):
    programs(docker="exit 0")
    mine = Engine().acquire()
    assert mine.held
    mine.release()
    assert not mine.held
    assert engine.stop() is False


def test_own_engine_is_stopped_when_nobody_holds_it(programs):
    folder = programs(docker=CLIENT)
    programs(dockerd=f'echo "$@" > {folder}/arguments; : > {folder}/docker.up; exec /bin/sleep 60')
    first, second = Engine().acquire(), Engine().acquire()
    assert (folder / "arguments").read_text() == f"--data-root {engine.HOME}/data\n"
    keeper = engine.KEEPER.read_text()
    assert is_alive(keeper)
    first.release()
    assert engine.stop() is False
    second.release()
    assert is_alive(keeper)
    assert engine.stop() is True
    assert not is_alive(keeper)


def test_own_engine_with_containers_is_left_alone(programs):
    folder = programs(docker=CLIENT + "\necho 0123")
    programs(dockerd=f": > {folder}/docker.up; exec /bin/sleep 60")
    Engine().acquire().release()
    keeper = engine.KEEPER.read_text()
    try:
        assert engine.stop() is False
        assert is_alive(keeper)
    finally:
        os.kill(int(keeper.partition(":")[0]), 9)


def test_number_of_a_process_that_was_used_again_is_told_apart():
    mine = identity()
    assert is_alive(mine)
    assert not is_alive(f"{os.getpid()}:1")
    assert not is_alive("")
    child = subprocess.Popen(["sleep", "0"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identity(child.pid) == ""  # a zombie keeps nothing
    child.wait()
    assert identity(child.pid) == ""

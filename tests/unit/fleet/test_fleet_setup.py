# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The set-up installs what a fleet needs where it may, and asks nobody to install it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.checks import machine
from tests.checks.jobs import Failed
from tests.fleet.engine import PACKAGE


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing but an apt-get that notes what it is asked for."""
    program = tmp_path / "apt-get"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine, "_can_make_venvs", lambda: True)
    return tmp_path / "asked"


def test_packages_of_a_fleet_and_of_the_browser_are_installed_in_ci(bare, monkeypatch):
    monkeypatch.setenv("CI", "true")
    machine.prepare(("git", *machine.OPTIONAL))
    assert bare.read_text().splitlines()[1] == f"-qq install -y --no-install-recommends chromium debootstrap {PACKAGE} git"


def test_developer_is_not_asked_for_them(bare, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    machine.prepare(tuple(machine.OPTIONAL))
    with pytest.raises(Failed, match="Missing on this machine: git "):
        machine.prepare(("git", *machine.OPTIONAL))
    assert not bare.exists()

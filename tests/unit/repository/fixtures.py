# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the room ``repository``, imported by its tests and by those of its modules."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.tests.unit.repository import gitrepo


@pytest.fixture(autouse=True)
def own_git_settings(monkeypatch, tmp_path):
    """No settings of the person who runs the tests, and temporary copies where the test can count them."""
    for name in ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_ASKPASS", "SSH_ASKPASS", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "copies").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    yield
    assert not list((tmp_path / "copies").iterdir()), "a temporary copy was left behind"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """One project of each kind, to be copied."""
    return {make: make(tmp_path_factory.mktemp(make.__name__)) for make in (gitrepo.released, gitrepo.upgraded)}


@pytest.fixture
def project(prepared, tmp_path):
    """A project with v1 on its branch and v2 tagged."""
    return prepared[gitrepo.released].copy(tmp_path)


@pytest.fixture
def at_v2(prepared, tmp_path):
    """A project with v2 on its branch."""
    return prepared[gitrepo.upgraded].copy(tmp_path)

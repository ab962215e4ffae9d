# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The system tests on every release: what is run again, and the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bed import releases
from tests.checks import matrix


@pytest.fixture(name="passed")
def passed_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two releases, and a place where nothing has passed yet."""
    two = [releases.Release("8.7.6", "3.9", "agents"), releases.Release("20.1.0", "3.12", "scheduler")]
    monkeypatch.setattr(matrix.releases, "runnable", lambda found: two)
    monkeypatch.setattr(matrix, "PASSED", tmp_path / "matrix")
    monkeypatch.setattr(matrix, "tree", lambda: "these files")
    return tmp_path / "matrix"


def test_a_row_for_each_release_and_what_passed_is_not_run_again(passed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []

    def first(version: str) -> int:
        asked.append(version)
        return 1 if version == "20.1.0" else 0

    assert matrix.run(first) == 1
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["8.7.6", "3.9", "0.0", "passed"] in rows and ["20.1.0", "3.12", "0.0", "FAILED"] in rows
    assert rows[-1] == ["releases:", "1", "passed,", "1", "failed"]

    assert matrix.run(lambda version: asked.append(version) or 0) == 0
    assert asked == ["8.7.6", "20.1.0", "20.1.0"]
    assert "8.7.6      3.9                passed before, with these files" in capsys.readouterr().out

    monkeypatch.setattr(matrix, "tree", lambda: "other files")
    assert matrix.run(lambda version: asked.append(version) or 0) == 0
    assert asked[3:] == ["8.7.6", "20.1.0"]


def test_no_release_is_no_success(passed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix.releases, "runnable", lambda found: [])
    assert matrix.run(lambda version: 0) == 1

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks at which tests kill a run are there: a name that has changed would only be found by the slow tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
POINT = re.compile(r'Point\(\s*"([^"]+)"')
NAME = re.compile(r"^\s*- name: (.+)$", re.MULTILINE)


def test_the_task_of_every_point_is_there():
    points = {name for path in ROOT.glob("tests/*/test_*.py") for name in POINT.findall(path.read_text(encoding="utf-8"))}
    tasks = {name.strip("\"'") for path in ROOT.glob("roles/*/tasks/**/*.yml") for name in NAME.findall(path.read_text(encoding="utf-8"))}
    tasks |= {name.replace("{{ stages_stage }}", stage) for name in tasks for stage in ("build", "stage", "install", "configure")}
    assert len(points) > 20
    assert sorted(points - tasks) == []

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file that can carry a comment names its licence."""

from __future__ import annotations

from pathlib import Path

from tests.checks.clone import ROOT, own_files

LINE = "SPDX-License-Identifier: GPL-3.0-or-later"
SUFFIXES = {".cfg", ".cf", ".ini", ".j2", ".py", ".sh", ".toml", ".yaml", ".yml"}
NAMES = {".ansible-lint", ".gitignore", ".yamllint", "Makefile", "run"}
GENERATED = {Path("changelogs/changelog.yaml")}
WITHIN = 8  # the first lines of a file, where a reader looks


def findings(root: Path = ROOT) -> list[str]:
    """One line for each file without the licence line."""
    return [
        f"{path}: no '{LINE}' within its first {WITHIN} lines"
        for path in own_files(root)
        if path not in GENERATED and (path.suffix in SUFFIXES or path.name in NAMES)
        and LINE not in "\n".join((root / path).read_text(encoding="utf-8").splitlines()[:WITHIN])
    ]

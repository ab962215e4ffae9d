# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Python interpreters of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"python3\.\d+$")


def _candidates() -> Iterator[Path]:
    """Every path that may be an interpreter, the most trusted first."""
    yield Path(sys.executable)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob("versions/*/bin/python"))
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and Path(folder).is_dir():
            yield from sorted(p for p in Path(folder).iterdir() if _NAME.match(p.name))


def _probe(path: Path) -> tuple[str, Path] | None:
    """("3.13", the base interpreter of path), or None when it cannot run or make a venv.

    The base interpreter, because a venv of a venv breaks when the first one is deleted.
    """
    code = (
        "import sys, os, venv, ensurepip; print('%d.%d' % sys.version_info[:2]);"
        "print(getattr(sys, '_base_executable', None) or os.path.realpath(sys.executable))"
    )
    try:
        done = subprocess.run([path, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None  # a pyenv shim of a version that is not selected ends here
    version, base = done.stdout.split("\n")[:2]
    return version, Path(base)


def find() -> dict[str, Path]:
    """Interpreters by version, such as {"3.13": Path(".../bin/python3.13")}."""
    found: dict[str, Path] = {}
    seen: set[Path] = set()
    for path in _candidates():
        real = path.resolve()
        if real in seen or "shims" in path.parts:
            continue
        seen.add(real)
        probed = _probe(path)
        if probed:
            found.setdefault(*probed)
    return found

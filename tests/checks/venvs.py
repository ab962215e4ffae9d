# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The virtual environments: which Python gets which ansible-core, and how each is made once."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.bed import pythons
from tests.checks.clone import CACHE, ROOT
from tests.checks.jobs import Failed, Job

REQUIREMENTS = ROOT / "tests/requirements"
# The Pythons that may be the controller of each ansible-core, the preferred one first.
NEWEST_CORE = ("3.14", "3.13", "3.12")
OLDEST_CORE = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Venv:
    """One virtual environment.

    :param name: also the name of its folder.
    :param version: of its Python, such as 3.13.
    :param python: the interpreter it is made from.
    :param requirements: names of the files in tests/requirements.
    """

    name: str
    version: str
    python: Path
    requirements: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Its folder."""
        return CACHE / "venvs" / self.name

    @property
    def key(self) -> str:
        """Changes when the interpreter or any requirement does."""
        digest = hashlib.sha256(f"{self.version} {self.python}\n".encode())
        for path in _with_included([REQUIREMENTS / name for name in self.requirements]):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def bin(self, name: str) -> Path:
        """The path of a program in it."""
        return self.path / "bin" / name

    def make(self, job: Job) -> None:
        """Make it unless a complete one with the same key is there; two runs at the same time wait for each other."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        marker = self.path / "complete"
        with open(self.path.with_suffix(".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if marker.is_file() and marker.read_text() == self.key and self.bin("python").exists():
                job.note = "already there"
                return
            shutil.rmtree(self.path, ignore_errors=True)
            job.call(self.python, "-m", "venv", self.path)
            files = [part for name in self.requirements for part in ("-r", REQUIREMENTS / name)]
            job.call(self.bin("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *files)
            marker.write_text(self.key)


def _with_included(paths: list[Path]) -> list[Path]:
    """The requirement files with the ones they include."""
    found = []
    for path in paths:
        found.append(path)
        includes = [line.split(None, 1)[1] for line in path.read_text().splitlines() if line.startswith("-r ")]
        found += _with_included([path.parent / name for name in includes])
    return found


def plan(found: dict[str, Path]) -> dict[str, Venv]:
    """The environments that these interpreters allow: newest and lint always, oldest where it is another one.

    :param found: interpreters by version.
    """
    oldest = next((version for version in OLDEST_CORE if version in found), None)
    newest = next((version for version in NEWEST_CORE if version in found), None)
    if newest is None and oldest is None:
        raise Failed(
            "No usable Python was found. One of 3.11 to 3.14 is needed, with its venv and ensurepip modules "
            "(on Debian and Ubuntu the package python3-venv). Install one and run this again."
        )
    core = "core-newest.txt" if newest else "core-oldest.txt"
    version = newest or oldest
    venvs = {
        "newest": Venv("newest", version, found[version], (core,)),
        "lint": Venv("lint", version, found[version], (core, "lint.txt")),
    }
    if newest and oldest:
        venvs["oldest"] = Venv("oldest", oldest, found[oldest], ("core-oldest.txt",))
    return venvs


def planned() -> dict[str, Venv]:
    """The environments of this machine."""
    return plan(pythons.find())

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments of the orchestrator releases, made once and kept in .cache/bed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import pythons
from .releases import PINS, Release

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "bed"
_MARKER = "complete"


@dataclass(frozen=True)
class Venv:
    """A ready virtual environment; `wheels` holds the model's modules and what they require."""

    path: Path

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def wheels(self) -> Path:
        return self.path / "wheels"

    def site_packages(self) -> Path:
        return next(self.path.glob("lib/python*/site-packages"))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(*command: str | Path) -> None:
    env = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        shown = " ".join(str(part) for part in command)
        raise RuntimeError(f"{shown}\nended with {done.returncode}:\n{done.stderr[-3000:]}")


def _make(name: str, python: Path, pins: Path, modules: list[str]) -> Venv:
    """The venv `name`, installed from `pins`; made again when the pins or modules changed."""
    path = CACHE / "venvs" / name
    wanted = hashlib.sha256(pins.read_bytes() + "\n".join(modules).encode()).hexdigest()
    with _locked(path.with_name(f"{name}.lock")):
        venv, marker = Venv(path), path / _MARKER
        if marker.exists() and marker.read_text(encoding="utf-8") == wanted and venv.python.exists():
            return venv
        shutil.rmtree(path, ignore_errors=True)
        _run(python, "-m", "venv", path)
        _run(venv.python, "-m", "pip", "install", "-q", "--no-deps", "-r", pins)
        if modules:
            _run(venv.python, "-m", "pip", "download", "-q", "-d", venv.wheels, "-c", pins, *modules)
            _drop_pinned(venv, pins)
        marker.write_text(wanted, encoding="utf-8")
    return venv


def _drop_pinned(venv: Venv, pins: Path) -> None:
    """Keep only the wheels that the server's venv lacks, so that compiles do not weigh up or install the others."""
    lines = pins.read_text(encoding="utf-8").splitlines()
    pinned = {_normal(line.split("==")[0]) for line in lines if "==" in line} | {"pip"}
    for wheel in venv.wheels.iterdir():
        if _normal(wheel.name.split("-")[0]) in pinned:
            wheel.unlink()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def provision(release: Release) -> Venv:
    """The venv of a release, made now if need be (20-60 s)."""
    found = pythons.find()
    if release.python not in found:
        raise LookupError(f"Orchestrator {release.version} needs Python {release.python}, found {', '.join(found)}")
    return _make(release.version, found[release.python], release.pins, release.requirements)


def provision_postgres() -> Venv:
    """The venv that holds the PostgreSQL binaries."""
    found = pythons.find()
    best = max((v for v in found if v.startswith("3.")), key=lambda v: int(v.split(".")[1]))
    return _make("postgresql", found[best], PINS / "postgresql.txt", [])

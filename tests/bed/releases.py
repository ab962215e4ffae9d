# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The orchestrator releases that the bed knows, and what each of them needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PINS = Path(__file__).parent / "pins"

_NEW_MODULES = {"std": "8.7.5", "fs": "1.2.0", "mitogen": "0.2.5"}
# On Python 3.11 the newest std installs and then fails on its syntax.
_OLD_MODULES = {"std": "8.4.2", "fs": "1.1.0", "mitogen": "0.2.5"}


@dataclass(frozen=True)
class Release:
    """One release of inmanta-core.

    era: "agents" (<= 14: a process for each agent, push settings) or "scheduler" (>= 15).
    constrain: the modules' own requirements have no upper bound, so pip needs a constraint file.
    repo_urls: project.yml names the index in `repo:`, there is no `pip:` section yet. Compiles then ask that
        index, so they need a network; those of the other releases do not.
    """

    version: str
    python: str
    era: str
    modules: Mapping[str, str] = field(default_factory=lambda: dict(_NEW_MODULES))
    constrain: bool = False
    repo_urls: bool = False

    @property
    def key(self) -> tuple[int, ...]:
        """The version as numbers, for sorting."""
        return tuple(int(part) for part in self.version.split("."))

    @property
    def pins(self) -> Path:
        """The pip requirement file of the server."""
        return PINS / f"{self.version}.txt"

    @property
    def requirements(self) -> list[str]:
        """The model modules as pip requirements."""
        return [f"inmanta-module-{name}=={version}" for name, version in sorted(self.modules.items())]


RELEASES: dict[str, Release] = {
    release.version: release
    for release in (
        Release("8.7.6", "3.9", "agents", {"std": "4.1.10"}, constrain=True, repo_urls=True),
        Release("11.5.5", "3.11", "agents", _OLD_MODULES, constrain=True),
        Release("14.0.0", "3.11", "agents", _OLD_MODULES, constrain=True),
        Release("15.5.9", "3.12", "scheduler"),
        Release("18.0.1", "3.12", "scheduler"),
        Release("18.4.0", "3.13", "scheduler"),
        Release("20.1.0", "3.13", "scheduler"),
    )
}


def runnable(pythons: Iterable[str]) -> list[Release]:
    """The releases that these Python versions ("3.13", ...) can run, oldest first."""
    have = set(pythons)
    return sorted((r for r in RELEASES.values() if r.python in have), key=lambda r: r.key)


def newest(pythons: Iterable[str]) -> Release:
    """The newest release that these Python versions can run."""
    found = runnable(pythons)
    if not found:
        needed = ", ".join(sorted({r.python for r in RELEASES.values()}))
        raise LookupError(f"No orchestrator release runs on this machine: it needs one of Python {needed}")
    return found[-1]


def get(version: str) -> Release:
    """The release of that version, such as "20.1.0"."""
    try:
        return RELEASES[version]
    except KeyError:
        raise LookupError(f"Unknown orchestrator release {version}; known are {', '.join(RELEASES)}") from None

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are in a clone, and which files belong to it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
COLLECTIONS = CACHE / "collections"
NO_SETTINGS = CACHE / "empty.cfg"
NAME = Path("ansible_collections/stagecraft/release")


def own_files(root: Path = ROOT) -> list[Path]:
    """The files of the clone, relative to its root: tracked ones and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout
    return sorted(path for path in map(Path, set(listed.split("\0")) - {""}) if (root / path).is_file())


def copy_to(parent: Path) -> Path:
    """Make a fresh copy of the clone's own files as a collection below parent, and return its path."""
    target = parent / NAME
    shutil.rmtree(target, ignore_errors=True)
    for path in own_files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path, follow_symlinks=False)
    return target


def prepare_cache() -> None:
    """Make the clone importable as ansible_collections.stagecraft.release, and a settings file without settings."""
    link = COLLECTIONS / NAME
    link.parent.mkdir(parents=True, exist_ok=True)
    NO_SETTINGS.write_text("")
    if link.is_symlink() and link.resolve() == ROOT:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(ROOT, link.parent))


def environ(venv: Path, **extra: str) -> dict[str, str]:
    """The environment of a tool in venv, that no ansible.cfg of the user can change."""
    return {
        **os.environ,
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CONFIG": str(NO_SETTINGS),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        **extra,
    }

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of the operating system that the tests need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.checks.jobs import Failed, say

# program: the Debian package that has it
PROGRAMS = {"git": "git", "ssh": "openssh-client", "ssh-keygen": "openssh-client"}
# The same for programs without which tests are skipped: a fleet of hosts needs an engine for containers, and on another
# system than its hosts have something to make their image with. The report is looked at in a browser.
OPTIONAL = {"chromium": "chromium", "docker": "docker.io", "dockerd": "docker.io", "debootstrap": "debootstrap"}


def missing(programs: tuple[str, ...]) -> list[str]:
    """The packages of the programs that are not there."""
    packages = {(PROGRAMS | OPTIONAL)[program] for program in programs if not shutil.which(program)}
    if not _can_make_venvs():
        packages.add("python%d.%d-venv" % sys.version_info[:2])
    return sorted(packages)


def _can_make_venvs() -> bool:
    """Debian leaves ensurepip out of its Python."""
    return subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0


def prepare(programs: tuple[str, ...]) -> None:
    """Install what is missing when that is ours to do (CI, as root, with apt), otherwise say what must be installed."""
    ours = os.environ.get("CI") == "true" and os.geteuid() == 0 and shutil.which("apt-get")
    packages = missing(programs if ours else tuple(program for program in programs if program not in OPTIONAL))
    if not packages:
        return
    wanted = " ".join(packages)
    if not ours:
        raise Failed(f"Missing on this machine: {wanted} (names of Debian packages). Install them and run this again.")
    say(f"== set-up: installing {wanted}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        if subprocess.run(["apt-get", "-qq", *argv], env=quiet, stdin=subprocess.DEVNULL, check=False).returncode:
            raise Failed(f"apt-get could not install {wanted}; what it said is above.")

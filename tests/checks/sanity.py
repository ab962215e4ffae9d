# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ansible-test sanity`` on a copy of the clone, without a container and without a download beside packages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.checks.clone import CACHE, copy_to, environ
from tests.checks.jobs import Failed, Job
from tests.checks.venvs import Venv

# ansible-test fetches a bootstrap script for pip from the network unless it finds one in its cache: this one, which
# takes the pip that Python itself ships to install the version that ansible-test wants.
BOOTSTRAP = """\
import subprocess
import sys

wanted = [arg for arg in sys.argv[1:] if arg not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *wanted]).returncode)
"""
OLDEST_TARGET = {"core-newest.txt": (3, 9), "core-oldest.txt": (3, 8)}  # what ansible-test still runs on
PIP_VERSION = re.compile(r"\bpip='([0-9.]+)'")
NOISE = re.compile(r"^(Collecting|Looking in|Processing|Using cached|  Downloading|  +[━ ]|Installing collected|Successfully installed)")


def _prepare_home(home: Path, venv: Venv) -> None:
    """A home of its own for ansible-test, which keeps its environments there and passes no PIP_* variable on."""
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    source = next(venv.path.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py"))
    versions = PIP_VERSION.findall(source.read_text())
    if not versions:
        raise Failed("ansible-test no longer names its pip version where this check looks for it (tests/checks/sanity.py)")
    for version in versions:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(BOOTSTRAP)
    for kept in (".config/pip", ".pip", ".cache/pip"):
        theirs, ours = Path.home() / kept, home / kept
        if theirs.exists() and not ours.is_symlink():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.symlink_to(theirs)


def chosen_pythons(core: str, controller: str, found: Iterable[str], everything: bool) -> set[str]:
    """The Pythons to compile and import on: the controller's and the oldest a target may have, or all of them."""
    oldest = OLDEST_TARGET.get(core, (3, 8))
    usable = sorted((version for version in found if _number(version) >= oldest), key=_number)
    return set(usable if everything else [*usable[:1], controller])


def _number(version: str) -> tuple[int, ...]:
    """3.10 comes after 3.9."""
    return tuple(map(int, version.split(".")))


def _prepare_path(folder: Path, venv: Venv, interpreters: dict[str, Path]) -> str:
    """A PATH with interpreters that really run: a version manager's placeholders do not."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for version, python in interpreters.items():
        (folder / f"python{version}").symlink_to(python)
    return os.pathsep.join([str(venv.path / "bin"), str(folder), "/usr/local/bin", "/usr/bin", "/bin"])


def sanity(venv: Venv, found: dict[str, Path], everything: bool = False):
    """The work of a job: all sanity tests with the ansible-core of venv; no ignore file is accepted.

    :param found: interpreters by version.
    :param everything: compile and import on all of them, not only on the controller's and the oldest.
    """
    def work(job: Job) -> None:
        base = CACHE / "sanity" / venv.name
        tree = copy_to(base)
        ignored = sorted(path.name for path in tree.glob("tests/sanity/ignore*"))
        if ignored:
            raise Failed(f"tests/sanity has {', '.join(ignored)}: mend what they ignore, and delete them")
        job.call("git", "init", "--quiet", cwd=tree)  # otherwise ansible-test asks the clone around it, which ignores the copy
        _prepare_home(base / "home", venv)
        used = chosen_pythons(venv.requirements[0], venv.version, found, everything)
        path = _prepare_path(base / "bin", venv, {version: found[version] for version in used})
        env = {**environ(venv.path), "HOME": str(base / "home"), "PATH": path}
        try:
            shown = job.call(venv.bin("ansible-test"), "sanity", "--color", "no", cwd=tree, env=env)
        finally:
            job.output = [_readable(text) for text in job.output]
        ran = len(set(re.findall(r'^Running sanity test "([^"]+)"', shown, re.MULTILINE)))
        if not ran:
            raise Failed("ansible-test ran no test at all")
        job.note = f"{ran} tests, compiled and imported on {', '.join(sorted(used, key=_number))}"
    return work


def _readable(text: str) -> str:
    """The output without pip's chatter and the tests that passed."""
    lines = text.splitlines()
    return "\n".join(line for line in lines if line and not NOISE.match(line) and "Location 'file:" not in line)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ansible-test sanity`` on a copy of the clone, without a container and without a download beside packages."""

from __future__ import annotations

import os
import re
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


def _prepare_path(folder: Path, venv: Venv, interpreters: dict[str, Path]) -> str:
    """A PATH with interpreters that really run: a version manager's placeholders do not."""
    folder.mkdir(parents=True, exist_ok=True)
    for version, python in interpreters.items():
        link = folder / f"python{version}"
        link.unlink(missing_ok=True)
        link.symlink_to(python)
    return os.pathsep.join([str(venv.path / "bin"), str(folder), "/usr/local/bin", "/usr/bin", "/bin"])


def sanity(venv: Venv, interpreters: dict[str, Path], only: Iterable[str] = ()):
    """The work of a job: all sanity tests with the ansible-core of venv; no ignore file is accepted.

    :param only: run no other tests than these.
    """
    def work(job: Job) -> None:
        base = CACHE / "sanity" / venv.name
        tree = copy_to(base)
        ignored = sorted(path.name for path in tree.glob("tests/sanity/ignore*"))
        if ignored:
            raise Failed(f"tests/sanity has {', '.join(ignored)}: mend what they ignore, and delete them")
        job.call("git", "init", "--quiet", cwd=tree)  # otherwise ansible-test asks the clone around it, which ignores the copy
        _prepare_home(base / "home", venv)
        path = _prepare_path(base / "bin", venv, interpreters)
        chosen = [part for name in only for part in ("--test", name)]
        env = {**environ(venv.path), "HOME": str(base / "home"), "PATH": path}
        try:
            shown = job.call(venv.bin("ansible-test"), "sanity", "--color", "no", *chosen, cwd=tree, env=env)
        finally:
            job.output = [_readable(text) for text in job.output]
        ran = len(set(re.findall(r'^Running sanity test "([^"]+)"', shown, re.MULTILINE)))
        if not ran:
            raise Failed("ansible-test ran no test at all")
        job.note = f"{ran} tests"
    return work


def _readable(text: str) -> str:
    """The output without pip's chatter and the tests that passed."""
    lines = text.splitlines()
    return "\n".join(line for line in lines if line and not NOISE.match(line) and "Location 'file:" not in line)

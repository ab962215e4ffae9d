# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands behind the Makefile."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time

from tests.bed import pythons
from tests.checks import lint, machine, matrix
from tests.checks.clone import CACHE, COLLECTIONS, NAME, ROOT, environ, prepare_cache
from tests.checks.jobs import Failed, Job, run, say
from tests.checks.package import package
from tests.checks.sanity import sanity
from tests.checks.venvs import Venv, plan

NOTHING_COLLECTED = 5


def set_up(*names: str, programs: tuple[str, ...] = ("git",)) -> dict[str, Venv]:
    """Make the environments that a command needs, or stop.

    :param names: of the environments; one that this machine cannot have is left out.
    :param programs: of the operating system that the command needs.
    """
    machine.prepare(programs)
    prepare_cache()
    venvs = {name: venv for name, venv in plan(pythons.find()).items() if name in names}
    if run("set-up", [Job("set-up", f"{venv.name} on Python {venv.version}", venv.make) for venv in venvs.values()]):
        raise Failed("the set-up failed")
    if "oldest" in names and "oldest" not in venvs:
        say("   note  no second ansible-core: this machine has no Python for another one, so only one is checked")
    return venvs


def outcome(title: str, jobs: list[Job]) -> int:
    """Run the jobs of one command; returns its exit code."""
    return 1 if run(title, jobs) else 0


def cores(venvs: dict[str, Venv]) -> list[Venv]:
    """The environments that stand for an ansible-core."""
    return [venvs[name] for name in ("newest", "oldest") if name in venvs]


def sanity_jobs(venvs: dict[str, Venv], everything: bool = False) -> list[Job]:
    """ansible-test on each core."""
    found = pythons.find()
    return [Job("sanity", f"{venv.name} core, Python {venv.version}", sanity(venv, found, everything)) for venv in cores(venvs)]


def package_jobs(venvs: dict[str, Venv]) -> list[Job]:
    """Build and install on each core."""
    return [Job("package", f"{venv.name} core, Python {venv.version}", package(venv)) for venv in cores(venvs)]


def run_python(venv: Venv, *argv: object, **extra: str) -> int:
    """Run a Python program of the clone with the terminal it was started from."""
    env = environ(venv.path, PYTHONPATH=os.pathsep.join([str(COLLECTIONS), str(ROOT)]), **extra)
    return subprocess.run([str(venv.bin("python")), *map(str, argv)], cwd=ROOT, env=env, check=False).returncode


def pytest(venv: Venv, arguments: list[str], **extra: str) -> int:
    """Run pytest; its closing line is the last thing printed unless it could not start.

    :param extra: environment variables.
    """
    say(f"== tests: pytest {' '.join(arguments)} on Python {venv.version}")
    # A file stays in one process: its tests share an environment of the orchestrator.
    status = run_python(venv, "-m", "pytest", "-q", "--durations=15", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", *arguments, **extra)
    if status == NOTHING_COLLECTED:
        say("== tests: FAILED, pytest found no test")
    elif status not in (0, 1):
        say(f"== tests: FAILED, pytest could not run (exit code {status})")
    return status


def test(everything: bool = False) -> int:
    """All phases; a failed one does not keep the tests from running, and makes the exit code 1."""
    started = time.monotonic()
    venvs = set_up("newest", "lint", "oldest", programs=(*machine.PROGRAMS, *machine.OPTIONAL))
    checks = sanity_jobs(venvs, everything) + lint.jobs(venvs["lint"]) + package_jobs(venvs)
    failed = run("lint, sanity and package", checks)
    if everything and "oldest" in venvs:
        failed += run("units on the oldest core", [Job("units", "oldest core", units_job(venvs["oldest"]))])
    for job in failed:
        say(f"FAILED  {job.phase}: {job.name} ({job.problem})")
    verdict = f"{len(failed)} FAILED, so this run fails whatever the tests say" if failed else "all passed"
    say(f"== before the tests: {verdict}, {time.monotonic() - started:.0f} s")
    newest = venvs["newest"]
    if everything:
        status = pytest(newest, ["tests/unit", "tests/hosts"])
        status = pytest(newest, ["tests/system", "-m", "once"]) or status
        status = matrix.run(lambda release: pytest(newest, ["tests/system", "-m", "not once"], STAGECRAFT_BED_RELEASE=release)) or status
    else:
        status = pytest(newest, ["tests/hosts", "tests/system", "tests/unit", "-m", "not slow"])
    return status or (1 if failed else 0)


def units_job(venv: Venv):
    """The work of a job: the unit tests in venv."""
    env = environ(venv.path, PYTHONPATH=os.pathsep.join([str(COLLECTIONS), str(ROOT)]))
    return lambda job: job.call(venv.bin("python"), "-m", "pytest", "-q", "tests/unit", cwd=ROOT, env=env) and None


def program(path: str) -> int:
    """Run one program of the clone in the newest environment."""
    venv = set_up("newest")["newest"]
    return run_python(venv, path)


def bench() -> int:
    """All benches, one after the other."""
    venv = set_up("newest")["newest"]
    return max(run_python(venv, "-m", "tests.bench.%s" % name) for name in ("run", "fetch", "complete", "decide", "rings"))


def changelog() -> int:
    """Write CHANGELOG.rst anew from the fragments, with the plugins that are there now."""
    venv = set_up("lint")["lint"]
    job = Job("changelog", "CHANGELOG.rst", lambda job: job.call(
        venv.bin("antsibull-changelog"), "release", "--reload-plugins", "--update-existing", cwd=COLLECTIONS / NAME,
        env=environ(venv.path)) and None)
    return outcome("changelog", [job])


def clean() -> int:
    """Delete everything that was made; the next run makes it again."""
    for path in (CACHE, ROOT / "tests/output", ROOT / ".ansible", *ROOT.glob("stagecraft-release-*.tar.gz")):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return 0


COMMANDS = {
    "test": ("lint, sanity, build and install, then all tests", test),
    "test-all": ("the same with every release of the orchestrator and every kill point", lambda: test(everything=True)),
    "lint": ("the linters", lambda: outcome("lint", lint.jobs(set_up("lint")["lint"]))),
    "sanity": ("ansible-test sanity on the newest and the oldest ansible-core", lambda: outcome("sanity", sanity_jobs(set_up("newest", "oldest")))),
    "package": ("build, install, ansible-doc and --syntax-check on both cores", lambda: outcome("package", package_jobs(set_up("newest", "oldest")))),
    "units": ("the unit tests", lambda: pytest(set_up("newest")["newest"], ["tests/unit"])),
    "demo": ("an orchestrator with a model, and two releases of it", lambda: program("tests/demo/run.py")),
    "bench": ("upgrade.yml, artifact_fetch, a complete site.yml, decisions and rings of a fleet, each against its peers", bench),
    "changelog": ("write CHANGELOG.rst from the fragments", changelog),
    "clean": ("delete what all of these made", clean),
}


def main() -> int:
    """Read the command and run it."""
    parser = argparse.ArgumentParser(prog="make", description="Checks and tests of the collection stagecraft.release.")
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, _unused) in COMMANDS.items():
        chosen.add_parser(name, help=text)
    try:
        return COMMANDS[parser.parse_args().command][1]()
    except Failed as exc:
        say(f"== FAILED: {exc}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

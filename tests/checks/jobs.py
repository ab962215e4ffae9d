# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs with a buffer each: they may run side by side and still read one after the other."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

LONGEST = 1800  # seconds; no command of a job takes longer unless it hangs


class Failed(Exception):
    """A job that did not pass; the text says why."""


@dataclass
class Job:
    """One thing to check.

    :param phase: the phase it belongs to.
    :param name: what it does, in a few words.
    :param work: called with the job; raises Failed when the check does not pass.
    """

    phase: str
    name: str
    work: Callable[[Job], None]
    output: list[str] = field(default_factory=list)
    seconds: float = 0.0
    problem: str = ""
    note: str = ""

    def run(self) -> Job:
        """Do the work; a job never raises."""
        started = time.monotonic()
        try:
            self.work(self)
        except (Failed, OSError, subprocess.SubprocessError) as exc:
            self.problem = str(exc)
        self.seconds = time.monotonic() - started
        return self

    def call(self, *argv: object, apart: bool = False, **options) -> str:
        """Run a command, keep what it prints, and fail when it fails.

        :param apart: standard error is kept too, but is not in what is returned.
        """
        command = [str(arg) for arg in argv]
        program = os.path.basename(command[0])
        self.output.append(f"$ {' '.join([program, *command[1:]])}")
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE if apart else subprocess.STDOUT,
                text=True, errors="replace", timeout=LONGEST, check=False, **options,
            )
        except subprocess.TimeoutExpired as exc:
            raise Failed(f"{program} was still running after {LONGEST} s") from exc
        self.output += [text.rstrip() for text in (done.stdout, done.stderr) if text and text.strip()]
        if done.returncode:
            raise Failed(f"{program} ended with exit code {done.returncode}")
        return done.stdout

    def findings(self, found: list[str]) -> None:
        """Keep what a check found, and fail when that is anything."""
        self.output.extend(found)
        if found:
            raise Failed(f"{len(found)} finding{'s' if len(found) > 1 else ''}")


def say(text: str = "") -> None:
    """Print at once, so that a pipe shows progress too."""
    print(text, flush=True)


def report(job: Job) -> None:
    """One line for a job that passed, everything it printed for one that did not."""
    verdict = "FAILED" if job.problem else "ok"
    extra = job.problem or job.note
    if job.problem:
        say(f"----- {job.phase}: {job.name}")
        say("\n".join(job.output))
    say(f"{verdict:>6}  {job.phase}: {job.name}{f' ({extra})' if extra else ''}  {job.seconds:.1f} s")


def run(title: str, jobs: list[Job], workers: int = 2) -> list[Job]:
    """Run jobs side by side, report each when it ends, and return those that failed."""
    started = time.monotonic()
    say(f"== {title}: {', '.join(dict.fromkeys(job.name for job in jobs))}")
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future in as_completed([pool.submit(job.run) for job in jobs]):
            report(future.result())
    failed = [job for job in jobs if job.problem]
    verdict = f"{len(failed)} of {len(jobs)} FAILED" if failed else f"all {len(jobs)} passed"
    say(f"== {title}: {verdict} in {time.monotonic() - started:.1f} s")
    return failed

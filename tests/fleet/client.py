# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that asks one URL again and again, and keeps account of every answer."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

MOST_FAILURES = 1000  # that are kept


@dataclass(frozen=True)
class Failure:
    """A request without a good answer."""

    at: str
    problem: str

    def __str__(self) -> str:
        return f"{self.at} {self.problem}"


class Client:
    """Context manager: asks in a thread, one request after the other without a pause, each on a connection of its own.

    url: what to ask. seconds: it stops by itself after that. timeout: for one answer. pause: seconds between an answer and
    the next request. read: makes of a body what is counted, the text by default.
    """

    def __init__(self, url: str, seconds: float = 120, timeout: float = 5, pause: float = 0,
                 read: Callable[[str], str] = lambda body: body.strip()[:200]) -> None:
        self.url, self.seconds, self.timeout, self.pause, self.read = url, seconds, timeout, pause, read
        self.requests = 0
        self.statuses: Counter[int] = Counter()
        self.bodies: Counter[str] = Counter()
        self.sequence: list[str] = []  # bodies in the order of their first answers, a change each
        self.failures: list[Failure] = []
        self.failed = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="client", daemon=True)
        # Straight to the host: a proxy of this machine's settings would answer in its place.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let the request that is under way finish, and end."""
        self._ending.set()
        self._thread.join(self.timeout + 10)

    @property
    def running(self) -> bool:
        """Does it still ask?"""
        return self._thread.is_alive()

    def wait_for(self, body: str, timeout: float = 30) -> None:
        """Wait until an answer with that body has come."""
        self._wait(lambda: self.bodies[body] > 0, f"an answer {body!r}", timeout)

    def wait_requests(self, more: int, timeout: float = 30) -> None:
        """Wait until so many more requests have been answered."""
        target = self.requests + more
        self._wait(lambda: self.requests >= target, f"{more} more requests", timeout)

    def report(self) -> str:
        """The account in words."""
        counted = [f"{self.requests} requests, {self.failed} failed"]
        counted += [f"  status {status}: {number}" for status, number in sorted(self.statuses.items())]
        counted += [f"  {body!r}: {number}" for body, number in sorted(self.bodies.items())]
        counted += [f"  {failure}" for failure in self.failures[:20]]
        return "\n".join(counted)

    def _wait(self, reached: Callable[[], bool], what: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not reached():
            if time.monotonic() > deadline or not self.running:
                raise TimeoutError(f"{what} did not come:\n{self.report()}")
            time.sleep(0.01)

    def _loop(self) -> None:
        deadline = time.monotonic() + self.seconds
        while not self._ending.is_set() and time.monotonic() < deadline:
            self._ask()
            if self.pause:
                self._ending.wait(self.pause)

    def _ask(self) -> None:
        began = time.time()
        try:
            with self._opener.open(self.url, timeout=self.timeout) as answer:
                self._count(answer.status, self.read(answer.read().decode(errors="replace")))
        except urllib.error.HTTPError as exc:
            self.statuses[exc.code] += 1
            self._fail(began, f"status {exc.code}: {' '.join(exc.read().decode(errors='replace').split())[:200]}")
        except Exception as exc:  # pylint: disable=broad-exception-caught  # whatever it is, the answer was not good
            self._fail(began, f"{type(exc).__name__}: {exc}")
        self.requests += 1

    def _count(self, status: int, body: str) -> None:
        self.statuses[status] += 1
        self.bodies[body] += 1
        if not self.sequence or self.sequence[-1] != body:
            self.sequence.append(body)

    def _fail(self, began: float, problem: str) -> None:
        self.failed += 1
        if len(self.failures) < MOST_FAILURES:
            at = datetime.fromtimestamp(began, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self.failures.append(Failure(at, f"after {time.time() - began:.3f} s: {problem}"))

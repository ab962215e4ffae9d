# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The system tests on every release of the orchestrator; a release that passed with the same files is not run again.

What differs from release to release is told in ``plugins/module_utils/inmanta/eras.py``.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from tests.bed import pythons, releases
from tests.checks.clone import CACHE, ROOT, own_files
from tests.checks.jobs import say

PASSED = CACHE / "matrix"


def tree() -> str:
    """A digest of all files of the clone that git does not ignore."""
    digest = hashlib.sha256()
    for path in own_files():
        digest.update(b"%s\0" % str(path).encode())
        digest.update((ROOT / path).read_bytes())
    return digest.hexdigest()


def run(run_release: Callable[[str], int]) -> int:
    """Run the releases that have not passed with these files, oldest first, and print a table with a row for each.

    :param run_release: runs the system tests on one release; returns an exit code.
    :returns: 0 when each of them has passed.
    """
    now, rows = tree(), []
    PASSED.mkdir(parents=True, exist_ok=True)
    for release in releases.runnable(pythons.find()):
        marker = PASSED / release.version
        if marker.is_file() and marker.read_text() == now:
            rows.append((release, "passed before, with these files", ""))
            continue
        say(f"== inmanta {release.version}")
        began = time.monotonic()
        passed = run_release(release.version) == 0
        if passed:
            marker.write_text(now)
        rows.append((release, "passed" if passed else "FAILED", f"{(time.monotonic() - began) / 60:.1f}"))
    say(f"{'inmanta':<10} {'Python':<8} {'minutes':>8}  system tests")
    for release, outcome, minutes in rows:
        say(f"{release.version:<10} {release.python:<8} {minutes:>8}  {outcome}")
    failed = sum(outcome == "FAILED" for _release, outcome, _minutes in rows)
    say(f"releases: {len(rows) - failed} passed, {failed} failed")
    return 1 if failed or not rows else 0

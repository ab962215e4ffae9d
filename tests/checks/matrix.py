# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The system tests on every release of the orchestrator; a release that passed with the same files is not run again."""

from __future__ import annotations

import hashlib
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
    """Run the releases that have not passed with these files, oldest first.

    :param run_release: runs the system tests on one release; returns an exit code.
    :returns: 0 when each of them has passed.
    """
    now, passed, failed = tree(), [], []
    PASSED.mkdir(parents=True, exist_ok=True)
    for release in releases.runnable(pythons.find()):
        marker = PASSED / release.version
        if marker.is_file() and marker.read_text() == now:
            say(f"== inmanta {release.version}: has passed with these files already")
            passed.append(release.version)
            continue
        say(f"== inmanta {release.version}")
        if run_release(release.version) == 0:
            marker.write_text(now)
            passed.append(release.version)
        else:
            failed.append(release.version)
    say(f"== releases passed: {', '.join(passed) or 'none'}; failed: {', '.join(failed) or 'none'}")
    say(f"releases: {len(passed)} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0

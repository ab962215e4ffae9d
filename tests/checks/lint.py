# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The linters and the checks of our own."""

from __future__ import annotations

from tests.checks import headers, neutral
from tests.checks.clone import COLLECTIONS, NAME, ROOT, environ
from tests.checks.jobs import Job
from tests.checks.venvs import Venv


def jobs(venv: Venv) -> list[Job]:
    """The jobs of this phase, the long ones first.

    :param venv: has the linters.
    """
    env = environ(venv.path)

    def tool(name: str, *argv: str, cwd=ROOT) -> Job:
        return Job("lint", name, lambda job: job.call(venv.bin(argv[0]), *argv[1:], cwd=cwd, env=env) and None)

    return [
        tool("ansible-lint", "ansible-lint", "--offline", "--profile", "production", "--strict", "--nocolor"),
        tool(
            "documentation", "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck",
            "--validate-collection-refs=self", ".", cwd=COLLECTIONS / NAME,
        ),
        tool("yamllint", "yamllint", "--strict", "."),
        tool("changelog", "antsibull-changelog", "lint"),
        tool("action groups", "python", "-m", "tests.checks.groups"),
        Job("lint", "licence headers", lambda job: job.findings(headers.findings())),
        Job("lint", "no machine's paths, no registry hosts", lambda job: job.findings(neutral.findings())),
    ]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing in the clone names a path of one machine or the host of a package registry."""

from __future__ import annotations

import re
from pathlib import Path

from tests.checks.clone import ROOT, own_files

# A folder of one machine at the start of a path: not part of a longer path or of an address.
PATHS = re.compile(r"(?<![\w.}/~-])/(?:tmp|work|root|home)/")
HOSTS = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|(?:deb|security)\.debian\.org"
    r"|proxy\.golang\.org|[\w-]+\.docker\.io|docker\.io/|quay\.io|ghcr\.io|galaxy\.ansible\.com)"
)


def findings(root: Path = ROOT) -> list[str]:
    """One line for each place; a file that is not text is left out."""
    found = []
    for path in own_files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, what in ((PATHS, "a path of one machine"), (HOSTS, "the host of a registry")):
                match = pattern.search(line)
                if match:
                    found.append(f"{path}:{number}: {what}: {match.group()}")
    return found

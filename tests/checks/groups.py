# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action group of meta/runtime.yml and the modules are the same set, so that module_defaults reach all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from tests.checks.clone import ROOT

GROUP = "inmanta"
PREFIXES = ("inmanta_", "stages_")


def findings(root: Path = ROOT) -> list[str]:
    """One line for each difference."""
    runtime = yaml.safe_load((root / "meta/runtime.yml").read_text(encoding="utf-8"))
    listed = runtime["action_groups"][GROUP]
    modules = {path.stem for path in (root / "plugins/modules").glob("*.py")}
    members = {name for name in modules if name.startswith(PREFIXES)}
    found = [f"meta/runtime.yml: {GROUP} lists {name}, which is no module" for name in sorted(set(listed) - modules)]
    found += [f"meta/runtime.yml: {GROUP} lacks {name}" for name in sorted(members - set(listed))]
    found += [f"meta/runtime.yml: {GROUP} lists {name}, which does not take its options" for name in sorted(set(listed) & modules - members)]
    if listed != sorted(set(listed)):
        found.append(f"meta/runtime.yml: {GROUP} is not in alphabetical order, or names a module twice")
    return found


if __name__ == "__main__":
    problems = findings()
    print("\n".join(problems))
    sys.exit(1 if problems else 0)

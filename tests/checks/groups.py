# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action groups of meta/runtime.yml hold exactly the modules that take the groups' options.

A module says by its documentation fragments which options it takes, so the fragments decide the membership.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

from tests.checks.clone import ROOT

# group: the fragments whose options its module_defaults carry
GROUPS = {"inmanta": {"connection", "state"}, "rollout": {"rollout"}, "state": {"state"}}
FRAGMENT = re.compile(r"^ +- stagecraft\.release\.([a-z_]+)$", re.MULTILINE)


def _fragments(path: Path) -> set[str]:
    """The fragments of this collection that a module's documentation extends."""
    documentation = path.read_text(encoding="utf-8").partition("EXAMPLES = ")[0]
    return set(FRAGMENT.findall(documentation.partition("extends_documentation_fragment:")[2]))


def findings(root: Path = ROOT) -> list[str]:
    """One line for each difference."""
    runtime = yaml.safe_load((root / "meta/runtime.yml").read_text(encoding="utf-8"))
    modules = {path.stem: _fragments(path) for path in (root / "plugins/modules").glob("*.py")}
    found = []
    for group, fragments in GROUPS.items():
        listed = runtime["action_groups"].get(group, [])
        members = {name for name, used in modules.items() if used & fragments}
        where = f"meta/runtime.yml: action group {group}"
        found += [f"{where} lists {name}, which is no module" for name in sorted(set(listed) - set(modules))]
        found += [f"{where} lists {name}, which takes none of its options" for name in sorted(set(listed) & set(modules) - members)]
        found += [f"{where} lacks {name}" for name in sorted(members - set(listed))]
        if listed != sorted(set(listed)):
            found.append(f"{where} is not in alphabetical order, or names a module twice")
    return found


if __name__ == "__main__":
    problems = findings()
    print("\n".join(problems))
    sys.exit(1 if problems else 0)

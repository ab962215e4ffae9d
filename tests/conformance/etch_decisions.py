# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tag a host gets: the compatibility rules against vectors of the original etch, and what this collection decides where the original is suspect."""

from __future__ import annotations

import sys

import vectors  # first: it lets the collection be imported
import etch_inputs
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import etch
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import Marks

LEFT_OUT = "O"  # faults of the tagger program itself


def compatible(vector: dict) -> tuple[dict, dict]:
    """What etch's rules say, and what the vector expects."""
    given, node = vector["input"], vector["input"]["node"]
    expected = {key: vector["expected"][key] for key in ("tag", "error", "proposed") if vector["expected"].get(key) is not None}
    if given.get("no_fqdn"):
        return {"error": "no_fqdn"}, expected
    if expected.get("error") == "other" and given.get("killswitch") == {"dir": True}:
        expected = {"error": "killswitch"}  # the original fails at reading it, which refuses the host too
    try:
        marks = None if given.get("inventory_down") else Marks(etch_inputs.marks(given, False), ())
    except InputError:
        marks = None
    found = etch.answer(
        vectors.instant(given["now"]),
        etch.Node(node.get("known", True), tuple(node.get("groups") or ()), bool(node.get("hour3")) and given.get("variant") != "stock",
                  given.get("static_tag")),
        marks, ["trunk"] * ("dirs" not in given) + list(given.get("dirs", ())) + [etch.TAGS + name for name in given["tags"]],
        given.get("client_tag") or "", given.get("killswitch") not in (None, {"dangling_link": True}), given.get("variant") == "needgood")
    return {key: value for key, value in (("tag", found.tag), ("error", found.error), ("proposed", found.proposed)) if value}, expected


def ours(vector: dict) -> str:
    """What this collection decides for a vector, and why."""
    theirs = vector["expected"].get("tag") or vector["expected"].get("error")
    try:
        decision = etch_inputs.decide(vector)
    except InputError as exc:
        return "hold, with the last valid marks: %s (the original: %s)" % (exc, theirs)
    return "%s %s (%s): %s (the original: %s)" % (decision.action, decision.release or "nothing", decision.code, decision.reason, theirs)


if __name__ == "__main__":
    print(etch_inputs.__doc__)
    sys.exit(vectors.run(__doc__, LEFT_OUT, compatible, ours))

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the snapshot script makes and removes: the compatibility rules against vectors of the original, and what this collection does where it is suspect."""

from __future__ import annotations

import sys

import vectors  # first: it lets the collection be imported
import etch_inputs
from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import etch, etch_times, naming, retention
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan as plans

# What the collection does about what no name tells: the source and the copy.
RULES = {
    "S12": "an entry that is not the name of an hour is no snapshot: it is left alone and keeps nothing else from being removed",
    "S19": "the newest ones, those in use and the newest good one of each ring stay, however old they are",
    "S20": "what an interrupted run left is removed by the next one",
    "S21": "a copy is checked before it gets its name: a failed one leaves nothing behind, and a name that is taken is refused",
    "S22": "a source that could not be brought up to date is refused: no snapshot is made",
    "S23": "an empty source is refused: no snapshot is made",
    "S25": "a snapshot is known by its commit and the digest of its content",
}


def compatible(vector: dict) -> tuple[dict, dict]:
    """What etch's rules say, and what the vector expects."""
    given = vector["input"]
    expected = {"rc": vector["expected"]["rc"], "created": vector["expected"]["created"], "removed": sorted(vector["expected"]["removed"]),
                "left_count": vector["expected"]["left_count"]}
    if given["trunk"] == "none":
        return {"rc": 1, "created": [], "removed": [], "left_count": len(given["tags"])}, expected
    zone = moments.UTC if given["server_tz"] == "UTC" else moments.zone(given["server_tz"], "server_tz")
    made, removed, impossible = etch_times.snapshot(vectors.instant(given["now"]), zone, given["tags"])
    created = [made] if made else []
    if impossible:
        removed = []
    return {"rc": 1 if impossible else 0, "created": created, "removed": removed,
            "left_count": len(given["tags"]) + len(created) - len(removed)}, expected


def ours(vector: dict) -> str:
    """What this collection does for a vector: its rule, the name it gives, and which snapshots may go."""
    given, now = vector["input"], vectors.instant(vector["input"]["now"])
    there = etch_inputs.snapshots(given["tags"])
    plan = plans.compile(now, etch_inputs.schedule(), there, ())
    reasons = retention.sort_out(plan, retention.Retention())
    kept = ["%s (%s)" % pair for pair in reasons.items() if pair[1]]
    gone = [name for name, reason in reasons.items() if not reason]
    return "%s; the name of this hour is %s, may go: %s, kept: %s, no snapshots: %s" % (
        RULES.get(vector["suspect"], "no rule of its own"), naming.hourly(now, etch.PREFIX), ", ".join(gone) or "none",
        ", ".join(kept) or "none", ", ".join(sorted(set(given["tags"]) - set(reasons))) or "none")


if __name__ == "__main__":
    sys.exit(vectors.run(__doc__, "", compatible, ours))

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a release in one run, from the stage facts that it left. Pure."""

from __future__ import annotations

UNTOLD = "The run ended before it began a stage; its own message says why."
UNREAD = "What became of it could not be read; the run's own messages say more."


def of_run(facts, release, run, aborting=False):
    """The event and its cause, or ``(None, "")`` where there is nothing to tell: the run did its part, and another one goes on.

    :param facts: the stage facts of the unit after the run; None where they could not be read.
    :param aborting: the run tried to take the release back.
    """
    if facts is None:
        return "failure", UNREAD
    of_release = [record for record in (facts.get("stages") or {}).values() if record.get("release") == release]
    if aborting:
        return ("failure", "The abort did not come to its end; the run's own message says why.") if of_release else ("abort", "")
    records = {stage: record for stage, record in (facts.get("stages") or {}).items() if record.get("release") == release and record.get("run") == run}
    for status, event in (("failed", "failure"), ("running", "failure"), ("waiting", "waiting")):
        for stage, record in records.items():
            if record.get("status") == status:
                return event, record.get("cause") or "The stage %s did not come to its end." % stage
    if not records:
        return "failure", UNTOLD
    if records.get("configure", {}).get("status") == "done":
        return "success", ""
    judged = records.get("install", {}).get("output") or {}
    if judged.get("_verdict") == "needs_approval":
        return "waiting", "The candidate v%s waits for approval, digest %s." % (judged.get("candidate"), judged.get("_digest"))
    return None, ""

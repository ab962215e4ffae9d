# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what was decided when a run began still stands. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decide import decide
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD


def objection(plan, target, pin, release, current):
    """Why a target holds after all; it never gets another release by that.

    :param plan: of now.
    :param target: as it is now.
    :param pin: its pin, or None.
    :param release: what was decided.
    :param current: what the target ran then.
    :returns: one sentence, empty where the decision stands.
    """
    decision = decide(plan, target, pin)
    if decision.action == HOLD:
        return decision.reason
    if target.current != current:
        return "another run brought it to %s, and it had %s when this run began" % (target.current or "nothing", current or "nothing")
    marked = plan.marks.objection(release)
    if marked and decision.release != release:
        return "%s is not for it any more: %s" % (release, marked[1])
    return ""


def reached(plan, targets):
    """By ring that has targets, the instant of the newest snapshot that one of them runs; for ``plan.compile``."""
    found = {}
    for target in targets:
        place = None if target.current is None else plan.place(target.current, target.since)
        found.setdefault(plan.schedule.ring(target.ring).name, []).append(place[0] if place else None)
    return {ring: max((at for at in instants if at is not None), default=None) for ring, instants in found.items()}

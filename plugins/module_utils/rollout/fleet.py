# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions of a whole fleet, ring by ring. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decide import decide


def decide_fleet(plan, targets, pins=None):
    """Decide for every target, so that no ring overtakes the one before it: a ring takes what a target of that ring runs, or comes to by this decision.

    :param plan: a fresh plan; it learns what each ring has reached, so that a later ``decide`` with it says the same.
    :param targets: iterable of ``Target``, all that there are, not only those of a limit.
    :param pins: by name of target, its ``Pin``.
    :return: dict of name of target to ``Decision``, in rollout order.
    """
    pins = pins or {}
    members = {ring.name: [] for ring in plan.schedule.rings}
    cautious = members[plan.schedule.rings[-1].name]
    for target in targets:
        members.get(target.ring, cautious).append(target)
    decisions = {}
    for ring, here in members.items():
        releases = set()
        for target in here:
            decision = decisions[target.name] = decide(plan, target, pins.get(target.name))
            releases.add(decision.release)
        if here:
            places = [plan.place(name) for name in releases if name is not None]
            plan.reached[ring] = max((place[0] for place in places if place), default=None)
    return decisions

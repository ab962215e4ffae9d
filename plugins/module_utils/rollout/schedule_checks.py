# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold between the rings of a schedule. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.schedule_values import spelt


def check(schedule, found, entries, given):
    """Refuse rings that contradict each other.

    :param schedule: the ``Schedule``.
    :param found: the entries of its keys.
    :param entries: the entry of each ring.
    :param given: the entries of the keys of each ring.
    """
    _names(schedule, given)
    _delays(schedule, found, entries, given)
    _groups(schedule, given)
    _shares(schedule, given)
    _domains(schedule, given)


def _names(schedule, given):
    seen = {}
    for ring, keys in zip(schedule.rings, given):
        # In groups of Ansible a hyphen becomes an underscore, and some file systems take no notice of case.
        folded = ring.name.replace("-", "_").lower()
        if folded in seen:
            keys["name"].refuse("is the name of a ring before it%s" % ("" if seen[folded] == ring.name else ", %s, with other case or hyphens" % seen[folded]),
                                "Give each ring a name of its own")
        seen[folded] = ring.name


def _delays(schedule, found, entries, given):
    before = None
    for ring, entry, keys in zip(schedule.rings, entries, given):
        if before and not ring.soak and ring.delay < before.delay:
            keys.get("delay", entry).refuse(
                "%s, less than that of the ring before, %s, which has %s" % (
                    "is a delay" if "delay" in keys else "has no delay, that is 0", before.name, spelt(before.delay)),
                "Write %s or more, or a soak" % spelt(before.delay))
        if ring.delay >= schedule.history:
            found.get("history", keys["delay"]).refuse(
                "leaves the ring %s nothing: its delay is %s, and the history %s" % (ring.name, spelt(ring.delay), spelt(schedule.history)),
                "Write a history that is longer than every delay, such as history: %s" % spelt(ring.delay + 86400))
        before = ring


def _groups(schedule, given):
    seen = {}
    others = {ring.selector.of for ring in schedule.rings if ring.selector.of} - {"all"}
    for ring, keys in zip(schedule.rings, given):
        for group in ring.selector.groups:
            if group in seen:
                keys["selector"].refuse("takes the group %s, which the ring %s takes" % (group, seen[group]), "Name each group in one ring alone")
            seen[group] = ring.name
    if "all" in seen and (len(seen) > 1 or others):
        keys = next(keys for ring, keys in zip(schedule.rings, given) if "all" in ring.selector.groups)
        keys["selector"].refuse("takes the group all, which has the hosts of the other rings too",
                                "Leave the group all out: a host that no ring takes goes with the last ring by itself")


def _shares(schedule, given):
    first, total = {}, {}
    for ring, keys in zip(schedule.rings, given):
        selector = ring.selector
        if not selector.share:
            continue
        if first.setdefault(selector.of, selector).by != selector.by:
            keys["selector"].refuse("takes its share of %s by %s, a ring before by %s" % (selector.of, selector.by, first[selector.of].by),
                                    "Take all shares of one group in the same way")
        total[selector.of] = round(total.get(selector.of, 0) + selector.share, 9)
        if total[selector.of] > 1:
            keys["selector"].refuse("brings the shares of the group %s to %g%%" % (selector.of, total[selector.of] * 100), "Write shares up to 100% together")


def _domains(schedule, given):
    seen = {}
    for ring, keys in zip(schedule.rings, given):
        for domain in sorted(ring.selector.domains):
            taken = seen.setdefault((ring.selector.of, domain), ring.name)
            if taken != ring.name:
                keys["selector"].refuse("takes the failure domain %s of %s, which the ring %s takes" % (domain, ring.selector.of, taken),
                                        "Name each domain in one ring alone")

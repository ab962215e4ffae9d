# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decisions for a whole fleet, against the reference that decides each host alone."""

from __future__ import annotations

import random
import sys
import time

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import fleet, naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan as plans
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Mark, Pin, Snapshot, Target
from tests.bench import reference

HOSTS, SNAPSHOTS, MARKS, PINS = 100_000, 72, 20, 500
AIM = 2.0
NOW = naming.instant("20260310-1200") + 1800


def things(chance: random.Random):
    """A schedule, snapshots, marks, targets that each ran what came to their ring while they were on, and pins."""
    schedule = Schedule(tuple(Ring(name, hours * naming.HOUR) for hours, name in enumerate(("dev", "qa", "stg", "prod-a", "prod"))))
    hours = [naming.hour_of(NOW) - hour * naming.HOUR for hour in range(SNAPSHOTS)]
    snapshots = [Snapshot(naming.hourly(at), at) for at in hours]
    marks = [Mark(snapshot.name, chance.choice(("good", "bad", "bad", "badfwd")), snapshot.at + 2 * naming.HOUR)
             for snapshot in sorted(chance.sample(snapshots, MARKS), key=lambda snapshot: snapshot.at)]
    targets, pins = [], {}
    for number in range(HOSTS):
        ring = min(4, number % 10)
        newest = ring + chance.choice((0, 0, 0, 0, 1, 1, 2, 5, 20))
        ran = frozenset(snapshot.name for snapshot in snapshots[newest:newest + chance.choice((5, 20, 50))] if chance.random() < 0.9)
        current = max(ran)
        targets.append(Target("host%06d" % number, schedule.rings[ring].name, current, ran))
    for target in chance.sample(targets, PINS):
        pins[target.name] = Pin(target.name, chance.choice(snapshots).name, NOW + 3600)
    return schedule, snapshots, marks, targets, pins


def main() -> int:
    """Measure and print; 0 when the aim is met."""
    schedule, snapshots, marks, targets, pins = things(random.Random(1))
    seconds = []
    for _round in range(3):
        began = time.perf_counter()
        decisions = fleet.decide_fleet(plans.compile(NOW, schedule, snapshots, marks), targets, pins)
        seconds.append(time.perf_counter() - began)
    began = time.perf_counter()
    alone = {target.name: reference.decide(NOW, target, schedule, snapshots, marks, pins.get(target.name)) for target in targets}
    peer = time.perf_counter() - began
    differ = [name for name, decision in decisions.items() if (decision.action, decision.release, decision.code) != alone[name]]
    print("%d hosts, %d snapshots, %d marks, %d pins, one core; the best of 3" % (HOSTS, SNAPSHOTS, MARKS, PINS))
    print("%-34s %9s %9s %9s" % ("", "ours", "each alone", "ratio"))
    print("%-34s %9.2f %9.2f %9.3f" % ("decisions, s", min(seconds), peer, min(seconds) / peer))
    if differ:
        print("%d decisions are not those of the reference, such as for %s: %s and %s" % (
            len(differ), differ[0], decisions[differ[0]], alone[differ[0]]))
    met = max(seconds) <= AIM and not differ
    print("aim (at most %g s in every round, and the same decisions): %s" % (AIM, "met" if met else "NOT met"))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

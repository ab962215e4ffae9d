# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random fleets that live hour by hour through random schedules, marks, gaps, windows and stops."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st
from rollout_samples import DAY, HOUR, named

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import fleet, plan
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import RUN
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule, Soak
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import BADFWD, Mark, Pin, Snapshot, Stop, Target

HOURS = 14
NAMES = ("one", "two", "three", "four")


@dataclass
class World:
    """All that a fleet meets in a day. Hours count from the first that is decided; snapshots reach back to hour -6."""

    schedule: Schedule
    snapshots: list
    marks: list
    closed: frozenset
    stops: list
    pins: list
    targets: list
    approvals: dict
    steps: list = field(default_factory=list)

    def live(self):
        """Decide at each hour and let every target run what was decided; fills ``steps``."""
        progress = {ring.name: {} for ring in self.schedule.rings}
        for hour in range(HOURS):
            now = DAY + hour * HOUR + 600
            known = plan.compile(
                now, self.schedule, [snapshot for snapshot in self.snapshots if snapshot.at <= now], [mark for mark in self.marks if mark.at <= now],
                [stop for stop in self.stops if stop.at <= now], progress, self.approvals,
                lambda ring, at: "night" if (ring.name, (at - DAY) // HOUR) in self.closed else "")
            pins = {pin.target: pin for begin, pin in self.pins if begin <= now}
            decisions = fleet.decide_fleet(known, self.targets, pins)
            before, self.targets = self.targets, [_run(target, decisions[target.name]) for target in self.targets]
            for ring in self.schedule.rings:
                for target in self.targets:
                    if target.ring == ring.name and target.current:
                        progress[ring.name].setdefault(target.current, now)
            self.steps.append(Step(now, known, before, decisions, self.targets))
        return self


@dataclass
class Step:
    """One hour: the plan, what targets ran before, what was decided, what they run after."""

    now: int
    plan: plan.Plan
    before: list
    decisions: dict
    after: list

    def moves(self):
        """Each target before, its decision, and the snapshot that it goes to, where that is another one."""
        for target in self.before:
            decision = self.decisions[target.name]
            if decision.release != target.current:
                yield target, decision, self.plan.by_name[decision.release]


def _run(target, decision):
    if decision.action != RUN:
        return target
    return replace(target, current=decision.release, ran=target.ran | {decision.release})


def one_in(number):
    """True once in so many times."""
    return st.sampled_from([False] * (number - 1) + [True])


@st.composite
def schedules(draw):
    """One to four rings; delays in any order."""
    rings = []
    for number in range(draw(st.integers(1, 4))):
        soak = Soak(1.0, draw(st.integers(0, 2)) * HOUR) if number and draw(one_in(4)) else None
        rings.append(Ring(
            NAMES[number], draw(st.integers(0, 4)) * HOUR, soak, require_good=draw(one_in(12)), approval=draw(one_in(12)),
            forward_delay=draw(st.none() | st.integers(0, 3).map(lambda hours: hours * HOUR))))
    return Schedule(tuple(rings))


@st.composite
def snapshots(draw):
    """One an hour with gaps; seldom a barrier or a dead end."""
    missing = draw(st.sets(st.integers(-6, HOURS - 1), max_size=10))
    return [Snapshot(named(hour), DAY + hour * HOUR, barrier="migration" if draw(one_in(15)) else "", dead_end="end" if draw(one_in(40)) else "")
            for hour in range(-6, HOURS) if hour not in missing]


@st.composite
def marks(draw, there):
    """In the order of their time: several at once, about the snapshots of the hours before."""
    found = []
    for _act in range(draw(st.integers(1, 5))):
        at = DAY + draw(st.integers(0, HOURS - 1)) * HOUR + draw(st.integers(0, 11)) * 300
        recent = [snapshot for snapshot in there if snapshot.at <= at][-6:]
        state = draw(st.sampled_from(("bad", "bad", "bad", BADFWD, BADFWD, BADFWD, "good", "none", "Bad")))
        approved = draw(st.sampled_from(("", "", "anna")))
        for snapshot in draw(st.lists(st.sampled_from(recent), min_size=1, max_size=4, unique=True)) if recent else ():
            found.append(Mark(snapshot.name, state, at, "anna", approved=approved))
    return sorted(found, key=lambda mark: mark.at)


@st.composite
def worlds(draw, pinned=False, stopped=False):
    """A world that nobody lived through yet.

    :param pinned: with pins, none of them an emergency's.
    :param stopped: with kill switches, which stay on.
    """
    schedule, there = draw(schedules()), draw(snapshots())
    names = [ring.name for ring in schedule.rings]
    targets = [Target("%s-%d" % (ring, number), ring, disabled="broken" if draw(one_in(12)) else "")
               for ring in names for number in range(0 if ring != names[0] and draw(one_in(8)) else draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        targets.append(Target("stray", None))
    times = st.integers(0, HOURS - 1).map(lambda hour: DAY + hour * HOUR)
    pins = draw(st.lists(st.builds(
        lambda begin, target, snapshot, hours: (begin, Pin(target.name, snapshot.name, begin + hours * HOUR)),
        times, st.sampled_from(targets), st.sampled_from(there), st.integers(1, 6)), max_size=3)) if pinned else []
    levels = st.sampled_from([("fleet", ""), *(("ring", ring) for ring in names), *(("host", target.name) for target in targets)])
    stops = draw(st.lists(st.builds(lambda level, at: Stop(*level, at=at), levels, times), min_size=1, max_size=2)) if stopped else []
    closed = draw(st.frozensets(st.tuples(st.sampled_from(names), st.integers(0, HOURS - 1)), max_size=5))
    approved = st.sets(st.sampled_from([snapshot.name for snapshot in there]), min_size=len(there) // 2)
    return World(schedule, there, draw(marks(there)), closed, stops, pins, targets, {ring: draw(approved) for ring in names})

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Going forward after ``badfwd``: only targets that ran what is marked so, and no further than the cap of their ring. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.candidates import behind
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import BADFWD


def left_behind(plan, target, here):
    """The newest snapshot marked ``badfwd`` that a target ran and has not got past.

    :param here: the place in time of what it runs, or None.
    :return: its place in time (instant and name), or None.
    """
    ran = set(target.ran & plan.telling)
    if target.current in plan.telling:
        ran.add(target.current)
    places = [plan.place(name) for name in ran if plan.marks.state(name) == BADFWD]
    newest = max((place for place in places if place), default=None)
    past = newest and here and here > newest and not plan.marks.refused(target.current)
    return None if past else newest


def fix(candidates, bad, barrier):
    """The oldest acceptable snapshot that is newer than a bad one, and within the cap of the ring.

    :param candidates: the ``Candidates`` of the ring.
    :param bad: the place in time of the bad one.
    :param barrier: a snapshot that has to be run before any that is newer, or None.
    :return: a ``Snapshot`` or None, and those passed over.
    """
    passed = []
    for snapshot, objection in candidates.forward(bool(candidates.plan.marks.last[bad[1]].approved)):
        if (snapshot.at, snapshot.name) > bad:
            objection = objection or barrier and behind(barrier, snapshot)
            if not objection:
                return snapshot, tuple(passed)
            passed.append(objection)
    return None, tuple(passed)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the marks say about snapshots: the last one about each, and what they close together. Pure.

Bad marks that were made within an hour of each other are one incident. As long as one of them stands, no target goes to any snapshot from the oldest
to the newest that the incident named: not to one in between that nobody marked, nor to one whose own mark was lifted, since a rollback has to hold.
What opens such a snapshot: lifting all marks of the incident; for one that was never marked bad, a good mark that is not older than the incident; for
one that was, a good mark that says who approved it. Marks without an instant stand for themselves.
"""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import HOUR
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import BAD, BADFWD, GOOD, NONE

INCIDENT = HOUR
HARMLESS = (GOOD, NONE)


def last(marks):
    """The mark that counts of each snapshot that has one, by its name: the last one, where that did not take the mark back.

    :param marks: iterable of ``Mark`` in time order.
    """
    found = {mark.snapshot: mark for mark in marks}
    return {name: mark for name, mark in found.items() if mark.state != NONE}


class Marks:
    """Marks, ready to be asked.

    :param marks: iterable of ``Mark`` in time order.
    :param snapshots: of ``Snapshot``.
    :ivar last: as :func:`last` gives it.
    :ivar closed: names of snapshots that an incident closes though their own mark does not, each with the name of one that is still marked bad.
    """

    def __init__(self, marks, snapshots):
        marks = list(marks)
        self.last = last(marks)
        self.closed = {}
        order = {snapshot.name: (snapshot.at, snapshot.name) for snapshot in snapshots}
        for incident in _incidents(mark for mark in marks if mark.state not in HARMLESS and mark.snapshot in order):
            self._close(incident, order)

    def state(self, name):
        """``good``, ``bad``, ``badfwd``, an unknown word as it was given, or empty where the snapshot has no mark."""
        mark = self.last.get(name)
        return mark.state if mark else ""

    def refused(self, name):
        """Whether the snapshot's own mark forbids it: what is not known to be good counts as bad."""
        mark = self.last.get(name)
        return mark is not None and mark.state != GOOD

    def objection(self, name):
        """Why no target goes to a snapshot.

        :return: code and reason, or None.
        """
        mark = self.last.get(name)
        if mark and mark.state != GOOD:
            told = "%s%s" % (" by %s" % mark.by if mark.by else "", ": %s" % mark.why if mark.why else "")
            if mark.state in (BAD, BADFWD):
                return mark.state, "it is marked %s%s" % (mark.state, told)
            return "unknown_mark", "its mark %r is not known and counts as bad%s" % (mark.state, told)
        if name in self.closed:
            return "incident", "it lies in the range that was marked bad together with %s, which still is" % self.closed[name]
        return None

    def _close(self, incident, order):
        """Close what lies in the range of an incident, if one of its marks still stands."""
        named = {mark.snapshot for mark in incident}
        standing = [name for name in named if self.refused(name)]
        if not standing:
            return
        oldest, newest = min(order[name] for name in named), max(order[name] for name in named)
        for name, place in order.items():
            if oldest <= place <= newest and not self.refused(name) and not self._opened(name, named, incident[-1].at):
                self.closed.setdefault(name, max(standing, key=lambda other: order[other]))

    def _opened(self, name, named, since):
        mark = self.last.get(name)
        return mark is not None and mark.state == GOOD and (bool(mark.approved) if name in named else mark.at >= since)


def _incidents(marks):
    """Marks with an instant, in lists of those that belong to one incident."""
    found = []
    for mark in sorted((mark for mark in marks if mark.at), key=lambda mark: mark.at):
        if found and mark.at - found[-1][-1].at <= INCIDENT:
            found[-1].append(mark)
        else:
            found.append([mark])
    return found

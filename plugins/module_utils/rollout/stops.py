# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kill switches, ready to be asked. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import HOST, RING


class Stops:
    """The kill switches that are on.

    :param stops: iterable of ``Stop``; a level that is not known counts as the fleet's.
    """

    def __init__(self, stops=()):
        self._fleet, self._rings, self._hosts = None, {}, {}
        for stop in stops:
            if stop.level == RING:
                self._rings[stop.name] = stop
            elif stop.level == HOST:
                self._hosts[stop.name] = stop
            else:
                self._fleet = stop
        self.any = bool(self._fleet or self._rings or self._hosts)

    def on(self, target, ring):
        """Why a target is stopped.

        :param target: a ``Target``; a stop of the ring that it says it belongs to counts too.
        :param ring: name of the ring that it is decided with.
        :return: one sentence, or empty where it is not.
        """
        for stop, whose in ((self._fleet, "the fleet"), (self._rings.get(ring), "ring %s" % ring),
                            (self._rings.get(target.ring), "ring %s" % target.ring), (self._hosts.get(target.name), "host %s" % target.name)):
            if stop:
                return "the kill switch of %s is on%s%s" % (
                    whose, ", thrown by %s" % stop.by if stop.by else "", ": %s" % stop.message if stop.message else "")
        return ""

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a ring may change: windows that allow or deny, and freezes. Instants are whole seconds since 1970 in UTC. Pure.

A ring may change when no freeze and no ``deny`` window is open and, where there are ``allow`` windows, one of them is. The windows that the schedule
has for all rings and those of the ring itself both have to let it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.cron import Cron

ALLOW, DENY = "allow", "deny"
KINDS = (ALLOW, DENY)
_AHEAD = 8 * 366 * 86400
# Beginnings of a deny window that are followed to find its end.
_BEGINNINGS = 10000
_STEPS = 500


@dataclass(frozen=True)
class Window:
    """A span of time that comes again.

    :param cron: when it begins, by the clocks of ``zone``.
    :param seconds: how long it lasts, really: the clocks may be changed in between.
    :param overrun: whether a batch that began before it closed (``allow``) or opened (``deny``) may finish.
    :param everywhere: whether it stands in the schedule for all rings.
    """

    kind: str
    cron: Cron
    seconds: int
    zone: datetime.tzinfo = datetime.timezone.utc
    overrun: bool = False
    reason: str = ""
    everywhere: bool = False

    def began(self, now):
        """When the window that is open at ``now`` began; None where it is closed."""
        return self.cron.before(now, self.zone, now - self.seconds + 1)


@dataclass(frozen=True)
class Freeze:
    """A span of time in which nothing changes.

    :param begin: its first instant.
    :param end: the first instant after it.
    """

    begin: int
    end: int
    zone: datetime.tzinfo = datetime.timezone.utc
    reason: str = ""
    ticket: str = ""


def closed(ring, now):
    """Why a ring may not change, and when it may again.

    :param ring: a ``Ring``.
    :return: the reason as text, or an empty text where it may.
    """
    reason = _reason(ring, now)
    opening = opens(ring, now) if reason else ""
    if not reason or opening and "until %s" % opening in reason:
        return reason
    return "%s; %s" % (reason, "opens at %s" % opening if opening else "no time was found at which it opens")


def may_finish(ring, started, now):
    """Whether a batch may go on. One that began while the ring was open may, after that, where every window that closes the ring now has ``overrun``.

    :param started: when the batch began.
    :return: True or False.
    """
    if not _reason(ring, now):
        return True
    if started > now or _reason(ring, started) or any(freeze.begin <= now < freeze.end for freeze in ring.freezes):
        return False
    if any(window.kind == DENY and not window.overrun and window.began(now) is not None for window in ring.windows):
        return False
    return all(any(window.began(now) is not None or window.overrun and window.began(started) is not None for window in allowed)
               for allowed in _allowed(ring))


def next_opening(ring, now):
    """The first instant from ``now`` on at which a ring may change.

    :return: an instant, ``now`` itself where it is open, or None where none is found in eight years or in a great many beginnings of windows.
    """
    at, left = now, _BEGINNINGS
    for _step in range(_STEPS):
        frozen = [freeze.end for freeze in ring.freezes if freeze.begin <= at < freeze.end]
        if frozen:
            at = max(frozen)
            continue
        denied = next((window for window in ring.windows if window.kind == DENY and window.began(at) is not None), None)
        if denied:
            at, left = _end(denied, at, left)
            if not left:
                return None
            continue
        shut = next((allowed for allowed in _allowed(ring) if all(window.began(at) is None for window in allowed)), None)
        if not shut:
            return at
        begins = [next(window.cron.after(at, window.zone, at + _AHEAD), None) for window in shut]
        at = min((begin for begin in begins if begin is not None), default=None)
        if at is None or at > now + _AHEAD:
            return None
    return None


def opens(ring, now):
    """When a closed ring opens, for messages, such as ``2026-11-23 08:00 Europe/Brussels``; empty where it is open or never opens."""
    at = next_opening(ring, now)
    zones = [entry.zone for entry in (*ring.windows, *ring.freezes)]
    return shown(at, zones[0]) if zones and at is not None and at > now else ""


def shown(at, zone):
    """An instant as people read it, with its time zone."""
    when = datetime.datetime.fromtimestamp(at, zone)
    return "%s %s" % (when.strftime("%Y-%m-%d %H:%M"), getattr(zone, "key", "UTC"))


def _reason(ring, now):
    for freeze in ring.freezes:
        if freeze.begin <= now < freeze.end:
            return "frozen until %s%s" % (shown(freeze.end, freeze.zone), _why(freeze.reason, freeze.ticket))
    for window in ring.windows:
        if window.kind == DENY and window.began(now) is not None:
            return "closed by the deny window '%s'%s" % (window.cron.text, _why(window.reason))
    for allowed in _allowed(ring):
        if all(window.began(now) is None for window in allowed):
            return "outside %s" % " and ".join("the allow window '%s'%s" % (window.cron.text, _why(window.reason)) for window in allowed)
    return ""


def _allowed(ring):
    """The allow windows of the schedule, and those of the ring; without those that there are none of."""
    found = ([window for window in ring.windows if window.kind == ALLOW and window.everywhere is everywhere] for everywhere in (True, False))
    return [windows for windows in found if windows]


def _end(window, at, left):
    """When a window that is open closes, and how many beginnings may still be looked at."""
    end = window.began(at) + window.seconds
    for begin in window.cron.after(at, window.zone, at + _AHEAD):
        left -= 1
        if begin > end or not left:
            break
        end = begin + window.seconds
    return end, left


def _why(reason, ticket=""):
    return "%s%s" % (": %s" % reason if reason else "", " (%s)" % ticket if ticket else "")

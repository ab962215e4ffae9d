# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The things that a decision is made of: snapshots, marks, pins, kill switches, what targets ran. Instants are whole seconds since 1970 in UTC. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

GOOD, BAD, BADFWD, NONE = "good", "bad", "badfwd", "none"
STATES = (GOOD, BAD, BADFWD, NONE)
FLEET, RING, HOST = "fleet", "ring", "host"
LEVELS = (FLEET, RING, HOST)


@dataclass(frozen=True)
class Snapshot:
    """A copy of the configuration repository at one commit.

    :param name: its name, the release that targets run, such as ``20140211-0700`` or a tag.
    :param at: the instant that its age is counted from: the full hour that it is named after, or when it was taken.
    :param commit: the commit that it was made from.
    :param digest: digest of its content, ``sha256:`` and 64 hexadecimal digits.
    :param barrier: why every target must pass through it; empty where none must.
    :param dead_end: why no target leaves it by itself; empty where they may.
    """

    name: str
    at: int
    commit: str = ""
    digest: str = ""
    barrier: str = ""
    dead_end: str = ""


@dataclass(frozen=True)
class Mark:
    """What a person or a health gate said about a snapshot; the last one about a snapshot counts.

    :param state: one of ``STATES``; ``none`` takes the mark back.
    :param approved: with ``badfwd``: who approved that targets may go past what the ring before them runs; with ``good``: who approved that
        targets may go to it again although others that were marked bad with it still are; empty where nobody did.
    """

    snapshot: str
    state: str
    at: int = 0
    by: str = ""
    why: str = ""
    approved: str = ""


@dataclass(frozen=True)
class Pin:
    """A target that stays on, or goes to, a snapshot until an instant, whatever its ring is due.

    :param until: the instant from which it has no effect.
    :param emergency: goes past windows and freezes, and to a snapshot that is marked bad.
    """

    target: str
    snapshot: str
    until: int
    by: str = ""
    why: str = ""
    emergency: bool = False


@dataclass(frozen=True)
class Stop:
    """A kill switch that is on.

    :param level: one of ``LEVELS``.
    :param name: the ring or host; empty for the fleet.
    """

    level: str
    name: str = ""
    message: str = ""
    by: str = ""
    at: int = 0


@dataclass(frozen=True)
class Target:
    """A target and what it ran.

    :param ring: name of its ring; None where no ring selects it.
    :param current: the snapshot that it runs; None where it runs none yet.
    :param ran: every snapshot that it is known to have run, ``current`` too.
    :param disabled: why the target itself takes no release; empty where it does.
    :param since: the instant from which it runs ``current``; None where that is not known.
    """

    name: str
    ring: str | None
    current: str | None = None
    ran: frozenset = field(default_factory=frozenset)
    disabled: str = ""
    since: int | None = None

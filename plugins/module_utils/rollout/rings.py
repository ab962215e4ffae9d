# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rings, as the schedule declares them. Durations are whole seconds. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Soak:
    """How long a snapshot must have worked in the ring before.

    :param share: the share of that ring, over 0 and at most 1, that must run it with success.
    :param seconds: how long, counted from when that share was reached.
    """

    share: float
    seconds: int


@dataclass(frozen=True)
class Ring:
    """Targets that move together.

    :param delay: how old a snapshot must be before the ring takes it.
    :param soak: what the ring before must have shown; None where age alone counts.
    :param require_good: only snapshots that are marked good.
    :param approval: only snapshots that a person approved for this ring.
    :param forward_delay: how old a snapshot must be that ``badfwd`` brings; None: the delay of the ring before (0 for the first).
    :param windows: when it may change, see ``windows.py``.
    :param freezes: spans of time in which nothing changes.
    :param selector: which targets belong to it, see ``selectors.py``.
    :param batches: sizes of batches, numbers or percentages as texts, in the form of ``serial``.
    :param max_unavailable: number or percentage of the ring that may fail before the rollout stops.
    :param health: options of its health gate.
    """

    name: str
    delay: int = 0
    soak: Soak | None = None
    require_good: bool = False
    approval: bool = False
    forward_delay: int | None = None
    windows: tuple = ()
    freezes: tuple = ()
    selector: object = None
    batches: tuple = ("100%",)
    max_unavailable: object = 0
    health: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Schedule:
    """The rings in order, the most eager first.

    :param rings: tuple of ``Ring``.
    :param history: how far back a candidate may be, counted from now.
    :param domain_variable: the host variable that holds a target's failure domain; empty where domains do not matter.
    """

    rings: tuple
    history: int = 72 * 3600
    domain_variable: str = ""

    def ring(self, name):
        """The ring of that name; the last one, the most cautious, where there is none."""
        return next((ring for ring in self.rings if ring.name == name), self.rings[-1])

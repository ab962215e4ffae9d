# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decision says. Pure."""

from __future__ import annotations

from dataclasses import dataclass

RUN, HOLD = "run", "hold"


@dataclass(frozen=True)
class PassedOver:
    """A candidate that was not taken.

    :param code: one word for programs, such as ``bad`` or ``too_young``.
    :param reason: the same for people.
    """

    snapshot: str
    code: str
    reason: str


@dataclass(frozen=True)
class Decision:
    """What a target does now.

    :param action: ``RUN`` or ``HOLD``.
    :param release: the snapshot to run; with ``HOLD`` the one that the target has, or None where it has none.
    :param code: one word for programs, such as ``due``, ``pinned``, ``kill_switch`` or ``window``.
    :param reason: one sentence for people.
    :param passed_over: every candidate that came before the one taken, with why it was not.
    """

    action: str
    release: str | None
    code: str
    reason: str
    passed_over: tuple = ()

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host that pulls runs now, by the document that it knows. It fails closed: whatever is not known or not right is a hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming, plan as plans
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decide import decide
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD, RUN, Decision
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.stops import Stops

# Clocks that differ by less are taken for the same.
SKEW = 300


@dataclass(frozen=True)
class Host:
    """What a host knows of itself.

    :param ring: the ring that it was told to be in; empty where the document says it.
    :param disabled: why it takes no release; empty where it does.
    :param clock: the latest instant that its clock showed at an earlier run; None where that does not matter, since a newer document came.
    :param local: its own ``State``: what it ran, and its own kill switches.
    """

    name: str
    ring: str
    disabled: str
    clock: int | None
    local: object


def ring_of(document, host):
    """The name of the ring that a host is decided with; the most cautious one where nothing tells it."""
    return document.schedule.ring(host.ring or document.rings.get(host.name)).name


def judge(document, host, now, max_age, begun=""):
    """Decide for the host itself.

    :param document: the newest valid ``Document`` that it knows, None where it knows none.
    :param max_age: seconds after which a document counts no more. What it stops stays stopped.
    :param begun: the release that the run began with: it is that one or a hold.
    :return: ``Decision``.
    """
    target = host.local.target(host.name, host.ring or (document.rings.get(host.name) if document else None))
    stopped = _stopped(document, host, target)
    if stopped:
        return Decision(HOLD, target.current, "kill_switch", stopped)
    if host.disabled:
        return Decision(HOLD, target.current, "disabled", "the host is disabled: %s" % host.disabled)
    objection = _unknown(document, host, now, max_age)
    if objection:
        return Decision(HOLD, target.current, *objection)
    state = document.state
    plan = plans.compile(now, document.schedule, state.snapshots, state.marks, (), document.progress, state.approvals, reached=document.reached)
    decision = decide(plan, target, state.pins.get(host.name))
    if decision.action == RUN and begun and decision.release != begun:
        return _still(plan, target, decision, begun)
    return decision


def _stopped(document, host, target):
    """Why a kill switch stops the host: one of its own, or one of the document, however old that is."""
    stops = Stops(host.local.switches + (document.state.switches if document else []))
    for ring in [ring for ring in (host.ring, document.rings.get(host.name) if document else "") if ring] or [None]:
        reason = stops.on(replace(target, ring=ring), document.schedule.ring(ring).name if document else ring)
        if reason:
            return reason
    return ""


def _unknown(document, host, now, max_age):
    """Code and reason where the host cannot know what it shall run."""
    problems = host.local.problems + [host.local.damaged[name] for name in (host.name,) if name in host.local.damaged]
    if problems:
        return "state", "what the host ran is not known: %s" % "; ".join(problems)
    if document is None:
        return "no_document", "the host knows no valid state of the rollout yet"
    made = "the state of the rollout that the host knows was made at %s" % naming.text(document.made_at)
    if document.made_at - now > SKEW:
        return "clock", "%s, which is in %s by the clock of this host" % (made, naming.span(document.made_at - now))
    if host.clock is not None and host.clock - now > SKEW:
        return "clock", "the clock of this host went back by %s since an earlier run; it goes on when it is later, or a newer state is published" \
            % naming.span(host.clock - now)
    if now - document.made_at > max_age:
        return "stale", "%s, %s ago, and counts for %s" % (made, naming.span(now - document.made_at), naming.span(max_age))
    return None


def _still(plan, target, decision, begun):
    """The release that a run began with, where the decision is another by now."""
    marked = plan.marks.objection(begun)
    if marked:
        return Decision(HOLD, target.current, marked[0], "%s, which this run began with, is not for the host any more: %s" % (begun, marked[1]))
    if begun not in plan.by_name:
        return Decision(HOLD, target.current, "gone", "%s, which this run began with, is not there any more" % begun)
    return replace(decision, release=begun, code="begun", reason="the run began with it; the next one takes %s" % decision.release)

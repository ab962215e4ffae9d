# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between releases of the orchestrator, and how it is told from an answer.

No release number is asked for: a token of one environment may not read it. Releases up to 14 have a process for each agent, those from
15 on a scheduler in the server.

=============================== ================================== ================================ =========================================
what                            up to 14                           from 15 on                       told by
=============================== ================================== ================================ =========================================
settings that push a version    push_on_auto_deploy and others     none                             definitions in the list of settings
``settings`` of that list       may lack what was never set        the same, all from 20 on         default in the definition
settings kept by project.yml    no                                 refused by the server            ``protected`` in the definition
a version was released          status is active or retired        field ``released``               the field: :func:`was_released`
promoted while halted           active at once                     active after the resume          status of the version
dry run while halted            200, agents are down               409                              not asked for: guards refuse what is halted
the same resource, new version  noted as a deployment              15 notes it too, later nothing   message: :func:`is_only_noted`
a resource is unavailable       for good                           perhaps for seconds              held for ``deploy.UNAVAILABLE_FOR``
a paused agent that has worked  deploys nothing                    deploys one resource             not told: halted, kept paused and resumed
intervals of 0                  hold a version back, without push  hold nothing back                not told: agents are held on each release
a compile in a new checkout     unknown                            ``reinstall``                    400, which names it
times                           8.7.6: UTC without saying so       offset                           the text
=============================== ================================== ================================ =========================================
"""

from __future__ import annotations

KNOWN_GOOD = "Setting deployed due to known good status"
RELEASED = ("active", "retired")


def was_released(version):
    """Whether a version of the list of versions was ever released to the agents."""
    released = version.get("released")
    return version["status"] in RELEASED if released is None else released


def is_only_noted(action):
    """Whether a resource action of kind deploy only says that the resource is the same as in the version before; no agent did anything."""
    return any(message.get("msg") == KNOWN_GOOD for message in action.get("messages") or [])


def is_protected(definition):
    """Whether the model's project.yml keeps the setting, which the server then refuses to change."""
    return bool(definition.get("protected"))


def in_force(listed):
    """The value of every setting, from the answer of the list of settings; what was never set has its default."""
    return {name: listed["settings"].get(name, definition.get("default")) for name, definition in listed["definition"].items()}

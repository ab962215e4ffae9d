# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Agents of an environment: listed, paused and unpaused."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import paging
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment

STATES = {"paused": ("pause", "paused", True), "unpaused": ("unpause", "paused", False)}
ON_RESUME = {"paused": ("keep_paused_on_resume", "unpause_on_resume", False),
             "unpaused": ("unpause_on_resume", "unpause_on_resume", True)}


def listing(client, environment):
    """All agents: name, paused, status, unpause_on_resume (of meaning only while the environment is halted)."""
    return [describe(item) for item in paging.everything(client, "/api/v2/agents", environment, {"sort": "name.asc"})]


def describe(agent):
    """One agent in the words of the modules' returns."""
    return dict(name=agent["name"], paused=agent["paused"], status=agent["status"], unpause_on_resume=agent.get("unpause_on_resume"))


def select(agents, names):
    """The agents of these names; all of them for None.

    The server takes an action for an agent that it does not have and does nothing, so the names are checked here.
    """
    if names is None:
        return agents
    known = {agent["name"]: agent for agent in agents}
    for name in names:
        if name not in known:
            raise InputError("names", name, "is not an agent of this environment",
                             "Choose from: %s. Agents are there once a version with resources is"
                             % (", ".join(known) or "none are there"))
    return [known[name] for name in names]


def check_halted(halted, state, on_resume):
    """Refuse what the server does not do in this state of the environment."""
    if state and halted:
        raise StagecraftError("state: the environment is halted, and a halted environment takes no %r for agents. "
                              "Give 'on_resume' to say what the agents do after the halt, or end the halt first." % state)
    if on_resume and not halted:
        raise StagecraftError("on_resume: the environment is not halted, so nothing will be resumed. "
                              "Give 'state', or halt the environment first with inmanta_halt.")


def choose(state, on_resume):
    """The action to ask for, with the key of an agent that it sets and the value.

    :param state: ``paused``, ``unpaused`` or None.
    :param on_resume: the same for after the halt.
    :returns: triple (action, key, value).
    """
    return STATES[state] if state else ON_RESUME[on_resume]


def act(client, environment, action, names=None):
    """Ask for an action on these agents, or on all with one request."""
    if names is None:
        client.post("/api/v2/agents/%s" % segment(action), environment, repeat=True)
        return
    for name in names:
        client.post("/api/v2/agent/%s/%s" % (segment(name), segment(action)), environment, repeat=True)

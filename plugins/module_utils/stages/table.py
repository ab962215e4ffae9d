# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of targets as a table of text. Pure."""

from __future__ import annotations

COLUMNS = ("target", "unit", "release", "pending", "lock", "saved", "waiting")
NOTHING = "-"


def row(target, unit, state, error=""):
    """One row of the table.

    :param state: what stages_info returned; empty where the target could not be read.
    :param error: why it could not be read.
    """
    if error:
        cells = dict.fromkeys(COLUMNS, NOTHING)
        return dict(cells, target=target, unit=unit or NOTHING, pending="unknown: %s" % " ".join(error.split()))
    facts = state.get("facts") or {}
    history = facts.get("history") or []
    return {
        "target": target,
        "unit": unit or NOTHING,
        "release": history[-1].get("release", NOTHING) if history else NOTHING,
        "pending": _pending(state),
        "lock": _holder(state.get("lock")),
        "saved": ", ".join("%s=%s" % (name, _plain(entry.get("was"))) for name, entry in sorted((state.get("saved") or {}).items())) or NOTHING,
        "waiting": _waiting(facts.get("stages") or {}),
    }


def lines(columns, rows):
    """Heading and rows as lines with aligned columns; the last column is not padded."""
    cells = [{name: name.upper() for name in columns}] + rows
    widths = {name: max(len(str(item[name])) for item in cells) for name in columns[:-1]}
    return ["  ".join([str(item[name]).ljust(widths[name]) for name in columns[:-1]] + [str(item[columns[-1]])]) for item in cells]


def _pending(state):
    if not state.get("release"):
        return NOTHING
    stages = ", ".join(state.get("pending") or [])
    return "%s: %s" % (state["release"], stages) if stages else NOTHING


def _holder(holder):
    if not holder:
        return NOTHING
    text = "%s@%s since %s" % (holder.get("user"), str(holder.get("controller", "")).partition(":")[0], holder.get("since"))
    return "%s (stale)" % text if holder.get("stale") else text


def _waiting(stages):
    """The digest that waits for approval: of configure, or of an install that no configure has followed."""
    install, configure = stages.get("install") or {}, stages.get("configure") or {}
    if configure.get("status") == "waiting":
        return (configure.get("output") or {}).get("_digest") or configure.get("cause") or NOTHING
    output = install.get("output") or {}
    followed = configure.get("release") == install.get("release") and configure.get("status") == "done"
    return output.get("_digest") or NOTHING if output.get("_verdict") == "needs_approval" and not followed else NOTHING


def _plain(value):
    return str(value).lower() if isinstance(value, bool) else str(value)

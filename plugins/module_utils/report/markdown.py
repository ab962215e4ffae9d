# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown in the shape of an issue template, with the boxes ticked. Pure."""

from __future__ import annotations

import json
import re

from ansible_collections.stagecraft.release.plugins.module_utils.changes.table import visible
from ansible_collections.stagecraft.release.plugins.module_utils.report.wording import counted, people, plain

LIMIT = 200
VALUE = 300
TICKS = {"done": "x"}
WORDS = {"failed": "failed", "waiting": "waiting", "running": "not finished", "skipped": "left out"}


def render(document):
    """The report as Markdown; the JSON report has what is cut here."""
    outcome = document["outcome"]
    out = ["# Release %s on %s" % (code(document["release"]), code(document["target"])), "", "**%s**" % outcome["text"], ""]
    out += ["* %s: %s" % (label, code(text)) for label, text in document["about"].items() if text]
    out += ["* From %s to %s, run by %s" % (code(document["began"]), code(document["ended"]), ", ".join(map(code, people(document["runs"]))) or "-")]
    if outcome["cause"]:
        out += ["* %s" % code(outcome["cause"])]
    out += ["", "## Procedure"]
    for section in document["steps"]:
        out += ["", "* %s" % section["section"], ""]
        for number, step in enumerate(section["steps"], 1):
            out += _step(step, "%d. " % number, "")
    out += ["", "## Changes", ""] + _changes(document["changes"])
    out += ["", "## Approvals", ""] + [_approval(approval) for approval in document["approvals"]]
    out += [_override(item) for item in document["overrides"]] + [_notice(item) for item in document["notices"]]
    out += ["", "## Failed resources", ""] + [
        "* %s, %s: %s" % (code(item.get("resource")), code(item.get("state")), code(item.get("error") or "no error is kept")) for item in document["failed"]]
    out += ["", "## Settings", ""] + _settings(document["settings"])
    return "\n".join(_none_where_empty(out)) + "\n"


def code(text):
    """Text as a code span: nothing in it is markup. Line breaks and what does not print are shown by their codes."""
    text = visible(str(text)) or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if text[0] in "` " or text[-1] in "` " else ""
    return ticks + space + text + space + ticks


def _step(step, bullet, indent):
    box = "[%s] " % TICKS.get(step["state"], " ") if step["key"] else ""
    word = WORDS.get(step["state"]) if step["key"] else None
    out = ["%s%s%s%s%s" % (indent, bullet, box, step["title"], " (%s)" % word if word else "")]
    below = indent + "    "
    out += ["%s* %s" % (below, note) for note in step["notes"]]
    if step["key"] and (step["at"] or step["evidence"]):
        out.append("%s* %s" % (below, ": ".join(part for part in (code(step["at"]) if step["at"] else "", ", ".join(map(code, step["evidence"]))) if part)))
    for box in step["boxes"]:
        out += _step(box, "* ", below)
    return out


def _changes(changes):
    if changes is None:
        return []
    out = ["Dry run of v%s: %s; %d not expected by the policy." % (changes["version"], counted(changes["counts"]), changes["unexpected"]), ""]
    rows = changes["changes"] + [dict(row, action="not checked") for row in changes["unchecked"]]
    for row in rows[:LIMIT]:
        why = row.get("unexpected") or row.get("reason")
        out.append("* %s %s%s" % (row["action"], code(row["resource"]), ": %s" % code(why) if why else ""))
        for name, pair in sorted((row.get("attributes") or {}).items()):
            out.append("    * %s: %s → %s" % (code(name), _value(pair[0]), _value(pair[1])))
    if len(rows) > LIMIT:
        out.append("* and %d more, which the JSON report has" % (len(rows) - LIMIT))
    return out


def _value(value):
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return code(text if len(text) <= VALUE else text[:VALUE] + "…")


def _approval(approval):
    if approval["verdict"] == "approved":
        return "* [x] %s approved by %s%s%s" % (code(approval["digest"]), code(approval["who"] or "nobody who is named"),
                                                " at %s" % code(approval["at"]) if approval["at"] else "",
                                                ", until %s" % code(approval["expires"]) if approval["expires"] else "")
    if approval["verdict"] == "needs_approval":
        return "* [ ] %s waits for approval" % code(approval["digest"])
    reasons = {"unchanged": "nothing to change", "covered": "the policy expects all of it", "expected": "the first version is as expected"}
    return "* %s needed no approval: %s" % (code(approval["digest"]), reasons.get(approval["verdict"], "not judged"))


def _override(item):
    told = (code(item["who"]), code(item["at"]), code(item["reason"]), " ".join(map(code, item["problems"])))
    return "* Release record **overridden** by %s at %s: %s. %s" % told


def _notice(item):
    return "* [%s] Notice %s: %s%s, to be sent by %s" % ("x" if item["state"] == "sent" else " ", code(item["name"]), code(item["state"]),
                                                         " at %s" % code(item["sent"]) if item["sent"] else "", code(item["deadline"] or "-"))


def _settings(settings):
    return ["* %s: %s → %s%s" % (code(item["name"]), code(plain(item["before"])), code(plain(item["after"])), " (**changed**)" if item["changed"] else "")
            for item in settings]


def _none_where_empty(out):
    """The lines, with a word under headings that have nothing."""
    result = []
    for number, line in enumerate(out):
        result.append(line)
        following = [text for text in out[number + 1:number + 3] if text]
        if line.startswith("## ") and (not following or following[0].startswith("## ")):
            result += ["", "None is recorded."]
    return [line for number, line in enumerate(result) if line or result[number - 1]]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs no other file and may load none. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.report import timeline
from ansible_collections.stagecraft.release.plugins.module_utils.report.attempts import seconds
from ansible_collections.stagecraft.release.plugins.module_utils.report.markup import data, element, escaped, fingerprint, lines
from ansible_collections.stagecraft.release.plugins.module_utils.report.page_script import SCRIPT
from ansible_collections.stagecraft.release.plugins.module_utils.report.page_style import STYLE
from ansible_collections.stagecraft.release.plugins.module_utils.report.wording import counted, duration, people, plain

MARKS = {"done": "✓", "failed": "✗", "waiting": "…", "running": "…", "open": "○", "skipped": "–"}
WORDS = {"done": "done", "failed": "failed", "waiting": "waiting", "running": "not finished", "open": "open", "skipped": "left out"}
VERDICTS = {"unchanged": "There was nothing to change, so no approval was needed.",
            "covered": "The policy expects all of the changes, so no approval was needed.",
            "expected": "The resources of the first version are as expected, so no approval was needed."}
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; script-src %s; style-src %s"


def render(document):
    """The page.

    :param document: the report, see ``document.build``.
    """
    changes = document["changes"]
    approvals = _approvals(document["approvals"]) + _overrides(document["overrides"]) + _notices(document["notices"])
    sections = [("timeline", "Timeline", element("div", timeline.draw(document), class_="scroll")), ("procedure", "Procedure", _steps(document)),
                ("changes-section", "Changes", _changes(changes)), ("approvals", "Approvals", approvals),
                ("failed", "Failed resources", _failed(document["failed"])), ("settings", "Settings", _settings(document["settings"])),
                ("journal", "Journal", _journal(document["journal"]))]
    body = [element("a", "Skip to the report", class_="skip", href="#timeline"), _header(document, sections),
            element("main", "".join(element("section", element("h2", escaped(title), id="%s-title" % name) + content, id=name,
                                            aria_labelledby="%s-title" % name) for name, title, content in sections)),
            element("footer", escaped("stagecraft.release, unit %s. Times are in UTC." % document["unit"]))]
    script = ""
    if changes is not None:
        rows = changes["changes"] + [dict(row, action="unchecked") for row in changes["unchecked"]]
        script = element("script", data({"changes": rows}), type="application/json", id="data") + element("script", SCRIPT)
    head = [element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=POLICY % (fingerprint(SCRIPT), fingerprint(STYLE))),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"), element("meta", name="referrer", content="no-referrer"),
            element("title", escaped(_title(document))), element("style", STYLE)]
    return "<!DOCTYPE html>\n%s\n" % element("html", element("head", "\n".join(head)) + "\n" + element("body", "\n".join(body + [script])), lang="en")


def _title(document):
    return "Release %s on %s: %s" % (document["release"], document["target"], document["outcome"]["text"])


def _header(document, sections):
    outcome = document["outcome"]
    about = dict(document["about"], **{"Began": _time(document["began"]), "Ended": _time(document["ended"]),
                                       "Run by": ", ".join(people(document["runs"])) or "-"})
    parts = [element("div", element("h1", escaped("Release %s on %s" % (document["release"], document["target"])))
                     + element("span", escaped(outcome["text"]), class_="badge %s" % outcome["state"]), class_="head"),
             element("dl", "".join(element("div", element("dt", escaped(label)) + element("dd", escaped(text))) for label, text in about.items() if text),
                     class_="about")]
    if outcome["cause"]:
        parts.append(element("p", lines(outcome["cause"]), class_="cause %s" % outcome["state"]))
    parts.append(_tiles(document))
    parts.append(element("nav", element("ul", "".join(element("li", element("a", escaped(title), href="#" + name)) for name, title, _content in sections)),
                         aria_label="Sections"))
    return element("header", "".join(parts))


def _tiles(document):
    boxes, changes = document["boxes"], document["changes"]
    needed = sum(boxes.values()) - boxes["skipped"]
    ran = sum((seconds(item["ended"]) - seconds(item["began"])) for item in document["stages"])
    tiles = [("%d of %d" % (boxes["done"], needed), "steps done"),
             (str(sum(changes["counts"][key] for key in ("added", "modified", "removed"))) if changes else "-", "changes"),
             (str(changes["unexpected"]) if changes else "-", "not expected by the policy"),
             (str(len(document["failed"])), "failed resources"), (duration(ran), "in %d run%s" % (len(document["runs"]), "s" * (len(document["runs"]) != 1)))]
    return element("ul", "".join(element("li", element("b", escaped(value)) + element("span", escaped(label))) for value, label in tiles), class_="tiles")


def _steps(document):
    boxes = document["boxes"]
    summary = ", ".join("%d %s" % (boxes[state], WORDS[state]) for state in boxes if boxes[state])
    parts = [element("p", escaped(summary), class_="note")]
    for section in document["steps"]:
        head = element("h3", escaped(section["section"]))
        content = element("ol", "".join(_step(step) for step in section["steps"]), class_="steps")
        needless = all(box["state"] == "skipped" for step in section["steps"] for box in [step] + step["boxes"] if box["key"])
        parts.append(element("details", element("summary", head + " " + element("span", "not needed", class_="tag")) + content) if needless else head + content)
    return "".join(parts)


def _step(step):
    state = step["state"] if step["key"] else "plain"
    mark = element("span", MARKS.get(state, ""), class_="mark", aria_hidden="true")
    # The mark says that it is done; the word is there for those who hear the page.
    word = " " + element("span", escaped(WORDS[state]), class_="quiet" if state == "done" else "tag") if state in WORDS else ""
    line = element("div", mark + element("span", _title_of(step["title"]) + word, class_="title")
                   + element("span", escaped(_time(step["at"])) if step["key"] and step["at"] else "", class_="at"), class_="line")
    evidence = "".join(element("li", escaped(text)) for text in step["evidence"])
    below = "".join(_step(box) for box in step["boxes"])
    return element("li", line + (element("ul", evidence, class_="evidence") if evidence else "") + (element("ol", below, class_="steps") if below else ""),
                   class_="step %s" % state)


def _title_of(text):
    """The title of a step, which is ours, with what stands between backticks as code."""
    parts = text.split("`")
    return "".join(element("code", escaped(part)) if number % 2 else escaped(part) for number, part in enumerate(parts))


def _changes(changes):
    if changes is None:
        return element("p", "No dry run of this release is recorded.", class_="note")
    actions = (("", "All"), ("added", "Added"), ("modified", "Modified"), ("removed", "Removed"), ("unchecked", "Not checked"),
               ("unexpected", "Not expected"))
    chips = "".join(element("button", "%s %s" % (escaped(label), element("span")), type="button", data_action=action, aria_pressed="false")
                    for action, label in actions)
    made = changes["dryrun"].get("date")
    parts = [element("p", escaped("Dry run of v%s%s: %s." % (changes["version"], " at %s" % _time(made) if made else "", counted(changes["counts"]))),
                     class_="note"),
             element("div", chips, class_="tools", id="chips", role="group", aria_label="Filter by action", hidden="hidden"),
             element("div", element("input", type="search", id="query", placeholder="Filter: resource, attribute or value", aria_label="Filter")
                     + _choice("type", "All types") + _choice("agent", "All agents"), class_="tools", id="tools", role="group",
                     aria_label="Filter the changes", hidden="hidden"),
             element("div", element("span", "", class_="count", id="count", role="status", aria_live="polite")
                     + element("button", "Expand all", type="button", id="all") + element("button", "Previous", type="button", id="previous")
                     + element("button", "Next", type="button", id="next"), class_="tools", id="pages", hidden="hidden"),
             element("ul", "", class_="changes", id="changes"),
             element("noscript", element("p", "The changes are listed by a script of this page. They are in the Markdown and JSON report as well.",
                                         class_="note"))]
    return "".join(parts)


def _choice(name, every):
    return element("select", element("option", escaped(every), value=""), id=name, aria_label=every)


def _approvals(approvals):
    if not approvals:
        return element("p", "Nothing was judged.", class_="note")
    parts = []
    for approval in approvals:
        if approval["verdict"] in VERDICTS:
            parts.append(element("p", escaped(VERDICTS[approval["verdict"]])) + element("p", element("code", escaped(approval["digest"]))))
            continue
        given = approval["verdict"] == "approved"
        rows = [("Digest", approval["digest"]), ("Approved by", approval["who"] or "nobody who is named") if given else ("Approved by", "nobody yet"),
                ("At", _time(approval["at"]) if given else "-"), ("Holds until", approval["expires"] or "no end was given") if given else ("Holds until", "-")]
        parts.append(_table("", None, [[label, text] for label, text in rows]))
    return "".join(parts)


def _overrides(overrides):
    if not overrides:
        return ""
    rows = [[_time(item["at"]), item["who"] or "", item["reason"], " ".join(item["problems"])] for item in overrides]
    return _table("The release record was overridden", ("Time", "Who", "Why", "What"), rows, "changed")


def _notices(notices):
    if not notices:
        return ""
    rows = [[item["name"], str(item["lead_working_days"]), item["deadline"] or "-", item["sent"] or "-", item["state"]] for item in notices]
    return _table("Notices", ("Notice", "Working days before", "To be sent by", "Sent", "State"), rows)


def _failed(failed):
    if not failed:
        return element("p", "None is recorded.", class_="note")
    return "".join(element("h3", "%s %s" % (element("code", escaped(item.get("resource"))), element("span", escaped(item.get("state")), class_="tag")))
                   + element("pre", lines(item.get("error") or "the orchestrator kept no error"), class_="error") for item in failed)


def _settings(settings):
    if not settings:
        return element("p", "The settings are not recorded.", class_="note")
    changed = [item for item in settings if item["changed"]]
    same = [item for item in settings if not item["changed"]]

    def rows(items):
        return [[item["name"], plain(item["before"]), plain(item["after"])] for item in items]

    known = any(item["after"] is not None for item in settings)
    parts = [_table("Settings that are not as they were before", ("Setting", "Before", "After"), rows(changed), "changed")] if changed else [
        element("p", "After the run every setting was as before." if known else "What they were after the run is not recorded yet.", class_="note")]
    parts.append(element("details", element("summary", "%d settings%s" % (len(same), " that are the same" if known else " before the run"))
                         + _table("", ("Setting", "Before", "After"), rows(same))))
    return "".join(parts)


def _journal(journal):
    rows = [[_time(entry["at"]), entry.get("stage") or ("abort" if entry.get("forgot") else ""), _event(entry), entry.get("user") or ""] for entry in journal]
    return element("details", element("summary", "%d entries" % len(rows)) + _table("What was written, and when", ("Time", "Stage", "Event", "User"), rows))


def _event(entry):
    parts = [entry.get("status"), entry.get("cause")]
    parts += ["%s: %s" % (label, ", ".join(map(str, entry[key]))) for key, label in (
        ("output", "recorded"), ("saved", "saved"), ("cleared", "put back"), ("restart_pending", "to be restarted")) if entry.get(key)]
    parts += ["%s %s" % (label, plain(entry[key])) for key, label in (("forgot", "given up:"), ("history", "runs now:"), ("record", "release record read:"),
                                                                      ("override", "overridden:")) if entry.get(key)]
    return "; ".join(str(part) for part in parts if part)


def _table(caption, heads, rows, kind=None):
    head = element("thead", element("tr", "".join(element("th", escaped(text), scope="col") for text in heads))) if heads else ""
    body = "".join(element("tr", element("th", escaped(row[0]), scope="row") + "".join(element("td", escaped(text)) for text in row[1:]), class_=kind)
                   for row in rows)
    return element("div", element("table", (element("caption", escaped(caption)) if caption else "") + head + element("tbody", body)), class_="scroll")


def _time(text):
    """A time as a person reads it, without fractions of a second. All of them are in UTC."""
    text = str(text or "-")
    return text[:19].replace("T", " ") if text[:4].isdigit() else text

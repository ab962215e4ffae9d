# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is announced: one event of a release, in words and as data. Pure."""

from __future__ import annotations

import datetime
import hashlib
import re

from ansible_collections.stagecraft.release.plugins.module_utils.changes.table import visible
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

SCHEMA = 1
AT = "%Y-%m-%dT%H:%M:%SZ"
WORDS = {"start": "started", "waiting": "waiting for approval", "success": "succeeded", "failure": "FAILED", "abort": "aborted"}
EVENTS = tuple(WORDS)
LABELS = (("release", "Release"), ("target", "Target"), ("procedure", "Procedure"), ("summary", "About"), ("crew_chief", "Crew chief"), ("driver", "Driver"),
          ("change_ticket", "Change ticket"), ("window", "Window"), ("user", "Run by"), ("at", "At"), ("override", "Overridden because"),
          ("problems", "What was overridden"), ("cause", "Cause"))
PLACEHOLDERS = ("id", "event", "title", "text", "release", "target", "unit", "procedure", "summary", "crew_chief", "driver", "change_ticket", "window", "user",
                "at", "override", "problems", "cause")
_PLACE = re.compile(r"\{([A-Za-z_]+)\}")


def identity(event, run, target, release):
    """The same for one event of a release on a target in a run, so that whoever gets it twice can tell."""
    return hashlib.sha256("\0".join((event, run or "", target or "", release)).encode("utf-8", "replace")).hexdigest()[:32]


def compose(event, about, record, now):
    """The announcement as data; ``title`` and ``text`` are its words.

    :param event: one of EVENTS.
    :param about: ``release``, ``target``, ``unit``, ``procedure``, ``cause``, ``run``, ``user``, ``override`` and ``problems``.
    :param record: the release record as ``Record.as_dict`` gives it, or empty.
    :param now: an aware datetime.
    """
    release, target = about["release"], about.get("target")
    data = {"schema": SCHEMA, "event": event, "id": identity(event, about.get("run"), target, release), "thread": identity("", "", target, release),
            "at": now.astimezone(datetime.timezone.utc).strftime(AT), "record": record or {}}
    data.update((key, about.get(key) or "") for key in ("release", "target", "unit", "procedure", "cause", "run", "user", "override"))
    data["problems"] = list(about.get("problems") or ()) if data["override"] else []
    data["title"] = visible("Release %s%s: %s" % (release, " on %s" % target if target else "", WORDS[event]))
    words = _words(data)
    data["text"] = "\n".join("%s: %s" % (label, words[key]) for key, label in LABELS if words[key])
    return data


def fill(template, data, field):
    """A payload of the site's own: in each text of it, ``{name}`` is replaced.

    :param template: any data; None stands for the announcement as it is.
    :param data: what :func:`compose` gave.
    :param field: where the template comes from, for messages.
    """
    if template is None:
        return data
    if isinstance(template, dict):
        return {key: fill(value, data, "%s.%s" % (field, key)) if value is not None else None for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, data, "%s[%d]" % (field, number)) if value is not None else None for number, value in enumerate(template)]
    if not isinstance(template, str):
        return template
    words = dict(_words(data), **{key: data[key] for key in ("id", "event", "title", "text", "unit")})
    for name in _PLACE.findall(template):
        if name not in PLACEHOLDERS:
            raise InputError(field, "{%s}" % name, "is replaced by nothing", "Use %s" % ", ".join("{%s}" % known for known in PLACEHOLDERS))
    return _PLACE.sub(lambda found: words[found.group(1)], template)


def _words(data):
    """Each part as one line; what comes from elsewhere adds none."""
    record = data["record"]
    words = {key: record.get(key) or "" for key in ("summary", "crew_chief", "driver", "change_ticket")}
    words["window"] = (record.get("window") or {}).get("text") or ""
    words["problems"] = " ".join(data["problems"])
    words.update((key, data[key]) for key in ("release", "target", "procedure", "user", "at", "override", "cause"))
    return {key: visible(str(text)) for key, text in words.items()}

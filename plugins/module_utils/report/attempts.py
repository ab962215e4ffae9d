# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the journal says about one release: its entries, its runs, and when each stage ran. Pure."""

from __future__ import annotations

import datetime

from ansible_collections.stagecraft.release.plugins.module_utils.state.lock import FORMAT

ENDS = ("done", "failed", "waiting", "reopened")


def seconds(text):
    """A time of the journal as seconds since 1970, or None where it is none."""
    try:
        return datetime.datetime.strptime(text, FORMAT).replace(tzinfo=datetime.timezone.utc).timestamp()
    except (TypeError, ValueError):
        return None


def of_release(journal, release, since=None):
    """The entries that belong to a release: those that name it, and the others of the same runs.

    :param journal: all entries, oldest first.
    :param since: time of the first one that counts, where that is known.
    """
    timed = [entry for entry in journal if seconds(entry.get("at")) is not None]
    begun = seconds(since)
    recent = [entry for entry in timed if begun is None or seconds(entry["at"]) >= begun]
    runs = {entry.get("run") for entry in recent if release in _named(entry)} - {None}
    return [entry for entry in recent if release in _named(entry) or (entry.get("run") in runs and not _named(entry))]


def _named(entry):
    return {entry.get(key) for key in ("release", "forgot", "aborted")} - {None}


def runs(entries):
    """Each run of the entries: ``{run, user, host, began, ended}``, in order."""
    found = {}
    for entry in entries:
        run = found.setdefault(entry.get("run"), {"run": entry.get("run"), "user": entry.get("user"), "host": entry.get("host"),
                                                  "began": entry["at"], "ended": entry["at"]})
        run["ended"] = entry["at"]
    return list(found.values())


def attempts(entries):
    """When each stage ran: ``{stage, status, began, ended, run, cause}``, in order of the beginnings.

    A stage whose end nobody wrote was interrupted, unless it is the last thing that its run began: then it may go on.
    """
    found, open_ones = [], {}
    for entry in entries:
        stage, status = entry.get("stage"), entry.get("status")
        for attempt in open_ones.values():
            if attempt["run"] == entry.get("run"):
                attempt["ended"] = entry["at"]
        if stage and status == "running":
            if stage in open_ones:
                open_ones.pop(stage)["status"] = "interrupted"
            open_ones[stage] = {"stage": stage, "status": "running", "began": entry["at"], "ended": entry["at"], "run": entry.get("run"),
                                "cause": ""}
            found.append(open_ones[stage])
        elif stage in open_ones and status in ENDS:
            open_ones.pop(stage).update(status=status, ended=entry["at"], cause=entry.get("cause") or "")
    for attempt in open_ones.values():
        if entries[-1].get("run") != attempt["run"]:
            attempt["status"] = "interrupted"
    return found


def held(entries, name):
    """From when to when a setting was saved and held: ``{began, ended}``; ``ended`` is None while it still is."""
    found = []
    for entry in entries:
        if name in (entry.get("saved") or ()) and not (found and found[-1]["ended"] is None):
            found.append({"began": entry["at"], "ended": None})
        if name in (entry.get("cleared") or ()) and found and found[-1]["ended"] is None:
            found[-1]["ended"] = entry["at"]
    return found


def when(entries, **wanted):
    """When something was written last, or None: ``stage`` and ``status`` are equal, and ``output`` or ``saved`` holds the name.

    :param wanted: what an entry must have.
    """
    for entry in reversed(entries):
        if all(value in entry[key] if isinstance(entry.get(key), list) else entry.get(key) == value for key, value in wanted.items()):
            return entry["at"]
    return None

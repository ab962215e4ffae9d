# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as short texts for people. Pure."""

from __future__ import annotations

import datetime

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import canonical
from ansible_collections.stagecraft.release.plugins.module_utils.state.lock import FORMAT


def plain(value):
    """A value as a person writes it in YAML."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else canonical(value)


def in_utc(text):
    """A time of the orchestrator as the journal writes times; None where it is none. Without a zone it is UTC."""
    try:
        moment = datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.timezone.utc)
    return moment.strftime(FORMAT)


def counted(counts):
    """Counts by name as one line, without zeros."""
    if not isinstance(counts, dict):
        return plain(counts)
    return ", ".join("%s %s" % (number, name) for name, number in sorted(counts.items()) if number) or "nothing"


def people(runs):
    """Who ran, each once, in order of their names."""
    return sorted({str(run["user"]) for run in runs if run["user"]})


def duration(seconds):
    """A number of seconds in the two largest units that fit."""
    seconds = int(round(seconds))
    if seconds < 60:
        return "%d s" % seconds
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return "%d min %d s" % (minutes, rest)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return "%d h %d min" % (hours, minutes)
    return "%d d %d h" % divmod(hours, 24)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a release may start by its record. Pure: record, wishes and the time in, answer out."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

REQUIRED = ("crew_chief", "driver", "change_ticket", "notices", "window")
WANTED = {"crew_chief": "who owns the release", "driver": "who carries it out", "change_ticket": "the ticket of the change",
          "notices": "the notices to be sent, or notices: []", "window": "when it may run: start, end and time_zone",
          "window.start": "when the window opens", "window.end": "when it closes", "window.time_zone": "the time zone of its times"}
OVERRIDE = """-e '{"release_announce_override": "WHY, IN WORDS"}'"""
DAY = 86400


class Verdict:
    """What :func:`judge` found.

    :ivar verdict: ``clear``, ``overridden`` or ``refused``.
    :ivar problems: texts.
    :ivar override: the reason that holds, or empty.
    :ivar notices: ``[{name, lead_working_days, sent, deadline, state}]`` with times as texts; ``state`` is ``sent``, ``late``, ``due`` or
        ``unknown`` where no window tells.
    :ivar window: ``open``, ``before``, ``over`` or ``unknown``.
    """

    def __init__(self, problems, override, notices, window):
        self.problems = problems
        self.override = override if problems else ""
        self.verdict = "clear" if not problems else "overridden" if override else "refused"
        self.notices = notices
        self.window = window


def check_override(reason, field="override"):
    """The reason, stripped. One word is none: a yes, or what is left of a sentence that was given without its quotes."""
    if not isinstance(reason, str):
        raise InputError(field, reason, "is not a text", "Say why the release may start all the same")
    reason = " ".join(reason.split())
    if reason and " " not in reason:
        raise InputError(field, reason, "is one word and no reason", "Say in words why the release may start all the same, %s; they are recorded" % OVERRIDE)
    return reason


def judge(record, release, required, now, override=""):
    """Judge a record.

    :param record: a ``Record``.
    :param release: the release that is about to run.
    :param required: names of REQUIRED that have to be there, notices in time and the window open.
    :param now: an aware datetime.
    :param override: what :func:`check_override` gave.
    :raises InputError: the record is that of another release, which no reason overrides.
    """
    about = record.texts.get("release")
    if about != release:
        problem = "is what the record is about, and the release to start is %r" % release
        if not about:
            problem = "is what the record says, so nobody knows which release it is about"
        raise InputError("release", about, problem, "Give the record of %s, or write release: %s into it" % (release, release))
    problems = ["%s: is missing. Name %s." % (key, WANTED[key]) for key in ("crew_chief", "driver", "change_ticket")
                if key in required and key not in record.texts]
    if "notices" in required and record.notices is None:
        problems.append("notices: is missing. Name %s." % WANTED["notices"])
    found = [_notice(number, notice, record, now) for number, notice in enumerate(record.notices or ())]
    if "notices" in required:
        problems += [text for _state, text in found if text]
    state, told = _window(record.window, now)
    if "window" in required:
        problems += told
    return Verdict(problems, override, [notice for notice, _text in found], state)


def _window(window, now):
    if window is None:
        return "unknown", ["window: is missing. Name %s." % WANTED["window"]]
    missing = ["window.%s" % name for name in window.missing()]
    if "window.time_zone" in missing:
        missing = ["window.time_zone"]
    if missing:
        return "unknown", ["%s: is missing. Name %s." % (name, WANTED[name]) for name in missing]
    if now < window.start:
        return "before", ["window: is not open yet: it opens at %s, in %s." % (_at(window.start, window), _span(window.start - now))]
    if now >= window.end:
        return "over", ["window: is over: it closed at %s, %s ago." % (_at(window.end, window), _span(now - window.end))]
    return "open", []


def _notice(number, notice, record, now):
    """The notice with its deadline and state, and what is wrong with it."""
    place, window, lead, sent = "notices[%d]" % number, record.window, notice["lead_working_days"], notice["sent"]
    told = dict(notice, sent=None, deadline=None, state="unknown")
    if window is None or window.start is None:
        return told, "%s %r: without window.start and window.time_zone nobody can tell whether it is late. Add them." % (place, notice["name"])
    local = window.start.astimezone(window.zone)
    last = record.calendar.back(local.date(), lead)
    deadline = moments.at(last, local.time(), window.zone)
    told.update(deadline=moments.text(deadline, window.zone), sent=moments.text(sent, window.zone) if sent else None)
    due = "%d working day%s before the window is %s" % (lead, "" if lead == 1 else "s", _at(deadline, window))
    if sent is None:
        told["state"] = "late" if now > deadline else "due"
        return told, "%s %r: is late: it is not sent, and %s." % (place, notice["name"], due) if now > deadline else ""
    # A day without a time is compared with the day.
    by_day = not hasattr(sent, "hour")
    if sent > (now.astimezone(window.zone).date() if by_day else now):
        told["state"] = "due"
        return told, "%s %r: sent is %s, which is yet to come. Fill it in when the notice is sent." % (place, notice["name"], moments.shown(sent, window.zone))
    late = sent > (last if by_day else deadline)
    told["state"] = "late" if late else "sent"
    return told, "%s %r: is late: it was sent at %s, and %s." % (place, notice["name"], moments.shown(sent, window.zone), due) if late else ""


def _at(when, window):
    return "%s %s" % (moments.shown(when, window.zone), window.zone.key)


def _span(delta):
    seconds = max(int(delta.total_seconds()), 60)
    days, rest = divmod(seconds, DAY)
    hours, rest = divmod(rest, 3600)
    return "%d d %d h" % (days, hours) if days else "%d h %d min" % (hours, rest // 60) if hours else "%d min" % (rest // 60)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of a run: a lane for each stage, as SVG without any style of its own. Pure."""

from __future__ import annotations

import datetime

from ansible_collections.stagecraft.release.plugins.module_utils.report.attempts import seconds
from ansible_collections.stagecraft.release.plugins.module_utils.report.markup import element, escaped
from ansible_collections.stagecraft.release.plugins.module_utils.report.wording import duration
from ansible_collections.stagecraft.release.plugins.module_utils.stages.gate import STAGES

WIDTH, LEFT, RIGHT, LANE, BAR, TOP = 1040, 132, 16, 34, 20, 30
PAUSE = 92  # width of a time in which nothing ran
NARROW = 10
LETTER = 7  # about the width of one


class Scale:
    """Time to place. A long time in which nothing ran is cut out, so that a night's wait for approval does not hide the run.

    :param spans: ``(began, ended)`` in seconds, of everything that is drawn.
    """

    def __init__(self, spans):
        spans = sorted(spans)
        busy = sum(end - begin for begin, end in spans)
        parts = [list(spans[0])]
        for begin, end in spans[1:]:
            if begin - parts[-1][1] > max(60, busy / 2):
                parts.append([begin, end])
            else:
                parts[-1][1] = max(parts[-1][1], end)
        self.parts = parts
        room = max(WIDTH - LEFT - RIGHT - PAUSE * (len(parts) - 1), 60 * len(parts))
        lengths = [max(end - begin, 1) for begin, end in parts]
        # Half of the room is shared evenly, so that a short part stays readable beside a long one.
        widths = [room / 2 / len(parts) + room / 2 * length / sum(lengths) for length in lengths]
        if len(parts) == 1:
            widths = [room]
        self.places, place = [], LEFT
        for width in widths:
            self.places.append((place, width))
            place += width + PAUSE
        self.width = place - PAUSE + RIGHT

    def at(self, second):
        """The place of a time."""
        place = LEFT
        for (begin, end), (start, width) in zip(self.parts, self.places):
            if second < begin:
                return (place + start) / 2
            place = start + width
            if second <= end:
                return start + width * (second - begin) / max(end - begin, 1)
        return place


def draw(document):
    """The picture as markup.

    :param document: the report, see ``document.build``.
    """
    spans = [(seconds(item["began"]), seconds(item["ended"])) for item in document["stages"]]
    spans += [(seconds(entry["at"]), seconds(entry["at"])) for entry in document["journal"]]
    if not spans:
        return ""
    scale = Scale(spans)
    lanes = [stage for stage in STAGES if any(item["stage"] == stage for item in document["stages"])]
    rows = [(stage, [item for item in document["stages"] if item["stage"] == stage]) for stage in lanes]
    given_up = [entry["at"] for entry in document["journal"] if entry.get("forgot") == document["release"]]
    if given_up:
        rows.append(("abort", [{"status": "aborted", "began": at, "ended": at} for at in given_up]))
    if document["held"]:
        rows.append(("auto_deploy off", [{"status": "held", "began": item["began"], "ended": item["ended"] or document["ended"],
                                          "open": item["ended"] is None} for item in document["held"]]))
    height = TOP + LANE * len(rows) + 8
    parts = [_axis(scale, height)]
    for number, (name, items) in enumerate(rows):
        parts.append(_lane(scale, TOP + LANE * number, name, items))
    label = "Timeline of %s on %s: %s" % (document["release"], document["target"], "; ".join(
        "%s %s" % (item["stage"], item["status"]) for item in document["stages"]))
    return element("svg", "".join(parts), viewBox="0 0 %d %d" % (scale.width, height), role="img", class_="timeline", aria_label=label)


def _axis(scale, height):
    parts, shown = [], None
    for number, ((begin, end), (start, width)) in enumerate(zip(scale.parts, scale.places)):
        text = _clock(begin, shown)
        shown = begin
        parts.append(_line(start, height) + element("text", escaped(text), x=_n(start), y=16, class_="clock"))
        if width > LETTER * 26 and end > begin:
            parts.append(_line(start + width, height) + element("text", escaped(_clock(end, begin)), x=_n(start + width), y=16, class_="clock end"))
        if number:
            text = duration(begin - scale.parts[number - 1][1])
            parts.append(element("rect", "", x=_n(start - PAUSE + 6), y=TOP, width=PAUSE - 12, height=height - TOP - 8, class_="pause"))
            parts.append(element("text", escaped(text), x=_n(start - PAUSE / 2), y=_n((TOP + height - 8) / 2), class_="gap"))
    return "".join(parts)


def _lane(scale, top, name, items):
    parts = [element("text", escaped(name), x=LEFT - 12, y=top + LANE / 2 + 4, class_="lane")]
    for item in items:
        begin, end = seconds(item["began"]), seconds(item["ended"])
        place = scale.at(begin)
        width = max(scale.at(end) - place, NARROW)
        if place + width > scale.width - 4:
            place = scale.width - 4 - width
        text = _text(item, end - begin)
        title = "%s: %s, %s to %s" % (name, item["status"], item["began"], item["ended"])
        parts.append(element("rect", element("title", escaped(title)), x=_n(place), y=top + (LANE - BAR) / 2, width=_n(width), height=BAR, rx=4,
                             class_="bar %s" % item["status"]))
        parts.append(_bar_text(scale, text, place, width, top, item["status"]))
    return "".join(parts)


def _bar_text(scale, text, place, width, top, status):
    needed = LETTER * len(text) + 12
    middle = top + LANE / 2 + 4
    if width >= needed:
        return element("text", escaped(text), x=_n(place + 8), y=middle, class_="inside %s" % status)
    if place + width + needed <= scale.width:
        return element("text", escaped(text), x=_n(place + width + 6), y=middle, class_="beside")
    return element("text", escaped(text), x=_n(place - 6), y=middle, class_="beside end")


def _text(item, seconds_taken):
    if item["status"] == "aborted":
        return "given up"
    if item["status"] == "held":
        return "still off" if item["open"] else duration(seconds_taken)
    return "%s, %s" % (item["status"], duration(seconds_taken))


def _clock(second, before):
    """Time of day, with the date where it is not the one shown before."""
    moment, earlier = _moment(second), before and _moment(before)
    return moment.strftime("%H:%M:%S" if earlier and earlier.date() == moment.date() else "%Y-%m-%d %H:%M:%S")


def _moment(second):
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc)


def _line(place, height):
    return element("line", "", x1=_n(place), x2=_n(place), y1=22, y2=height - 8, class_="tick")


def _n(number):
    return "%.1f" % number

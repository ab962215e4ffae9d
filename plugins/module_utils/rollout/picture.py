# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to come as one SVG picture: a row for each ring, a column for each hour. Needs no other file; readable in light and in dark. Pure."""

from __future__ import annotations

import itertools
import re
from html import escape

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import HOLD
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import last
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.naming import utc
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import GOOD
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.wording import heads, holds, refused, short_names

ROWS = 40
LEFT, TOP, COLUMN, ROW, BAR, LINE = 170, 104, 44, 38, 26, 20
LETTER = 6.6  # width of a letter, on the wide side
SUBTITLE = "As if nothing else happened: no new snapshot, mark, pin or approval, and every run succeeds."
# Fill and text. The contrast of each pair is at least 4.5, that of each fill with the page in light and in dark at least 3.
COLOURS = (("#4477aa", "#ffffff"), ("#b8860b", "#000000"), ("#228833", "#ffffff"), ("#b0417f", "#ffffff"),
           ("#2e8b93", "#000000"), ("#ba5526", "#ffffff"), ("#7a68c4", "#ffffff"), ("#7d7d7d", "#000000"))
STYLE = """
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1b1f24; }
.title { font-size: 16px; font-weight: 600; } .ring { font-weight: 600; } .faint { fill: #59636e; } .middle { text-anchor: middle; }
.page { fill: #ffffff; } .grid { stroke: #d1d9e0; } .hatch { stroke: #ffffff; stroke-width: 3; stroke-opacity: .3; }
.marked { fill: none; stroke: #c8102e; stroke-width: 3; } .empty { fill: none; stroke: #59636e; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
 text { fill: #f0f6fc; } .faint { fill: #9aa4af; } .page { fill: #0d1117; } .grid { stroke: #3d444d; }
 .marked { stroke: #ff7b72; } .empty { stroke: #9aa4af; }
}
"""
PATTERN = ('<defs><pattern id="held" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
           '<line class="hatch" x1="0" y1="0" x2="0" y2="9"/></pattern></defs>')
_UNFIT = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def draw(forecast, marks=(), title="Rollout"):
    """The picture as text.

    :param forecast: see ``forecast.py``.
    :param marks: of ``Mark``, in the order of time.
    :param title: what is rolled out.
    """
    return _Picture(forecast, marks).text("%s: what each ring runs from %s UTC" % (title, utc(forecast.moments[0])))


class _Picture:
    """One picture while it is made."""

    def __init__(self, forecast, marks):
        self.forecast, self.rows = forecast, forecast.rows[:ROWS]
        self.names = sorted({decision.release for row in self.rows for decision in row.decisions if decision.release} | refused(forecast, marks))
        self.colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(self.names)}
        self.short = short_names(self.names)
        self.marks = last(marks)
        self.bottom = TOP + ROW * max(len(self.rows), 1)
        self.width = max(LEFT + COLUMN * len(forecast.moments) + 20, 820)

    def text(self, heading):
        """All of it."""
        body = [PATTERN, *self.axis(), *itertools.chain.from_iterable(self.row(number, row) for number, row in enumerate(self.rows))]
        legend, height = self.legend()
        return "\n".join([
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title">' % (
                self.width, height, self.width, height),
            '<title id="title">%s</title>' % _fit(heading), "<style>%s</style>" % STYLE, '<rect class="page" width="%d" height="%d"/>' % (self.width, height),
            _words(16, 28, heading, "title"), _words(16, 50, SUBTITLE, "faint"), *body, *legend, "</svg>"]) + "\n"

    def axis(self):
        """Hours, with the day where it begins, and a line for each."""
        for number, moment in enumerate(self.forecast.moments):
            left = LEFT + COLUMN * number
            yield '<line class="grid" x1="%d" y1="%d" x2="%d" y2="%d"/>' % (left, TOP - 6, left, self.bottom)
            yield _words(left + 2, TOP - 12, utc(moment, "%H:%M"), "faint")
            if number == 0 or utc(moment, "%d") != utc(self.forecast.moments[number - 1], "%d"):
                yield _words(left + 2, TOP - 28, utc(moment, "%d %b"), "faint")

    def row(self, number, row):
        """The name of a ring, and a bar for each span in which it runs the same."""
        top = TOP + ROW * number
        yield _words(16, top + 15, _cut(heads(self.forecast)[number], LEFT - 24), "ring")
        yield _words(16, top + 30, "%d target%s" % (len(row.targets), "" if len(row.targets) == 1 else "s"), "faint")
        begin = 0
        for (release, held), span in itertools.groupby(row.decisions, key=lambda decision: (decision.release, decision.action == HOLD)):
            length = len(list(span))
            yield from self.span_of(LEFT + COLUMN * begin + 1, top + 6, COLUMN * length - 2, release, held)
            begin += length

    def span_of(self, left, top, width, release, held, label=True):
        """A bar, hatched where the targets hold, framed where the snapshot is marked and not good."""
        place = 'x="%d" y="%d" width="%d" height="%d" rx="4"' % (left, top, width, BAR)
        fill, ink = self.colours.get(release, ("none", ""))
        yield '<rect %s fill="%s"%s/>' % (place, fill, ' class="empty"' if release is None else "")
        if held and release is not None:
            yield '<rect %s fill="url(#held)"/>' % place
        if self.is_bad(release):
            yield '<rect class="marked" %s/>' % place
        told = ("\u2715 " if self.is_bad(release) else "") + self.short.get(release, "nothing")
        for text in ((told + " held", told) if held else (told,)) if label else ():
            if len(text) * LETTER <= width - 4:
                yield '<text class="middle" x="%d" y="%d"%s>%s</text>' % (
                    left + width // 2, top + 17, ' style="fill: %s"' % ink if ink else "", _fit(text))
                break

    def is_bad(self, release):
        """Whether it is marked, and not as good."""
        return release in self.marks and self.marks[release].state != GOOD

    def legend(self):
        """What colours and signs mean and why targets hold, and where the picture ends."""
        parts, top = [], self.bottom + 30
        entries = [((name, False), self.meaning(name)) for name in self.names]
        if any(decision.action == HOLD for row in self.rows for decision in row.decisions):
            entries.append(((self.names[0] if self.names else None, True), "hatched: held, the targets stay on what they have"))
        for (name, held), meaning in entries:
            parts.extend(self.span_of(16, top - 17, 34, name, held, label=False))
            parts.append(_words(60, top, _cut(meaning, self.width - 70)))
            top += LINE + 10
        notes = holds(self.forecast)
        if len(self.forecast.rows) > ROWS:
            notes.append("%d more rows are not shown." % (len(self.forecast.rows) - ROWS))
        for note in notes:
            parts.append(_words(16, top, _cut(note, self.width - 26), "faint"))
            top += LINE
        return parts, top

    def meaning(self, name):
        """A snapshot and its mark."""
        mark = self.marks.get(name)
        if mark is None:
            return name
        return "%s%s, marked %s%s%s" % ("\u2715 " if self.is_bad(name) else "", name, mark.state, " by %s" % mark.by if mark.by else "",
                                        ": %s" % mark.why if mark.why else "")


def _words(left, top, text, kind=""):
    return '<text%s x="%d" y="%d">%s</text>' % (' class="%s"' % kind if kind else "", left, top, _fit(text))


def _fit(text):
    """Text as XML may hold it."""
    return escape(_UNFIT.sub("\ufffd", " ".join(str(text).split())))


def _cut(text, width):
    """As much of a text as there is room for."""
    text, most = " ".join(text.split()), int(width / LETTER)
    return text if len(text) <= most else text[:max(most - 1, 1)] + "\u2026"

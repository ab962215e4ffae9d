# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables and pictures of what is to come. With STAGECRAFT_PICTURES=1 the pictures in docs/images are made anew."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import picture, table
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.forecast import forecast
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import RING, Mark, Stop, Target
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.wording import short_names
from tests.unit.rollout.rollout_samples import SEED, clock, marked, named, taken

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
SVG = "{http://www.w3.org/2000/svg}"
FLEET = [Target("%s%d" % (ring, number), ring, named(current), frozenset({named(current)}))
         for ring, current, count in (("dev", 10, 4), ("qa", 9, 6), ("stg", 8, 6), ("prod-a", 7, 20), ("prod", 6, 22)) for number in range(1, count + 1)]
BAD = marked("bad", 8, 9, 10, by="ada", why="the doors are gone")


def shop(marks=(), hours=24, **more):
    """The fleet of the guide at 10:16."""
    return forecast(clock("10:16"), hours, SEED, taken(0, 10), marks, FLEET, **more)


@pytest.mark.parametrize("name, marks", [("rollout_before", []), ("rollout_after", BAD)])
def test_the_pictures_of_the_guide_are_what_is_drawn(name, marks):
    drawn, path = picture.draw(shop(marks), marks, "Shop"), IMAGES / ("%s.svg" % name)
    if os.environ.get("STAGECRAFT_PICTURES"):
        path.write_text(drawn, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == drawn


def texts(drawn):
    """The texts of a picture, in order; it must be well-formed."""
    return ["".join(element.itertext()) for element in ElementTree.fromstring(drawn).iter(SVG + "text")]


def test_a_picture_has_title_hours_rings_bars_marks_and_holds():
    found = texts(picture.draw(shop(BAD, stops=[Stop(RING, "prod", "payday", "ada", 1)]), BAD, "Shop"))
    assert found[0] == "Shop: what each ring runs from 2014-02-11 10:16 UTC"
    assert [text for text in found if text.endswith(":00")] == ["%02d:00" % (hour % 24) for hour in range(11, 35)]
    assert {"11 Feb", "12 Feb", "dev", "qa", "stg", "prod-a", "prod", "22 targets", "0700", "0600 held"} <= set(found)
    assert "\u2715 20140211-0800, marked bad by ada: the doors are gone" in found
    assert "prod holds from 2014-02-11 10:16: the kill switch of ring prod is on, thrown by ada: payday" in found


def test_a_mark_that_was_taken_back_is_shown_nowhere():
    lifted = BAD + marked("none", 8, 9, 10, by="ada", at="10:16")
    for marks, shown in ((BAD, True), (lifted, False)):
        told = picture.draw(shop(marks), marks) + "\n".join(table.lines(shop(marks), marks))
        assert [sign in told for sign in ("\u2715", "class=\"marked\"", "marked bad", "is marked")] == [shown] * 4
        assert "marked none" not in told


def test_texts_of_people_are_never_markup():
    marks = [Mark(named(10), "bad", clock("10:15"), "<b>", "</text><script>alert(1)</script>\x00&")]
    drawn = picture.draw(shop(marks), marks, "<script>")
    assert "<script" not in drawn and not list(ElementTree.fromstring(drawn).iter(SVG + "script"))
    assert any("\ufffd" in text for text in texts(drawn))


def test_a_picture_of_nothing_and_of_many_rows():
    assert "Rollout: what each ring runs" in picture.draw(forecast(clock("10:16"), 1, SEED, [], [], []))
    many = [Target("t%d" % number, "prod", disabled="reason %d" % number, ran=frozenset({str(number)})) for number in range(50)]
    crowd = forecast(clock("10:16"), 1, SEED, taken(0, 10), [], many)
    assert len(crowd.rows) == 1
    crowd = replace(crowd, rows=tuple(replace(crowd.rows[0], targets=("t%d" % number,)) for number in range(50)))
    found = texts(picture.draw(crowd))
    assert "10 more rows are not shown." in found and sum(text.startswith("prod/t") and "holds" not in text for text in found) == 40


def luminance(colour):
    """As WCAG has it."""
    parts = [int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """The contrast of two colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("fill, ink", picture.COLOURS)
def test_bars_can_be_read_and_told_from_the_page_in_light_and_in_dark(fill, ink):
    assert contrast(fill, ink) >= 4.5
    assert contrast(fill, "#ffffff") >= 3 and contrast(fill, "#0d1117") >= 3


def test_a_table_is_short_and_says_why_targets_hold():
    lines = table.lines(shop(BAD, stops=[Stop(RING, "prod", "payday", "ada", 1)]), BAD)
    assert lines[0].split() == ["UTC", "dev", "qa", "stg", "prod-a", "prod"]
    assert lines[2].split() == ["2014-02-11", "10:16", "0700", "*", "0700", "*", "0700", "*", "0700", "0600", "="]
    assert lines[3].split() == ["to", "2014-02-12", "10:00", "the", "same"]
    assert "0800 is marked bad: the doors are gone" in lines
    assert lines[-1] == "prod holds from 2014-02-11 10:16: the kill switch of ring prod is on, thrown by ada: payday"


@pytest.mark.parametrize("names, short", [
    (["20140211-0700", "20140211-0800"], ["0700", "0800"]),
    (["etchautotag-20140210-2300", "etchautotag-20140211-0000"], ["10-2300", "11-0000"]),
    (["v1-20140211-0700", "v2-20140211-0700"], ["v1-20140211-0700", "v2-20140211-0700"]),
    (["shop-v1", "shop-v2"], ["v1", "v2"]),
    (["v9", "v10"], ["v9", "v10"]),
    (["one"], ["one"]),
    ([], []),
])
def test_names_are_as_short_as_they_can_be_told_apart(names, short):
    assert short_names(names) == dict(zip(names, short))

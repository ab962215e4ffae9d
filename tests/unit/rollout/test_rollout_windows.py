# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a ring may change."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import cron, windows
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.windows import ALLOW, DENY, Freeze, Window

BRUSSELS = moments.zone("Europe/Brussels", "zone")
HOUR = 3600


def at(text: str) -> int:
    """An instant, given in UTC."""
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp())


def window(kind: str, expression: str, seconds: int, zone: str = "UTC", **more) -> Window:
    return Window(kind, cron.parse(expression, "cron"), seconds, moments.zone(zone, "zone"), **more)


def ring(*entries) -> Ring:
    return Ring("prod", windows=tuple(entry for entry in entries if isinstance(entry, Window)),
                freezes=tuple(entry for entry in entries if isinstance(entry, Freeze)))


def spans(given: Ring, first: str, hours: int) -> list:
    """The spans in which it is open, minute by minute, in UTC."""
    found, start = [], at(first)
    for instant in range(start, start + hours * HOUR, 60):
        opened = not windows.closed(given, instant)
        if opened and (not found or found[-1][1] != instant):
            found.append([instant, instant])
        if opened:
            found[-1][1] = instant + 60
    return [tuple(datetime.datetime.fromtimestamp(edge, datetime.timezone.utc).strftime("%d %H:%M") for edge in span) for span in found]


def test_without_windows_it_is_open():
    assert windows.closed(ring(), at("2026-01-01")) == ""
    assert windows.next_opening(ring(), 5) == 5
    assert windows.opens(ring(), 5) == ""


@pytest.mark.parametrize("zone, expression, seconds, first, hours, expected", [
    # Put forward: 02:30 is not there.
    ("Europe/Brussels", "30 2 * * *", HOUR, "2026-03-28", 72, [("28 01:30", "28 02:30"), ("29 01:00", "29 02:00"), ("30 00:30", "30 01:30")]),
    ("America/New_York", "15 2 * * *", HOUR, "2026-03-07", 72, [("07 07:15", "07 08:15"), ("08 07:00", "08 08:00"), ("09 06:15", "09 07:15")]),
    ("Australia/Lord_Howe", "10 2 * * *", HOUR, "2026-10-02T12:00", 48, [("02 15:40", "02 16:40"), ("03 15:30", "03 16:30")]),
    # Put back: 02:30 is there twice, the window opens once.
    ("Europe/Brussels", "30 2 * * *", HOUR, "2026-10-24", 72, [("24 00:30", "24 01:30"), ("25 00:30", "25 01:30"), ("26 01:30", "26 02:30")]),
    ("America/New_York", "30 1 * * *", HOUR, "2026-10-31", 72, [("31 05:30", "31 06:30"), ("01 05:30", "01 06:30"), ("02 06:30", "02 07:30")]),
    ("Australia/Lord_Howe", "45 1 * * *", HOUR, "2026-04-03T12:00", 60, [("03 14:45", "03 15:45"), ("04 14:45", "04 15:45"), ("05 15:15", "05 16:15")]),
    # Over a change, its real duration: to 05:00 and to 07:00 by the clocks.
    ("Europe/Brussels", "0 22 * * *", 8 * HOUR, "2026-10-24T12:00", 24, [("24 20:00", "25 04:00")]),
    ("Europe/Brussels", "0 22 * * *", 8 * HOUR, "2026-03-28T12:00", 24, [("28 21:00", "29 05:00")]),
    # A leap day, and the year after.
    ("UTC", "0 8 29 2 *", HOUR, "2028-02-29", 14, [("29 08:00", "29 09:00")]),
    ("UTC", "0 8 29 2 *", HOUR, "2029-02-28T07:00", 4, []),
    # One that lasts longer than it takes to come again is always open.
    ("UTC", "0 * * * *", 2 * HOUR, "2026-01-01", 3, [("01 00:00", "01 03:00")]),
])
def test_an_allow_window(zone, expression, seconds, first, hours, expected):
    given = ring(window(ALLOW, expression, seconds, zone))
    assert spans(given, first, hours) == expected
    start = at(first)
    for begin, _end in expected:
        day, time = begin.split()
        opening = windows.next_opening(given, start)
        assert datetime.datetime.fromtimestamp(opening, datetime.timezone.utc).strftime("%d %H:%M") == "%s %s" % (day, time)
        start = opening + seconds


def test_edges_belong_to_the_beginning():
    given = ring(window(ALLOW, "0 8 * * *", HOUR))
    eight = at("2026-01-01T08:00")
    assert [bool(windows.closed(given, eight + offset)) for offset in (-1, 0, HOUR - 1, HOUR)] == [True, False, False, True]


def test_deny_wins():
    given = ring(window(ALLOW, "0 8 * * mon-fri", 8 * HOUR, reason="people are there"), window(DENY, "0 12 * * *", HOUR, reason="lunch"))
    assert spans(given, "2026-01-02", 24) == [("02 08:00", "02 12:00"), ("02 13:00", "02 16:00")]
    assert windows.closed(given, at("2026-01-02T12:30")) == "closed by the deny window '0 12 * * *': lunch; opens at 2026-01-02 13:00 UTC"
    assert windows.closed(given, at("2026-01-02T07:59")) == "outside the allow window '0 8 * * mon-fri': people are there; opens at 2026-01-02 08:00 UTC"
    assert windows.opens(given, at("2026-01-02T12:30")) == "2026-01-02 13:00 UTC"
    assert windows.opens(given, at("2026-01-02T17:00")) == "2026-01-05 08:00 UTC"


def test_only_deny_is_open_otherwise():
    assert spans(ring(window(DENY, "0 9 * * *", 6 * HOUR)), "2026-01-02", 24) == [("02 00:00", "02 09:00"), ("02 15:00", "03 00:00")]


def test_one_of_several_allow_windows_is_enough():
    given = ring(window(ALLOW, "0 8 * * *", HOUR), window(ALLOW, "30 8 * * *", HOUR), window(ALLOW, "0 20 * * *", HOUR))
    assert spans(given, "2026-01-02", 24) == [("02 08:00", "02 09:30"), ("02 20:00", "02 21:00")]


def test_windows_of_the_schedule_and_of_the_ring_both_count():
    given = ring(window(ALLOW, "0 8 * * *", 8 * HOUR, everywhere=True), window(ALLOW, "0 14 * * *", 6 * HOUR))
    assert spans(given, "2026-01-02", 24) == [("02 14:00", "02 16:00")]
    assert "'0 8 * * *'" in windows.closed(given, at("2026-01-02T17:00"))
    assert "'0 14 * * *'" in windows.closed(given, at("2026-01-02T09:00"))
    assert windows.opens(given, at("2026-01-02T16:00")) == "2026-01-03 14:00 UTC"


def test_a_freeze():
    given = ring(Freeze(at("2026-12-20T23:00"), at("2027-01-03T23:00"), BRUSSELS, "end of the year", "CHG-1"),
                 window(ALLOW, "0 8 * * *", HOUR, "Europe/Brussels"))
    assert windows.closed(given, at("2026-12-25T07:30")) == (
        "frozen until 2027-01-04 00:00 Europe/Brussels: end of the year (CHG-1); opens at 2027-01-04 08:00 Europe/Brussels")
    assert windows.closed(given, at("2026-12-20T07:30")) == ""
    assert windows.opens(given, at("2026-12-20T12:00")) == "2027-01-04 08:00 Europe/Brussels"
    assert windows.closed(given, at("2027-01-04T07:00")) == ""
    assert windows.closed(ring(Freeze(0, 60, ticket="CHG-2")), 59) == "frozen until 1970-01-01 00:01 UTC (CHG-2)"
    assert windows.closed(ring(Freeze(0, 60)), 60) == ""


def test_the_message_names_the_time_zone():
    given = ring(window(ALLOW, "0 8 * * mon-fri", HOUR, "Europe/Brussels"))
    assert windows.opens(given, at("2026-11-22T03:00")) == "2026-11-23 08:00 Europe/Brussels"


def test_one_that_never_opens_says_so():
    assert windows.closed(ring(window(DENY, "* * * * *", 60)), 0) == "closed by the deny window '* * * * *'; no time was found at which it opens"


@pytest.mark.parametrize("entries, expected", [
    ([window(DENY, "* * * * *", 60)], None),
    ([window(ALLOW, "0 * * * *", 600), window(DENY, "0 * * * *", 1200)], None),
    ([window(DENY, "* 0-5 * * *", 60)], "2026-01-01T06:00"),
    ([window(DENY, "*/15 * * jan *", 900)], "2026-02-01T00:00"),
    ([window(ALLOW, "0 0 29 2 *", HOUR), window(DENY, "0 0 29 2 tue", HOUR)], None),
    ([window(DENY, "0 0 1 * *", 3 * HOUR), window(DENY, "30 2 * * *", HOUR), Freeze(at("2026-01-01T03:15"), at("2026-01-01T09:00"))], "2026-01-01T09:00"),
])
def test_next_opening(entries, expected):
    assert windows.next_opening(ring(*entries), at("2026-01-01T00:00")) == (expected and at(expected))


def test_the_next_opening_is_the_first_open_instant():
    given = ring(window(ALLOW, "*/50 6-20 * * mon-thu", 1500, "Europe/Brussels"),
                 window(DENY, "15 */3 * * *", 2400), Freeze(at("2026-03-30"), at("2026-03-31")))
    start = at("2026-03-28T00:00")
    for now in range(start, start + 5 * 86400, 4937):
        opening = windows.next_opening(given, now)
        assert windows.closed(given, opening) == ""
        assert all(windows.closed(given, instant) for instant in range(now, opening, 900))
        assert opening == now or windows.closed(given, opening - 1)


@pytest.mark.parametrize("entries, started, now, expected", [
    ([], "08:00", "23:00", True),
    ([window(ALLOW, "0 8 * * *", HOUR)], "08:30", "08:59", True),
    ([window(ALLOW, "0 8 * * *", HOUR)], "08:30", "09:00", False),
    ([window(ALLOW, "0 8 * * *", HOUR, overrun=True)], "08:30", "09:00", True),
    ([window(ALLOW, "0 8 * * *", HOUR, overrun=True)], "07:30", "09:00", False),
    ([window(ALLOW, "0 8 * * *", HOUR, overrun=True)], "09:30", "08:30", True),
    ([window(ALLOW, "0 8 * * *", HOUR, overrun=True)], "08:30", "07:30", False),
    ([window(ALLOW, "0 8 * * *", HOUR, overrun=True), window(ALLOW, "0 20 * * *", HOUR)], "20:30", "21:00", False),
    ([window(ALLOW, "0 8 * * *", HOUR, overrun=True, everywhere=True), window(ALLOW, "0 8 * * *", HOUR)], "08:30", "09:00", False),
    ([window(ALLOW, "0 8 * * *", HOUR, everywhere=True, overrun=True), window(ALLOW, "0 8 * * *", 8 * HOUR)], "08:30", "09:00", True),
    ([window(DENY, "0 9 * * *", HOUR)], "08:30", "09:00", False),
    ([window(DENY, "0 9 * * *", HOUR, overrun=True)], "08:30", "09:00", True),
    ([window(DENY, "0 9 * * *", HOUR, overrun=True)], "09:30", "09:45", False),
    ([window(DENY, "0 9 * * *", HOUR, overrun=True), window(DENY, "30 9 * * *", HOUR)], "08:30", "09:15", True),
    ([window(DENY, "0 9 * * *", HOUR, overrun=True), window(DENY, "30 9 * * *", HOUR)], "08:30", "09:30", False),
    ([window(ALLOW, "0 8 * * *", HOUR, overrun=True), Freeze(at("2026-01-02T09:00"), at("2026-01-03"))], "08:30", "09:00", False),
])
def test_whether_a_batch_may_finish(entries, started, now, expected):
    assert windows.may_finish(ring(*entries), at("2026-01-02T" + started), at("2026-01-02T" + now)) is expected

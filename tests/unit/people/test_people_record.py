# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release record: times and zones, working days, what is refused, and whether a release may start."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.people import record, verdict, workdays

UTC = datetime.timezone.utc
BRUSSELS = moments.zone("Europe/Brussels", "zone")
ALL = verdict.REQUIRED
# 2030-01-31 is a Thursday.
WINDOW = {"start": "2030-01-31 22:00", "end": "2030-02-01 02:00", "time_zone": "Europe/Brussels"}
NOTICE = {"name": "mail", "lead_working_days": 2, "sent": "2030-01-29 22:00"}
GOOD = {"release": "v36-1", "crew_chief": "Ada Example", "driver": "Bob Example", "change_ticket": "CHG-1", "window": WINDOW, "notices": [NOTICE]}
OPEN = "2030-01-31T23:30+01:00"


def at(text):
    return datetime.datetime.fromisoformat(text)


def judged(now=OPEN, required=ALL, override="", **changes):
    data = {key: value for key, value in dict(GOOD, **changes).items() if value != "absent"}
    return verdict.judge(record.parse(data, "record"), "v36-1", required, at(now), override)


def notice(now=OPEN, window=None, holidays=(), **changes):
    return judged(now, ("notices",), window=dict(WINDOW, **(window or {})), notices=[dict(NOTICE, **changes)], holidays=list(holidays))


def test_a_record_that_is_as_it_should_be():
    found = judged()
    assert (found.verdict, found.problems, found.override, found.window) == ("clear", [], "", "open")
    assert found.notices == [{"name": "mail", "lead_working_days": 2, "sent": "2030-01-29T22:00+01:00", "deadline": "2030-01-29T22:00+01:00", "state": "sent"}]
    assert record.parse(dict(GOOD, summary="Routers"), "record").as_dict() == {
        "release": "v36-1", "crew_chief": "Ada Example", "driver": "Bob Example", "change_ticket": "CHG-1", "summary": "Routers",
        "window": {"start": "2030-01-31T22:00+01:00", "end": "2030-02-01T02:00+01:00", "time_zone": "Europe/Brussels",
                   "text": "2030-01-31 22:00 to 2030-02-01 02:00 Europe/Brussels"}}


@pytest.mark.parametrize("now, state, text", [
    ("2030-01-31T21:59:59+01:00", "before", "window: is not open yet: it opens at 2030-01-31 22:00 Europe/Brussels, in 1 min."),
    ("2030-01-30T21:00+01:00", "before", "in 1 d 1 h."),
    ("2030-01-31T22:00+01:00", "open", None),
    ("2030-01-31T23:59:59+01:00", "open", None),  # across midnight
    ("2030-02-01T00:00+01:00", "open", None),
    ("2030-02-01T00:59:59+00:00", "open", None),
    ("2030-02-01T02:00+01:00", "over", "window: is over: it closed at 2030-02-01 02:00 Europe/Brussels, 1 min ago."),
    ("2030-02-01T07:30+01:00", "over", "5 h 30 min ago."),
])
def test_window(now, state, text):
    found = judged(now)
    assert found.window == state
    assert found.verdict == ("refused" if text else "clear")
    assert [text in problem for problem in found.problems] == ([True] if text else [])
    assert judged(now, [name for name in ALL if name != "window"]).verdict == "clear"


@pytest.mark.parametrize("zone, start, opens", [
    ("Europe/Brussels", "2030-03-31 01:59", "2030-03-31T00:59+00:00"),  # the night in which clocks are put forward
    ("Europe/Brussels", "2030-03-31 03:00", "2030-03-31T01:00+00:00"),
    ("Europe/Brussels", "2030-10-27 01:59", "2030-10-26T23:59+00:00"),  # and back
    ("Europe/Brussels", "2030-10-27 03:00", "2030-10-27T02:00+00:00"),
    ("Europe/Brussels", "2030-10-27T02:30:00+02:00", "2030-10-27T00:30+00:00"),
    ("Europe/Brussels", "2030-10-27 02:30+01:00", "2030-10-27T01:30+00:00"),
    ("America/Phoenix", "2030-07-01 09:00", "2030-07-01T16:00+00:00"),
    ("Asia/Kolkata", "2030-07-01 09:00", "2030-07-01T03:30+00:00"),
    ("UTC", "2030-07-01T09:00:30Z", "2030-07-01T09:00:30+00:00"),
    ("UTC", datetime.datetime(2030, 7, 1, 9), "2030-07-01T09:00+00:00"),
    ("Asia/Kolkata", datetime.datetime(2030, 7, 1, 9, tzinfo=UTC), "2030-07-01T09:00+00:00"),
])
def test_times_are_those_of_the_zone(zone, start, opens):
    assert moments.moment(start, moments.zone(zone, "z"), "f") == at(opens)


def test_a_window_over_the_change_of_clocks_is_as_long_as_it_is():
    window = record.parse(dict(GOOD, window=dict(WINDOW, start="2030-10-27 01:00", end="2030-10-27 04:00")), "record").window
    assert window.end - window.start == datetime.timedelta(hours=4)


@pytest.mark.parametrize("changes, state", [
    (dict(sent="2030-01-29 22:00"), "sent"),
    (dict(sent="2030-01-29 22:01"), "late"),
    (dict(sent="2030-01-29T21:00:00Z"), "sent"),
    (dict(sent="2030-01-29T21:00:01Z"), "late"),
    (dict(sent="2030-01-29"), "sent"),  # a day counts as the day
    (dict(sent="2030-01-30"), "late"),
    (dict(sent=datetime.date(2030, 1, 29)), "sent"),
    (dict(sent="2030-01-31 22:00", lead_working_days=0), "sent"),
    (dict(sent="2030-01-31 22:01", lead_working_days=0), "late"),
    (dict(sent="2030-01-24 22:00", lead_working_days=5), "sent"),  # a weekend in between
    (dict(sent="2030-01-25", lead_working_days=5), "late"),
    (dict(sent="2030-01-26", lead_working_days=3), "sent"),  # sent on a Saturday, due on Monday
    (dict(sent="2030-01-28 08:00", holidays=["2030-01-30"]), "sent"),
    (dict(sent="2030-01-29 08:00", holidays=["2030-01-30"]), "late"),
    (dict(sent="2030-01-29 08:00", holidays=["2030-01-26"]), "sent"),  # a holiday on a Saturday changes nothing
    (dict(sent="2030-01-10", lead_working_days=2, holidays=["2030-01-%02d" % day for day in range(14, 31)]), "sent"),
    (dict(sent="2030-01-11", lead_working_days=2, holidays=["2030-01-%02d" % day for day in range(11, 31)]), "late"),
])
def test_lead_time(changes, state):
    found = notice(**changes)
    assert [item["state"] for item in found.notices] == [state]
    assert (found.verdict, len(found.problems)) == (("clear", 0) if state == "sent" else ("refused", 1))


def test_a_late_notice_is_named_with_its_deadline():
    assert notice(sent="2030-01-30 09:00").problems == [
        "notices[0] 'mail': is late: it was sent at 2030-01-30 09:00, and 2 working days before the window is 2030-01-29 22:00 Europe/Brussels."]


@pytest.mark.parametrize("now, sent, state, text", [
    ("2030-01-29T22:00+01:00", None, "due", None),
    ("2030-01-29T22:01+01:00", None, "late", "is late: it is not sent, and 2 working days before"),
    ("2030-01-29T22:01+01:00", "", "late", "is not sent"),
    ("2030-01-28T12:00+01:00", "2030-01-28 12:01", "due", "sent is 2030-01-28 12:01, which is yet to come"),
    ("2030-01-28T12:00+01:00", "2030-01-29", "due", "yet to come"),
    ("2030-01-28T23:30+00:00", "2030-01-29", "sent", None),  # in Brussels it is the 29th already
])
def test_a_notice_that_is_not_sent(now, sent, state, text):
    found = notice(now, sent=sent)
    assert found.notices[0]["state"] == state
    assert [text in problem for problem in found.problems] == ([True] if text else [])


def test_the_deadline_has_the_clock_of_its_day():
    """The window is on a Monday after clocks were put forward; on the Friday before, the same clock is another offset."""
    found = notice("2030-04-01T12:00+02:00", dict(start="2030-04-01 10:00", end="2030-04-01 14:00"), sent="2030-03-29 10:00", lead_working_days=1)
    assert found.notices[0]["deadline"] == "2030-03-29T10:00+01:00" and found.notices[0]["state"] == "sent"
    # On that Sunday the clock never shows 02:30.
    found = notice("2030-04-01T03:00+02:00", dict(start="2030-04-01 02:30", end="2030-04-01 14:00"), lead_working_days=1, sent="2030-03-30")
    assert found.notices[0]["deadline"] == "2030-03-29T02:30+01:00"
    week = judged("2030-04-01T03:00+02:00", window=dict(WINDOW, start="2030-04-01 02:30", end="2030-04-01 14:00"), working_days=list(workdays.WEEK),
                  notices=[dict(NOTICE, lead_working_days=1)])
    assert week.notices[0]["deadline"] == "2030-03-31T03:30+02:00"


@pytest.mark.parametrize("week, back", [
    (["monday", "tuesday", "wednesday", "thursday", "friday"], "2030-01-24"), (["Sun", "mon", "TUE", "wed", "thu"], "2030-01-24"),
    (list(workdays.WEEK), "2030-01-26"), (["thursday"], "2029-12-27"),
])
def test_weeks(week, back):
    calendar = workdays.Calendar(workdays.parse_week(week, "w"))
    assert calendar.back(datetime.date(2030, 1, 31), 5).isoformat() == back


def test_working_days_of_the_site_hold_for_a_record_that_names_none():
    given = record.parse(GOOD, "record", ["sat", "sun"], ["2030-01-26"])
    assert given.calendar.back(datetime.date(2030, 1, 31), 2).isoformat() == "2030-01-20"
    own = record.parse(dict(GOOD, working_days=["mon", "sat"], holidays=["2030-01-28"]), "record", ["sun"], ["2030-01-26"])
    assert own.calendar.back(datetime.date(2030, 1, 31), 1).isoformat() == "2030-01-21"


@pytest.mark.parametrize("key, value", [(key, value) for key in ("crew_chief", "driver", "change_ticket", "window") for value in ("absent", None, "", "  ")]
                         + [("notices", "absent"), ("notices", None)])
def test_what_is_missing_is_named(key, value):
    found = judged(**{key: value})
    assert found.verdict == "refused" and any(text.startswith(key + ": is missing. Name ") for text in found.problems)
    assert judged(required=[name for name in ALL if name not in (key, "notices")], **{key: value}).verdict == "clear"


@pytest.mark.parametrize("absent, named", [("start", "window.start"), ("end", "window.end"), ("time_zone", "window.time_zone")])
def test_a_window_with_a_part_missing(absent, named):
    found = judged(window={key: value for key, value in WINDOW.items() if key != absent}, notices=[])
    assert [text.split(":")[0] for text in found.problems] == [named] and found.window == "unknown"


def test_without_a_window_nobody_knows_whether_a_notice_is_late():
    assert "nobody can tell whether it is late" in judged(window="absent", required=("notices",)).problems[0]
    assert judged(window="absent", required=("notices",), notices=[]).verdict == "clear"


def test_everything_that_is_wrong_is_told_at_once():
    found = judged("2030-02-02T00:00+00:00", driver=None, change_ticket="", notices=[dict(NOTICE, sent=None), dict(NOTICE, sent="2030-01-31")])
    assert len(found.problems) == 5


def test_override():
    found = judged("2030-02-02T00:00+00:00", driver=None, override="the board agreed")
    assert (found.verdict, found.override, len(found.problems)) == ("overridden", "the board agreed", 2)
    assert (judged(override="not needed").verdict, judged(override="not needed").override) == ("clear", "")
    assert verdict.check_override("  the board\n agreed ") == "the board agreed" and verdict.check_override(" ") == ""


@pytest.mark.parametrize("reason", ["true", "Yes", " hotfix ", True, 5, None])
def test_a_yes_is_no_reason(reason):
    with pytest.raises(InputError, match="^override: .* is (one word and no reason|not a text). Say "):
        verdict.check_override(reason)


@pytest.mark.parametrize("about", ["v36-2", "", None])
def test_the_record_of_another_release_is_refused_whatever_the_reason(about):
    other = record.parse(dict(GOOD, release=about), "record")
    with pytest.raises(InputError, match="^release: .*Give the record of v36-1, or write release: v36-1 into it"):
        verdict.judge(other, "v36-1", ALL, at(OPEN), "the board agreed")


def window(**changes):
    return {"window": dict(WINDOW, **changes)}


def notices(**changes):
    return {"notices": [dict(NOTICE, **changes)]}


@pytest.mark.parametrize("changes, message", [
    ({"crewchief": "x"}, r"r: crewchief: 'x' belongs to no such field. Use the keys release, crew_chief"),
    (window(begin="x"), r"r: window.begin: 'x' belongs to no such field. Use the keys start, end, time_zone"),
    (notices(by="x"), r"r: notices\[0\].by: 'x' belongs to no such field. Use the keys name"),
    ({"driver": ["x"]}, r"r: driver: \['x'\] is not a text"),
    ({"driver": "a\nb"}, r"r: driver: 'a\\nb' is not one line"),
    ({"driver": "x" * 501}, r"r: driver: .* of at most 500 characters"),
    ({"release": 36.1}, r"r: release: 36.1 is not a text. Write a text, in quotes"),
    ({"change_ticket": True}, r"r: change_ticket: True is not a text"),
    ({"window": "22:00"}, r"r: window: '22:00' is not a mapping. Write the keys start, end, time_zone"),
    (window(time_zone="Europe/Atlantis"), r"r: window.time_zone: 'Europe/Atlantis' is not a time zone that is known here. Write a name of the IANA"),
    (window(time_zone="../../etc/passwd"), r"r: window.time_zone: .* is not a time zone"),
    (window(time_zone="Europe"), r"r: window.time_zone: .* is not a time zone"),
    (window(time_zone=1), r"r: window.time_zone: 1 is not a name"),
    (window(start="tomorrow"), r"r: window.start: 'tomorrow' is not a day with a time. Write the day and the time, such as 2030-01-31 22:00"),
    (window(start="2030-01-31"), r"r: window.start: '2030-01-31' is not a day with a time"),
    (window(start="2030-02-30 22:00"), r"r: window.start: '2030-02-30 22:00' is not a day with a time"),
    (window(start="2030-01-31 25:00"), r"r: window.start: .* is not a day with a time"),
    (window(start=1320), r"r: window.start: 1320 is not a day with a time"),
    (window(start="0001-01-01 00:00"), r"r: window.start: .* is out of the range of dates"),
    (window(start="2030-03-31 02:30"), r"r: window.start: .* is skipped by the clocks of Europe/Brussels.* Choose another time"),
    (window(end="2030-10-27 02:30"), r"r: window.end: .* is shown twice .* Add the offset: 2030-10-27T02:30\+02:00 or 2030-10-27T02:30\+01:00"),
    (window(end="2030-01-31 02:00"), r"r: window.end: '2030-01-31 02:00' is not after the start, 2030-01-31 22:00. .* the next day's date"),
    (window(end="2030-01-31 22:00"), r"r: window.end: .* is not after the start"),
    ({"notices": {"name": "x"}}, r"r: notices: .* is not a list. Write a list of notices, or notices: \[\]"),
    ({"notices": ["x"]}, r"r: notices\[0\]: 'x' is not a mapping"),
    (notices(name=""), r"r: notices\[0\].name: '' is no name"),
    (notices(lead_working_days=-1), r"r: notices\[0\].lead_working_days: -1 is not a whole number from 0 to 250"),
    (notices(lead_working_days="2"), r"r: notices\[0\].lead_working_days: '2' is not a whole number"),
    (notices(lead_working_days=True), r"r: notices\[0\].lead_working_days: True"),
    (notices(lead_working_days=None), r"r: notices\[0\].lead_working_days: None"),
    (notices(sent="last week"), r"r: notices\[0\].sent: 'last week' is not a day with a time"),
    (notices(sent="2030-13-01"), r"r: notices\[0\].sent: '2030-13-01' is not a day"),
    ({"working_days": []}, r"r: working_days: \[\] is not a list with at least one weekday"),
    ({"working_days": ["someday"]}, r"r: working_days\[0\]: 'someday' is not a weekday"),
    ({"holidays": "2030-12-25"}, r"r: holidays: '2030-12-25' is not a list of days"),
    ({"holidays": ["2030-12-25", "easter"]}, r"r: holidays\[1\]: 'easter' is not a day. Write it as 2030-01-31"),
    ({"holidays": [datetime.datetime(2030, 1, 1)]}, r"r: holidays\[0\]: .* is not a day"),
])
def test_what_cannot_be_understood_is_named(changes, message):
    with pytest.raises(InputError, match="^" + message):
        record.parse(dict(GOOD, **changes), "r")


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_what_is_no_mapping(data):
    with pytest.raises(InputError, match="^r: the record: .* is not a mapping. Write a mapping with the keys release"):
        record.parse(data, "r")


def test_settings_of_the_site_are_named_as_such():
    for given, field in (((["x"], []), r"working_days\[0\]"), ((workdays.DEFAULT, ["x"]), r"holidays\[0\]")):
        with pytest.raises(InputError, match="^" + field):
            record.parse(GOOD, "r", *given)

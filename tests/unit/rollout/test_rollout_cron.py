# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When an expression of cron begins: every minute of a few days is compared with a plain walk over the clock, with changes of the clocks in them."""

from __future__ import annotations

import datetime
import random

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import cron

UTC = datetime.timezone.utc
# Zone and a day on which its clocks change; Lord Howe changes by half an hour, Troll by two hours, Santiago at midnight; Apia skipped a day.
CHANGES = [("Europe/Brussels", "2026-03-29"), ("Europe/Brussels", "2026-10-25"), ("America/New_York", "2026-03-08"), ("America/New_York", "2026-11-01"),
           ("Australia/Lord_Howe", "2026-10-04"), ("Australia/Lord_Howe", "2026-04-05"), ("Antarctica/Troll", "2026-10-25"),
           ("America/Santiago", "2026-09-06"), ("America/Santiago", "2026-04-05"), ("Pacific/Apia", "2011-12-30"), ("Asia/Kolkata", "2026-03-29")]
EXPRESSIONS = ["0 2 * * *", "30 2 * * *", "*/20 * * * *", "15 1-3 * * *", "0 0 * * *", "59 23 * * sat,sun",
               "0 3 29 * sun", "0 */5 */2 * mon-fri", "45 1 * 3,apr,10 *"]


def at(text: str, zone="UTC") -> int:
    """The instant of a local time; the first where the clocks show it twice."""
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=moments.zone(zone, "zone")).timestamp())


def local(instant: int, zone) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(instant, zone)


def walked(expression: str, zone, first: int, last: int) -> list:
    """Where it begins, by looking at every minute: a time shown twice counts once, one that is skipped counts at the first minute after."""
    parsed = cron.parse(expression, "cron")
    seen, found, shown = set(), [], local(first - 60, zone).replace(tzinfo=None)
    for instant in range(first, last + 1, 60):
        now = local(instant, zone).replace(tzinfo=None, fold=0)
        minutes = [now]
        while minutes[-1] - shown > datetime.timedelta(minutes=1):
            minutes.append(minutes[-1] - datetime.timedelta(minutes=1))
        shown = now
        if any(m not in seen and parsed.on(m.date()) and (m.hour, m.minute) in parsed.times for m in minutes):
            found.append(instant)
        seen.update(minutes)
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("name, day", CHANGES)
def test_beginnings_around_changes_of_the_clocks(name, day, expression):
    zone, parsed = moments.zone(name, "zone"), cron.parse(expression, "cron")
    first = at(day + "T00:00") - 40 * 3600
    last = first + 90 * 3600
    expected = [instant for instant in walked(expression, zone, first - 86400, last) if instant >= first]
    assert list(parsed.after(first - 1, zone, last)) == expected
    for now in [*range(first, last, 1740), *expected, *(instant - 1 for instant in expected)]:
        before = [instant for instant in expected if instant <= now]
        assert parsed.before(now, zone, first) == (before[-1] if before else None)


@pytest.mark.parametrize("naive, zone, utc", [
    ("2026-03-29T02:30", "Europe/Brussels", "2026-03-29T01:00"),
    ("2026-03-29T02:00", "Europe/Brussels", "2026-03-29T01:00"),
    ("2026-03-29T03:00", "Europe/Brussels", "2026-03-29T01:00"),
    ("2026-10-25T02:30", "Europe/Brussels", "2026-10-25T00:30"),
    ("2026-03-08T02:59", "America/New_York", "2026-03-08T07:00"),
    ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30"),
    ("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:30"),
    ("2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45"),
    ("2026-07-01T12:00", "Asia/Kolkata", "2026-07-01T06:30"),
    ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),
])
def test_instants(naive, zone, utc):
    assert cron.instant(datetime.datetime.fromisoformat(naive), moments.zone(zone, "zone")) == at(utc)


@pytest.mark.parametrize("expression, days", [
    ("0 0 29 2 *", ["2028-02-29", "2032-02-29"]),
    ("0 0 13 * fri", ["2026-01-02", "2026-01-09", "2026-01-13", "2026-01-16"]),
    ("0 0 */10 * thu", ["2026-01-01", "2026-05-21", "2026-06-11"]),
    ("0 0 * * sat-sun", ["2026-01-03", "2026-01-04", "2026-01-10"]),
    ("0 0 * * 5-7", ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-09"]),
    ("0 0 * * SUN-MON", ["2026-01-04", "2026-01-05", "2026-01-11"]),
    ("0 0 * * 0,7", ["2026-01-04", "2026-01-11"]),
    ("0 0 1 JAN,6-8/2 *", ["2026-01-01", "2026-06-01", "2026-08-01", "2027-01-01"]),
    ("0 0 31 * *", ["2026-01-31", "2026-03-31", "2026-05-31"]),
    ("0 0 25/3 1 *", ["2026-01-25", "2026-01-28", "2026-01-31"]),
])
def test_days(expression, days):
    found = cron.parse(expression, "cron").after(at("2025-12-31T23:59"), UTC, at("2040-01-01T00:00"))
    assert [local(next(found), UTC).date().isoformat() for _day in days] == days


def test_times():
    assert cron.parse("5,10-20/5 0,22-23 * * *", "cron").times == tuple((hour, minute) for hour in (0, 22, 23) for minute in (5, 10, 15, 20))
    assert cron.parse(" 0  8\t* * * ", "cron").text == "0 8 * * *"


@pytest.mark.parametrize("expression, problem", [
    ("", "has 0 fields"), ("0", "has 1 field,"), ("@daily", "has 1 field,"), ("0 0 * * * *", "has 6 fields"),
    ("60 * * * *", "'60' is no minute, which is 0 to 59"), ("* 24 * * *", "'24' is no hour"), ("* * 0 * *", "'0' is no day of the month"),
    ("* * * 13 *", "'13' is no month, which is 1 to 12 or jan to dec"), ("* * * * 8", "'8' is no day of the week"), ("* * * * moon", "'moon' is no day"),
    ("5-1 * * * *", "'5-1' in the minute runs backwards"), ("* * * * fri-mon", "'fri-mon' in the day of the week runs backwards"),
    ("*/0 * * * *", "a step of 0"), ("1,,2 * * * *", "'' in the minute"), ("1- * * * *", "'1-' in the minute"), ("-1 * * * *", "'-1' in the minute"),
    ("* * L * *", "'L' is no day of the month"), ("\u0663 * * * *", "in the minute"), ("mon * * * *", "'mon' is no minute"),
    ("0 0 30 2 *", "a day that no year has"), ("0 0 31 2,4,jun,9,11 *", "a day that no year has"),
])
def test_refused(expression, problem):
    with pytest.raises(InputError) as caught:
        cron.parse(expression, "windows[0].allow")
    assert problem in caught.value.message
    assert caught.value.message.startswith("windows[0].allow: %r" % expression)
    assert "Write five fields" in caught.value.message


def test_a_day_that_only_some_months_have_is_taken():
    assert cron.parse("0 0 30 1,2 *", "cron").months == {1, 2}
    assert cron.parse("0 0 30 2 mon", "cron").either


@pytest.mark.parametrize("seed", range(20))
def test_before_and_after_agree(seed):
    """What begins after an instant is what was before the next one, for expressions by chance."""
    chance = random.Random(seed)
    zone = moments.zone(chance.choice(CHANGES)[0], "zone")
    parsed = cron.parse("%d,%d %d-23/%d %s * %s" % (
        chance.randrange(60), chance.randrange(60), chance.randrange(24), chance.randint(1, 9), chance.choice(["*", "1-15", "*/2"]),
        chance.choice(["*", "mon-fri", "0"])), "cron")
    first = at("2026-01-01T00:00") + chance.randrange(365 * 86400)
    found = list(parsed.after(first, zone, first + 10 * 86400))
    assert found == sorted(set(found))
    for earlier, later in zip(found, found[1:]):
        assert parsed.before(later - 1, zone, first) == parsed.before(earlier, zone, earlier) == earlier
        assert parsed.before(later - 1, zone, earlier + 1) is None

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Approvals are read strictly, and hold for one digest until they expire."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.changes import approval
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "ab" * 32
NOW = datetime.datetime(2030, 1, 31, 12, tzinfo=datetime.timezone.utc)


def utc(*parts):
    return datetime.datetime(*parts, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize("value, digests", [
    (None, []), ("", []), ("  ", []), ([], []), (ONE, [ONE]), ([ONE], [ONE]), ([ONE, {"digest": TWO}], [ONE, TWO]),
    ({"digest": ONE}, [ONE]), ("%s,%s" % (ONE, TWO), [ONE, TWO]), (" %s\n %s " % (ONE, TWO), [ONE, TWO]),
    (TWO.replace("ab", "AB"), [TWO]), ({"digest": " %s " % ONE, "who": None, "expires": None}, [ONE]),
])
def test_approvals_come_in_many_forms(value, digests):
    assert [entry["digest"] for entry in approval.parse(value)] == digests


def test_who_is_filled_in_for_those_who_say_nothing():
    found = approval.parse([ONE, {"digest": TWO, "who": "kim"}], who="sam")
    assert [entry["who"] for entry in found] == ["sam", "kim"]
    assert approval.parse(ONE)[0]["who"] is None


@pytest.mark.parametrize("value, message", [
    ("yes", "approve: 'yes' is not a digest"),
    ("1" * 64, "is not a digest"),
    (ONE[:-1], "is not a digest"),
    (ONE + "1", "is not a digest"),
    ("sha256:" + "g" * 64, "is not a digest"),
    ("sha512:" + "1" * 64, "is not a digest"),
    (ONE + ";" + TWO, "is not a digest"),
    ([ONE, ""], r"approve\[1\]: '' is no digest"),
    ([ONE, "*"], r"approve\[1\]: '\*' is not a digest"),
    (True, "approve: True is no approval"),
    ([None], r"approve\[0\]: None is no approval"),
    ([[ONE]], r"approve\[0\]: .* is no approval"),
    ({}, "approve: None is not a digest"),
    ({"digest": 5}, "5 is not a digest"),
    ({"digest": ONE, "expire": "2030-01-01"}, "approve.expire: .*belongs to no approval.*digest, who, expires"),
    ({"digest": ONE, "who": ["kim"]}, "approve.who"),
    ({"digest": ONE, "expires": "tomorrow"}, "approve.expires: 'tomorrow' is not a time.*2030-01-31"),
    ([{"digest": ONE, "expires": "2030-02-30"}], r"approve\[0\].expires: '2030-02-30'"),
    ({"digest": ONE, "expires": "2030-01-01T25:00"}, "is not a time"),
    ({"digest": ONE, "expires": ""}, "is not a time"),
    ({"digest": ONE, "expires": 1893456000}, "is not a time"),
    ({"digest": ONE, "expires": False}, "is not a time"),
])
def test_a_malformed_approval_names_field_value_and_remedy(value, message):
    with pytest.raises(InputError, match=message):
        approval.parse(value)


def test_the_field_can_be_the_operators_variable():
    with pytest.raises(InputError, match="^inmanta_model_approve: 'x'"):
        approval.parse("x", "inmanta_model_approve")


@pytest.mark.parametrize("expires, when", [
    ("2030-01-31T12:00:01Z", utc(2030, 1, 31, 12, 0, 1)),
    ("2030-01-31 13:30+01:00", utc(2030, 1, 31, 12, 30)),
    ("2030-01-31T12:00", utc(2030, 1, 31, 12)),
    ("2030-01-31", utc(2030, 1, 31, 23, 59, 59, 999999)),
    (datetime.date(2030, 1, 31), utc(2030, 1, 31, 23, 59, 59, 999999)),
    (datetime.datetime(2030, 1, 31, 12), utc(2030, 1, 31, 12)),
    (datetime.datetime(2030, 1, 31, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=-2))), utc(2030, 1, 31, 14)),
])
def test_expiry_is_read_as_utc(expires, when):
    assert approval.parse({"digest": ONE, "expires": expires})[0]["expires"] == when


@pytest.mark.parametrize("expires, holds", [
    (None, True), ("2030-01-31", True), ("2030-01-30", False), ("2030-01-31T12:00:00Z", False), ("2030-01-31T12:00:01Z", True),
    ("2030-01-31T12:30:00+01:00", False),
])
@pytest.mark.parametrize("now", [NOW, NOW.replace(tzinfo=None), NOW.astimezone(datetime.timezone(datetime.timedelta(hours=5)))])
def test_an_approval_holds_until_it_expires(expires, holds, now):
    given = approval.parse([{"digest": ONE, "expires": expires}])
    assert (approval.find(given, ONE, now) is not None) is holds
    assert approval.find(given, TWO, now) is None


def test_a_later_approval_holds_where_an_earlier_one_expired():
    given = approval.parse([{"digest": ONE, "expires": "2020-01-01"}, {"digest": ONE, "who": "kim"}])
    assert approval.find(given, ONE, NOW)["who"] == "kim"
    assert approval.explain(given, ONE, NOW) == ""


@pytest.mark.parametrize("value, parts", [
    (None, []),
    ([ONE], []),
    ([TWO], ["An approval was given, but it is for other changes (%s)" % TWO]),
    ([{"digest": TWO, "who": "kim"}], ["given by kim, but it is for other changes"]),
    ([TWO, TWO], ["2 approvals were given, but none is for these changes"]),
    ([TWO, {"digest": ONE, "who": "sam", "expires": "2030-01-31T11:00Z"}],
     ["exactly these changes was given by sam, but it expired at 2030-01-31T11:00:00Z"]),
])
def test_the_operator_is_told_why_an_approval_does_not_count(value, parts):
    text = approval.explain(approval.parse(value), ONE, NOW)
    assert all(part in text for part in parts)
    assert bool(text) is bool(parts)


def test_an_approval_as_a_record():
    given = approval.parse({"digest": ONE, "who": "kim", "expires": "2030-01-31T13:00+01:00"})[0]
    assert approval.as_dict(given) == {"digest": ONE, "who": "kim", "expires": "2030-01-31T12:00:00Z"}
    assert approval.as_dict(approval.parse(ONE)[0]) == {"digest": ONE, "who": None, "expires": None}

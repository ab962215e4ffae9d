# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of snapshots after hours, and ages."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming


@pytest.mark.parametrize("at,name", [
    (0, "19700101-0000"), (1392105599, "20140211-0700"), (1392105600, "20140211-0800"), (1709164799, "20240228-2300"), (1709164800, "20240229-0000")])
def test_a_name_is_that_of_the_hour_in_utc(at, name):
    assert naming.hourly(at) == name
    assert naming.hourly(at, "etchautotag-") == "etchautotag-" + name
    assert naming.instant(name) == naming.hour_of(at)


@pytest.mark.parametrize("name", [
    "20140211-0730", "20140230-0000", "20140211-2400", "20141301-0000", "2014021-0700", "20140211-0700x", "trunk", "", "00000101-0000"])
def test_what_is_not_the_name_of_an_hour_has_no_instant(name):
    assert naming.instant(name) is None


def test_the_prefix_is_looked_at_where_it_is_given():
    assert naming.instant("etchautotag-20140211-0700") == naming.instant("20140211-0700", "") == 1392102000
    assert naming.instant("etchautotag-20140211-0700", "etchautotag-") == 1392102000
    assert naming.instant("etchautotag-20140211-0700", "") is None
    assert naming.instant("x20140211-0700", "etchautotag-") is None


def test_clock_changes_make_no_hour_twice():
    autumn = naming.instant("20141026-0000")
    names = [naming.hourly(autumn + hour * naming.HOUR) for hour in range(24)]
    assert names == ["20141026-%02d00" % hour for hour in range(24)]


@pytest.mark.parametrize("seconds,text", [
    (0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (3601, "1 h"), (7200, "2 h"), (90000, "1 d 1 h"), (86460, "1 d"), (61, "1 min 1 s")])
def test_ages_are_told_in_two_parts(seconds, text):
    assert naming.span(seconds) == text

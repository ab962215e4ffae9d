# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables and diffs show everything that matters and let no content forge a line."""

from __future__ import annotations

import pytest
from changes_samples import FILE, change, many, numbered, unchecked

from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import Changes
from ansible_collections.stagecraft.release.plugins.module_utils.changes.table import columns, diff, shorten, table, visible

EVIL = "x\n! removed   y\r\x1b[2K\u202e\u2028\x85\x00\t\u200b\ud800"


def test_a_table_reads_like_this():
    changes = many(change("a::B[c,d=1]", "added", purged=(None, False)), change("a::B[c,d=2]", content=("old", "new"), mode=(420, 384)),
                   change("a::B[c,d=3]", "removed"), not_checked=[unchecked("a::B[c,d=4]")])
    assert table(changes, {"a::B[c,d=2]": "no rule covers it"}) == [
        "! modified  a::B[c,d=2]",
        "              (no rule covers it)",
        '              content: "old" -> "new"',
        "              mode: 420 -> 384",
        "! unchecked a::B[c,d=4]",
        "              (agent_down)",
        "  added     a::B[c,d=1]",
        "              purged: null -> false",
        "  removed   a::B[c,d=3]",
        "1 added, 1 modified, 1 removed, 1 unchecked; 2 unexpected",
    ]


def test_a_set_of_keys_marks_as_well():
    lines = table(many(*numbered(2)), {"std::File[web1,path=/00001]"})
    assert [line[0] for line in lines] == ["!", " ", "0"]
    assert "00001" in lines[0]


@pytest.mark.parametrize("limit, shown, last", [
    (50, 10, "0 added, 10 modified, 0 removed, 0 unchecked; 2 unexpected"),
    (10, 10, "0 added, 10 modified, 0 removed, 0 unchecked; 2 unexpected"),
    (9, 9, "0 added, 10 modified, 0 removed, 0 unchecked; 2 unexpected; 1 more not shown here, 0 of them unexpected"),
    (1, 1, "0 added, 10 modified, 0 removed, 0 unchecked; 2 unexpected; 9 more not shown here, 1 of them unexpected"),
    (0, 0, "0 added, 10 modified, 0 removed, 0 unchecked; 2 unexpected; 10 more not shown here, 2 of them unexpected"),
])
def test_the_last_line_counts_what_was_cut_and_unexpected_ones_are_cut_last(limit, shown, last):
    lines = table(many(*numbered(10)), {"std::File[web1,path=/00007]", "std::File[web1,path=/00009]"}, limit)
    assert len(lines) == shown + 1
    assert lines[-1] == last
    assert sum(line.startswith("!") for line in lines) == min(2, shown)


def test_nothing_has_one_line():
    assert table(many(), set()) == ["0 added, 0 modified, 0 removed, 0 unchecked; 0 unexpected"]


def test_many_attributes_are_counted():
    lines = table(many(change(**{"a%02d" % number: (1, 2) for number in range(15)})), {FILE})
    assert len(lines) == 1 + 12 + 1 + 1
    assert lines[-2].strip() == "and 3 more attributes"


@pytest.mark.parametrize("where", ["resource", "attribute", "before", "after", "nested", "key", "reason", "status"])
def test_no_content_can_forge_a_line(where):
    given = change("a::B[c,d=%s]" % (EVIL if where == "resource" else "x"))
    value = {"before": [EVIL, 1], "after": [1, EVIL], "nested": [1, [EVIL]], "key": [1, {EVIL: 1}]}.get(where, [1, 2])
    given["attributes"] = {EVIL if where == "attribute" else "attribute": value}
    changes = Changes([given], [unchecked("a::B[c,d=y]", EVIL if where == "status" else "agent_down")])
    lines = table(changes, {given["resource"]: EVIL if where == "reason" else "why"})
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)
    assert [line[:2] for line in lines] == ["! ", "  ", "  ", "! ", "  ", "0 "]
    assert any("\\n" in line for line in lines)


@pytest.mark.parametrize("char", ["x", "\u4e2d", "\U0001f600", "e\u0301", "\n", "\u202e", "\\", '"'])
def test_no_line_is_wider_than_160_columns(char):
    long = char * 400
    given = change("a::B[c,d=%s]" % long)
    given["attributes"] = {long: [long, [long]], "b": [long + "1", long + "2"], "c": [{long: long}, None]}
    lines = table(Changes([given], [unchecked("z::B[c,d=%s]" % long, long)]), {given["resource"]: long})
    assert max(columns(line) for line in lines) <= 160


def test_long_values_show_where_they_differ():
    common = "same " * 100
    line = table(many(change(content=(common + "one" + "x" * 300, common + "two" + "x" * 300))), set())[1]
    before, after = line.split(" -> ")
    assert "one" in before and "two" in after
    assert "..." in before and "..." in after


def test_a_value_that_was_only_extended_shows_its_end():
    line = table(many(change(content=("x" * 100, "x" * 100 + "END"))), set())[1]
    assert line.endswith('END"')


@pytest.mark.parametrize("text, expected", [
    ("plain", "plain"), ("caf\u00e9 \u4e2d", "caf\u00e9 \u4e2d"), ("a\nb", "a\\nb"), ("\x1b[0m", "\\x1b[0m"), ("\u202e", "\\u202e"),
    ("\U000e0001", "\\U000e0001"), ("\ud800", "\\ud800"), ("\xa0", "\\xa0"),
])
def test_visible(text, expected):
    assert visible(text) == expected


@pytest.mark.parametrize("text, width, expected", [
    ("short", 8, "short"), ("12345678", 8, "12345678"), ("123456789", 8, "12...789"), ("\u4e2d" * 5, 8, "\u4e2d...\u4e2d"),
])
def test_shorten_leaves_the_middle_out(text, width, expected):
    assert shorten(text, width) == expected
    assert columns(shorten(text, width)) <= width


def test_text_and_number_are_told_apart():
    assert table(many(change(mode=("1", 1), empty=("", None))), set())[1:3] == [
        '              empty: "" -> null', '              mode: "1" -> 1']


# --- for --diff

def test_a_diff_has_what_is_and_what_would_be():
    changes = many(change("a::B[c,d=1]", "added", owner=(None, "kim")), change("a::B[c,d=2]", content=("one\ntwo", "one\nthree")),
                   change("a::B[c,d=3]", "removed", owner=("kim", None)), not_checked=[unchecked("a::B[c,d=4]")])
    found = diff(changes)
    assert found["before"].splitlines() == [
        "a::B[c,d=2]", "  content:", "    | one", "    | two", "a::B[c,d=3]", '  owner: "kim"']
    assert found["after"].splitlines() == [
        "a::B[c,d=1]", '  owner: "kim"', "a::B[c,d=2]", "  content:", "    | one", "    | three", "a::B[c,d=4]: not checked (agent_down)"]
    assert set(found) == {"before", "after", "before_header", "after_header"}


def test_no_changes_are_an_empty_diff():
    found = diff(many())
    assert (found["before"], found["after"]) == ("", "")


def test_no_content_can_forge_a_line_of_a_diff():
    given = change("a::B[c,d=%s]" % EVIL)
    given["attributes"] = {EVIL: [EVIL, [EVIL]]}
    found = diff(many(given))
    assert [line[:6] for line in found["before"].split("\n")] == ["a::B[c", "  x\\n!", "    | ", "    | ", ""]
    assert len(found["after"].splitlines()) == 2
    assert all(char == "\n" or char.isprintable() for char in found["before"] + found["after"])

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of etch beyond what the vectors of our own hold."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import etch, etch_marks, etch_times, naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.marks import Marks
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import Mark

NOW = naming.instant("20140211-1000") + 1200
DIRECTORIES = ["trunk", "branches/x", *("tags/" + naming.hourly(NOW - hour * 3600, etch.PREFIX) for hour in range(73))]
NONE = Marks((), ())


def ask(node=etch.Node(), marks=NONE, **more):
    """The answer for a node."""
    return etch.answer(NOW, node, marks, DIRECTORIES, **more)


@pytest.mark.parametrize("groups,hour3,known,delay", [
    (("dev", "qa"), False, True, 0), (("x", "int"), True, True, 0), (("stg", "qa"), False, True, 1), (("stg",), True, True, 2),
    (("prod",), True, True, 3), ((), False, True, 4), (("dev",), True, False, 4), (("DEV",), False, True, 4)])
def test_the_delay_of_a_node(groups, hour3, known, delay):
    assert etch.Node(known, groups, hour3).delay == delay


@pytest.mark.parametrize("hours,delay,state,expected", [
    ([4], 4, "bad", 5), ([4, 5, 6], 4, "bad", 7), ([4], 4, "badfwd", 3), ([4, 3, 2], 4, "badfwd", 1), ([0], 0, "badfwd", None),
    (range(0, 73), 0, "bad", None), (range(0, 72), 0, "bad", 72), (range(4, 72), 4, "bad", 72), ([5], 4, "badfwd", 4)])
def test_the_walk(hours, delay, state, expected):
    marks = Marks([Mark(naming.hourly(NOW - hour * 3600, etch.PREFIX), state) for hour in hours], ())
    name, passed = etch.automatic(NOW, delay, marks)
    assert name == (None if expected is None else naming.hourly(NOW - expected * 3600, etch.PREFIX))
    assert {item.code for item in passed} <= {state}
    assert (etch.answer(NOW, etch.Node(groups=("dev",)), marks, DIRECTORIES).error == "no_acceptable_tag") == (delay == 0 and expected is None)


@pytest.mark.parametrize("tag,there", [
    ("trunk", True), ("/trunk", True), ("branches", True), ("branches/x/", True), ("tags/../trunk", True), (".", True), (" ", False),
    ("../etchserver/trunk", True), ("../etchserver-x", False), ("trunk ", False), ("tags/none", False), ("trunk/x", False)])
def test_a_static_tag_is_a_path(tag, there):
    found = ask(etch.Node(static_tag=tag))
    assert found == (etch.Answer(tag) if there else etch.Answer(error="tag_missing", proposed=tag))


@pytest.mark.parametrize("tag,error", [("trunk-20140230-1000", ""), ("trunk-20140211-2400", ""), ("trunk-20140211-2401", "tagger_failed"),
                                       ("trunk-20141301-1000", "tagger_failed"), ("trunk-20140211-1060", "tagger_failed"),
                                       ("trunk-00000101-0000", ""), ("trunk-99991231-2400", "tagger_failed")])
def test_dates_of_a_bump(tag, error):
    assert ask(etch.Node(static_tag=tag)).error == error


def test_what_beats_what():
    static = etch.Node(static_tag="branches/x")
    assert ask(static, killswitch=True, client_tag="trunk").error == "killswitch"
    assert ask(static, client_tag="trunk").tag == "trunk"
    assert ask(static, client_tag="a..b").error == "bad_client_tag"
    assert ask(static, None).error == "tagger_failed"
    assert ask(etch.Node(known=False, static_tag="branches/x")).tag == "tags/" + naming.hourly(NOW - 4 * 3600, etch.PREFIX)


def test_the_file_of_marks():
    text = "# a remark\n\n  \nx bad because of this\n\ty\t good\r\nx badfwd"
    assert [(mark.snapshot, mark.state, mark.why) for mark in etch_marks.parse(text)] == [
        ("x", "bad", "because of this"), ("y", "good", ""), ("x", "badfwd", "")]


@pytest.mark.parametrize("line", ["x BAD", "x", "x=bad", "x : bad", "bad", "x none"])
def test_what_is_not_a_mark_is_refused_unless_etch_is_asked(line):
    assert etch_marks.parse("y bad\n%s\n" % line, strict=False) == [Mark("y", "bad")]
    with pytest.raises(InputError) as caught:
        etch_marks.parse("y bad\n%s\n" % line)
    assert str(caught.value).startswith("tagstate line 2: %r is not a mark" % line)


def test_the_script_reads_and_writes_local_time():
    zone = zoneinfo.ZoneInfo("America/New_York")
    now = int(datetime.datetime(2014, 11, 2, 6, 30, tzinfo=datetime.timezone.utc).timestamp())
    made, removed, _impossible = etch_times.snapshot(now, zone, ["etchautotag-20141030-0229", "etchautotag-20141030-0230"])
    assert (made, removed) == ("etchautotag-20141102-0100", ["etchautotag-20141030-0229"])
    # The hour that the clocks show twice has its name already.
    assert etch_times.snapshot(now, zone, ["etchautotag-20141102-0100"])[0] is None

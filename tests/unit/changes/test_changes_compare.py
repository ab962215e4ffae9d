# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An abort is proven by comparison: the same dry run, or every change on its way back."""

from __future__ import annotations

import pytest
from changes_samples import FILE, change, many, row, unchecked

from ansible_collections.stagecraft.release.plugins.module_utils.changes.compare import leads_back, same
from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import Changes, normalise

OTHER = "std::File[web2,path=/other]"


@pytest.mark.parametrize("rows", [
    [], [row(owner=("a", "b"))], [row(status="undefined")], [row(OTHER, "skipped_for_undefined"), row(status="deleted")],
])
def test_the_same_dry_run_has_no_differences(rows):
    assert same(normalise(rows), Changes.from_dict(normalise(list(reversed(rows))).as_dict())) == []


@pytest.mark.parametrize("before, after, message", [
    (many(), many(change()), "%s: is modified now and was no change" % FILE),
    (many(change(action="added")), many(), "%s: was added in the recorded dry run and is no change now" % FILE),
    (many(change()), many(change(action="removed")), "was modified in the recorded dry run and is removed now"),
    (many(change(a=(1, 2))), many(change(a=(1, 3))), "attribute a: was 1 -> 2 in the recorded dry run and is 1 -> 3 now"),
    (many(change(a=(1, 2))), many(change(a=(True, 2))), "attribute a"),
    (many(change(a=(1, 2))), many(change(a=(1, 2), b=(1, 2))), "attribute b is changed only in the dry run of now"),
    (many(change(a=(1, 2))), many(change()), "attribute a is changed only in the recorded dry run"),
    (many(), many(not_checked=[unchecked(reason="undefined")]), "could not be checked (undefined)"),
    (many(not_checked=[unchecked()]), many(), "was not checked (agent_down) in the recorded dry run and is checked now"),
    (many(not_checked=[unchecked(reason="undefined")]), many(not_checked=[unchecked(reason="skipped_for_undefined")]),
     "could not be checked (skipped_for_undefined)"),
])
def test_each_difference_is_named(before, after, message):
    texts = same(before, after)
    assert len(texts) == 1
    assert message in texts[0]


@pytest.mark.parametrize("reason", ["agent_down", "handler_failed", "unreadable", "brand_new"])
def test_what_no_agent_could_tell_is_never_the_same(reason):
    both = many(not_checked=[unchecked(reason=reason)])
    assert same(both, both) == ["%s: could not be checked (%s)" % (FILE, reason)]


CANDIDATE = normalise([
    row("a::B[c,d=1]", "added", purged=(None, False)),
    row("a::B[c,d=2]", "deleted", purged=(False, None)),
    row("a::B[c,d=3]", content=("v1", "v2"), mode=("644", "600"), tags=(["x"], ["y"]), label=(None, "new")),
    row("a::B[c,d=4]", "agent_down"),
])


@pytest.mark.parametrize("after", [
    [],
    [row("a::B[c,d=1]", "unmodified")],
    [row("a::B[c,d=1]", "deleted", purged=(False, None))],
    [row("a::B[c,d=1]", "deleted", purged=(False, None), content=("v2", None))],
    [row("a::B[c,d=1]", purged=(False, True))],
    [row("a::B[c,d=2]", "added", purged=(None, False))],
    [row("a::B[c,d=3]", content=("v2", "v1"))],
    [row("a::B[c,d=3]", content=("half", "v1"), mode=("600", "644"), tags=(["y"], ["x"]), label=("new", None))],
    [row("a::B[c,d=3]", mode=(600, 644), label=("new", ""))],
    [row("a::B[c,d=1]", "deleted", purged=(False, None)), row("a::B[c,d=2]", "added", purged=(None, False)),
     row("a::B[c,d=3]", content=("v2", "v1"))],
])
def test_the_way_back(after):
    assert leads_back(normalise(after), CANDIDATE) == []


@pytest.mark.parametrize("after, message", [
    (row("a::B[c,d=9]", content=("v2", "v1")), "a::B[c,d=9]: would be modified, but the candidate's dry run did not change it"),
    (row("a::B[c,d=4]", content=("v2", "v1")), "a::B[c,d=4]: would be modified, but the candidate's dry run did not change it"),
    (row("a::B[c,d=3]", content=("v2", "v0")), 'a::B[c,d=3]: attribute content would become "v0", but it was "v1" before'),
    (row("a::B[c,d=3]", content=("v1", "v2")), 'attribute content would become "v2", but it was "v1"'),
    (row("a::B[c,d=3]", content=("v2", "v1"), owner=("a", "b")), "attribute owner would be changed, but the candidate's"),
    (row("a::B[c,d=3]", tags=(["y"], "x")), 'attribute tags would become "x", but it was ["x"]'),
    (row("a::B[c,d=3]", "deleted", purged=(False, None)), "would be removed, but the way back from modified is modified"),
    (row("a::B[c,d=3]", "added", purged=(None, False)), "would be added, but the way back from modified is modified"),
    (row("a::B[c,d=3]", "modified"), "names no attribute"),
    (row("a::B[c,d=1]", "added", purged=(None, False)), "would be added, but the way back from added is removed"),
    (row("a::B[c,d=1]", content=("v2", "v1")), "would be modified, but the way back from added is removed"),
    (row("a::B[c,d=2]", "deleted", purged=(False, None)), "would be removed, but the way back from removed is added"),
    (row("a::B[c,d=2]", "added", purged=(None, False), content=(None, "v1")), "attribute content would be changed, but"),
    (row("a::B[c,d=3]", "agent_down"), "a::B[c,d=3]: could not be checked (agent_down)"),
    (row("a::B[c,d=4]", "undefined"), "a::B[c,d=4]: could not be checked (undefined)"),
    (row("a::B[c,d=3]", handler=("FAILED", "Handler failed")), "could not be checked (handler_failed)"),
])
def test_everything_else_is_named(after, message):
    texts = leads_back(normalise([after, row("a::B[c,d=1]", "deleted", purged=(False, None))] if "d=1" not in after["resource_id"]
                                 else [after]), CANDIDATE)
    assert len(texts) == 1
    assert message in texts[0]


def test_texts_show_control_characters_and_stay_short():
    name = "a::B[c,d=%s]" % ("x\n" * 500)
    for texts in (same(many(), many(change(name))), leads_back(many(change(name)), many()),
                  same(many(change(a=("x" * 999, 1))), many(change(a=("\n" * 999, 1))))):
        assert len(texts) == 1
        assert texts[0].isprintable() and len(texts[0]) < 400

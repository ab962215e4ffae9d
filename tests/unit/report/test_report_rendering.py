# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a page, as Markdown and as files: nothing from outside can be more than text."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import os
import re
import stat

import pytest
import report_samples as samples
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.report import document, files, markdown, page, timeline
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import report_write

NAMES = ("upgraded", "waiting", "failed", "aborted")
# Elements that the page is made of; whatever else turned up in it was injected.
OURS = set("html head meta title style body a header main footer section div span h1 h2 h3 p dl dt dd ul ol li nav b code pre svg text rect line table "
           "caption thead tbody tr th td details summary button input select option noscript script".split())


class Reader(html.parser.HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.inside, self.open = [], [], {}, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend((tag, name, value) for name, value in attrs)
        self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if self.open and self.open[-1][0] in ("script", "style", "title"):
            self.inside.setdefault((self.open[-1][0], self.open[-1][1].get("type")), []).append(data)


def hostile(value):
    """A record in which every text from outside is hostile; what decides the shape stays."""
    if isinstance(value, dict):
        return {key if key in KEYS or not isinstance(inner, list) else samples.HOSTILE: inner if key in SHAPE else hostile(inner)
                for key, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner) for inner in value]
    return samples.HOSTILE if isinstance(value, str) else value


SHAPE = {"at", "stage", "status", "state", "verdict", "action", "outcome", "held", "stages", "boxes", "key", "title", "notes", "section", "schema", "procedure"}
KEYS = set(("changes unchecked runs stages steps settings approvals failed journal attributes notes boxes evidence output saved cleared held"
            " overrides notices problems").split())


def all_hostile(name):
    report = document.build(**getattr(samples, name)())
    made = hostile(report)
    for entry in made["journal"]:
        entry.update(run="run", release=samples.HOSTILE)
    made.update(began=report["began"], ended=report["ended"])
    made["outcome"]["cause"] = samples.HOSTILE + "\n" + samples.HOSTILE
    return made


def page_of(name):
    return page.render(document.build(**getattr(samples, name)()))


@pytest.mark.parametrize("name", NAMES)
def test_hostile_texts_stay_texts(name):
    text = page.render(all_hostile(name))
    plain = Reader(page_of(name))
    found = Reader(text)
    assert set(found.tags) <= OURS
    assert found.tags.count("script") == plain.tags.count("script") == 2
    assert not [item for item in found.attributes if item[1].startswith("on") or item[1] in ("src", "style", "srcdoc", "action")]
    assert {value for tag, key, value in found.attributes if key == "href"} == {value for tag, key, value in plain.attributes if key == "href"}
    assert "\u202e" not in text and "\u2028" not in text
    # As often as it was put there, and no markup anywhere outside of the data of the script.
    assert text.count("<img") == 0 and "</script><script>document" not in text
    assert "&lt;img src=x" in text


def test_policy_names_exactly_the_script_and_the_style():
    found = Reader(page_of("upgraded"))
    policy = next(value for tag, key, value in found.attributes if tag == "meta" and key == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; ")
    for kind, directive in (("script", "script-src"), ("style", "style-src")):
        (text,) = ["".join(parts) for (tag, type_), parts in found.inside.items() if tag == kind and type_ is None]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert "%s 'sha256-%s'" % (directive, digest) in policy
    assert "unsafe" not in policy and "http" not in policy


def test_the_page_loads_nothing():
    text = page_of("upgraded")
    found = Reader(text)
    assert not [value for _tag, key, value in found.attributes if key == "href" and not value.startswith("#")]
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", text)


def test_data_of_the_script_is_what_was_recorded():
    made = all_hostile("upgraded")
    (text,) = ["".join(parts) for (tag, type_), parts in Reader(page.render(made)).inside.items() if type_ == "application/json"]
    rows = json.loads(text)["changes"]
    assert rows[:3] == made["changes"]["changes"]
    assert rows[3]["action"] == "unchecked"


def test_without_a_dry_run_there_is_no_script():
    given = samples.upgraded()
    given["evidence"] = {}
    assert "<script" not in page.render(document.build(**given))


def test_ids_are_there_once_and_are_what_labels_name():
    found = Reader(page_of("upgraded"))
    ids = [value for _tag, key, value in found.attributes if key == "id"]
    assert len(ids) == len(set(ids))
    assert {value for _tag, key, value in found.attributes if key == "aria-labelledby"} <= set(ids)
    assert {value[1:] for _tag, key, value in found.attributes if key == "href"} <= set(ids)


@pytest.mark.parametrize("name, bars", [("upgraded", 6), ("waiting", 5), ("failed", 6), ("aborted", 7)])
def test_timeline(name, bars):
    drawn = timeline.draw(document.build(**getattr(samples, name)()))
    places = [(float(x), float(width)) for x, width in re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*class="bar', drawn)]
    assert len(places) == bars
    (width,) = re.findall(r'viewBox="0 0 (\d+) \d+"', drawn)
    assert all(timeline.LEFT <= x and x + size <= float(width) for x, size in places)
    assert ("1 h 29 min" in drawn) is (name != "waiting")


def test_times_keep_their_order_whatever_is_cut_out():
    scale = timeline.Scale([(0, 10), (5, 20), (90000, 90001), (900000, 900400)])
    places = [scale.at(second) for second in (0, 1, 10, 20, 50000, 90000, 90001, 500000, 900000, 900400)]
    assert places == sorted(places) and len(set(places)) > 8
    assert places[0] == timeline.LEFT and places[-1] == pytest.approx(scale.width - timeline.RIGHT)


def test_markdown_ticks_what_is_done():
    text = markdown.render(document.build(**samples.upgraded()))
    lines = [line.strip() for line in text.splitlines()]
    for line in ("* [x] `protected_environment = True`", "* [x] `auto_deploy = False`", "1. [x] Click `Update and recompile`",
                 "3. [x] If all is OK, click deploy to make the changes effective", "* [x] `auto_deploy = True`",
                 "1. [ ] Delete the bad (latest) version (left out)", "* Pre-Upgrade steps", "* Post Upgrade procedure"):
        assert line in lines
    assert text.count("[x]") == 12 and text.count("[ ]") == 6
    assert ("* Release record **overridden** by `bob` at `2030-01-31T17:29:59Z`: `the board agreed`. `window: is over: it closed at 18:15.`") in lines
    assert "* [ ] Notice `mail to the users`: `late`, to be sent by `2030-01-29T17:00+01:00`" in lines and "* Driver: `Bob Example`" in lines
    waits = markdown.render(document.build(**samples.waiting()))
    assert "* [ ] `%s` waits for approval" % samples.DIGEST in waits
    assert waits.count("[x]") == 8


@pytest.mark.parametrize("name", NAMES)
def test_markdown_of_hostile_texts_has_no_markup(name):
    """Outside of code spans there are only our own words."""
    text = markdown.render(all_hostile(name))
    for line in text.splitlines():
        outside, rest = "", line
        while True:
            begin = re.search(r"`+", rest)
            if not begin:
                outside += rest
                break
            end = re.compile("(?<!`)%s(?!`)" % begin.group()).search(rest, begin.end())
            assert end, line
            outside, rest = outside + rest[:begin.start()], rest[end.end():]
        assert not re.search(r"[<>]|document\.title|onclick", outside), line


@pytest.mark.parametrize("text", ["plain", "`", "a`b", "``", "`a", "b`", " ", "", "a\n# b", "a|b", "\u202eabc", "```\n```"])
def test_code_spans_hold_their_text(text):
    span = markdown.code(text)
    ticks = re.match(r"`+", span).group()
    assert span.endswith(ticks) and len(span) > 2 * len(ticks)
    inside = span[len(ticks):-len(ticks)]
    assert ticks not in re.findall(r"`+", inside) and inside[0] != "`" and inside[-1] != "`"
    assert "\n" not in span and "\u202e" not in span


def test_long_lists_are_cut_in_markdown_only():
    given = samples.upgraded()
    given["evidence"]["candidate"]["changes"] = [samples.change(number, hash=["x" * 1000, "y"]) for number in range(500)]
    report = document.build(**given)
    text = markdown.render(report)
    assert text.count("* modified ") == 200 and "and 301 more" in text and "x" * 301 not in text
    assert page.render(report).count("/srv/499.html") == 1


@pytest.fixture
def write(tmp_path):
    """A function that runs the module."""
    def run(check_mode=False, **options):
        given = {key: value for key, value in samples.upgraded().items() if key != "release"}
        args = dict({"directory": str(tmp_path / "a" / "reports")}, **dict(given, **options))
        validation = ArgumentSpecValidator(report_write.SPEC["argument_spec"]).validate(args)
        assert not validation.error_messages, validation.error_messages
        return report_write.execute(Call(validation.validated_parameters, check_mode))
    return run


def test_files(write, tmp_path):
    predicted = write(check_mode=True)
    assert predicted["changed"] and not list(tmp_path.iterdir())
    result = write()
    assert dict(predicted) == dict(result)
    assert (result["release"], result["outcome"]) == ("v36-1", "deployed")
    assert {os.path.basename(path) for path in result["files"].values()} == {"production-v36-1.html", "production-v36-1.md", "production-v36-1.json"}
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in result["files"].values()} == {0o600}
    assert sorted(os.listdir(tmp_path / "a" / "reports")) == sorted(os.path.basename(path) for path in result["files"].values())
    with open(result["files"]["json"], encoding="utf-8") as handle:
        assert json.load(handle) == document.build(**samples.upgraded())
    assert write()["changed"] is False
    assert write(formats=["json"], about={"Repository": "https://me:hunter2@git.example.com/x"})["changed"] is True
    with open(result["files"]["json"], encoding="utf-8") as handle:
        assert "hunter2" not in handle.read()


@pytest.mark.parametrize("target, release, name", [("web1", "v1", "web1-v1"), ("../../etc", "a/b", "_.._etc-a_b"), (".x", "y", "x-y"),
                                                   ("ü\n", "'", "_-_")])
def test_names_of_files_stay_in_the_directory(target, release, name):
    assert files.base_name(target, release) == name


def test_bad_directories(write, tmp_path):
    (tmp_path / "file").write_text("")
    for directory in ("", " ", str(tmp_path / "file"), str(tmp_path / "file" / "below")):
        with pytest.raises(InputError, match="^directory: .*Give a directory"):
            write(directory=directory)
    assert (tmp_path / "file").read_text() == ""


def test_nothing_is_known(write):
    with pytest.raises(InputError, match="^release: "):
        write(facts={"stages": {}}, journal=[])

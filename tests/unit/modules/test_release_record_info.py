# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module reads a record from a file or a variable, and its result is what the role needs."""

from __future__ import annotations

import datetime
import json

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import release_record_info

TEXT = """\
release: v36-1
crew_chief: Ada Example
driver: Bob Example
change_ticket: 4711
window: {start: 2030-01-31 22:00, end: 2030-02-01T02:00:00, time_zone: Europe/Brussels}
notices:
  - {name: mail, lead_working_days: 2, sent: 2030-01-29}
"""
NOW = datetime.datetime(2030, 1, 31, 22, tzinfo=datetime.timezone.utc)


def run(record, now=NOW, release="v36-1", **options):
    given = dict(options, record=record, release=release)
    validation = ArgumentSpecValidator(release_record_info.SPEC["argument_spec"]).validate(given)
    assert not validation.error_messages, validation.error_messages
    result = release_record_info.execute(Call(validation.validated_parameters), now=lambda: now)
    assert set(result) == {"changed", "verdict", "problems", "override", "record", "notices", "window", "message"}
    json.dumps(result)
    return result


@pytest.fixture
def path(tmp_path):
    def write(text=TEXT, name="v36-1.yml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)
    return write


def test_a_file(path):
    found = run(path())
    assert (found["verdict"], found["problems"], found["changed"]) == ("clear", [], False)
    assert found["record"]["change_ticket"] == "4711" and found["record"]["window"]["end"] == "2030-02-01T02:00+01:00"
    assert found["message"] == "release record %s: nothing is missing, late or closed." % path()


def test_a_file_in_json_and_a_mapping(path):
    data = {"release": "v36-1", "crew_chief": "Ada"}
    for given in (data, path(json.dumps(data), "v36-1.json")):
        found = run(given, required=["crew_chief"])
        assert (found["verdict"], found["record"]) == ("clear", {"release": "v36-1", "crew_chief": "Ada", "window": {}})


def test_refused_and_overridden(path):
    given = path(TEXT.replace("2030-01-29", "2030-01-30").replace("crew_chief: Ada Example\n", ""))
    found = run(given)
    assert found["verdict"] == "refused" and len(found["problems"]) == 2
    assert found["message"].startswith("release record %s: crew_chief: is missing. Name who owns the release. notices[0] 'mail': is late: " % given)
    assert found["message"].endswith("""with a reason, which is recorded: -e '{"release_announce_override": "WHY, IN WORDS"}'""")
    over = run(given, override="the board agreed")
    assert (over["verdict"], over["override"], over["problems"]) == ("overridden", "the board agreed", found["problems"])
    assert over["message"].endswith(" Overridden because: the board agreed")
    assert run(path(), override="needless by now")["override"] == ""


@pytest.mark.parametrize("text, message", [
    ("", "record: .* does not hold a mapping but nothing. Write a mapping with the keys release"),
    ("- x\n", "record: .* does not hold a mapping but a list"),
    ("a: [\n", "record: .* cannot be read: while parsing"),
    ("driver: a\ndriver: b\n", "record: .* has the key driver twice .line 2."),
    (TEXT + "driver2: x\n", "release record .*v36-1.yml: driver2: 'x' belongs to no such field"),
    (TEXT.replace("2030-01-29", "2030-02-30"), r"release record .*: notices\[0\].sent: '2030-02-30' is not a day"),
    (TEXT.replace("2030-02-01T02:00:00", "2030-02-31T02:00:00"), "release record .*: window.end: '2030-02-31T02:00:00' is not a day with a time"),
    (TEXT.replace("2030-01-31 22:00", "22:00"), "release record .*: window.start: 1320 is not a day with a time"),
])
def test_a_file_that_cannot_be_understood(path, text, message):
    with pytest.raises(InputError, match="^" + message):
        run(path(text), override="the board agreed")


@pytest.mark.parametrize("given", ["nowhere/v36-1.yml", "/", ""])
def test_a_file_that_is_not_there(given):
    with pytest.raises(InputError, match="^record: .* cannot be read as a file .* on the controller"):
        run(given)


def test_a_record_of_another_release(path):
    with pytest.raises(InputError, match="^release: 'v36-1' is what the record is about, and the release to start is 'v36-2'"):
        run(path(), release="v36-2", override="the board agreed")


def test_as_an_ordinary_module(path, capsys):
    with patch_module_args({"record": path(), "release": "v36-1"}), pytest.raises(SystemExit):
        release_record_info.main()
    assert json.loads(capsys.readouterr().out)["window"] in ("before", "over", "open")

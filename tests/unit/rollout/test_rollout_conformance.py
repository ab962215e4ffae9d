# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that compare with vectors of etch: what they print, and when they fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "conformance"


def run(program, path):
    """Run a program as anybody would who has nothing but Python: no packages, no environment."""
    done = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", "import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[2:]\n"
                           "runpy.run_path(sys.argv[0], run_name='__main__')", str(HERE), str(HERE / program), str(path)],
                          text=True, capture_output=True, check=False, env={}, cwd="/")
    return done.returncode, done.stdout.splitlines(), done.stderr


def changed(tmp_path, name, number, change):
    """A copy of our own vectors with one of them changed."""
    lines = (HERE / "own" / name).read_text(encoding="utf-8").splitlines()
    vector = json.loads(lines[number])
    change(vector)
    path = tmp_path / name
    path.write_text("\n".join([*lines[:number], json.dumps(vector), *lines[number + 1:]]), encoding="utf-8")
    return path


@pytest.mark.parametrize("name,matched,suspect,left_out", [("decisions", 32, 7, 1), ("snapshots", 5, 1, 0)])
def test_our_own_vectors_match(name, matched, suspect, left_out):
    status, lines, errors = run("etch_%s.py" % name, HERE / "own" / ("%s.jsonl" % name))
    assert (status, errors) == (0, "")
    assert lines[-1] == "%d matched, 0 differ" % matched
    assert "%d suspect" % suspect in lines[-2] and "%d left out" % left_out in lines[-2]
    assert sum(" (S" in line for line in lines) == suspect
    assert not any("DIFFERS" in line for line in lines)


@pytest.mark.parametrize("name,number,key,value", [("decisions", 0, "tag", "tags/etchautotag-20260310-1400"), ("snapshots", 0, "removed", [])])
def test_a_difference_is_shown_and_fails(tmp_path, name, number, key, value):
    path = changed(tmp_path, "%s.jsonl" % name, number, lambda vector: vector["expected"].update({key: value}))
    status, lines, _errors = run("etch_%s.py" % name, path)
    assert status == 1
    assert lines[-1].endswith(" matched, 1 differ")
    (shown,) = [line for line in lines if "DIFFERS" in line]
    assert json.dumps(value) in shown.partition("expected")[2]


def test_suspect_ones_are_decided_and_never_an_error():
    _status, lines, _errors = run("etch_decisions.py", HERE / "own" / "decisions.jsonl")
    told = {line.split(" ")[0]: line for line in lines if " (S" in line}
    assert told["C-badfwd-03"].startswith("C-badfwd-03 (S4): hold etchautotag-20260310-1300 (waiting_for_fix)")
    assert told["G-missing-02"].startswith("G-missing-02 (S1): run etchautotag-20260310-1400 (due)")
    assert told["N-killswitch-02"].startswith("N-killswitch-02 (S16): hold etchautotag-20260310-1500 (kill_switch)")
    assert "with the last valid marks" in told["K-tagstate-02"]


@pytest.mark.parametrize("text,problem", [("{", "line 1"), ('{"id": "x"}', "no family, input, expected")])
def test_a_file_that_holds_no_vectors_is_refused(tmp_path, text, problem):
    path = tmp_path / "vectors.jsonl"
    path.write_text(text, encoding="utf-8")
    status, _lines, errors = run("etch_decisions.py", path)
    assert status == 1 and problem in errors and "Traceback" not in errors

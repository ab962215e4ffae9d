# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of status.yml."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.stages.table import COLUMNS, lines, row

DIGEST = "sha256:" + "5" * 64
INSTALLED = {"status": "done", "release": "v2", "output": {"_digest": DIGEST, "_verdict": "needs_approval"}}


def state(**stages):
    return {"facts": {"stages": stages, "history": [{"release": "v0"}, {"release": "v1"}]}, "release": "v2", "pending": ["configure"],
            "saved": {"auto_deploy": {"was": True, "set": False}}, "lock": None}


def test_a_row_tells_what_runs_what_is_pending_and_what_is_saved():
    made = row("production", "u1", state())
    assert made == {"target": "production", "unit": "u1", "release": "v1", "pending": "v2: configure", "lock": "-",
                    "saved": "auto_deploy=true", "waiting": "-"}


@pytest.mark.parametrize("stages, waiting", [
    ({"install": INSTALLED}, DIGEST),
    ({"install": INSTALLED, "configure": {"status": "done", "release": "v1"}}, DIGEST),
    ({"install": INSTALLED, "configure": {"status": "done", "release": "v2"}}, "-"),
    ({"install": dict(INSTALLED, output={"_digest": DIGEST, "_verdict": "covered"})}, "-"),
    ({"configure": {"status": "waiting", "release": "v2", "output": {"_digest": DIGEST}}}, DIGEST),
    ({"configure": {"status": "waiting", "release": "v2", "cause": "a person"}}, "a person"),
    ({"configure": {"status": "failed", "release": "v2", "output": {"_digest": DIGEST}}}, "-"),
])
def test_the_digest_that_waits(stages, waiting):
    assert row("production", "u1", state(**stages))["waiting"] == waiting


@pytest.mark.parametrize("stale, text", [(False, "ada@web since 2030"), (True, "ada@web since 2030 (stale)")])
def test_the_holder_of_the_lock(stale, text):
    held = dict(state(), lock={"user": "ada", "controller": "web:1f", "since": "2030", "stale": stale})
    assert row("production", "u1", held)["lock"] == text


def test_a_target_without_facts_and_one_that_cannot_be_read():
    assert set(row("a", "", {}).values()) == {"a", "-"}
    made = row("b", "u2", {}, "no\n connection")
    assert (made["target"], made["unit"], made["pending"]) == ("b", "u2", "unknown: no connection")


def test_columns_are_aligned_and_the_last_is_not_padded():
    table = lines(COLUMNS, [row("a", "u1", state()), row("production", "u2", state(install=INSTALLED))])
    assert [line.index(text) for line, text in zip(table, ("UNIT", "u1", "u2"))] == [12] * 3
    assert table[1].endswith("-") and table[2].endswith(DIGEST)

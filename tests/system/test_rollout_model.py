# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rollout.yml over an environment of a real orchestrator: its release is decided as that of a host is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import Layout
from tests.system.playbooks import EXPECT_ALL, Run
from tests.system.rollouts import stats
from tests.system.subject import COVER_NOTHING, Subject, digest_of


def snapshot(layout: Layout, name: str, at: int) -> None:
    """A snapshot with the name of a release of the model."""
    Path(layout.content(name)).mkdir(parents=True)
    Path(layout.description(name)).write_text(records.line({
        "name": name, "at": at, "commit": name, "digest": "sha256:" + "0" * 64, "files": 1, "barrier": "", "dead_end": "", "repository": "r",
        "ref": "main", "taken_at": at, "taken_by": "tests"}), encoding="utf-8")


@pytest.mark.slow
def test_an_environment_comes_to_its_release_and_waits_for_a_person(subject: Subject, tmp_path: Path) -> None:
    layout = Layout(str(tmp_path / "state"))
    (tmp_path / "schedule.yml").write_text("rings: [{name: production, selector: {groups: [inmanta_environments]}}]\n", encoding="utf-8")
    source = tmp_path / "zz.rollout.yml"
    source.write_text("plugin: stagecraft.release.rollout\nschedule: schedule.yml\nstate_dir: state\nhosts: [inmanta_environments]\n", encoding="utf-8")

    def run(policy: dict, **extra: object) -> Run:
        subject.write(dict(subject.variables, release_role="stagecraft.release.inmanta_model", inmanta_model_release="{{ stagecraft_release }}",
                           inmanta_model_policy=policy))
        return subject.run("rollout", None, "-i", str(source), env={"ANSIBLE_SHOW_CUSTOM_STATS": "1"}, **extra)

    first = subject.release()
    snapshot(layout, first, 1000)
    assert stats(run(EXPECT_ALL).ok())["done"] == ["target"] and subject.motd == first
    assert stats(run(EXPECT_ALL).ok())["complete"] == 1

    second = subject.release()
    snapshot(layout, second, 2000)
    held = run(COVER_NOTHING).ok()
    assert "waiting for approval" in stats(held)["held"]["target"] and subject.motd == first
    approved = run(COVER_NOTHING, inmanta_model_approve=[digest_of(held)]).ok()
    assert stats(approved)["done"] == ["target"] and subject.motd == second
    runs = json.loads(Path(layout.target("target")).read_text(encoding="utf-8"))["runs"]
    assert [(item["snapshot"], item["ok"]) for item in runs if item["ok"]] == [(first, True), (second, True)]

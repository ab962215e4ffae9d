# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""status.yml shows every environment, reachable or not; restore.yml puts settings back, and nothing else."""

from __future__ import annotations

import json
import os
import signal

from tests.bed.network import free_port


def killed_in_compile(subject, release):
    """A run that SIGKILL ended while the orchestrator compiled before the upgrade."""
    process = subject.start("upgrade", release)
    for line in process.stdout:
        if "Recompile the model that runs" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    process.wait()
    assert subject.settings["auto_deploy"] is False


def rows(run):
    """The lines of the table by target."""
    lines = run.output.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("TARGET"))
    return {line.split()[0]: line for line in lines[first + 1:first + 4] if line.startswith("target")}


def test_status_of_one_that_cannot_be_reached(subject):
    before = subject.everything()
    away = dict(subject.variables, inmanta_model_url="http://127.0.0.1:%d" % free_port(), inmanta_model_retries=0)
    subject.write(subject.variables, away, dict(away, inmanta_model_environment="by-name"))
    shown = rows(subject.run("status", "v1").ok())
    assert subject.id in shown["target"] and "build, stage, install, configure" in shown["target"]
    assert away["inmanta_model_url"] in shown["target2"] and away["inmanta_model_url"] in shown["target3"]
    assert subject.everything() == before


def test_restore_after_an_interrupted_run(subject):
    release = subject.release()
    before = subject.settings
    killed_in_compile(subject, release)
    assert "auto_deploy=true" in subject.run("status").ok().text
    head, motd = subject.branch_head(), subject.motd
    subject.wait_idle()
    subject.run("restore").ok()
    assert subject.settings == before
    assert subject.facts()["saved"] == {}
    assert (subject.branch_head(), subject.motd) == (head, motd)
    subject.upgrade(release).ok()
    assert subject.motd == release


def test_restore_leaves_what_somebody_changed(subject):
    """Saved: two settings. Somebody gave one of them a third value since."""
    facts = {"schema": 1, "units": {subject.id: {"stages": {}, "saved": {
        "auto_deploy": {"was": True, "set": False}, "available_versions_to_keep": {"was": 100, "set": 50}}}}}
    subject.write_parameter("stagecraft.facts", json.dumps(facts))
    subject.api.set(subject.id, "auto_deploy", False)
    subject.api.set(subject.id, "available_versions_to_keep", 77)
    run = subject.run("restore").ok()
    for text in ("available_versions_to_keep", "77", "50", "100"):
        assert text in run.text
    assert subject.settings["auto_deploy"] is True
    assert subject.settings["available_versions_to_keep"] == 77
    assert subject.facts()["saved"] == {}

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the table of the eras says is so on the release that the bed runs."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import eras

from tests.bed.api import ApiError


def test_settings(subject, has_scheduler):
    listed = subject.api.call("GET", "/api/v2/environment_settings", env=subject.id)["data"]
    assert ("push_on_auto_deploy" in listed["definition"]) is not has_scheduler
    assert set(eras.in_force(listed)) == set(listed["definition"])
    assert eras.in_force(listed)["auto_deploy"] is True
    assert ("protected" in listed["definition"]["auto_deploy"]) is has_scheduler and not eras.is_protected(listed["definition"]["auto_deploy"])


def test_what_was_released_and_what_is_halted(subject, has_scheduler):
    subject.release()
    subject.api.set(subject.id, "auto_deploy", False)
    candidate = subject.api.compile(subject.id)["version"]
    versions = {version["version"]: version for version in subject.api.versions(subject.id)}
    assert all(("released" in version) is has_scheduler for version in versions.values())
    assert [number for number, version in versions.items() if eras.was_released(version) and number >= subject.active] == [subject.active]
    assert candidate in versions

    subject.api.call("POST", "/api/v2/actions/environment/halt", env=subject.id)
    try:
        if has_scheduler:
            with pytest.raises(ApiError) as refused:
                subject.api.call("POST", "/api/v2/dryrun/%d" % candidate, env=subject.id)
            assert refused.value.status == 409
        else:
            report = subject.api.dryrun(subject.id, candidate)
            assert {change["status"] for change in report["diff"]} == {"agent_down"}
        subject.api.promote(subject.id, candidate)
        assert subject.api.version_status(subject.id, candidate) == ("candidate" if has_scheduler else "active")
    finally:
        subject.api.call("POST", "/api/v2/actions/environment/resume", env=subject.id)
    subject.api.wait_deployed(subject.id, candidate)


def test_the_same_resource_in_a_new_version(subject):
    subject.release()
    subject.api.compile(subject.id)
    subject.api.wait_deployed(subject.id)
    subject.release({"motd": subject.repository.deployed("motd")})
    version = subject.api.compile(subject.id)["version"]
    subject.api.wait_deployed(subject.id, version)
    actions = subject.api.call("GET", "/api/v2/resource_actions?limit=100", env=subject.id)["data"]
    deployed = [action for action in actions if action["action"] == "deploy" and not eras.is_only_noted(action)]
    assert {action["version"] for action in deployed} & {version, version - 1} == {version - 1}

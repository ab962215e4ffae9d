# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_service_export: the catalog before and after, and the compiles in between."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError, WaitTimeout
from ansible_collections.stagecraft.release.plugins.modules import inmanta_service_export as module
from ansible_collections.stagecraft.release.tests.unit.inmanta import memory_server
from ansible_collections.stagecraft.release.tests.unit.inmanta.loopback import Answer, Loopback

FAILED_STAGE = {"name": "Recompiling configuration model", "started": "2026-11-21T10:00:00", "returncode": 1, "errstream": "no link with token=abcdef12"}


class Orchestrator:
    """Two compiles come of an export, the second a while later."""

    def __init__(self, success=True):
        self.reports = [{"id": "old", "completed": "x", "success": False}]
        self.looks = 0
        self.success = success
        self.catalog = [{"name": "link", "lifecycle": {}}]

    def __call__(self, request):
        path = request["path"].split("?")[0]
        if path == "/lsm/v1/service_catalog":
            return Answer(200, {"data": self.catalog})
        if path.startswith("/lsm/v1/exporter"):
            self.reports = [{"id": "one", "completed": "x", "success": True}] + self.reports
            return Answer(200)
        if path == "/api/v2/compilereport":
            self.looks += 1
            if self.looks == 3:
                self.reports.insert(0, {"id": "two", "completed": None, "success": None})
            if self.looks == 5:
                self.reports[0].update(completed="x", success=self.success)
                self.catalog = self.catalog + [{"name": "path", "lifecycle": {}}]
            return Answer(200, {"data": [dict(report) for report in self.reports] if self.looks != 2 else self.reports[1:]})
        if path == "/api/v2/compilereport/two":
            return Answer(200, {"data": dict(self.reports[0], reports=[FAILED_STAGE])})
        if path.startswith("/api/v2/environment_settings"):
            return Answer(200, {"data": {"settings": {}, "definition": {}}})
        return Answer(200, {"data": {"id": memory_server.ENV, "name": "dev", "halted": False}})


def export(orchestrator, **given):
    with Loopback(orchestrator) as server:
        return memory_server.run(module, **dict(dict(url=server.url, wait_interval=0.01, wait_timeout=10), **given)), server.seen


def test_waits_for_every_new_compile():
    result, seen = export(Orchestrator())
    assert result["changed"] and result["reports"] == ["two", "one"] and result["service_entities"] == ["link", "path"]
    assert sorted(result["diff"]["before"]) == ["link"] and len([item for item in seen if item["method"] == "POST"]) == 1


def test_a_failed_compile():
    with pytest.raises(StagecraftError, match="its compile failed: no link with.*entry point.*compile report two") as caught:
        export(Orchestrator(success=False))
    assert "abcdef12" not in caught.value.message and caught.value.details["reports"] == ["two", "one"]


def test_no_compile_comes():
    silent = Orchestrator()
    silent.looks = 100
    answer = silent.__call__
    with pytest.raises(WaitTimeout, match="waiting for its compile"):
        export(lambda request: Answer(200) if "exporter" in request["path"] else answer(request), wait_timeout=0.1)


def test_no_lsm():
    with pytest.raises(StagecraftError, match="has no LSM"):
        export(lambda request: Answer(404, "<html></html>"))

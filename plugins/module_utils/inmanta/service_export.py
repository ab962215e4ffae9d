# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The export of the service definition from the model, by the orchestrator itself."""

from __future__ import annotations

import time

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.client import segment
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.compile import check, failed_stage, failure_text
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.waiting import Waiter

EXPORT = "/lsm/v1/exporter/export_service_definition"


def export(client, environment, call, clock=time.monotonic, sleep=time.sleep):
    """Ask for the export, and wait for the compiles that come of it.

    The request returns no id, so every compile that was not there before counts.

    :returns: ids of the compile reports.
    :raises StagecraftError: one of them failed.
    """
    check(client, environment)
    known = {report["id"] for report in _reports(client, environment)}
    client.post(EXPORT, environment)
    found = []

    def poll():
        new = [report for report in _reports(client, environment) if report["id"] not in known]
        found[:] = [report["id"] for report in new]
        left = [report for report in new if not report.get("completed")]
        for report in new:
            if report.get("completed") and not report.get("success"):
                _fail(client, environment, report["id"], found)
        return bool(new) and not left, left

    if call.params["wait"]:
        waiter = Waiter(call, "export of the service definition", clock=clock, sleep=sleep)
        waiter.until(poll, lambda left: "export of the service definition: %s" % ("compiling" if left else "waiting for its compile"),
                     lambda: dict(reports=found), timed=True)
    return found


def _reports(client, environment):
    return client.get("/api/v2/compilereport", environment, {"limit": 100})["data"]


def _fail(client, environment, report_id, found):
    report = client.get("/api/v2/compilereport/%s" % segment(report_id), environment)["data"]
    text = client.hide(failure_text(report, failed_stage(report)))
    raise StagecraftError("export of the service definition: its compile failed: %s. Where the model compiles only with the new definition, name the entry "
                          "point that loads nothing but the definitions. The whole output is in compile report %s of the orchestrator."
                          % (" ".join(text.split())[-800:].rstrip("."), report_id), reports=found)

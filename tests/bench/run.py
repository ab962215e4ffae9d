# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""upgrade.yml against a plain playbook of HTTP calls, on one orchestrator, in one run."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from tests.bed import Bed, Environment
from tests.bench.proxy import CountingProxy

HERE = Path(__file__).resolve().parent
OURS, PEER, EMPTY = "stagecraft.release.upgrade", str(HERE / "peer.yml"), str(HERE / "empty.yml")
POLICY = {"rules": [{"actions": ["added", "modified", "removed"]}]}


class Bench:
    """Upgrades of one environment, in turn by the one playbook and the other."""

    def __init__(self, bed: Bed, proxy: CountingProxy) -> None:
        self.proxy = proxy
        self.repository = bed.repository("bench")
        self.repository.release("v0", {"page": "v0\n"}, nulls=50)
        self.environment: Environment = bed.environment("bench", self.repository)
        self.environment.deploy()
        # Timed runs talk to the server itself; what the proxy costs a request would count against the side with more of them.
        self.direct = self.write(bed, "direct", bed.api().url)
        self.counted = self.write(bed, "counted", proxy.url)
        self.number = 0

    def write(self, bed: Bed, name: str, url: str) -> Path:
        """An inventory that reaches the environment at url."""
        host = {"inmanta_model_url": url, "inmanta_model_environment": self.environment.id,
                "inmanta_model_repository": self.repository.url, "inmanta_model_policy": POLICY}
        path = bed.directory / ("%s.json" % name)
        path.write_text(json.dumps({"inmanta_environments": {"hosts": {"bench": host}}}))
        return path

    def upgrade(self, playbook: str, count: bool = False) -> dict[str, float]:
        """Make a release and bring the environment to it."""
        self.number += 1
        release = "v%d" % self.number
        self.repository.release(release, {"page": release + "\n"}, nulls=50)
        known = {report["id"] for report in self.reports()}
        figures = self.run(playbook, release, count)
        assert self.repository.deployed("page") == release + "\n", "%s did not deploy %s" % (playbook, release)
        figures["compiles"] = sum(_seconds(report) for report in self.reports() if report["id"] not in known)
        figures["over"] = figures["wall"] - figures["compiles"]
        return figures

    def run(self, playbook: str, release: str, count: bool = False) -> dict[str, float]:
        """Run a playbook: seconds of wall time, or number of requests."""
        self.proxy.take()
        began = time.monotonic()
        inventory = self.counted if count else self.direct
        done = subprocess.run(["ansible-playbook", "-i", str(inventory), playbook, "-e",
                               json.dumps({"inmanta_model_release": release, "run_id": "%s-%f" % (release, began)})],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stdout[-4000:]
        return {"wall": time.monotonic() - began, "requests": self.proxy.take()}

    def reports(self) -> list[dict]:
        """The compile reports of the environment."""
        return self.environment.api.call("GET", "/api/v2/compilereport?limit=100", env=self.environment.id)["data"]


def _seconds(report: dict) -> float:
    began, ended = (datetime.fromisoformat(report[name]) for name in ("requested", "completed"))
    return (ended - began).total_seconds()


def median(rows: list[dict[str, float]], name: str) -> float:
    """The median of one figure."""
    return statistics.median(row[name] for row in rows)


def main() -> int:
    """Measure and print; 0 when the aims are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3, help="pairs of upgrades")
    pairs = parser.parse_args().n
    with Bed() as bed, CountingProxy(bed.api().url) as proxy:
        bench = Bench(bed, proxy)
        # The first run fills the caches of both sides.
        requests = {playbook: bench.upgrade(playbook, count=True)["requests"] for playbook in (PEER, OURS)}
        ours, peer = [], []
        for _pair in range(pairs):
            peer.append(bench.upgrade(PEER))
            ours.append(bench.upgrade(OURS))
        current = "v%d" % bench.number
        again = [bench.run(OURS, current) for _pair in range(pairs)]
        asked = bench.run(OURS, current, count=True)["requests"]
        empty = [bench.run(EMPTY, current) for _pair in range(pairs)]
        release = bed.release.version
    print("inmanta %s, %d pairs of upgrades in turn, medians" % (release, pairs))
    print("%-34s %9s %9s %9s" % ("", "ours", "plain uri", "ratio"))
    for name, text in (("wall", "wall, s"), ("over", "wall over the compiles, s")):
        print("%-34s %9.1f %9.1f %9.2f" % (text, median(ours, name), median(peer, name), median(ours, name) / median(peer, name)))
    print("%-34s %9d %9d %9.2f" % ("requests", requests[OURS], requests[PEER], requests[OURS] / requests[PEER]))
    extra = median(again, "wall") - median(empty, "wall")
    print("up to date: %.1f s and %d requests, %.1f s over an empty playbook" % (median(again, "wall"), asked, extra))
    met = median(ours, "wall") <= median(peer, "wall") and extra <= 2
    print("aims (wall no more than the plain playbook's, re-run at most 2 s over an empty one): %s" % ("met" if met else "NOT met"))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

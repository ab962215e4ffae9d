# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin for rings against ansible.builtin.constructed, which makes the same groups and as much of the same variables as it can.

constructed cannot know what a target runs, which marks there are, or why a target holds: it is given the release of each ring as a literal.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".cache" / "collections"))

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming  # noqa: E402
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records  # noqa: E402
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import Layout  # noqa: E402

RINGS = ("dev", "qa", "stg", "prod_a", "prod")
SNAPSHOTS, MARKS = 72, 20
NOW = naming.instant("20300131-1200")
LOOK = """
import sys, time
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible import context
context.CLIARGS = {"extra_vars": ["rollout_now=%d"]}
init_plugin_loader()
began = time.monotonic()
found = InventoryManager(DataLoader(), sources=sys.argv[1:])
seconds = time.monotonic() - began
sizes = {name: len(found.groups[name].get_hosts()) for name in found.groups if name.startswith("ring_")}
releases = {host.vars.get("stagecraft_release", "") for host in found.hosts.values()}
print(seconds, len(found.hosts), sorted(sizes.items()), len(releases - {""}))
""" % (NOW + 960)


class Bench:
    """An inventory of many hosts, and what sorts them into rings."""

    def __init__(self, directory: Path, count: int) -> None:
        self.directory, self.hosts = directory, directory / "hosts.json"
        names = ["host%05d" % number for number in range(count)]
        hours = [naming.hourly(NOW - number * naming.HOUR) for number in range(SNAPSHOTS)]
        self.hosts.write_text(json.dumps({"all": {"children": {
            "g_%s" % ring: {"hosts": dict.fromkeys(names[place::len(RINGS)], {}), "vars": {"ring": ring, "due": hours[place]}}
            for place, ring in enumerate(RINGS)}}}), encoding="utf-8")
        layout = Layout(str(directory / "state"))
        for path in (layout.snapshots, layout.targets):
            Path(path).mkdir(parents=True)
        for hour in hours:
            Path(layout.content(hour)).mkdir()
            at = naming.instant(hour)
            Path(layout.description(hour)).write_text(records.line({
                "schema": 1, "name": hour, "at": at, "commit": hour, "digest": "sha256:" + "0" * 64, "files": 1, "barrier": "", "dead_end": "",
                "repository": "r", "ref": "main", "taken_at": at, "taken_by": "bench"}), encoding="utf-8")
        marks = [{"snapshot": hour, "state": "bad", "at": 0, "by": "bench", "why": "no doors", "approved": ""} for hour in hours[1::3][:MARKS]]
        Path(layout.journal("marks")).write_text("".join(map(records.line, marks)), encoding="utf-8")
        for place, name in enumerate(names):
            runs = [{"snapshot": hours[6 + place % len(RINGS)], "at": NOW - 7200, "ok": True}]
            Path(layout.target(name)).write_text(records.line({"schema": 1, "target": name, "ring": RINGS[place % len(RINGS)], "runs": runs}), encoding="utf-8")
        (directory / "schedule.yml").write_text(json.dumps({"rings": [
            {"name": ring, "delay": "%dh" % place, "selector": {"groups": ["g_%s" % ring]}} for place, ring in enumerate(RINGS)]}), encoding="utf-8")
        (directory / "ours.rollout.yml").write_text(
            "plugin: stagecraft.release.rollout\nschedule: schedule.yml\nstate_dir: state\n", encoding="utf-8")
        (directory / "theirs.yml").write_text(json.dumps({
            "plugin": "ansible.builtin.constructed", "strict": True,
            "compose": {"stagecraft_release": "due", "stagecraft_rollout": "{'ring': ring, 'action': 'run', 'release': due, 'current': '', 'reason': 'due'}"},
            "keyed_groups": [{"prefix": "ring", "key": "ring", "parent_group": "rollout"}, {"prefix": "rollout_release", "key": "due"}]}), encoding="utf-8")

    def read(self, *sources: str) -> tuple[float, str]:
        """Seconds to read the hosts and these sources in a process of its own, and what came of it."""
        done = subprocess.run([sys.executable, "-c", LOOK, str(self.hosts), *[str(self.directory / source) for source in sources]], text=True, check=True,
                              env=dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".cache" / "collections")), stdout=subprocess.PIPE)
        seconds, rest = done.stdout.split(maxsplit=1)
        return float(seconds), rest.strip()


def main() -> int:
    """Measure and print; 0 when the aim is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3, help="rounds")
    parser.add_argument("--hosts", type=int, default=10000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stagecraft-bench-") as directory:
        bench = Bench(Path(directory), arguments.hosts)
        rows = []
        for _round in range(arguments.n):
            plain, ours, theirs = bench.read(), bench.read("ours.rollout.yml"), bench.read("theirs.yml")
            assert ours[1].split("[")[1].rpartition("]")[0] == theirs[1].split("[")[1].rpartition("]")[0], (ours, theirs)
            rows.append((ours[0] - plain[0], theirs[0] - plain[0], plain[0]))
    ours, theirs, plain = (statistics.median(column) for column in zip(*rows))
    print("rings of %d hosts, %d snapshots, %d marks, %d rounds in turn, medians, seconds over the %.2f of the hosts alone" % (
        arguments.hosts, SNAPSHOTS, MARKS, arguments.n, plain))
    print("%-34s %9s" % ("stagecraft.release.rollout", "%.2f" % ours))
    print("%-34s %9s" % ("ansible.builtin.constructed", "%.2f" % theirs))
    met = ours <= theirs
    print("aim (no slower than constructed): %s, ratio %.2f" % ("met" if met else "NOT met", ours / theirs))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

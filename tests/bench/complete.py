# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""site.yml where all is complete, against gathering the local facts of the same hosts, and against a role of 40 guarded tasks.

The hosts are local connections, each with stage facts of its own: what differs between the three is not the connection.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AIM = 0.3
ROLE = "stagecraft.release.config_tree"
SETUP = ["ansible", "release_targets", "-m", "ansible.builtin.setup", "-a", "gather_subset=!all,!min,local"]


class Bench:
    """A configuration tree that is complete on as many hosts as asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "tree").mkdir()
        (directory / "tree" / "shop.conf").write_text("port: 8080\n", encoding="utf-8")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "key")], check=True)
        (directory / "signers").write_text("bench " + (directory / "key.pub").read_text(encoding="utf-8"), encoding="utf-8")
        guarded = [{"name": "Task %d" % number, "ansible.builtin.command": "true", "when": "not complete", "changed_when": False} for number in range(40)]
        (directory / "guarded.yml").write_text(json.dumps([{
            "name": "A role of guarded tasks", "hosts": "release_targets", "gather_facts": False, "vars": {"complete": True}, "tasks": guarded}]))

    def inventory(self, count: int) -> Path:
        """An inventory of ``count`` hosts; the first has everything, the others its stage facts."""
        names = ["host%03d" % number for number in range(count)]
        variables = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "config_tree_name": "tree", "config_tree_release": "r1",
            "config_tree_directory": str(self.directory / "tree"), "config_tree_root": str(self.directory / "opt"),
            "config_tree_facts_path": str(self.directory / "facts" / "{{ inventory_hostname }}" / "stagecraft.fact"),
            "config_tree_journal_path": str(self.directory / "journal.jsonl"), "config_tree_state_directory": str(self.directory / "state"),
            "release_artifacts_root": str(self.directory / "releases"), "release_artifacts_store": str(self.directory / "store"),
            "release_artifacts_sources": ["controller:%s" % (self.directory / "releases")], "release_artifacts_cache": str(self.directory / "cache"),
            "release_artifacts_sign_key": str(self.directory / "key"), "release_artifacts_allowed_signers": str(self.directory / "signers")}
        path = self.directory / ("inventory%d.json" % count)
        path.write_text(json.dumps({"all": {"vars": variables, "children": {
            "release_build": {"hosts": {"builder": {}}}, "release_targets": {"hosts": {name: {} for name in names}}}}}), encoding="utf-8")
        if not (self.directory / "facts").exists():
            self.run(path, self.site(), "--limit", "localhost,builder,%s" % names[0])
        for name in names[1:]:
            shutil.copytree(self.directory / "facts" / names[0], self.directory / "facts" / name, dirs_exist_ok=True)
        return path

    @staticmethod
    def site() -> list[str]:
        """The playbook that runs all stages."""
        return ["ansible-playbook", "stagecraft.release.site", "-e", "release_role=%s" % ROLE]

    def guarded(self) -> list[str]:
        """The playbook of guarded tasks."""
        return ["ansible-playbook", str(self.directory / "guarded.yml")]

    def run(self, inventory: Path, argv: list[str], *more: str) -> tuple[float, str]:
        """Seconds of one run that must succeed, and what it printed."""
        began = time.monotonic()
        done = subprocess.run([*argv, "-i", str(inventory), "-f", "10", *more], env=dict(os.environ, ANSIBLE_PIPELINING="1"), text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout[-4000:]
        return time.monotonic() - began, done.stdout


def main() -> int:
    """Measure and print; 0 when the aim is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3, help="rounds")
    parser.add_argument("--hosts", type=int, nargs="+", default=[20, 100])
    arguments = parser.parse_args()
    met = True
    with tempfile.TemporaryDirectory(prefix="stagecraft-bench-") as directory:
        bench = Bench(Path(directory))
        print("everything complete, %d rounds in turn, medians, 10 forks, seconds" % arguments.n)
        print("%-10s %12s %12s %9s %14s %9s" % ("hosts", "site.yml", "local facts", "ratio", "guarded tasks", "ratio"))
        for count in arguments.hosts:
            inventory = bench.inventory(count)
            rows = []
            for _round in range(arguments.n):
                seconds, text = bench.run(inventory, bench.site())
                assert "0 of %d hosts" % count in text, text[-2000:]
                rows.append((seconds, bench.run(inventory, SETUP)[0], bench.run(inventory, bench.guarded())[0]))
            ours, facts, guarded = (statistics.median(column) for column in zip(*rows))
            print("%-10d %12.1f %12.1f %9.2f %14.1f %9.2f" % (count, ours, facts, ours / facts, guarded, ours / guarded), flush=True)
            met = met and ours <= AIM * facts
    print("aim (at most %g times gathering the local facts): %s" % (AIM, "met" if met else "NOT met"))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

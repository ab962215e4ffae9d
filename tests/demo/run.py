# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: a real orchestrator, a model with files, and three releases of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.bed import Bed, Environment

HERE = Path(__file__).resolve().parent
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PAGES = {"index.html": "<h1>Release v1</h1>\n", "about.html": "<p>About us</p>\n"}


class Demo:
    """The steps of the demo, each with what it must show.

    :param bed: the running orchestrator.
    """

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.began = time.monotonic()
        self.repository = bed.repository("demo")
        self.inventory = bed.directory / "inventory.json"

    def run(self) -> None:
        """All steps; raises AssertionError where one does not show what it must."""
        self.say("Release v1 is deployed by hand, as the state to start from")
        environment = self.deploy_first()
        self.show_files()
        self.say("Release v2 is tagged on the release branch: two pages change. The playbook takes it there, the policy expects it")
        self.repository.release("v2", {"index.html": "<h1>Release v2</h1>\n", "about.html": "<p>About us, revised</p>\n"})
        self.playbook("v2")
        self.show_files()
        self.check(self.repository.deployed("index.html") == "<h1>Release v2</h1>\n", "index.html is that of v2")
        self.say("The same command again: every stage is complete, so all of it is skipped")
        versions = len(environment.api.versions(environment.id))
        self.playbook("v2")
        self.check(len(environment.api.versions(environment.id)) == versions, "nothing was compiled or deployed")
        self.say("Release v3 also adds a file that the policy does not cover: it is held")
        self.repository.release("v3", {"index.html": "<h1>Release v3</h1>\n", "about.html": "<p>About us, revised</p>\n", "cron.txt": "@hourly true\n"})
        output = self.playbook("v3", fails=True)
        self.check(DIGEST.search(output) is not None, "the run ended with the digest to approve")
        self.check(self.repository.deployed("cron.txt") is None and self.repository.deployed("index.html") == "<h1>Release v2</h1>\n",
                   "nothing of v3 is deployed")
        self.check(environment.api.settings(environment.id)["auto_deploy"] is False, "auto_deploy stays off while v3 waits")
        self.playbook(None, name="status")

    def deploy_first(self) -> Environment:
        """Release v1 in a new environment, and the inventory for it."""
        self.repository.release("v1", PAGES)
        environment = self.bed.environment("production", self.repository)
        environment.deploy()
        host = {"inmanta_model_url": self.bed.api().url, "inmanta_model_environment": environment.id,
                "inmanta_model_repository": self.repository.url, "inmanta_model_policy": str(HERE / "policy.yml")}
        self.inventory.write_text(json.dumps({"inmanta_environments": {"hosts": {"production": host}}}, indent=2))
        print(self.inventory.read_text(), flush=True)
        return environment

    def playbook(self, release: str | None, name: str = "upgrade", fails: bool = False) -> str:
        """Run one of the collection's playbooks, shown while it runs: what it printed."""
        command = ["ansible-playbook", "-i", str(self.inventory), "stagecraft.release.%s" % name]
        command += ["-e", "inmanta_model_release=%s" % release] if release else []
        print("$ %s" % " ".join(command), flush=True)
        lines = []
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as run:
            for line in run.stdout:
                lines.append(line)
                print("   %s" % line, end="", flush=True)
        self.check((run.returncode != 0) == fails, "the playbook %s" % ("ended without deploying" if fails else "succeeded"))
        return "".join(lines)

    def show_files(self) -> None:
        """The files that the orchestrator deployed."""
        for path in sorted(self.repository.target.iterdir()):
            print("   %s: %s" % (path.name, path.read_text().strip()), flush=True)

    def say(self, text: str) -> None:
        """A heading with the seconds since the start."""
        print("\n== [%3d s] %s" % (time.monotonic() - self.began, text), flush=True)

    @staticmethod
    def check(holds: bool, text: str) -> None:
        """Show that something is as it must be."""
        print("   %s: %s" % ("ok" if holds else "NOT SO", text), flush=True)
        assert holds, text


def main() -> int:
    """Run the demo: 0 when every step showed what it must."""
    print("== Starting a real orchestrator; the first time its packages are installed, which takes a few minutes", flush=True)
    try:
        with Bed() as bed:
            print("== inmanta %s at %s" % (bed.release.version, bed.api().url), flush=True)
            Demo(bed).run()
    except (AssertionError, LookupError, RuntimeError, OSError) as exc:
        print("\n== DEMO FAILED: %s" % exc, flush=True)
        return 1
    print("\n== DEMO PASSED: v1 -> v2 deployed, the second run skipped, v3 held; the orchestrator is stopped and removed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

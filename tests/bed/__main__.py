# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Beds from the command line: up, down, releases."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import processes, pythons, releases
from .bed import KEEPER_LOG, Bed, check_free, clean_up


def _up(options: argparse.Namespace) -> int:
    if options.detach:
        return _detach(options)
    with Bed(options.release, options.dir, options.auth, options.tls) as bed:
        print(json.dumps(bed.describe(), indent=2), flush=True)
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            return 0


def _detach(options: argparse.Namespace) -> int:
    if options.dir is None:
        sys.exit("--detach needs --dir: it is how the bed is found again")
    check_free(options.dir)
    command = [sys.executable, "-m", "tests.bed", "up", "--dir", str(options.dir)]
    command += ["--release", options.release] if options.release else []
    command += [f"--{name}" for name in ("auth", "tls") if getattr(options, name)]
    with open(options.dir / KEEPER_LOG, "w+b") as log:
        keeper = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        while keeper.poll() is None:
            try:
                state = json.loads((options.dir / "bed.json").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                time.sleep(0.2)
                continue
            print(json.dumps({name: value for name, value in state.items() if name != "key"}, indent=2))
            return 0
        log.seek(0)  # the file itself went with the bed's directory
        sys.exit(f"The bed did not start:\n{log.read().decode(errors='replace')}")


def _down(options: argparse.Namespace) -> int:
    try:
        state = json.loads((options.dir / "bed.json").read_text(encoding="utf-8"))
    except OSError:
        sys.exit(f"There is no bed in {options.dir}")
    if processes.is_keeper(state["pid"]):
        os.kill(state["pid"], signal.SIGTERM)
        deadline = time.monotonic() + 60
        while processes.is_keeper(state["pid"]) and time.monotonic() < deadline:
            time.sleep(0.2)
    clean_up(state)
    return 0


def _releases(_options: argparse.Namespace) -> int:
    found = pythons.find()
    for release in sorted(releases.RELEASES.values(), key=lambda r: r.key):
        where = found.get(release.python, "not on this machine")
        print(f"{release.version:8} Python {release.python:5} {release.era:10} {where}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.bed", description=__doc__)
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start a bed; it lasts until this command is interrupted")
    up.add_argument("--release", choices=releases.RELEASES, help="default: the newest that can run here")
    up.add_argument("--dir", type=Path, help="where its files go; deleted at the end")
    up.add_argument("--detach", action="store_true", help="return when it is up; end it with `down`")
    up.add_argument("--auth", action="store_true", help="the API wants bearer tokens")
    up.add_argument("--tls", action="store_true", help="HTTPS with a certificate authority of its own")
    up.set_defaults(run=_up)
    down = commands.add_parser("down", help="end a bed")
    down.add_argument("--dir", type=Path, required=True)
    down.set_defaults(run=_down)
    listing = commands.add_parser("releases", help="which orchestrator releases this machine can run")
    listing.set_defaults(run=_releases)
    options = parser.parse_args()
    if getattr(options, "dir", None):
        options.dir = options.dir.resolve()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets from the command line: up, down, status."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import engine
from .docker import lines
from .fleet import FLEET, KEEPER_LOG, STATE, Fleet, check_free, fleets, remove, remove_leftovers
from .image import LABEL, NoImage
from .keeper import is_alive


def _up(options: argparse.Namespace) -> int:
    if options.detach:
        return _detach(options)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        with Fleet(options.hosts, options.dir, options.mirror) as fleet:
            print(json.dumps(fleet.state, indent=1), flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        return 0
    except (engine.NoEngine, NoImage) as exc:
        sys.exit(str(exc))


def _detach(options: argparse.Namespace) -> int:
    if options.dir is None:
        sys.exit("--detach needs --dir: it is how the fleet is found again")
    check_free(options.dir)
    command = [sys.executable, "-m", "tests.fleet", "up", "--dir", str(options.dir), "--hosts", str(options.hosts)]
    command += ["--mirror"] if options.mirror else []
    with open(options.dir / KEEPER_LOG, "w+b") as log:
        keeper = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                  cwd=Path(__file__).resolve().parents[2])
        while keeper.poll() is None:
            try:
                print(json.dumps(json.loads((options.dir / STATE).read_text(encoding="utf-8")), indent=1))
                return 0
            except (OSError, ValueError):
                time.sleep(0.1)
        log.seek(0)  # the file itself may have gone with the fleet's directory
        sys.exit(f"The fleet did not start:\n{log.read().decode(errors='replace')}")


def _down(options: argparse.Namespace) -> int:
    if options.dir:
        try:
            state = json.loads((options.dir / STATE).read_text(encoding="utf-8"))
        except OSError:
            sys.exit(f"There is no fleet in {options.dir}")
        if is_alive(state["keeper"]):
            os.kill(int(state["keeper"].partition(":")[0]), signal.SIGTERM)
            deadline = time.monotonic() + 60
            while is_alive(state["keeper"]) and time.monotonic() < deadline:
                time.sleep(0.1)
        if engine.answers():
            remove(state)
    elif engine.answers():
        print("\n".join(f"removed what was left of {name}" for name in remove_leftovers()))
    if not options.keep_engine and engine.stop():
        print("stopped the engine: nothing uses it any more")
    return 0


def _status(_options: argparse.Namespace) -> int:
    if not engine.answers():
        print(f"no engine answers{': ' if engine.why_not() else ''}{engine.why_not()}")
        return 0
    print("images: " + (", ".join(lines("images", "--filter", f"label={LABEL}", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}")) or "none"))
    for name, keeper in sorted(fleets().items()):
        print(f"fleet {name}, {'kept by process' if is_alive(keeper) else 'left behind by process'} {keeper.partition(':')[0]}")
        for line in sorted(lines("ps", "--all", "--filter", f"label={FLEET}={name}", "--format", "{{.Names}} {{.Status}}")):
            print(f"  {line}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.fleet", description=__doc__)
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start a fleet; it lasts until this command is interrupted")
    up.add_argument("--hosts", type=int, default=5, help="number of web hosts (default 5)")
    up.add_argument("--mirror", action="store_true", help="with a mirror")
    up.add_argument("--dir", type=Path, help="where its files go; deleted at the end")
    up.add_argument("--detach", action="store_true", help="return when it is up; end it with `down`")
    up.set_defaults(run=_up)
    down = commands.add_parser("down", help="end a fleet, and an engine of ours that nothing uses any more")
    down.add_argument("--dir", type=Path, help="of the fleet; without it only what dead fleets left is removed")
    down.add_argument("--keep-engine", action="store_true", help="leave the engine running")
    down.set_defaults(run=_down)
    status = commands.add_parser("status", help="the images and the fleets of this machine")
    status.set_defaults(run=_status)
    options = parser.parse_args()
    if getattr(options, "dir", None):
        options.dir = options.dir.resolve()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())

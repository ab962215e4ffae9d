# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the state share: a state directory with snapshots whose content matters to nobody, and modules run in this process."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading, recording
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call

DAY = naming.instant("20140211-0000")
HOUR = 3600


def at(hour):
    """The instant of an hour of that day, such as 7 or 10.25."""
    return DAY + int(hour * HOUR)


def named(hour):
    """The name of the snapshot of an hour."""
    return naming.hourly(at(hour))


def make(state_dir, *hours, **more):
    """Put snapshots of these hours in place.

    :param more: what is known of them besides, such as ``commit``.
    """
    with recording.opened(str(state_dir), "test", create=True) as store:
        for hour in hours:
            name = hour if isinstance(hour, str) else named(hour)
            when = at(0) if isinstance(hour, str) else at(hour)
            (state_dir / "snapshots" / name).mkdir()
            record = {"schema": 1, "name": name, "at": when, "commit": "c" * 40, "digest": "sha256:" + name, "files": 1, "barrier": "", "dead_end": "",
                      "repository": "r", "ref": "main", "taken_at": when, "taken_by": "test"}
            store.state.described[name] = dict(record, **more)
            store.put(store.layout.description(name), json.dumps(store.state.described[name]))
        store.keep_valid()
    return str(state_dir)


def mark(state_dir, hour, state="bad", **more):
    """Mark a snapshot."""
    record = {"snapshot": named(hour), "state": state, "at": at(10), "by": "ann", "why": "broken", "approved": ""}
    with recording.opened(str(state_dir), "test") as store:
        store.add("marks", [dict(record, **more)])


def ran(state_dir, hour, *targets, ok=True, when=None, ring="dev"):
    """Record what targets ran."""
    with recording.opened(str(state_dir), "test") as store:
        return store.ran(targets, named(hour), ok, at(hour) if when is None else when, ring)


def load(state_dir):
    """The state."""
    return reading.load(str(state_dir))


def run(module, now=None, check_mode=False, warnings=None, **given):
    """Run a module; with the time of ``now`` where that is given."""
    params = {name: option.get("default") for name, option in module.SPEC["argument_spec"].items()}
    call = Call(dict(params, **given), check_mode, True, warn=(warnings if warnings is not None else []).append)
    return module.execute(call) if now is None else module.execute(call, clock=lambda: now)


def tree(path):
    """Every file below a directory with its content, and every directory."""
    found = {}
    for one in sorted(path.rglob("*")):
        if one.name != "lock":
            found[str(one.relative_to(path))] = one.read_bytes() if one.is_file() else None
    return found


def as_nobody(function):
    """Call a function as a user who may read only what all may; skips the test where that is not possible.

    :returns: what it returned, as text.
    """
    if os.geteuid():
        pytest.skip("only root may become another user")
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setuid(65534)
            os.write(writer, repr(function()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        return answer.read()


def small_disk(path, size):
    """Mount a small file system; skips the test where that may not be done.

    :returns: what takes it away again.
    """
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", str(path)], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this user may not mount")
    return lambda: subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(path):
    """Use up what is left on a file system."""
    with open(path / "filler", "wb", buffering=0) as handle:
        try:
            while True:
                handle.write(b"x" * 4096)
        except OSError:
            pass

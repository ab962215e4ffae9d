# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who runs: which controller, and which ansible-playbook process on it."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import time
import uuid

GONE_STATES = ("Z", "X")


def controller_id():
    """A name for this machine as far as process ids go: host name and a digest.

    The digest covers the boot (process ids start again) and the namespace of the process ids (two containers of one
    machine may share a host name), so that a process looked up under an equal id is the one that was meant.
    """
    seen = [_first_line("/proc/sys/kernel/random/boot_id") or _first_line("/etc/machine-id") or "%012x" % uuid.getnode(), _namespace()]
    return "%s:%s" % (socket.gethostname(), hashlib.sha256("|".join(seen).encode("utf-8")).hexdigest()[:12])


def process_start(pid):
    """When a process started, as a number that tells it from a later process with the same id.

    :returns: clock ticks since the boot from /proc, seconds since 1970 from ``ps`` where there is no /proc, or None.
    """
    found = _stat(pid)
    if found:
        return found[1]
    return None if _has_proc() else _ps_start(pid)


def alive(pid, started):
    """Whether the process still runs. Where that cannot be told, it does.

    :param pid: process id on this controller.
    :param started: what :func:`process_start` said of it, or None.
    """
    found = _stat(pid)
    if found:
        return found[0] not in GONE_STATES and started in (None, found[1])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's process, and a /proc that does not show it
    if started is None or _has_proc():
        return True
    return _ps_start(pid) in (None, started)


def holder_alive(holder, gone=None):
    """Whether the process behind a lock may still run; only the controller that it runs on can say no.

    :param holder: has ``run``, ``controller``, ``pid`` and ``started``.
    :param gone: id of a run that its own controller found to be gone.
    """
    if gone and holder["run"] == gone:
        return False
    if holder.get("controller") != controller_id() or not isinstance(holder.get("pid"), int):
        return True
    return alive(holder["pid"], holder.get("started"))


def run_id(pid, started, controller=None):
    """The id of the run that the process is: the same for all of its tasks, and sorted by time.

    :param pid: process id of ansible-playbook.
    :param started: what :func:`process_start` said of it, or None.
    """
    text = "%s|%s|%s" % (controller or controller_id(), pid, started)
    return "%s-%s" % (_start_text(pid, started), hashlib.sha256(text.encode("utf-8")).hexdigest()[:8])


def _start_text(pid, started):
    if started is None:
        return "pid%s" % pid
    seconds = started
    if _has_proc():
        boot = re.search(r"^btime (\d+)$", _text("/proc/stat"), re.M)
        if not boot:
            return "pid%s" % pid
        seconds = int(boot.group(1)) + started // os.sysconf("SC_CLK_TCK")
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def _stat(pid):
    """State letter and start ticks of a process, or None."""
    fields = _text("/proc/%s/stat" % pid).rpartition(")")[2].split()
    return (fields[0], int(fields[19])) if len(fields) > 19 else None


def _ps_start(pid):
    try:
        # run_command belongs to a module, and this runs in the controller's process too.
        answer = subprocess.run(  # pylint: disable=ansible-bad-function
            ["ps", "-o", "lstart=", "-p", str(pid)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(os.environ, LC_ALL="C"), timeout=10, check=False)
        text = " ".join(answer.stdout.decode("ascii").split())
        return int(time.mktime(time.strptime(text, "%a %b %d %H:%M:%S %Y")))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _has_proc():
    return os.path.exists("/proc/self/stat")


def _namespace():
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _first_line(path):
    return _text(path).split("\n", 1)[0].strip()


def _text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback for tests: kills the run that it belongs to, with SIGKILL, at one point.

STAGECRAFT_KILL is a JSON object: ``task`` (name without the role), ``count`` (which of the tasks of that name, from 1),
``line`` (a regular expression: wait for a line of output that matches it), ``after`` (seconds, from the task's start or the line on),
``mode`` (``tree``: with all workers; ``main``: they survive; ``frozen``: they survive, stopped until somebody sends SIGCONT),
``command`` (an argv that is run then instead: the run goes on),
``record`` (a file that gets the ids of the main process and of those below it, with their start times).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: stagecraft_killer
type: notification
short_description: Kills the run at one point
description: For tests only.
"""


def stat(pid):
    """The fields of /proc/PID/stat from the state on, or None."""
    try:
        with open("/proc/%s/stat" % pid, encoding="utf-8", errors="replace") as handle:
            return handle.read().rpartition(")")[2].split()
    except OSError:
        return None


def descendants(pid):
    """The ids of all processes below ``pid``; a session of its own does not hide one."""
    parents = {}
    for name in os.listdir("/proc"):
        fields = stat(name) if name.isdigit() else None
        if fields:
            parents[int(name)] = int(fields[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return sorted(found - {pid})
        found |= more


class CallbackModule(CallbackBase):
    """See the module's text."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "stagecraft_killer"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._main = os.getpid()
        self._plan = json.loads(os.environ["STAGECRAFT_KILL"])
        self._left = self._plan.get("count", 1)
        self._armed = False
        if self._plan.get("line"):
            self._shown = self._display.display
            self._display.display = self._watch

    def v2_playbook_on_task_start(self, task, is_conditional):
        """Count the tasks of the name; at the right one kill, or wait for the line."""
        if task.get_name().rpartition(" : ")[2] != self._plan["task"]:
            return
        self._left -= 1
        if self._left:
            return
        if self._plan.get("line"):
            self._armed = True
        else:
            self._soon()

    def _watch(self, msg, *args, **kwargs):
        self._shown(msg, *args, **kwargs)
        # The workers have this object too, and must not count.
        if self._armed and os.getpid() == self._main and re.search(self._plan["line"], str(msg)):
            self._armed = False
            self._soon()

    def _soon(self):
        seconds = self._plan.get("after", 0)
        if seconds:
            timer = threading.Timer(seconds, self._kill)
            timer.daemon = True
            timer.start()
        else:
            self._kill()

    def _kill(self):
        if self._plan.get("command"):
            subprocess.run(self._plan["command"], check=True, stdout=subprocess.DEVNULL)
            return
        below = descendants(self._main)
        with open(self._plan["record"], "w", encoding="utf-8") as handle:
            json.dump({"main": self._main, "below": [[pid, int((stat(pid) or [0] * 20)[19])] for pid in below]}, handle)
        number = {"tree": signal.SIGKILL, "frozen": signal.SIGSTOP}.get(self._plan.get("mode", "tree"))
        for pid in below if number else []:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        os.kill(self._main, signal.SIGKILL)

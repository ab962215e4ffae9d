# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are in the state directory.

``snapshots/NAME`` holds the content of a snapshot and ``snapshots/NAME.json``, written last, what is known of it: a snapshot without the latter is not there.
``marks.jsonl``, ``pins.jsonl`` and ``approvals.jsonl`` hold one record a line, oldest first; the last one about a thing counts. ``kill_switch`` has
``fleet``, ``rings/NAME`` and ``hosts/NAME``: whatever is there is on. ``targets/NAME.json`` says what a target ran. ``.work`` and ``.new`` hold what is
not complete. Whoever writes holds ``lock``, for a moment; whoever takes or removes snapshots holds ``snapshots.lock`` as well, for as long as git needs.
"""

from __future__ import annotations

import os
from urllib.parse import quote, unquote

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

MARKS, PINS, APPROVALS = "marks", "pins", "approvals"
JOURNALS = (MARKS, PINS, APPROVALS)
SUFFIX = ".json"


class Layout:
    """Paths of one state directory.

    :param directory: its absolute path.
    """

    def __init__(self, directory):
        text = str(directory or "")
        if not text.startswith("/") or "\n" in text or "\0" in text:
            raise InputError("state_dir", directory, "is not an absolute path", "Give a path that begins with '/'")
        self.directory = os.path.normpath(text)
        self.snapshots = self._path("snapshots")
        self.targets = self._path("targets")
        self.kill_switch = self._path("kill_switch")
        self.kill_switch_log = self._path("kill_switch.jsonl")
        self.repository = self._path("repository.git")
        self.last_valid = self._path("last_valid.json")
        self.lock = self._path("lock")
        self.work = self._path(".work")
        self.taking_lock = self._path("snapshots.lock")
        self.new = self._path(".new")

    def _path(self, *parts):
        return os.path.join(self.directory, *parts)

    def journal(self, kind):
        """The file of the records of a kind, one of ``JOURNALS``."""
        return self._path(kind + ".jsonl")

    def content(self, snapshot):
        """The directory with the content of a snapshot."""
        return os.path.join(self.snapshots, snapshot)

    def description(self, snapshot):
        """The file that says what is known of a snapshot."""
        return os.path.join(self.snapshots, snapshot + SUFFIX)

    def target(self, name):
        """The file that says what a target ran."""
        return os.path.join(self.targets, file_name(name) + SUFFIX)

    def switch(self, level, name=""):
        """The path of a kill switch.

        :param level: ``fleet``, ``ring`` or ``host``.
        """
        return os.path.join(self.kill_switch, level) if level == "fleet" else os.path.join(self.kill_switch, level + "s", file_name(name))


def file_name(name):
    """The name of the file about a target, ring or host: its own, with what a file name cannot hold as ``%`` and two digits."""
    text = quote(str(name), safe="")
    return "%2E" + text[1:] if text.startswith(".") else text


def named(base):
    """The name that :func:`file_name` was given."""
    return unquote(base)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the documents of a file backend by one command of the target's shell: no Python there, and no become."""

from __future__ import annotations

import os
import secrets
import shlex

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import FileBackend, unusable

# One line, for login shells that take no other, and an absent file told from one in a directory that may not be searched.
SCRIPT = "; ".join((
    r"""say() { printf '\n%s %s %s\n' "$m" "$1" "$2"; }""",
    r"""read_it() { say begin "$1"; if cat "$2"; then say end "$1"; else say unreadable "$1"; fi; }""",
    r"""nearest() { p=$1; while [ -n "$p" ]; do if [ -e "$p" ] || [ -L "$p" ]; then break; fi; p=${p%/*}; done; p=${p:-/}; }""",
    r"""missing() { nearest "$2"; if [ -d "$p" ]; then if [ -x "$p" ]; then say absent "$1"; else say unreadable "$1"; fi; """
    r"""else say notdir "$1"; fi; }""",
    r"""look() { if [ -f "$2" ]; then if [ -r "$2" ]; then read_it "$1" "$2"; else say unreadable "$1"; fi; """
    r"""elif [ -d "$2" ]; then say directory "$1"; elif [ -e "$2" ]; then say special "$1"; """
    r"""elif [ -L "$2" ]; then say dangling "$1"; else missing "$1" "$2"; fi; }""",
))


class RawReader:
    """Reads documents through a connection, and is a backend that can only be read.

    :param action: the action whose connection is used.
    :param backend: the files that are meant.
    """

    settle = 0.0

    def __init__(self, action, backend):
        self._action = action
        self._backend = backend
        self._read = {}

    def load(self, *names):
        """Read all the named documents in one command."""
        marker = "stagecraft-%s" % secrets.token_hex(8)
        answer = self._action._low_level_execute_command(command(self._backend, names, marker), sudoable=False)
        if answer["rc"] != 0:
            raise StagecraftError("%s: the host's shell could not read the state (rc %s): %s. Check the connection, and that /bin/sh works "
                                  "for its user." % (self._backend.describe(), answer["rc"], answer["stderr"].strip() or "no message"))
        self._read = parse(answer["stdout"], marker)
        return self

    def read(self, name):
        """The text of a document that was loaded, or None where there is none.

        :raises StagecraftError: something is there that cannot be read.
        """
        kind, text = self._read.get(name, (None, None))
        if kind == "end":
            return text
        if kind == "absent":
            return None
        if kind is None:
            raise StagecraftError("%s: the host's shell gave no whole answer. Run again; if it stays, look at what the shell of the "
                                  "connection's user prints." % self.describe(name))
        raise unusable(self.describe(name), kind)

    def describe(self, name="facts"):
        """Where a document is, for messages."""
        return self._backend.describe(name)

    def clock(self):
        """The host's time, by which leases in its files are counted; in seconds since 1970."""
        return int(self._read["clock"][1])


def reader(action, params):
    """A :class:`RawReader` for validated options with backend ``file``."""
    return RawReader(action, FileBackend(params["facts_path"], params["journal_path"], params["state_directory"]))


def command(backend, names, marker):
    """The shell command that prints the documents between lines that begin with ``marker``."""
    looks = ["look %s %s" % (shlex.quote(name), shlex.quote(os.path.normpath(backend.path(name)))) for name in names]
    return "; ".join(["m=%s" % marker, SCRIPT] + looks + ["say begin clock", "date +%s", "say end clock"])


def parse(output, marker):
    """What the command printed: ``{name: (kind, text)}``; the kind of a document that was read is ``end``."""
    found, text = {}, []
    for line in output.split("\n"):
        words = line.strip().split(" ")
        if words[0] != marker or len(words) != 3:
            text.append(line)
            continue
        if words[1] == "begin":
            text = []
        else:
            # The marker begins on a line of its own, so the text ends with one line break that is not its own.
            found[words[2]] = (words[1], "\n".join(text))
    return found


def on_controller(action):
    """Whether the task's host is this machine and its user this process's user: then nothing has to be sent anywhere."""
    return action._connection.transport == "local" and not action._connection.become

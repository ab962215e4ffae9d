# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command run to its end: without a terminal to ask on, and with a limit after which its whole group is ended."""

from __future__ import annotations

import os
import signal
import subprocess


class Finished:
    """A command that ended.

    :param code: its exit code, None when it was ended because it took too long.
    :param out: standard output.
    :param err: standard error.
    """

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    @property
    def ok(self):
        """Whether it succeeded."""
        return self.code == 0


def run(command, timeout, text=None, env=None, directory=None):
    """Run a command; raises FileNotFoundError when there is no such program.

    :param command: the program and its arguments.
    :param timeout: seconds it may take.
    :param text: its standard input.
    :param env: its environment, by default this one's.
    :param directory: where it runs, by default here.
    """
    # run_command belongs to a module, and this runs in the controller's process too.
    process = subprocess.Popen(  # pylint: disable=ansible-bad-function
        command,
        stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=directory,
        start_new_session=True,  # no terminal to ask on, and a group to end at the limit
    )
    try:
        out, err = process.communicate(None if text is None else text.encode("utf-8"), timeout)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code = None
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return Finished(code, _decode(out), _decode(err))


def _decode(raw):
    return raw.decode("utf-8", "replace")

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one wait loop: monotonic clock, slices, patience with a server that restarts."""

from __future__ import annotations

import time

from ansible_collections.stagecraft.release.plugins.module_utils.errors import WaitTimeout
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.errors import ApiError, Unreachable

PROGRESS_EVERY = 30.0
# What is quick is noticed quickly: the first pauses are shorter than wait_interval.
FIRST_PAUSE = 0.1
GROWTH = 1.1


class Waiter:
    """Polls until something is done.

    :param call: gives ``params`` (wait_timeout and wait_interval, seconds), ``progress`` and ``heartbeat``.
    :param subject: what is waited for, for messages: ``dry run of v42``.
    """

    def __init__(self, call, subject, clock=time.monotonic, sleep=time.sleep):
        self._timeout = call.params["wait_timeout"]
        self._interval = max(call.params["wait_interval"], 0.05)
        self._progress = call.progress
        self._heartbeat = call.heartbeat
        self._subject = subject
        self._clock = clock
        self._sleep = sleep

    def until(self, poll, line, details=dict, timed=False):
        """Poll until it is done.

        :param poll: returns a pair (done, state); it raises when the wait cannot end well.
        :param line: makes the progress line of a state.
        :param details: returns what a timeout hands back beside the message.
        :param timed: lines end with the seconds waited so far (which do not make a line a new one).
        :returns: the state in which ``poll`` was done.
        :raises WaitTimeout: after wait_timeout seconds.
        """
        started = self._clock()
        pause = FIRST_PAUSE
        deadline = started + self._timeout
        shown, shown_at, trouble = None, None, None
        while True:
            self._heartbeat()
            try:
                done, state = poll()
                trouble = None
            except (Unreachable, ApiError) as exc:
                if isinstance(exc, ApiError) and exc.status < 500:
                    raise
                done, state, trouble = False, None, exc
            now = self._clock()
            text = "%s: the server does not answer, waiting" % self._subject if trouble else line(state)
            if text != shown or now - shown_at >= PROGRESS_EVERY:
                self._progress("%s (%d s)" % (text, now - started) if timed else text)
                shown, shown_at = text, now
            if done:
                return state
            if now >= deadline:
                raise WaitTimeout(
                    "%s: not done within wait_timeout=%g s. Last state: %s. Raise 'wait_timeout', or look at the server."
                    % (self._subject, self._timeout, trouble or text), **details())
            self._sleep(min(pause, self._interval, max(deadline - now, 0.05)))
            pause *= GROWTH

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivering one announcement to one receiver: what failed for a moment is tried again."""

from __future__ import annotations

import ssl
import time

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

LONGEST_PAUSE = 10.0


class NotDelivered(Exception):
    """An announcement that was not taken.

    :param reason: for the operator; it holds no address, password or header.
    :param again: whether another try may help.
    """

    def __init__(self, reason, again=True):
        super().__init__(reason)
        self.again = again


def deliver(send, retries, heartbeat=lambda: None, sleep=time.sleep):
    """Call ``send`` until it succeeds.

    :param retries: how often it is tried again.
    :param heartbeat: called before each try; it raises when the run must stop.
    :returns: what ``send`` returned.
    :raises NotDelivered: the last failure.
    """
    for attempt in range(retries + 1):
        heartbeat()
        try:
            return send()
        except NotDelivered as exc:
            if not exc.again or attempt == retries:
                raise
        sleep(min(2.0 ** attempt, LONGEST_PAUSE))
    raise AssertionError("unreachable: the last attempt returns or raises")


def reason(exc):
    """Why a connection failed, from its innermost cause: the outer layers repeat the address."""
    seen = set()
    while id(exc) not in seen:
        seen.add(id(exc))
        inner = [item for item in (exc.__cause__, exc.__context__, getattr(exc, "reason", None), *getattr(exc, "args", ())) if isinstance(item, BaseException)]
        exc = next((item for item in inner if id(item) not in seen), exc)
    if isinstance(exc, ssl.SSLCertVerificationError):
        return "its certificate is not trusted: %s" % exc.verify_message
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    return exc.strerror if isinstance(exc, OSError) and exc.strerror else type(exc).__name__


def check_numbers(timeout, retries):
    """Refuse what would wait for ever, or not at all."""
    if timeout <= 0:
        raise InputError("timeout", timeout, "is not more than 0", "Give seconds")
    if retries < 0:
        raise InputError("retries", retries, "is negative", "Give 0 or more")


def hidden(place, problem, remedy):
    """An error about a value that may hold a token, so it is not shown."""
    return StagecraftError("%s: the value, which is not shown since it may hold a token, %s. %s." % (place, problem, remedy))

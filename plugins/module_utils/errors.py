# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors that every room of the collection raises and ``running.py`` turns into ``fail_json``."""

from __future__ import annotations


class StagecraftError(Exception):
    """A failure with a message for the operator.

    :param message: one paragraph: what is wrong and what to do.
    :param details: keys that are returned beside ``msg``, the same ones as on success where possible.
    """

    def __init__(self, message, **details):
        super().__init__(message)
        self.message = message
        self.details = details


class InputError(StagecraftError):
    """A value from the operator that cannot be used; nothing was changed.

    :param field: the option, variable or key that holds the value.
    :param value: the value as given (never a secret).
    :param problem: what is wrong with it, read after the value.
    :param remedy: one sentence that says what to do.
    """

    def __init__(self, field, value, problem, remedy, **details):
        super().__init__("%s: %r %s. %s" % (field, value, problem, remedy), **details)
        self.field = field


class WaitTimeout(StagecraftError):
    """A wait that ran out of time; ``details`` hold the last state seen."""

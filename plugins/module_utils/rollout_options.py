# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that the modules of the room ``rollout`` share, and what they mean."""

from __future__ import annotations

import calendar

from ansible_collections.stagecraft.release.plugins.module_utils import controller_files, moments
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import schedule_text, schedule_values
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import recording

STATE_DIR = {"state_dir": {"type": "path", "default": "/var/lib/stagecraft/rollout"}}
RECORDING = dict(STATE_DIR, by={"type": "str"}, lock_timeout={"type": "float", "default": 30})


class Option:
    """An option's value, for the functions that read values of a schedule."""

    def __init__(self, field, value):
        self.field = field
        self.value = value

    def text(self, remedy):
        """The value as text."""
        text = str(self.value).strip()
        return text if text else self.refuse("is empty", remedy)

    def refuse(self, problem, remedy):
        """Raise ``InputError``."""
        raise InputError(self.field, self.value, problem, remedy)


def duration(field, value, least=0):
    """The seconds of a duration such as ``4h``, None where none is given."""
    return None if value is None else schedule_values.duration(Option(field, value), least)


def instant(field, value):
    """The instant of a time such as ``2030-01-31 22:00``, which is UTC where it has no offset."""
    return calendar.timegm(moments.moment(value, moments.UTC, field).utctimetuple())


def text(field, value, remedy):
    """A text that says something.

    :raises InputError: it is empty.
    """
    if not (value or "").strip():
        raise InputError(field, value, "is empty", remedy)
    return value.strip()


def who(params):
    """Who does this."""
    return (params["by"] or "").strip() or recording.user()


def schedule(path):
    """The schedule in a file; one of a single ring that takes everything at once where no file is named."""
    return schedule_and_text(path)[0] if path else Schedule((Ring("all"),))


def schedule_and_text(path):
    """The schedule in a file, and the text of the file."""
    try:
        text = controller_files.text(path)
    except (OSError, ValueError) as exc:
        raise InputError("schedule", path, "cannot be read: %s" % getattr(exc, "strerror", exc), "Give the file with the schedule of the rollout") from exc
    return schedule_text.parse(text, path), text


def ring(field, name, path):
    """The name of a ring, checked with the schedule in a file where one is named.

    :param path: of the schedule, or None.
    """
    found = text(field, name, "Give the name of the ring")
    known = [ring.name for ring in schedule(path).rings] if path else [found]
    if found not in known:
        raise InputError(field, name, "is no ring of %s" % path, "Give one of %s" % ", ".join(known))
    return found


def opened(call, purpose, **options):
    """The state directory of a call, held for writing; see ``recording.opened``."""
    params = call.params
    return recording.opened(params["state_dir"], purpose, params["lock_timeout"], call.check_mode, warn=call.warn, **options)


def taking(call, purpose, create):
    """The state directory of a call, for one who takes or removes snapshots; see ``recording.taking``."""
    params = call.params
    return recording.taking(params["state_dir"], purpose, params["lock_timeout"], call.check_mode, create)

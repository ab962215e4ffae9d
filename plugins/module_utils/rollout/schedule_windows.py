# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The windows and freezes of a schedule, as its file declares them. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import cron, schedule_values as values
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.windows import KINDS, Freeze, Window

WINDOW_KEYS = (*KINDS, "duration", "time_zone", "overrun", "reason")
FREEZE_KEYS = ("from", "to", "time_zone", "reason", "ticket")
_TEXT = "Write a text, or leave the key out"
_LONGEST = 31 * values.DAY


def windows(entry, here, everywhere):
    """The windows of a list.

    :param entry: the ``Entry`` of the list, or None where there is none.
    :param here: the time zone of those that name none.
    :param everywhere: whether they are those of all rings.
    :return: tuple of ``Window``.
    """
    return tuple(_window(item, here, everywhere) for item in _listed(entry, "windows"))


def freezes(entry, here):
    """The freezes of a list, in the same way.

    :return: tuple of ``Freeze``.
    """
    return tuple(_freeze(item, here) for item in _listed(entry, "freezes"))


def _listed(entry, what):
    return entry.items("Write a list of %s, or leave the key out" % what) if entry else []


def _window(entry, here, everywhere):
    found = entry.mapping(WINDOW_KEYS, "A window")
    kinds = [kind for kind in KINDS if kind in found]
    if len(kinds) != 1:
        entry.refuse("does not say once what it does", "Write either allow or deny with an expression of cron, such as allow: '0 8 * * mon-fri'")
    if "duration" not in found:
        entry.refuse("has no duration", "Say how long it is open, such as duration: 8h")
    begin = found[kinds[0]]
    seconds = values.duration(found["duration"], least=60)
    if seconds > _LONGEST:
        found["duration"].refuse("is too long for a window", "Write 31d or less, or a freeze")
    return Window(kinds[0], cron.parse(begin.text("Write an expression of cron, such as '0 8 * * mon-fri'"), begin.field), seconds,
                  values.zone(found["time_zone"]) if "time_zone" in found else here,
                  "overrun" in found and found["overrun"].flag(), _text(found, "reason"), everywhere)


def _freeze(entry, here):
    found = entry.mapping(FREEZE_KEYS, "A freeze")
    for key in ("from", "to"):
        if key not in found:
            entry.refuse("has no %s" % key, "Write from and to, such as from: 2030-12-24 and to: 2031-01-02; the last day is part of it")
    if not {"reason", "ticket"} & set(found):
        entry.refuse("has neither a reason nor a ticket", "Say why nothing may change then: whoever is held reads it")
    zone = values.zone(found["time_zone"]) if "time_zone" in found else here
    begin, end = values.edge(found["from"], zone, last=False), values.edge(found["to"], zone, last=True)
    if end <= begin:
        found["to"].refuse("is not after its beginning", "Write a later day or time than in from")
    return Freeze(begin, end, zone, _text(found, "reason"), _text(found, "ticket"))


def _text(found, key):
    return found[key].text(_TEXT) if key in found else ""

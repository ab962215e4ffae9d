# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule of a rollout, from the text of its file. Whatever is wrong in it is refused with the line and the place. Pure."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.stagecraft.release.plugins.module_utils import moments
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import (
    schedule_checks as checks, schedule_entry, schedule_health, schedule_selector, schedule_values as values, schedule_windows)
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.rings import Ring, Schedule, Soak

KEYS = ("rings", "defaults", "windows", "freezes", "time_zone", "history", "salt", "domain_variable")
DEFAULT_KEYS = ("soak", "require_good", "approval", "batches", "max_unavailable", "health")
RING_KEYS = ("name", "selector", "delay", "forward_delay", "windows", "freezes", *DEFAULT_KEYS)
_BATCHES = "Write a number, a percentage or a list of them, such as [1, 10%, 50%]"


def parse(text, source="schedule.yml"):
    """Read a schedule.

    :param text: the content of its file, YAML.
    :param source: how messages name the file, such as its path.
    :return: ``Schedule``.
    :raises InputError: the text is no schedule; the message names the line and the key.
    """
    whole = schedule_entry.read(text, source)
    found = whole.mapping(KEYS, "A schedule")
    if "rings" not in found:
        whole.refuse("has no rings", "Write a list of rings, the most eager first")
    here = values.zone(found["time_zone"]) if "time_zone" in found else moments.UTC
    frame = SimpleNamespace(
        here=here,
        windows=schedule_windows.windows(found.get("windows"), here, True),
        freezes=schedule_windows.freezes(found.get("freezes"), here),
        defaults=found["defaults"].mapping(DEFAULT_KEYS, "What rings have by default") if "defaults" in found else {},
        salt=found["salt"].text("Write a text, such as the name of the site") if "salt" in found else "",
        domain_variable=values.variable(found["domain_variable"]) if "domain_variable" in found else "")
    entries = found["rings"].items("Write the rings in order, the most eager first, each with a name and a selector")
    given = [entry.mapping(RING_KEYS, "A ring") for entry in entries]
    rings = tuple(_ring(entry, keys, frame, number == 0) for number, (entry, keys) in enumerate(zip(entries, given)))
    schedule = Schedule(rings, domain_variable=frame.domain_variable,
                        **({"history": values.duration(found["history"], least=3600)} if "history" in found else {}))
    checks.check(schedule, found, entries, given)
    return schedule


def _ring(entry, given, frame, first):
    for key in ("name", "selector"):
        if key not in given:
            entry.refuse("has no %s" % key, "A ring has a name and a selector")
    if first and "soak" in given:
        given["soak"].refuse("belongs to the first ring, which has none before it", "Write a delay instead")
    defaults = {key: value for key, value in frame.defaults.items() if not (first and key == "soak")}
    said = {key: _READ[key](value) for key, value in {**defaults, **given}.items() if key in _READ}
    return Ring(
        name=values.name(given["name"]),
        selector=schedule_selector.selector(given["selector"], frame.salt, frame.domain_variable),
        windows=frame.windows + schedule_windows.windows(given.get("windows"), frame.here, False),
        freezes=frame.freezes + schedule_windows.freezes(given.get("freezes"), frame.here),
        **said)


def _soak(entry):
    found = entry.mapping(("share", "for"), "A soak")
    for key in ("share", "for"):
        if key not in found:
            entry.refuse("has no %s" % key, "Write the share of the ring before that must have succeeded and for how long, such as {share: 90%, for: 2h}")
    return Soak(values.share(found["share"]), values.duration(found["for"]))


def _batches(entry):
    return tuple(str(values.number_or_percent(item, least=1)) for item in entry.items_or_one(_BATCHES))


_READ = {
    "delay": values.duration,
    "forward_delay": values.duration,
    "soak": _soak,
    "require_good": lambda entry: entry.flag(),
    "approval": lambda entry: entry.flag(),
    "batches": _batches,
    "max_unavailable": lambda entry: values.number_or_percent(entry, least=0),
    "health": schedule_health.health,
}

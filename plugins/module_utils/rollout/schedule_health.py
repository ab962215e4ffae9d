# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The health gate of a ring, as the schedule declares it. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import schedule_values as values

KEYS = ("wait", "max_failed", "checks", "retries", "interval", "mark_bad")
CHECK_KEYS = ("url", "status", "content", "timeout", "command")


def health(entry):
    """The options of a health gate.

    :return: a dict with those that are given: ``wait`` and ``interval`` in seconds, ``max_failed`` as number or percentage, ``retries``, ``mark_bad``,
        and ``checks``: a list of dicts in the form of ``release_activation_health``.
    """
    found = entry.mapping(KEYS, "A health gate")
    return {key: _READ[key](value) for key, value in found.items()}


def _checks(entry):
    return [_check(item) for item in entry.items("Write a list of checks, such as - url: https://shop.example.com/health")]


def _check(entry):
    found = entry.mapping(CHECK_KEYS, "A check")
    if ("url" in found) == ("command" in found):
        entry.refuse("has not one of url and command", "Write a url that is asked, or a command as a list, and not both")
    if "command" in found:
        other = next((found[key] for key in CHECK_KEYS if key in found and key != "command"), None)
        if other:
            other.refuse("belongs to a url", "Leave it out: a command is right when it succeeds")
        remedy = "Write a list of the command and its arguments"
        return {"command": [item.text(remedy) for item in found["command"].items(remedy)]}
    url = found["url"].text("Write an address")
    if not url.startswith(("http://", "https://")):
        found["url"].refuse("is no address that can be asked", "Write one with http:// or https://")
    check = {"url": url}
    if "status" in found:
        check["status"] = values.whole(found["status"], 100, 599)
    if "content" in found:
        check["content"] = found["content"].text("Write a text that is in the answer")
    if "timeout" in found:
        check["timeout"] = values.duration(found["timeout"], least=1)
    return check


_READ = {
    "wait": values.duration,
    "interval": values.duration,
    "max_failed": lambda entry: values.number_or_percent(entry, least=0),
    "checks": _checks,
    "retries": lambda entry: values.whole(entry, 0, 10000),
    "mark_bad": lambda entry: entry.flag(),
}

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compatibility with etch: which tag a host gets by the rules of its sample tagger, for those who come from there. Pure.

These rules differ from ``decide.py``: a tag is the name of an hour whether or not it is there, a host has no history, a static tag is taken as it is,
and ``badfwd`` leads every ring forward as far as the present hour. They say what etch would do; nothing of the collection acts on them.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import naming
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.decision import PassedOver
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.etch_times import UTC, local_instant
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import BADFWD, GOOD

PREFIX, TAGS, BASE = "etchautotag-", "tags/", "/etc/etchserver"
HOURS = 72
_GROUPS = (({"dev", "int"}, 0), ({"qa"}, 1), ({"stg"}, 2))
_BUMP = re.compile(r"trunk-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)\Z", re.ASCII)


@dataclass(frozen=True)
class Node:
    """A host as the inventory of etch knows it.

    :param known: whether the inventory has a record of it.
    :param groups: names of its groups.
    :param hour3: whether the site's own test puts it three hours back.
    :param static_tag: the tag that the inventory gives it, or None.
    """

    known: bool = True
    groups: tuple = ()
    hour3: bool = False
    static_tag: str | None = None

    @property
    def delay(self):
        """How many hours its ring is behind: the least that one of its groups has."""
        found = next((hours for names, hours in _GROUPS if names & set(self.groups)), 3 if self.hour3 else 4)
        return found if self.known else 4


@dataclass(frozen=True)
class Answer:
    """What a host gets.

    :param tag: path of a tag relative to the base, or None.
    :param error: why it gets none: ``killswitch``, ``bad_client_tag``, ``tagger_failed``, ``no_acceptable_tag`` or ``tag_missing``.
    :param proposed: with ``tag_missing``, the path that is not there.
    """

    tag: str | None = None
    error: str = ""
    proposed: str = ""
    passed_over: tuple = field(default=())


def answer(now, node, marks, directories, client_tag="", killswitch=False, only_good=False):
    """The tag of a host.

    :param now: an instant.
    :param node: a :class:`Node`.
    :param marks: ``Marks``; None where the file of marks cannot be read.
    :param directories: paths, relative to the base, of the directories that are there.
    :param client_tag: the tag that the host asks for.
    :param killswitch: whether the file is there.
    :param only_good: whether only tags marked good are acceptable.
    :return: :class:`Answer`.
    """
    if killswitch:
        return Answer(error="killswitch")
    if client_tag:
        return Answer(error="bad_client_tag") if ".." in client_tag else _existing(client_tag, directories)
    if marks is None:
        return Answer(error="tagger_failed")
    static = node.static_tag if node.known else None
    bump = _BUMP.match(static or "")
    if bump:
        stamp = local_instant(*(int(part) for part in bump.groups()), UTC)
        if stamp is None:
            return Answer(error="tagger_failed")
        if now - node.delay * naming.HOUR < stamp <= now:
            return _existing("trunk", directories)
    elif static:
        return _existing(static, directories)
    name, passed = automatic(now, node.delay, marks, only_good)
    return _existing(TAGS + name, directories, passed) if name else Answer(error="no_acceptable_tag", passed_over=passed)


def automatic(now, delay, marks, only_good=False):
    """The tag of a ring.

    :param delay: in hours.
    :return: its name or None, and those passed over.
    """
    latest = naming.hour_of(now)
    due = latest - delay * naming.HOUR
    if marks.state(naming.hourly(due, PREFIX)) == BADFWD:
        hours = range(due + naming.HOUR, latest + 1, naming.HOUR)
    else:
        hours = range(due, latest - HOURS * naming.HOUR - 1, -naming.HOUR)
    passed = []
    for at in hours:
        name = naming.hourly(at, PREFIX)
        found = marks.objection(name)
        if not found and only_good and marks.state(name) != GOOD:
            found = "not_good", "it is not marked good"
        if not found:
            return name, tuple(passed)
        passed.append(PassedOver(name, *found))
    return None, tuple(passed)


def _existing(tag, directories, passed=()):
    """The answer where the server looks whether the directory is there."""
    path = posixpath.normpath("%s/%s" % (BASE, tag))
    there = {posixpath.normpath("%s/%s" % (BASE, directory)) for directory in directories}
    if any(path == known or known.startswith(path.rstrip("/") + "/") for known in there | {BASE}):
        return Answer(tag, passed_over=passed)
    return Answer(error="tag_missing", proposed=tag, passed_over=passed)

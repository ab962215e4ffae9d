# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement as one paragraph for the operator."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.changes.approval import text_of
from ansible_collections.stagecraft.release.plugins.module_utils.changes.table import shorten, visible

_EXAMPLES = 3


def message(changes, verdict, hint):
    """What was found, and what the operator can do.

    :param changes: the ``Changes`` that were judged.
    :param verdict: the ``Verdict`` on them.
    :param hint: how to approve; ``<digest>`` stands for the digest.
    """
    if verdict.verdict == "unchanged":
        return "The dry run found nothing to change."
    if verdict.verdict == "covered":
        return "The policy covers all of the changes (%s)." % number(len(changes.changes), "change")
    if verdict.verdict == "approved":
        return _approved(changes, verdict)
    parts = []
    if verdict.unexpected:
        parts.append("%d of %s not expected: %s." % (
            len(verdict.unexpected), number(len(changes.changes), "change") + (
                " is" if len(verdict.unexpected) == 1 else " are"), _examples(verdict.unexpected)))
    if verdict.unchecked:
        parts.append("%s could not be checked: %s." % (number(len(verdict.unchecked), "resource"),
                                                       _examples(verdict.unchecked)))
    if verdict.over_caps:
        parts.append("Over the caps of the policy: %s." % "; ".join(verdict.over_caps))
    if verdict.refused:
        parts.append(verdict.refused)
    parts.append("Review the changes; if every one of them is meant, approve exactly these: %s"
                 % hint.replace("<digest>", verdict.digest))
    return " ".join(parts)


def number(count, noun):
    """A count with its noun, such as ``2 changes``."""
    return "%d %s%s" % (count, noun, "" if count == 1 else "s")


def _approved(changes, verdict):
    given = verdict.approval
    return "Approved%s%s: %s, %s unchecked, digest %s." % (
        " by %s" % visible(given["who"]) if given["who"] else "",
        " until %s" % text_of(given["expires"]) if given["expires"] else "",
        number(len(changes.changes), "change"), len(verdict.unchecked), verdict.digest)


def _examples(rows):
    """The first rows by name, and how many there are besides."""
    texts = ["%s%s (%s)" % (row["action"] + " " if "action" in row else "", shorten(visible(row["resource"]), 100),
                            shorten(visible(row["reason"]), 160)) for row in rows[:_EXAMPLES]]
    if len(rows) > _EXAMPLES:
        texts.append("and %d more" % (len(rows) - _EXAMPLES))
    return "; ".join(texts)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy (rules and caps that say which changes are expected) and the judgement. Both fail closed."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.changes import approval
from ansible_collections.stagecraft.release.plugins.module_utils.changes.normalise import ACTIONS
from ansible_collections.stagecraft.release.plugins.module_utils.changes.rules import check_mapping, parse_rule
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

POLICY_KEYS = ("rules", "max_changes", "max_removed")


class Policy:
    """Rules and caps. Make one by :meth:`parse`.

    :ivar given: whether there is a policy at all.
    """

    def __init__(self, rules=(), max_changes=None, max_removed=None, given=True):
        self.rules = list(rules)
        self.max_changes = max_changes
        self.max_removed = max_removed
        self.given = given

    @classmethod
    def parse(cls, data, source="policy"):
        """Check a policy.

        :param data: the dict, or None: it covers nothing.
        :param source: where it comes from, for messages.
        """
        if data is None:
            return cls(given=False)
        prefix = "%s: " % source
        check_mapping(data, source, POLICY_KEYS, prefix, "A policy")
        rules = data.get("rules", [])
        if not isinstance(rules, list):
            raise InputError(prefix + "rules", rules, "is not a list", "Write a list of rules, or rules: []")
        caps = {}
        for key in ("max_changes", "max_removed"):
            caps[key] = data.get(key)
            if key in data and (isinstance(caps[key], bool) or not isinstance(caps[key], int) or caps[key] < 0):
                raise InputError(prefix + key, caps[key], "is not a whole number of 0 or more",
                                 "Write a number, or leave the key out for no cap")
        return cls([parse_rule(number, rule, "%srules[%d]" % (prefix, number)) for number, rule in enumerate(rules)], **caps)

    def uncovered(self, change):
        """Why no rule covers the change, or None when one does.

        :param change: one normalised change.
        """
        if not self.given:
            return "there is no policy"
        nearest = (0, "")
        for rule in self.rules:
            missed = rule.misses(change)
            if missed is None:
                return None
            if missed[0] > nearest[0]:
                nearest = missed[0], "; %s: %s" % (rule.title, missed[1])
        return "no rule covers it%s" % nearest[1]

    def over_caps(self, counts):
        """Texts for the caps that the changes exceed.

        :param counts: what ``Changes.counts`` gives.
        """
        found = (("max_changes", self.max_changes, sum(counts[action] for action in ACTIONS)),
                 ("max_removed", self.max_removed, counts["removed"]))
        return ["%s: the dry run has %d, the policy allows %d" % (key, number, cap)
                for key, cap, number in found if cap is not None and number > cap]


class Verdict:
    """What :func:`judge` found.

    :ivar verdict: ``unchanged``, ``covered`` (by the policy), ``approved`` (by digest) or ``needs_approval``.
    :ivar unexpected: the changes that no rule covers, each with its ``reason``.
    :ivar unchecked: what the dry run could not check; it is never expected.
    :ivar covered: number of changes that a rule covers.
    :ivar over_caps: texts for the caps that are exceeded.
    :ivar approval: the approval that holds for these changes, or None.
    :ivar refused: why the approvals that were given do not approve, a paragraph, or empty.
    :ivar digest: the digest of the changes and their subject.
    """

    def __init__(self, verdict, digest, unexpected, unchecked, covered, over_caps, given, refused):
        self.verdict = verdict
        self.digest = digest
        self.unexpected = unexpected
        self.unchecked = unchecked
        self.covered = covered
        self.over_caps = over_caps
        self.approval = given
        self.refused = refused

    def as_dict(self):
        """The verdict as a module returns it."""
        return {
            "verdict": self.verdict,
            "digest": self.digest,
            "unexpected": self.unexpected,
            "unchecked": self.unchecked,
            "covered": self.covered,
            "over_caps": self.over_caps,
            "approval": approval.as_dict(self.approval) if self.approval else {},
        }


def judge(changes, policy, approvals, now, subject=None):
    """Judge the changes of one dry run.

    :param changes: a ``Changes``.
    :param policy: a ``Policy``.
    :param approvals: what ``approval.parse`` gave.
    :param now: the time, a datetime; without a zone it is UTC.
    :param subject: what the changes belong to, such as the commit they were compiled from; it is part of the digest, since a dry run
        shows no content of what is added.
    :return: :class:`Verdict`.
    """
    unexpected = []
    for change in changes.changes:
        reason = policy.uncovered(change)
        if reason is not None:
            unexpected.append(dict(change, reason=reason))
    over_caps = policy.over_caps(changes.counts())
    digest = changes.digest_for(subject)
    given = approval.find(approvals, digest, now)
    if not changes.changes and not changes.unchecked:
        verdict = "unchanged"
    elif not unexpected and not changes.unchecked and not over_caps:
        verdict = "covered"
    else:
        verdict = "approved" if given else "needs_approval"
    refused = approval.explain(approvals, digest, now) if verdict == "needs_approval" else ""
    return Verdict(verdict, digest, unexpected, changes.unchecked, len(changes.changes) - len(unexpected),
                   over_caps, given if verdict == "approved" else None, refused)

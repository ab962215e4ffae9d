# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ring a target belongs to. Pure.

A ring takes whole groups, failure domains of a group, or a share of a group. What a share or named domains take from a group is not taken by a ring that
takes the whole group: that one has the rest.

The shares of one group lie end to end on a line from 0 to 1, in the order of the rings, and each host has a position on it: the first 53 bits of the SHA-256
of the salt, a zero byte and its name (or its failure domain, where domains are kept whole), divided by 2 to the 53. So a host keeps its position whatever
other hosts there are, and a share that grows only moves hosts to more eager rings.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

HOST, DOMAIN = "host", "domain"
KEYS = (HOST, DOMAIN)
_SHOWN = 5


@dataclass(frozen=True)
class Selector:
    """What a ring takes: ``groups``, or ``share`` or ``domains`` of the group ``of``.

    :param share: over 0 and at most 1.
    :param by: whose position counts, ``host`` or ``domain``: with the latter a domain goes as a whole.
    :param salt: text that goes into the positions; another one gives every host another place.
    """

    groups: tuple = ()
    of: str = ""
    share: float = 0.0
    domains: frozenset = frozenset()
    by: str = HOST
    salt: str = ""


class Assignment(dict):
    """The name of the ring of each host, None where no ring takes it.

    :ivar reasons: ``{host: why}``, for people.
    :ivar problems: what an operator should look at, texts.
    """

    def __init__(self):
        super().__init__()
        self.reasons = {}
        self.problems = []


def position(salt, name):
    """Where a host or a failure domain stands, from 0 up to but not with 1."""
    digest = hashlib.sha256(("%s\0%s" % (salt, name)).encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2 ** 53


def assign(schedule, hosts):
    """Find the ring of each host. Of several that take it, the most cautious one has it, and that is reported.

    :param hosts: ``{name: {"groups": [names], "domain": text}}``; the domain may be left out, and be a number as YAML reads it.
    :return: :class:`Assignment`.
    """
    whole, parts = _table(schedule)
    found = Assignment()
    taken = [0] * len(schedule.rings)
    members, several, homeless = {}, {}, {}
    for name, facts in hosts.items():
        groups, domain = facts.get("groups", ()), facts.get("domain", "")
        domain = "" if domain is None else str(domain)
        matches = {}
        for group in {"all", *groups}:
            members[group] = members.get(group, 0) + 1
            part = None
            if group in parts:
                part = parts[group].take(name, domain)
                if not domain and parts[group].wants_domain:
                    homeless[name] = True
            if part:
                matches[part[0]] = part[1]
            elif group in whole:
                matches[whole[group]] = "it is in the group %s" % group
        if not matches:
            found[name], found.reasons[name] = None, "no ring takes it"
            continue
        last = max(matches)
        taken[last] += 1
        found[name] = schedule.rings[last].name
        found.reasons[name] = matches[last]
        if len(matches) > 1:
            names = tuple(schedule.rings[number].name for number in sorted(matches))
            several.setdefault(names, []).append(name)
            found.reasons[name] += "; %s would take it too, and the most cautious has it" % " and ".join(names[:-1])
    found.problems = list(_problems(schedule, found, taken, members, several, homeless))
    return found


class _Parts:
    """What rings take out of one group."""

    def __init__(self):
        self.domains, self.edges, self.by, self.salt, self.wants_domain = {}, [], HOST, "", False
        self._places = {}

    def add(self, number, selector):
        """Note the selector of the ring of that number."""
        for domain in selector.domains:
            self.domains[domain] = number
        if selector.share:
            self.by, self.salt = selector.by, selector.salt
            before = self.edges[-1][0] if self.edges else 0.0
            self.edges.append((round(before + selector.share, 12), number))
        self.wants_domain = self.wants_domain or bool(selector.domains) or selector.by == DOMAIN

    def take(self, host, domain):
        """The number of the ring that takes a host out of the group and why; None where it stays. Named domains come first."""
        if domain in self.domains:
            return self.domains[domain], "its failure domain is %s" % domain
        if not self.edges:
            return None
        key = domain if self.by == DOMAIN and domain else host
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = position(self.salt, key)
        for edge, number in self.edges:
            if place < edge:
                return number, "%s stands at %.4f, within the share up to %.4f" % (
                    "its failure domain %s" % domain if key is not host else "it", place, edge)
        return None


def _table(schedule):
    """The number of the ring that takes each whole group, and what is taken out of groups."""
    whole, parts = {}, {}
    for number, ring in enumerate(schedule.rings):
        selector = ring.selector
        if selector is None:
            continue
        for group in selector.groups:
            whole[group] = number
        if selector.of:
            parts.setdefault(selector.of, _Parts()).add(number, selector)
    return whole, parts


def _problems(schedule, found, taken, members, several, homeless):
    for names, hosts in several.items():
        yield "%s: taken by the rings %s; goes with %s, the most cautious of them" % (_listed(hosts), " and ".join(names), names[-1])
    lost = [name for name, ring in found.items() if ring is None]
    if lost:
        yield "%s: taken by no ring; goes with %s, the most cautious one" % (_listed(lost), schedule.rings[-1].name)
    if homeless:
        yield "%s: %s is not set, so the failure domain is not known" % (_listed(list(homeless)), schedule.domain_variable or "the variable with it")
    for number, ring in enumerate(schedule.rings):
        selector = ring.selector
        if selector is None:
            continue
        for group in (*selector.groups, *([selector.of] if selector.of else [])):
            if group not in members:
                yield "ring %s: no host is in the group %s" % (ring.name, group)
        if selector.of in members and taken[number] in (0, members[selector.of]):
            what = "no host" if not taken[number] else "every host"
            yield "ring %s: takes %s of the group %s, which has %d" % (ring.name, what, selector.of, members[selector.of])


def _listed(names):
    more = len(names) - _SHOWN
    return "%s%s" % (", ".join(names[:_SHOWN]), " and %d more" % more if more > 0 else "")

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The selector of a ring, as the schedule declares it. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.rollout import schedule_values as values
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.selectors import DOMAIN, HOST, KEYS as BY, Selector

KEYS = ("groups", "of", "share", "domains", "by")
_FORMS = "Write groups: [dev], or of: prod with share: 25%, or of: prod with domains: [dc1]"


def selector(entry, salt, domain_variable):
    """What a ring takes.

    :param salt: the salt of the schedule.
    :param domain_variable: the host variable that holds failure domains; empty where the schedule names none.
    :return: ``Selector``.
    """
    found = entry.mapping(KEYS, "A selector")
    if set(found) - {"by"} not in ({"groups"}, {"of", "share"}, {"of", "domains"}):
        entry.refuse("is none of the three that there are", _FORMS)
    if "by" in found and "share" not in found:
        found["by"].refuse("belongs to a share", "Leave it out")
    if "groups" in found:
        return Selector(groups=values.texts(found["groups"], "Write a list of groups, such as [dev, int]"))
    if "domains" in found and not domain_variable:
        found["domains"].refuse("needs to know the failure domains of hosts", "Name the host variable with the domain, such as domain_variable: datacenter")
    of = found["of"].text("Write the name of a group")
    if "domains" in found:
        return Selector(of=of, domains=frozenset(values.texts(found["domains"], "Write a list of failure domains, such as [dc1]")))
    return Selector(of=of, share=values.share(found["share"]), salt=salt, by=_by(found, domain_variable))


def _by(found, domain_variable):
    if "by" not in found:
        return DOMAIN if domain_variable else HOST
    remedy = "Write host, or domain to keep failure domains whole"
    text = found["by"].text(remedy)
    if text not in BY:
        found["by"].refuse("is not known", remedy)
    if text == DOMAIN and not domain_variable:
        found["by"].refuse("needs to know the failure domains of hosts", "Name the host variable with the domain, such as domain_variable: datacenter")
    return text

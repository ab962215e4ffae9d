# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that the server hands out page by page."""

from __future__ import annotations

PAGE_SIZE = 1000


def everything(client, path, environment, query=None):
    """All items of a list.

    :param path: the list's path.
    :param query: filters and sorting; the page size is added.
    :returns: the items of all pages, in the server's order.
    """
    answer = client.get(path, environment, query=dict(query or {}, limit=PAGE_SIZE))
    items = list(answer["data"])
    while (answer.get("links") or {}).get("next"):
        # The link holds path and query.
        answer = client.get(answer["links"]["next"], environment)
        items.extend(answer["data"])
    return items

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announcing by webhook: one POST of JSON. Its address and headers may hold a token, and are never in a message."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from ansible_collections.stagecraft.release.plugins.module_utils.announce.delivery import NotDelivered, hidden, reason
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

try:
    import requests
except ImportError:
    requests = None

KEYS = ("url", "name", "headers", "payload")
AGENT = "stagecraft.release"
MOMENTARY = (408, 425, 429, 500, 502, 503, 504)


class Webhook:
    """One receiver.

    :param entry: ``url``, and optionally ``name`` (for messages; default is the host), ``headers`` and ``payload``.
    :param place: where the entry comes from, for messages.
    """

    def __init__(self, entry, place):
        if requests is None:
            raise StagecraftError("A webhook needs the Python library 'requests'. Install it for the Python that runs Ansible on the controller.")
        if not isinstance(entry, dict):
            raise hidden(place, "is not a mapping", "Write a mapping with url, and name, headers and payload where they are wanted")
        for key in entry:
            if key not in KEYS:
                raise InputError("%s.%s" % (place, key), "…", "belongs to no such key", "Use the keys %s" % ", ".join(KEYS))
        host = _check_url(entry.get("url"), place)
        self._url = entry["url"]
        self._headers = _headers(entry.get("headers"), place)
        self.payload = entry.get("payload")
        self.place = place
        self.name = "webhook %s" % (entry.get("name") or host)

    def send(self, payload, timeout, verify=True):
        """POST once.

        :param verify: True, False, or a file with certificate authorities.
        :raises NotDelivered: it was not taken.
        """
        try:
            # A redirect would turn the POST into a GET, and a .netrc entry would take the place of a header.
            answer = requests.post(self._url, data=json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace"), headers=self._headers,
                                   timeout=timeout, verify=verify, allow_redirects=False, stream=True, auth=None if "@" in self._url else _as_it_is)
        except (requests.exceptions.RequestException, OSError, ValueError) as exc:
            raise NotDelivered("%s: no connection: %s" % (self.name, reason(exc))) from None
        with answer:
            status = answer.status_code
        if not 200 <= status < 300:
            raise NotDelivered("%s: answered %d" % (self.name, status), again=status in MOMENTARY)


def _check_url(url, place):
    remedy = "Write an address such as https://chat.example.com/hooks/TOKEN"
    try:
        parts = urlsplit(url) if isinstance(url, str) and url.isprintable() and " " not in url else None
        good = parts and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise hidden("%s.url" % place, "is not an http or https address", remedy)
    return parts.hostname


def _headers(given, place):
    if given is not None and not isinstance(given, dict):
        raise hidden("%s.headers" % place, "is not a mapping", "Write names and values")
    for name, value in (given or {}).items():
        if not isinstance(name, str) or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise InputError("%s.headers" % place, name, "is not a name of a header", "Use letters, digits and -")
        if not isinstance(value, str) or not value.isprintable() or not value.isascii():
            raise hidden("%s.headers.%s" % (place, name), "is not a text of one line in ASCII", "Correct it")
    return dict({"Content-Type": "application/json", "User-Agent": AGENT}, **{name: value.strip() for name, value in (given or {}).items()})


def _as_it_is(request):
    return request

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that a server's texts may hold: command lines and urls that a failing tool printed."""

from __future__ import annotations

import re

SECRET = "********"

_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), replacement) for pattern, replacement in (
    (r"(--?(?:[\w-]{1,40}-)?(?:token|password|passwd|secret|api-?key)['\",\s=]+)[^\s'\",\]]+", r"\g<1>" + SECRET),
    (r"(https?://)[^\s/'\"]+@", r"\g<1>" + SECRET + "@"),
    (r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]*:)[^\s/@'\"]+@", r"\g<1>" + SECRET + "@"),
    (r"(\bbearer\s+)[\w.~+/=-]{6,}", r"\g<1>" + SECRET),
    (r"\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?", SECRET),
    (r"\b((?:\w{1,40}[_-])?(?:password|passwd|secret|api_?key)['\"]?\s*[=:]\s*['\"]?)[^\s'\",;]{3,}", r"\g<1>" + SECRET),
    # Parsers write "at token = (", so no space is allowed before the sign here.
    (r"\b((?:\w{1,40}[_-])?token['\"]?[=:]\s*['\"]?)[^\s'\",;]{3,}", r"\g<1>" + SECRET),
))


def mask(text):
    """``text`` with what looks like a token or a password taken out.

    :param text: output of a tool that ran on the server.
    """
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text

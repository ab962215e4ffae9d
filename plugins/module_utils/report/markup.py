# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Markup in which nothing from outside can be more than text. Pure."""

from __future__ import annotations

import base64
import hashlib
import html
import json

from ansible_collections.stagecraft.release.plugins.module_utils.changes.table import visible

EMPTY = ("meta", "input")


def escaped(text):
    """Text for an element or an attribute. What does not print, such as marks that turn the direction of writing, is shown by its code."""
    return html.escape(visible(str(text)), quote=True)


def lines(text):
    """Text of several lines, each escaped."""
    return "\n".join(escaped(line) for line in str(text).splitlines())


def element(tag, inner="", /, **attributes):
    """One element.

    :param inner: markup; text goes through :func:`escaped` before.
    :param attributes: their values are escaped here; ``class_`` is ``class``, ``_`` in a name is ``-``, and None leaves one away.
    """
    given = "".join(' %s="%s"' % (key.rstrip("_").replace("_", "-"), escaped(value)) for key, value in attributes.items() if value is not None)
    return "<%s%s>" % (tag, given) if tag in EMPTY else "<%s%s>%s</%s>" % (tag, given, inner, tag)


def data(value):
    """A value as JSON inside of a script element: no character of it can end that element or begin another one."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def fingerprint(text):
    """A script or style as a Content-Security-Policy names it."""
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")

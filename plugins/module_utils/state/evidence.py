# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence: documents about a unit that a later run compares with, or that support asks for."""

from __future__ import annotations

import contextlib
import json

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import check_name


def document(unit, name):
    """Name of the document that keeps a piece of evidence."""
    return "evidence-%s-%s" % (check_name(unit, "unit"), check_name(name))


def serialise(content):
    """The text of a document: sorted, so that equal evidence is equal text."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def parse(text, source):
    """The mapping that a document holds, or None where there is none.

    :raises StagecraftError: the document is damaged.
    """
    if text is None:
        return None
    try:
        content = json.loads(text)
    except ValueError as exc:
        raise StagecraftError("%s: is not valid JSON (%s). Move it away; what it was evidence of has to be recorded again."
                              % (source, exc)) from exc
    if not isinstance(content, dict):
        raise StagecraftError("%s: is not a mapping, so it is not evidence. Move it away; it has to be recorded again." % source)
    return content


def exclusion(backend, check_mode):
    """The backend's exclusion of writers; in check mode none, since that makes files."""
    return contextlib.nullcontext() if check_mode else backend.exclusive()

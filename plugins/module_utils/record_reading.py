# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release record in the forms that operators give: the place where the room ``people`` meets files."""

from __future__ import annotations

import os

from ansible_collections.stagecraft.release.plugins.module_utils import controller_files
from ansible_collections.stagecraft.release.plugins.module_utils.changes import policy_text
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.people import record as records


def read(given):
    """The record as data, and its name for messages.

    :param given: the path of a file, or the record itself.
    """
    if not isinstance(given, str):
        return given, "release record"
    path = os.path.abspath(os.path.expanduser(given))
    try:
        text = controller_files.text(path)
    except (OSError, ValueError) as exc:
        raise InputError("record", given, "cannot be read as a file (%s)" % (getattr(exc, "strerror", None) or exc),
                         "Write the record, or give the path of the one that is there, on the controller") from exc
    return policy_text.parse_text(text, path, "record", records.REMEDY), "release record %s" % given

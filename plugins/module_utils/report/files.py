# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the report: each file in one step, and only where it changes."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

MODE = 0o600  # what a report shows can be as private as the configuration that it is about
REMEDY = "Give a directory on the controller in which you may write"


def base_name(target, release):
    """Name of the files of a report, without what does not belong into a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", "%s-%s" % (target, release)).lstrip(".") or "report"


def check_directory(directory):
    """The absolute path of the directory.

    :raises InputError: it cannot be one.
    """
    if not str(directory or "").strip():
        raise InputError("directory", directory, "is empty", REMEDY)
    return os.path.abspath(os.path.expanduser(directory))


def is_same(path, text):
    """Whether a file holds the text already."""
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read() == text
    except (OSError, UnicodeDecodeError):
        return False


def write(directory, texts):
    """Put files in place, all of them written before the first appears.

    :param texts: ``{name: text}``.
    :raises InputError: the directory is none, or may not be written.
    """
    written = {}
    try:
        os.makedirs(directory, exist_ok=True)
        for name, text in texts.items():
            descriptor, temporary = tempfile.mkstemp(prefix=".%s." % name, dir=directory)
            written[temporary] = os.path.join(directory, name)
            with os.fdopen(descriptor, "wb") as handle:
                os.fchmod(descriptor, MODE)
                handle.write(text.encode("utf-8", "backslashreplace"))
        for temporary, path in written.items():
            os.replace(temporary, path)
    except OSError as exc:
        raise InputError("directory", directory, "cannot take the report (%s)" % (exc.strerror or exc), REMEDY) from exc
    finally:
        for temporary in written:
            with contextlib.suppress(OSError):
                os.unlink(temporary)

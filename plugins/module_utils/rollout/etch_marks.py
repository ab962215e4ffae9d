# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compatibility with etch: the text of its file of marks. Pure."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import BAD, BADFWD, GOOD, Mark

STATES = (GOOD, BAD, BADFWD)


def parse(text, strict=True, source="tagstate"):
    """Read it.

    :param text: each line holds a tag and its state; what follows is a remark, as is a line that begins with ``#``.
    :param strict: refuse what etch passes over with a warning, and then takes for acceptable.
    :param source: how messages name the file.
    :return: list of ``Mark`` in the order of the lines.
    :raises InputError: a line without a state that there is.
    """
    marks = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 1 and words[1] in STATES:
            marks.append(Mark(words[0], words[1], why=" ".join(words[2:])))
        elif strict:
            raise InputError("%s line %d" % (source, number), line, "is not a mark",
                             "Write the name of a snapshot, a blank and one of %s" % ", ".join(STATES))
    return marks

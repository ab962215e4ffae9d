# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_confirm."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.modules import inmanta_confirm


def run(answer, question="Go on? ", word="yes"):
    """The result, where the person types the answer; None: there is no terminal."""
    asked = []
    result = inmanta_confirm.execute(Call({"question": question, "word": word}, ask=lambda text: asked.append(text) or answer))
    assert asked == ["Go on? "]
    return result


@pytest.mark.parametrize("answer, confirmed", [("yes", True), (" yes ", True), ("no", False), ("", False), ("YES", False), ("y", False)])
def test_only_the_typed_word_confirms(answer, confirmed):
    assert run(answer) == {"changed": False, "asked": True, "confirmed": confirmed}
    assert not run(answer, word="production")["confirmed"]


def test_where_there_is_no_terminal_nobody_confirms():
    assert run(None) == {"changed": False, "asked": False, "confirmed": False}


@pytest.mark.parametrize("given, field", [({"question": " "}, "question"), ({"word": ""}, "word")])
def test_empty_texts_are_refused(given, field):
    with pytest.raises(InputError, match=field):
        run("yes", **given)

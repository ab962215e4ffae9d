# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents in parameters of an environment."""

from __future__ import annotations

import random

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.state.backends import ParameterBackend


class Store(dict):
    """What the parameters of an environment offer."""

    def put(self, name, value):
        self[name] = value

    def delete(self, name):
        self.pop(name, None)


@pytest.fixture
def store():
    return Store()


def test_documents_come_back_and_go_under_the_prefix(store):
    backend = ParameterBackend(store)
    assert backend.read("facts") is None
    backend.write("facts", "ü", private=True)
    assert backend.read("facts") == "ü" and dict(store) == {"stagecraft.facts": "ü"}
    assert "stagecraft.facts" in backend.describe()
    backend.delete("facts")
    backend.delete("facts")
    assert backend.read("facts") is None


@pytest.mark.parametrize("size, packed", [(256 * 1024, False), (256 * 1024 + 1, True), (900000, True)])
def test_large_documents_are_compressed(store, size, packed):
    backend = ParameterBackend(store, prefix="other")
    text = "ab" * (size // 2) + "c" * (size % 2)
    backend.write("evidence-a", text)
    assert store["other.evidence-a"].startswith("gzip+base64:") is packed
    assert backend.read("evidence-a") == text


def test_size_is_counted_in_bytes(store):
    ParameterBackend(store).write("facts", "ü" * (200 * 1024))
    assert store["stagecraft.facts"].startswith("gzip+base64:")


def test_what_does_not_fit_is_refused_before_it_is_sent(store):
    source = random.Random(1)
    text = "".join(source.choice("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") for _number in range(1100000))
    with pytest.raises(StagecraftError, match=r"evidence-a.*bytes after compression.*backend: file"):
        ParameterBackend(store).write("evidence-a", text)
    assert not store


@pytest.mark.parametrize("damage", ["gzip+base64:", "gzip+base64:@@", "gzip+base64:aGFsbG8=", "gzip+base64:H4sIAAAAAAAAAw=="])
def test_a_damaged_document_is_an_error(store, damage):
    store["stagecraft.facts"] = damage
    with pytest.raises(StagecraftError, match="stagecraft.facts.*damaged"):
        ParameterBackend(store).read("facts")


def test_names_are_checked(store):
    with pytest.raises(InputError):
        ParameterBackend(store).write("a/b", "x")


def test_journal_keeps_the_newest_lines(store):
    backend = ParameterBackend(store)
    for number in range(505):
        backend.journal("line %d" % number)
    assert backend.journal_lines() == backend.read("journal").splitlines() == ["line %d" % number for number in range(5, 505)]


def test_exclusive_is_there_for_the_callers_sake(store):
    with ParameterBackend(store).exclusive():
        store.put("a", "b")
    assert store == {"a": "b"}

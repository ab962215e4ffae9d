# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence: kept, read, removed."""

from __future__ import annotations

import os
import stat

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.module_utils.state import backends, evidence
from ansible_collections.stagecraft.release.plugins.modules import stages_evidence, stages_evidence_info

CONTENT = {"digest": "sha256:aa", "changes": [{"resource": "ü", "from": None}]}


@pytest.fixture
def run(tmp_path):
    """A function that runs one of the modules on one host."""
    def run_it(module, check_mode=False, **options):
        args = dict({"unit": "shop", "name": "dryrun", "facts_path": str(tmp_path / "s.fact"), "journal_path": str(tmp_path / "j"),
                     "state_directory": str(tmp_path / "state")}, **options)
        validation = ArgumentSpecValidator(module.SPEC["argument_spec"]).validate(args)
        assert not validation.error_messages, validation.error_messages
        return module.execute(Call(validation.validated_parameters, check_mode))
    return run_it


def test_kept_as_it_is_until_it_is_removed(run):
    first = run(stages_evidence, content=CONTENT)
    assert first["changed"] and first["document"].endswith("/state/evidence-shop-dryrun.json")
    assert run(stages_evidence, content=dict(reversed(list(CONTENT.items()))))["changed"] is False
    assert run(stages_evidence_info) == {"changed": False, "found": True, "content": CONTENT, "document": first["document"]}
    assert run(stages_evidence, content={})["changed"] is True
    assert run(stages_evidence_info)["content"] == {}
    assert run(stages_evidence, state="absent")["changed"] is True
    assert run(stages_evidence, state="absent")["changed"] is False
    assert run(stages_evidence_info)["content"] is None and run(stages_evidence_info)["found"] is False


def test_packed_is_the_same_document(run):
    run(stages_evidence, packed=backends.pack(evidence.serialise(CONTENT)))
    assert run(stages_evidence_info)["content"] == CONTENT
    assert run(stages_evidence, content=CONTENT)["changed"] is False


def test_only_the_owner_may_read_it(run):
    assert stat.S_IMODE(os.stat(run(stages_evidence, content=CONTENT)["document"]).st_mode) == 0o600


def test_names_and_units_are_apart(run):
    run(stages_evidence, content=CONTENT)
    assert run(stages_evidence_info, name="other")["found"] is False
    assert run(stages_evidence_info, unit="till")["found"] is False


@pytest.mark.parametrize("options", [{"content": CONTENT}, {"state": "absent"}])
def test_check_mode_writes_nothing(run, options, tmp_path):
    if "state" in options:
        run(stages_evidence, content=CONTENT)
    before = sorted(os.walk(tmp_path))
    assert run(stages_evidence, check_mode=True, **options)["changed"] is True
    assert sorted(os.walk(tmp_path)) == before


@pytest.mark.parametrize("options, field", [({}, "content"), ({"content": {}, "name": "a/b"}, "name"), ({"content": {}, "unit": ".."}, "unit")])
def test_wrong_options(run, options, field):
    with pytest.raises(InputError, match="^%s: " % field):
        run(stages_evidence, **options)


def test_damage_is_an_error(run, tmp_path):
    with open(run(stages_evidence, content=CONTENT)["document"], "w", encoding="utf-8") as handle:
        handle.write("[")
    with pytest.raises(StagecraftError, match="not valid JSON"):
        run(stages_evidence_info)

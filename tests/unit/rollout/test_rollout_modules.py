# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every module that works on the state of a rollout."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.stagecraft.release.plugins.doc_fragments import recording, rollout
from ansible_collections.stagecraft.release.plugins.module_utils import rollout_options
from ansible_collections.stagecraft.release.plugins.modules import (
    kill_switch, rollout_approval, rollout_mark, rollout_pin, rollout_record, rollout_snapshot)
from ansible_collections.stagecraft.release.tests.unit.repository.fixtures import own_git_settings  # noqa: F401  # pylint: disable=unused-import
from ansible_collections.stagecraft.release.tests.unit.repository.gitrepo import Project
from ansible_collections.stagecraft.release.tests.unit.rollout.store_samples import at, make, named, run

GIVEN = {
    kill_switch: {"state": "engaged", "why": "x"},
    rollout_approval: {"ring": "prod", "snapshot": named(7)},
    rollout_mark: {"snapshots": [named(7)], "state": "good"},
    rollout_pin: {"targets": ["web1"], "snapshot": named(7), "duration": "1h", "why": "x"},
    rollout_record: {"targets": ["web1"], "snapshot": named(7)},
    rollout_snapshot: {"ref": "release"},
}


@pytest.mark.parametrize("module", GIVEN, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_key_is_documented_and_every_option_has_its_default(module, tmp_path):
    given = dict(GIVEN[module])
    if module is rollout_snapshot:
        project = Project(tmp_path)
        project.commit("One", main_cf="one")
        project.push()
        given["repository"] = project.url
    result = run(module, at(8), state_dir=make(tmp_path / "state", 7), **given)
    assert set(result) - {"changed", "diff"} == set(yaml.safe_load(module.RETURN)) and result["changed"] is True and result["diff"]
    documentation = yaml.safe_load(module.DOCUMENTATION)
    options = dict(documentation["options"])
    for fragment in documentation["extends_documentation_fragment"]:
        place = {"stagecraft.release.rollout": rollout, "stagecraft.release.recording": recording}[fragment]
        options.update(yaml.safe_load(place.ModuleDocFragment.DOCUMENTATION)["options"])
    spec = module.SPEC["argument_spec"]
    assert set(options) == set(spec)
    for name, option in spec.items():
        for key in ("type", "default", "choices", "aliases", "elements"):
            assert options[name].get(key) == option.get(key), (name, key)


def test_the_options_that_modules_share():
    assert set(yaml.safe_load(rollout.ModuleDocFragment.DOCUMENTATION)["options"]) == set(rollout_options.STATE_DIR)
    assert set(yaml.safe_load(recording.ModuleDocFragment.DOCUMENTATION)["options"]) == set(rollout_options.RECORDING) - set(rollout_options.STATE_DIR)

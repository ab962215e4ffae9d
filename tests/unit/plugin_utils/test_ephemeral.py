# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are no place for state on a controller that is gone after the run."""

from __future__ import annotations

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.plugin_utils.ephemeral import is_ephemeral, refuse_files_here


@pytest.mark.parametrize("environ, paths, answer", [
    ({}, (), False),
    ({"AWX_PRIVATE_DATA_DIR": "/runner"}, (), True),
    ({}, ("/runner", "/run/.containerenv"), True),
    ({}, ("/runner", "/.dockerenv"), True),
    ({}, ("/runner",), False),
    ({}, ("/.dockerenv",), False),
])
def test_an_execution_environment_is_told_from_a_machine_and_from_any_container(environ, paths, answer):
    assert is_ephemeral(environ, paths.__contains__) is answer


@pytest.mark.parametrize("backend, transport", [("environment", "local"), ("file", "ssh")])
def test_state_elsewhere_is_fine(backend, transport):
    refuse_files_here(backend, transport, ephemeral=lambda: True)


def test_files_of_a_lasting_controller_are_fine():
    refuse_files_here("file", "local", ephemeral=lambda: False)


def test_files_of_an_execution_environment_are_refused():
    with pytest.raises(InputError) as caught:
        refuse_files_here("file", "local", ephemeral=lambda: True)
    assert caught.value.field == "backend" and "environment" in caught.value.message

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say where state is kept, as in ``module_utils/backend_choice.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``backend_choice.arguments()``, beside those of a connection."""

    DOCUMENTATION = r"""
options:
  unit:
    description: Name of the unit, such as the name of a service or the UUID of an environment.
    type: str
    required: true
  backend:
    description:
      - Where stage facts, saved settings, locks and evidence are kept.
      - With V(file), in files of the host that the task runs on; no connection option is needed or sent there.
      - With V(environment), in parameters of an environment of an orchestrator, which every controller sees.
    type: str
    choices: [file, environment]
    default: file
  facts_path:
    description: File of the stage facts. An absolute path.
    type: str
    default: /etc/ansible/facts.d/stagecraft.fact
  journal_path:
    description: File that gets one line for each write of stage facts. An absolute path.
    type: str
    default: /var/log/stagecraft/journal.jsonl
  state_directory:
    description: Directory of locks and evidence. An absolute path.
    type: str
    default: /var/lib/stagecraft
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without writing anything.
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
  action_group:
    description: Takes C(module_defaults) of the action group.
    support: full
    membership:
      - stagecraft.release.inmanta
  platform:
    description: Runs on the host that keeps the state, or with O(backend=environment) on the controller.
    support: full
    platforms: posix
"""

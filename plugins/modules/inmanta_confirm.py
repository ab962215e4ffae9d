#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module inmanta_confirm: lets a person decide, and holds the environment meanwhile."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inmanta_confirm
short_description: Ask a person whether a run goes on, and keep its lock meanwhile
version_added: 0.1.0
description:
  - Asks the person at the terminal and waits for the answer, however long that takes. The lock of the run is renewed meanwhile, so that no other run
    begins to work on the environment which the person looks at.
  - Where there is no terminal, as in AWX or cron, nobody is asked, and RV(confirmed) is false.
  - Changes nothing and decides nothing; the tasks after it act on RV(confirmed).
author:
  - Contributors to the stagecraft.release project (@stagecraft)
extends_documentation_fragment:
  - stagecraft.release.attributes
  - stagecraft.release.connection
  - stagecraft.release.environment
attributes:
  check_mode:
    description: Asks in check mode, too, and there is no lock to renew.
    support: full
  diff_mode:
    support: none
options:
  question:
    description: What the person reads. It should name the environment, since several may be asked about one after the other.
    type: str
    required: true
  word:
    description: The one answer that confirms, in this spelling. White space around it does not count.
    type: str
    default: "yes"
  lock:
    description:
      - The lock of the run, as stagecraft.release roles hand it over; O(url), O(environment) and what else names the server are needed where the
        environment keeps it. The task fails, when the question is answered, if another run took the lock all the same.
    type: dict
notes:
  - Runs on the controller. Delegated to another host, it asks nobody.
seealso:
  - module: stagecraft.release.stages_lock
  - module: ansible.builtin.pause
"""

EXAMPLES = r"""
- name: Ask whether the next agent may work
  stagecraft.release.inmanta_confirm:
    url: https://orchestrator.example.com:8888
    environment: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
    question: "production: spine-1 is next. Type yes to activate it, anything else stops here: "
    lock:
      unit: 5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10
      backend: environment
  register: answer

- name: Stop where nobody said yes
  ansible.builtin.assert:
    that: answer.confirmed
    fail_msg: "{{ 'The answer was no.' if answer.asked else 'There is no terminal, so nobody could be asked.' }}"
"""

RETURN = r"""
asked:
  description: Whether somebody was there to be asked.
  returned: success
  type: bool
confirmed:
  description: Whether they typed O(word).
  returned: success
  type: bool
"""

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import arguments
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        arguments.environment(),
        question=dict(type="str", required=True),
        word=dict(type="str", default="yes"),
        lock=dict(type="dict"),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Ask once."""
    question, word = call.params["question"], call.params["word"].strip()
    for field, text in (("question", question.strip()), ("word", word)):
        if not text:
            raise InputError(field, call.params[field], "is empty", "Give the text, or leave the task out")
    answer = call.ask(question.strip() + " ")
    return dict(changed=False, asked=answer is not None, confirmed=answer is not None and answer.strip() == word)


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

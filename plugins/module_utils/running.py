# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module runs: one call object in, one result out, one place that turns errors into ``fail_json``.

A module has ``SPEC`` (the keyword arguments of AnsibleModule), ``execute(call)`` (returns the result) and a
``main()`` that calls :func:`run_module`. The action plugin of the same name, if there is one, calls the same
``execute`` in the controller's process.
"""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError


def _silent(*_args):
    """Neither progress, heartbeat nor question: a plain module has nobody to tell or to ask."""


class Call:
    """What a module was asked for.

    :param params: the validated options.
    :param check_mode: nothing may be written.
    :param diff: the caller wants to see before and after.
    :param progress: called with one line of text when the state changed.
    :param heartbeat: called between the slices of a wait and before each write; raises when the run must stop.
    :param warn: called with a text that the operator should see without a failure.
    :param ask: called with a question; returns what a person typed, or None where there is no terminal.
    """

    def __init__(self, params, check_mode=False, diff=False, progress=_silent, heartbeat=_silent, warn=_silent, ask=_silent):
        self.params = params
        self.check_mode = check_mode
        self.diff = diff
        self.progress = progress
        self.heartbeat = heartbeat
        self.warn = warn
        self.ask = ask


def run_module(spec, execute):
    """Run ``execute`` as an ordinary module.

    :param spec: keyword arguments of AnsibleModule.
    :param execute: function of a :class:`Call` that returns the result as a dict.
    """
    module = AnsibleModule(**spec)
    call = Call(module.params, module.check_mode, module._diff, warn=module.warn)
    try:
        result = execute(call)
    except StagecraftError as exc:
        module.fail_json(msg=exc.message, **exc.details)
    module.exit_json(**result)

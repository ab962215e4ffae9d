# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions that run a module's ``execute`` in the controller's own process.

The API, git and policy are the controller's business: running there needs no Python on the target, leaves no
arguments with secrets in a file, and can print a line while it waits. A task that is delegated to a host which is not
local runs the plain module there instead.
"""

from __future__ import annotations

from ansible.errors import AnsibleActionFail, AnsiblePromptNoninteractive
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call
from ansible_collections.stagecraft.release.plugins.plugin_utils.lock_renewal import LockRenewal, beating

SPEC_RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


class ControllerAction(ActionBase):
    """Base of the actions; a subclass names the module.

    ``MODULE`` is a module of this collection with ``SPEC`` and ``execute(call)``.
    """

    MODULE = None
    _requires_connection = False
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        """Run the module here, or where the task is delegated to."""
        super().run(tmp, task_vars)
        if self._task.async_val:
            raise AnsibleActionFail("%s does not run with 'async': it waits by itself. Remove 'async' and 'poll'." % self._task.action)
        if self._delegated_elsewhere():
            return self._execute_module(task_vars=task_vars)
        return self.run_here(self._task.args, task_vars)

    def run_here(self, args, task_vars):
        """Validate ``args`` and run ``execute`` in this process.

        :returns: the task's result.
        """
        spec = self.MODULE.SPEC
        rules = {key: spec[key] for key in SPEC_RULES if key in spec}
        validation = ArgumentSpecValidator(spec["argument_spec"], **rules).validate(args)
        if validation.error_messages:
            raise AnsibleActionFail("%s: %s" % (self._task.action, "; ".join(validation.error_messages)))
        params = validation.validated_parameters
        beat = self.heartbeat(params, task_vars)
        call = Call(params, self._task.check_mode, self._task.diff, self._progress, beat, self._warn, lambda question: self._ask(question, beat))
        try:
            if call.check_mode and not spec.get("supports_check_mode"):
                return dict(skipped=True, msg="check mode is not supported")
            result = self.MODULE.execute(call)
        except StagecraftError as exc:
            result = dict(exc.details, failed=True, msg=exc.message)
        result.setdefault("changed", False)
        if not self._task.diff:
            result.pop("diff", None)
        return result

    def heartbeat(self, params, task_vars):
        """What is called in long waits and before writes: it raises when this run must stop.

        A worker outlives a killed ``ansible-playbook``; it must not go on to change an orchestrator that the next run
        already works on. With the option ``lock`` the run's lock is renewed as well.
        """
        return LockRenewal(self, task_vars, params.get("lock")).beat

    def _delegated_elsewhere(self):
        return bool(self._task.delegate_to) and self._connection.transport != "local"

    def _progress(self, line):
        if self._task.no_log:
            return
        Display().display(self.line(line))

    def line(self, text):
        """``text`` with the host it is about."""
        return "%s: %s" % (self._templar.available_variables.get("inventory_hostname"), text)

    @staticmethod
    def _ask(question, beat):
        try:
            with beating(beat):
                return Display().prompt_until(question).decode("utf-8", "replace").strip()
        except AnsiblePromptNoninteractive:
            return None

    def _warn(self, text):
        Display().warning(text)

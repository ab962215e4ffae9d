# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An orchestrator that answers from a table, and a clock that only sleeping moves."""

from __future__ import annotations

import copy

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import errors
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call

ENV = "4dbf8ee6-5d8b-4a2c-8a4e-1a5f3bd5b1d9"
WAITING = dict(wait=True, wait_timeout=600.0, wait_interval=1.0)
GONE = errors.Unreachable("no connection")
BROKEN = errors.ApiError("GET", "/x", 503, "starting")


class FakeClient:
    """Stands in for ``Client``.

    :param routes: ``"GET /path"`` -> an answer, or a list of answers of which the last stays. An answer may be a function of
        what was sent, or an error to raise. A call without a route fails the test.
    """

    url = "https://orchestrator.example.com"

    def __init__(self, routes):
        self.routes = {route: list(answers) if isinstance(answers, list) else [answers] for route, answers in routes.items()}
        self.calls = []

    def get(self, path, environment=None, query=None):
        return self._answer("GET", path, query)

    def post(self, path, environment=None, body=None, repeat=False):
        return self._answer("POST", path, body)

    def hide(self, text):
        return text.replace("s3ss10n", "********")

    def sent(self, method="POST"):
        """(path, body) of each call of that method."""
        return [(path, given) for kind, path, given in self.calls if kind == method]

    def _answer(self, method, path, given):
        self.calls.append((method, path, given))
        answers = self.routes["%s %s" % (method, path)]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(given)
        if isinstance(answer, Exception):
            raise answer
        return copy.deepcopy(answer)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def make_call(check_mode=False, **params):
    """A call that keeps its progress lines in ``lines``."""
    lines = []
    call = Call(dict(WAITING, **params), check_mode=check_mode, progress=lines.append)
    call.lines = lines
    return call


def environment(halted=False):
    """What the server says about the environment."""
    return {"data": {"id": ENV, "name": "production", "halted": halted}}


def settings(**values):
    """The settings of an environment whose definitions are those that are named."""
    definitions = {name: {"type": "bool", "default": True} for name in values}
    return {"data": {"settings": values, "definition": definitions}}


def version(number, status="candidate", released=None, total=4):
    """The list of versions with this one."""
    row = dict(version=number, status=status, date="2026-01-01T00:00:00+00:00", total=total, labels=[])
    if released is not None:
        row["released"] = released
    return {"data": [row]}


def run_module_here(monkeypatch, module, client, check_mode=False, **options):
    """Run ``execute`` of a module with validated options against ``client``; returns the result and the progress lines."""
    validation = ArgumentSpecValidator(module.SPEC["argument_spec"]).validate(dict(options, url=client.url, environment=ENV))
    assert not validation.error_messages, validation.error_messages
    monkeypatch.setattr(module, "open_environment", lambda call: (client, ENV))
    lines = []
    result = module.execute(Call(validation.validated_parameters, check_mode=check_mode, progress=lines.append))
    return result, lines

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The virtual environment that a project is developed in: its ``inmanta`` command, and what is installed there."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import process

CACHE = ".cfcache"  # where the compiler keeps what it parsed
# The last line of a traceback, and the list that may come with it.
_RAISED = re.compile(r"^[\w.]+\.\w*(?:Exception|Error|Metadata\w*): (.+(?:(?<=:)(?:\n[ \t]+\S.*){1,4})?)", re.MULTILINE)
# Runs in the virtual environment's Python: its pip knows which index is the public one, and which ones are configured.
_PROBE = """
import ast, importlib.metadata, importlib.util, json, os, subprocess, sys
from pip._internal.models.index import PyPI

def place(name):
    try:
        spec = importlib.util.find_spec("inmanta_plugins." + name)
    except ImportError:
        spec = None
    for folder in (spec.submodule_search_locations if spec else None) or ():
        root = os.path.dirname(os.path.dirname(os.path.realpath(folder)))
        if any(os.path.exists(os.path.join(root, mark)) for mark in ("setup.cfg", "pyproject.toml", ".git")):
            return root

def installed(name):
    try:
        return {"version": importlib.metadata.version("inmanta-module-" + name.replace("_", "-")), "source": place(name)}
    except importlib.metadata.PackageNotFoundError:
        return None

listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
config = {}
for line in listed.stdout.splitlines():
    key, found, value = line.partition("=")
    config[key] = ast.literal_eval(value) if found else ""
def setting(name):
    return next((config[part + name] for part in (":env:.", "install.", "global.") if config.get(part + name)), "")
print(json.dumps({
    "modules": {name: installed(name) for name in json.loads(sys.argv[1])},
    "pip": {"default": PyPI.simple_url, "index_url": setting("index-url"), "extra_index_url": setting("extra-index-url").split()},
}))
"""


class Tool:
    """The virtual environment.

    :param virtualenv: its path.
    :param timeout: seconds that one command in it may take.
    """

    def __init__(self, virtualenv, timeout):
        self.timeout = timeout
        self.virtualenv = virtualenv
        self.inmanta, self.python = (os.path.join(virtualenv, "bin", name) for name in ("inmanta", "python"))
        for program in (self.inmanta, self.python):
            if not os.access(program, os.X_OK):
                raise InputError(
                    "virtualenv", virtualenv, "has no %s" % os.path.join("bin", os.path.basename(program)),
                    "Give the virtual environment in which the project's modules were installed (inmanta project install)",
                )

    def _run(self, command, directory):
        finished = process.run(command, self.timeout, directory=directory)
        if finished.code is None:
            raise InputError("timeout", self.timeout, "seconds were not enough for %s" % " ".join(command[:3]), "Raise it")
        return finished

    def freeze(self, project):
        """The text that ``inmanta project freeze`` would make of ``project.yml``; the project's directory stays as it is.

        :param project: path of the project.
        """
        cached = os.path.join(project, CACHE)
        kept = os.path.exists(cached)
        scratch = tempfile.mkdtemp(prefix="stagecraft-freeze-")
        try:
            out = os.path.join(scratch, "project.yml")
            finished = self._run([self.inmanta, "-vv", "-X", "project", "freeze", "--recursive", "--operator", "==", "-o", out], project)
            if not finished.ok or not os.path.exists(out):
                raise InputError(
                    "path", project, "cannot be frozen: inmanta ended with %s: %s" % (finished.code, _why(finished)),
                    "Install its modules (inmanta project install) and make it compile, then run again",
                )
            with open(out, encoding="utf-8") as handle:
                return handle.read()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            if not kept:
                shutil.rmtree(cached, ignore_errors=True)

    def probe(self, names):
        """What is installed: ``modules`` (version and, for one that is edited in place, its source) and the settings of ``pip``.

        :param names: the modules; those that are no packages are null.
        """
        finished = self._run([self.python, "-c", _PROBE, json.dumps(sorted(names))], self.virtualenv)
        if not finished.ok:
            raise StagecraftError(
                "virtualenv: %r cannot say what is installed in it: %s. Install pip there, then run again."
                % (self.virtualenv, _why(finished))
            )
        return json.loads(finished.out)


def _why(finished):
    """What a Python program died of, in its own words."""
    said = list(dict.fromkeys(_RAISED.findall(finished.err)))
    lines = said or (finished.err.strip() or finished.out.strip() or "it gave no reason").splitlines()[-1:]
    return "; ".join(" ".join(line.split()).rstrip(".") for line in lines[-3:])[:600]

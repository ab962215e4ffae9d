# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the ``project.yml`` of an Inmanta project is released: every module frozen, no pre-releases."""

from __future__ import annotations

import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError

PROJECT_FILE = "project.yml"
_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?(?P<clauses>[^;@]*)(?:;.*)?\Z", re.DOTALL)
_EXACT = re.compile(r"==\s*[A-Za-z0-9][A-Za-z0-9.!+_-]*\Z")


def check_released(files):
    """What keeps a project from being a release.

    :param files: texts of the release's files by path; ``project.yml`` is read.
    :returns: problems, each naming key and value; empty when the project is released.
    """
    text = files.get(PROJECT_FILE)
    if text is None:
        return ["%s: not there: the release has no such file in its top directory" % PROJECT_FILE]
    try:
        project = parse(text)
    except ValueError as exc:
        return ["%s: %s" % (PROJECT_FILE, exc)]
    return _check_requires(project.get("requires")) + check_modes(project)


def check_modes(project):
    """What lets modules in that are not released.

    :param project: the content of ``project.yml``.
    """
    return _check_pip(project.get("pip")) + _check_mode(project)


def declared(files):
    """What a project says of its modules and of its environment; nothing where the file cannot be read.

    :param files: texts of the release's files by path.
    :returns: pair: the names of the modules that it requires, and the settings that it gives the environment.
    """
    try:
        project = parse(files.get(PROJECT_FILE) or "")
    except ValueError:
        return [], {}
    requires = project.get("requires") or []
    found = (_REQUIREMENT.match(entry) for entry in ([requires] if isinstance(requires, str) else requires) if isinstance(entry, str))
    settings = project.get("environment_settings")
    return sorted({match.group("name").replace("-", "_") for match in found if match}), settings if isinstance(settings, dict) else {}


def parse(text):
    """The mapping in a ``project.yml``; raises ValueError that says what is wrong with the text.

    :param text: its text.
    """
    try:
        import yaml
    except ImportError:
        raise StagecraftError("PyYAML is not installed for the Python that reads %s. Install it there." % PROJECT_FILE)
    try:
        project = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = " (line %d)" % (mark.line + 1) if mark else ""
        raise ValueError("not YAML%s: %s" % (where, getattr(exc, "problem", None) or exc))
    if not isinstance(project, dict):
        raise ValueError("not a mapping but %s" % type(project).__name__)
    return project


def _check_requires(requires):
    if requires in (None, [], ""):
        return ["requires: empty: nothing is frozen"]
    if isinstance(requires, str):
        requires = [requires]
    if not isinstance(requires, list):
        return ["requires: %r: must be a list of modules, each pinned with '=='" % (requires,)]
    return [problem for problem in map(_check_entry, requires) if problem]


def _check_entry(entry):
    if not isinstance(entry, str):
        return "requires: %r: must be a text such as 'std == 8.7.5'" % (entry,)
    match = _REQUIREMENT.match(entry)
    clauses = match.group("clauses").strip(" ()\n\t").split(",") if match else []
    if any(_EXACT.match(clause.strip()) for clause in clauses):
        return None
    return "requires: %r: not pinned with '==' to one version" % entry


def _check_pip(pip):
    if pip is None:
        return []
    if not isinstance(pip, dict):
        return ["pip: %r: must be a mapping" % (pip,)]
    if pip.get("pre") in (None, False):
        return []
    return ["pip.pre: %r: must be absent or false: it lets pre-releases in" % (pip["pre"],)]


def _check_mode(project):
    mode = project.get("install_mode")
    if mode in (None, "release"):
        return []
    return ["install_mode: %r: must be absent or 'release'" % (mode,)]

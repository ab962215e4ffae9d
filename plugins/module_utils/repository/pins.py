# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a project asks of its modules, and whether the versions that were frozen are what it asked for."""

from __future__ import annotations

import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.project import PROJECT_FILE

REQUIREMENTS_FILE = "requirements.txt"
_PACKAGE = "inmanta_module_"
_IGNORED = re.compile(r"\s*([#./-]|$)")


def _packaging():
    try:
        from packaging import requirements, version
    except ImportError:
        raise StagecraftError(
            "packaging is not installed for the Python that freezes the project. Install it there (pip install packaging)."
        )
    return requirements, version


def normal(name):
    """A name as Inmanta writes modules."""
    return re.sub(r"[-_.]+", "_", name).lower()


def requirement(entry, field):
    """One requirement; refused when it is not one.

    :param entry: a text such as ``std >= 8``.
    :param field: where it stands.
    """
    requirements, dummy = _packaging()
    try:
        return requirements.Requirement(entry)
    except (requirements.InvalidRequirement, TypeError):
        raise InputError(field, entry, "is not a requirement", "Write the name of a module with its versions, such as 'std >= 8, < 9'")


def module_name(entry):
    """The module that an entry of ``requires`` is about."""
    return normal(requirement(entry, "%s: requires" % PROJECT_FILE).name)


def entries(project):
    """The entries of ``requires``.

    :param project: the content of ``project.yml``.
    """
    found = project.get("requires") or []
    if not isinstance(found, (str, list)):
        raise InputError("%s: requires" % PROJECT_FILE, found, "is not a list", "Write a list of texts such as 'std >= 8'")
    return [found] if isinstance(found, str) else list(found)


def asked(project, requirements):
    """What is asked for, as ``(where, module, requirement)``.

    :param project: the content of ``project.yml``.
    :param requirements: the text of the project's ``requirements.txt``, None when it has none.
    """
    where = "%s: requires" % PROJECT_FILE
    for entry in entries(project):
        wanted = requirement(entry, where)
        yield where, normal(wanted.name), wanted
    for wanted in packages(requirements):
        if normal(wanted.name).startswith(_PACKAGE):
            yield REQUIREMENTS_FILE, normal(wanted.name)[len(_PACKAGE):], wanted


def packages(requirements):
    """The requirements of a ``requirements.txt``; options of pip and addresses are left out.

    :param requirements: its text, None when there is none.
    """
    for line in (requirements or "").splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).split(" --")[0]
        if not _IGNORED.match(line) and "://" not in line.split("@")[0]:
            yield requirement(line.strip().rstrip("\\").strip(), REQUIREMENTS_FILE)


def check_frozen(frozen, wanted, expected):
    """Refuse versions that are not released, that nobody asked for, or that are not what the operator expects.

    :param frozen: versions by module.
    :param wanted: what :func:`asked` gives, from before.
    :param expected: versions by module that the operator wants to see; None asks for nothing.
    """
    dummy, version = _packaging()
    for name, found in sorted(frozen.items()):
        if version.Version(found).is_prerelease:
            raise InputError(name, found, "is a pre-release", "Release the module, install that version, then run again")
    for where, name, entry in wanted:
        if name not in frozen:
            raise InputError(where, str(entry), "names a module that the model does not import, so it cannot be frozen",
                             "Remove the entry or import the module, commit that, then run again")
        if not entry.specifier.contains(frozen[name], prereleases=True):
            raise InputError(where, str(entry), "is not satisfied by version %s, which is installed" % frozen[name],
                             "Install what the project asks for (inmanta project install) or correct the entry, then run again")
    for name, found in sorted((expected or {}).items()):
        if normal(name) not in frozen:
            raise InputError("expected", name, "is not a module of the project (it has: %s)" % ", ".join(sorted(frozen)),
                             "Correct the name or leave it out")
        if version.Version(frozen[normal(name)]) != _version(version, found):
            raise InputError("expected", "%s: %s" % (name, found), "is not what is installed, that is version %s" % frozen[normal(name)],
                             "Install the expected version, then run again")


def _version(version, text):
    try:
        return version.Version(str(text))
    except version.InvalidVersion:
        raise InputError("expected", text, "is not a version", "Write it as text, such as '8.7.5'")

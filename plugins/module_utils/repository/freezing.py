# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Freezing a project for production: every module pinned to the version that is installed, and everything about it checked."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import indexes, names, pins
from ansible_collections.stagecraft.release.plugins.module_utils.repository.checkout import Checkout
from ansible_collections.stagecraft.release.plugins.module_utils.repository.layout import with_requires
from ansible_collections.stagecraft.release.plugins.module_utils.repository.project import (
    PROJECT_FILE,
    check_modes,
    check_released,
    parse,
)
from ansible_collections.stagecraft.release.plugins.module_utils.repository.virtualenv import Tool


def freeze(path, virtualenv, expected=None, index_policy="refuse", private=(), public=(), timeout=300):
    """What a project is with every module frozen; nothing is written.

    :param path: the project.
    :param virtualenv: the virtual environment in which its modules are installed.
    :param expected: versions by module that the operator wants to see.
    :param index_policy: ``refuse`` or ``allow`` a public index for private packages.
    :param private: patterns of names of private packages.
    :param public: hosts of public indexes, beside pip's own.
    :param timeout: seconds that one command may take.
    :returns: changed, text, requires, requires_before, added, modules, indexes, diff.
    """
    text = _read(path, PROJECT_FILE)
    project = _parsed(text)
    problems = check_modes(project)
    if problems:
        raise _refused(problems[0], "Correct it, commit that, then run again")
    tool = Tool(virtualenv, timeout)
    frozen = _versions(tool.freeze(path))
    requirements = _read(path, pins.REQUIREMENTS_FILE, missing=None)
    pins.check_frozen(frozen, list(pins.asked(project, requirements)), expected)
    found = tool.probe(frozen)
    addresses = indexes.indexes(project, found["pip"])
    if index_policy == "refuse":
        indexes.check_credentials(indexes.named(project))
        packages = ["inmanta-module-" + name.replace("_", "-") for name in frozen if found["modules"][name]]
        packages += [entry.name for entry in pins.packages(requirements)]
        indexes.check_indexes(addresses, sorted(set(packages)), private, public, found["pip"]["default"])
    modules = [_module(path, project, name, version, found["modules"][name], timeout) for name, version in sorted(frozen.items())]
    pinned = {name: "%s == %s" % (name, version) for name, version in frozen.items()}
    new = with_requires(text, pinned)
    problems = check_released({PROJECT_FILE: new})
    if problems:
        raise _refused(problems[0], "inmanta froze this; report it with the output of inmanta project freeze")
    hide = names.Repository(path).mask
    before = pins.entries(project)
    return {
        "changed": new != text,
        "text": new,
        "requires": sorted(pinned.values()),
        "requires_before": before,
        "added": sorted(set(frozen) - {pins.module_name(entry) for entry in before}),
        "modules": modules,
        "indexes": [indexes.shown(address) for address in addresses],
        "diff": dict(before=hide(text), after=hide(new), before_header=PROJECT_FILE, after_header="%s, frozen" % PROJECT_FILE),
    }


def write(path, text):
    """Replace a project's ``project.yml`` in one step.

    :param path: the project.
    :param text: the new content.
    """
    place = os.path.realpath(os.path.join(path, PROJECT_FILE))
    handle, scratch = tempfile.mkstemp(prefix="." + PROJECT_FILE, dir=os.path.dirname(place))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(scratch, os.stat(place).st_mode & 0o7777)
        os.replace(scratch, place)
    except BaseException:
        os.unlink(scratch)
        raise


def _read(path, name, **default):
    try:
        with open(os.path.join(path, name), encoding="utf-8", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        if "missing" in default:
            return default["missing"]
        raise InputError("path", path, "has no %s" % name, "Give the directory of an Inmanta project")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError("path", path, "has a %s that cannot be read: %s" % (name, exc), "Correct the file, then run again")


def _parsed(text):
    try:
        return parse(text)
    except ValueError as exc:
        raise _refused(str(exc), "Correct the file, then run again")


def _refused(problem, remedy):
    return StagecraftError("%s: %s. %s." % (PROJECT_FILE, problem.rstrip("."), remedy))


def _versions(text):
    """Versions by module, from the text that inmanta made."""
    requires = _parsed(text).get("requires") or []
    if not requires:
        raise _refused("the model imports no module", "Import what it needs, then run again")
    found = {}
    for entry in requires:
        wanted = pins.requirement(entry, "inmanta project freeze")
        clauses = list(wanted.specifier)
        if [clause.operator for clause in clauses] != ["=="]:
            raise _refused("inmanta did not pin %r with '=='" % entry, "Report it with the output of inmanta project freeze")
        found[pins.normal(wanted.name)] = clauses[0].version
    return found


def _module(path, project, name, version, installed, timeout):
    """Where one module comes from; refused when that is a checkout that is not on the tag of its release."""
    source = installed["source"] if installed else _v1_source(path, project, name)
    tag = Checkout(source, timeout).check_tagged(name, version, path) if source else None
    return {"name": name, "version": version, "generation": "v2" if installed else "v1", "source": source, "tag": tag}


def _v1_source(path, project, name):
    places = project.get("modulepath") or []
    for place in [places] if isinstance(places, str) else places:
        source = os.path.join(path, place, name)
        if os.path.exists(os.path.join(source, "module.yml")):
            return source
    raise InputError("modulepath", places, "has no module %s, and it is not installed as a package either" % name, "Install the project's modules")

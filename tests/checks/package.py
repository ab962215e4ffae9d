# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a user gets it: built, installed, its documentation read and its playbooks parsed."""

from __future__ import annotations

import json
import shutil

from tests.checks.clone import CACHE, NAME, copy_to, environ
from tests.checks.jobs import Failed, Job
from tests.checks.venvs import Venv

NAMESPACE = "stagecraft.release"
WANTED = ("CHANGELOG.rst", "LICENSE", "README.md", "meta/execution-environment.yml", "meta/runtime.yml", "requirements.txt")


def package(venv: Venv):
    """The work of a job, with the ansible-core of venv."""
    def work(job: Job) -> None:
        base = CACHE / "package" / venv.name
        shutil.rmtree(base, ignore_errors=True)
        source, installed = copy_to(base / "source"), base / "installed"
        env = environ(venv.path, ANSIBLE_COLLECTIONS_PATH=str(installed))
        galaxy = venv.bin("ansible-galaxy")
        job.call(galaxy, "collection", "build", "--output-path", base, source, env=env)
        (archive,) = base.glob("*.tar.gz")
        job.call(galaxy, "collection", "install", "--offline", "--no-deps", "-p", installed, archive, env=env)
        tree = installed / NAME
        lacking = [name for name in WANTED if not (tree / name).is_file()]
        if lacking:
            raise Failed(f"the installed collection has no {', no '.join(lacking)}")
        job.note = f"{_documented(job, venv, tree, env)} modules, {_parsed(job, venv, tree, env)} playbooks"
    return work


def _documented(job: Job, venv: Venv, tree, env) -> int:
    """ansible-doc shows every module and role; returns how many modules there are."""
    modules = sorted(f"{NAMESPACE}.{path.stem}" for path in tree.glob("plugins/modules/*.py"))
    roles = sorted(f"{NAMESPACE}.{path.parent.name}" for path in tree.glob("roles/*/meta"))
    for kind, names in (("module", modules), ("role", roles)):
        if not names:
            continue
        shown = json.loads(job.call(venv.bin("ansible-doc"), "--json", "-t", kind, *names, apart=True, cwd=tree.parent, env=env))
        job.output[-1] = f"(documentation of {len(shown)} plugins)"
        missing = sorted(set(names) - set(shown))
        if missing:
            raise Failed(f"ansible-doc shows nothing for {', '.join(missing)}")
    return len(modules)


def _parsed(job: Job, venv: Venv, tree, env) -> int:
    """Every playbook passes --syntax-check by its full name, as ansible-playbook is told it; returns how many there are."""
    playbooks = sorted(f"{NAMESPACE}.{path.stem}" for path in tree.glob("playbooks/*.yml"))
    if playbooks:
        job.call(venv.bin("ansible-playbook"), "--syntax-check", "-i", "localhost,", *playbooks, cwd=tree.parent, env=env)
    return len(playbooks)

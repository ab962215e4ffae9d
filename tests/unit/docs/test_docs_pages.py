# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages name files, tasks, variables, modules and playbooks that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "docs/docsite/rst").glob("*.rst"))
TEXTS = [ROOT / "README.md", *PAGES, *sorted((ROOT / "roles").glob("*/README.md"))]
MAP = ROOT / "docs/docsite/rst/procedure_map.rst"
TASK = re.compile(r"``((?:roles|playbooks)/[\w/.-]+\.yml)``:\s+\*([^*]+)\*")
FILE = re.compile(r"[`(]((?:roles|playbooks|docs|meta|plugins)/[\w/.-]+\.\w+)[`)]")
VARIABLE = re.compile(r"\b((?:inmanta_model|inmanta_project_release|release_announce|stages)_[a-z_]+)\b")
LABEL = re.compile(r"^\.\. _(ansible_collections\.[\w.]+):", re.M)
WRITTEN = ["Release 1", "Release 2", "Release 3", "Release 4", "Context 1", "Context 2", "Before 1", "Before 2", "Before 3", "Before 4",
           "Before 5", "Upgrade 1", "Upgrade 2", "Upgrade 3", "After 1", "Abort 1", "Abort 2", "Abort 3", "Abort 4"]


def ids(paths):
    """Short names of pages for pytest."""
    return [str(path.relative_to(ROOT)) for path in paths]


def task_names(tasks):
    """Every name in a list of tasks, in blocks too."""
    for task in tasks or ():
        yield task.get("name")
        for part in ("block", "rescue", "always", "tasks"):
            yield from task_names(task.get(part))


def specs(role):
    """The argument specs of a role."""
    return yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]


def known_names():
    """Variables of the roles, and the other names that look like one: modules, groups, the filter, what the engine registers."""
    names = {"inmanta_model", "stages_now", "stages_outputs", "stages_stage", "stages_pending", "stages_gate", "stages_to_prove",
             "inmanta_model_targets", "inmanta_model_serial"}
    names |= {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    names |= {"inmanta_project_release_host"}
    for role in ("inmanta_model", "inmanta_project_release", "release_announce", "stages"):
        for spec in specs(role).values():
            names |= set(spec["options"])
    return names


def full_names():
    """What the pages call stagecraft.release.NAME."""
    return set(re.findall(r"stagecraft\.release\.(\w+)", "\n".join(path.read_text() for path in TEXTS))) - {"docsite", "NAME"}


def test_every_task_on_the_map_exists():
    found = TASK.findall(MAP.read_text())
    assert len(found) >= 40
    absent = [(path, name) for path, name in found
              if not (ROOT / path).is_file() or name not in set(task_names(yaml.safe_load((ROOT / path).read_text())))]
    assert not absent


def test_every_file_on_the_map_comes_with_a_task():
    text = MAP.read_text()
    assert len(re.findall(r"``(?:roles|playbooks)/", text)) == len(TASK.findall(text))


def test_the_map_has_every_line_of_the_procedure_in_order():
    text = MAP.read_text()
    places = [text.index("* - %s" % line) for line in WRITTEN]
    assert places == sorted(places)
    for start, end in zip(places, [*places[1:], len(text)]):
        assert TASK.search(text[start:end])


@pytest.mark.parametrize("page", TEXTS, ids=ids(TEXTS))
def test_files_and_variables_exist(page):
    text = page.read_text()
    assert not [path for path in FILE.findall(text) if not (ROOT / path).exists() and not (page.parent / path).exists()]
    assert not sorted(set(VARIABLE.findall(text)) - known_names())


@pytest.mark.parametrize("variable, playbook", [("inmanta_model_targets", "upgrade"), ("inmanta_model_serial", "upgrade")])
def test_variables_of_playbooks_exist(variable, playbook):
    assert variable in (ROOT / "playbooks" / ("%s.yml" % playbook)).read_text()


def test_readme_lists_what_is_there():
    text = (ROOT / "README.md").read_text()
    wanted = ["`%s`" % path.stem for path in (ROOT / "plugins/modules").glob("*.py")]
    wanted += ["`%s`" % path.stem for path in (ROOT / "plugins/filter").glob("*.py")]
    wanted += ["| `stagecraft.release.%s` |" % path.stem for path in (ROOT / "playbooks").glob("*.yml")]
    wanted += ["| `stagecraft.release.%s` |" % path.name for path in (ROOT / "roles").iterdir()]
    wanted += ["(docs/docsite/rst/%s)" % path.name for path in PAGES]
    assert not [name for name in wanted if name not in text]


@pytest.mark.parametrize("name", sorted(full_names()))
def test_full_names_exist(name):
    places = ["plugins/modules/%s.py", "plugins/lookup/%s.py", "playbooks/%s.yml", "roles/%s/meta/main.yml"]
    assert [place for place in places if (ROOT / (place % name)).exists()]


def test_every_page_is_listed_and_every_reference_leads_to_one():
    listed = [page for section in yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text())["sections"] for page in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in PAGES)
    text = "\n".join(path.read_text() for path in PAGES)
    labels = LABEL.findall(text)
    assert sorted(labels) == sorted("ansible_collections.stagecraft.release.docsite.%s" % name for name in listed)
    assert set(re.findall(r":ref:`([^`]+)`", text)) <= set(labels)

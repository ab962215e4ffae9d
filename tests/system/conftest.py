# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures with a real orchestrator.

STAGECRAFT_BED_RELEASE: the orchestrator release, default the newest that this machine can run.
STAGECRAFT_BED_DIR: use the bed that `python3 -m tests.bed up --detach --dir DIR` keeps running there.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bed import AttachedBed, Bed, Environment, Hub, ModelRepository
from tests.system.beds import new_bed
from tests.system.killing import ReleaseLine
from tests.system.subject import Subject, new_subject


@pytest.fixture(scope="session")
def bed() -> Iterator[Hub]:
    """A running orchestrator."""
    attach = os.environ.get("STAGECRAFT_BED_DIR")
    if attach:
        yield AttachedBed(Path(attach))
        return
    with new_bed() as started:
        yield started


@pytest.fixture(scope="session")
def secured_bed() -> Iterator[Bed]:
    """A second orchestrator, with TLS, that wants bearer tokens: see `.server.token()` and `.server.ca`."""
    with new_bed(auth=True, tls=True) as started:
        yield started


@pytest.fixture
def repository(bed: Hub) -> Callable[..., ModelRepository]:
    """repository(name=None): a new, empty repository."""
    return bed.repository


@pytest.fixture
def environment(bed: Hub) -> Iterator[Callable[..., Environment]]:
    """environment(name=None, files=None, **options_of_release): a new environment with release v1 deployed.

    It has auto_deploy on, is protected, follows the branch `release` of a repository of its own
    (`.repository`) and is deleted at the end of the test. The first deployment is the slow part (8 s).
    """
    made: list[Environment] = []

    def make(name: str | None = None, files: dict[str, str] | None = None, **options: object) -> Environment:
        name = name or f"env-{uuid.uuid4().hex[:8]}"
        repository = bed.repository(f"{name}-{uuid.uuid4().hex[:4]}")
        repository.release("v1", files or {"motd": "release v1\n"}, **options)
        made.append(bed.environment(name, repository))
        made[-1].deploy()
        return made[-1]

    yield make
    for environment in made:
        environment.delete()


@pytest.fixture(scope="module")
def shared(bed: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """An environment that the tests of one file share."""
    subject = new_subject(bed, tmp_path_factory.mktemp("subject"))
    yield subject
    subject.environment.delete()


@pytest.fixture
def subject(shared: Subject) -> Subject:
    """The shared environment, with nothing left of the test before."""
    shared.reset()
    return shared


@pytest.fixture(name="has_scheduler")
def fixture_has_scheduler(subject: Subject) -> bool:
    """Whether the release is of the newer era, by its number."""
    return int(subject.api.status()["version"].split(".")[0]) >= 15


@pytest.fixture(scope="session")
def line_of_releases(bed: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleaseLine]:
    """One environment that many tests take to the next release, each to one of its own."""
    line = ReleaseLine(bed, "line", tmp_path_factory.mktemp("line"))
    yield line
    line.environment.delete()

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A git repository with a model, and its releases."""

from __future__ import annotations

import getpass
import grp
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .index import package_index
from .releases import Release

BROKEN = {
    "syntax": "entity Unfinished:\n    string\n",
    "name": "nothing = does_not_exist\n",
    "module": "import no_such_module\n",
}


class ModelRepository:
    """A bare origin at `path`/origin.git, a working clone at `path`/work.

    target: where its models put their files, default `path`/deployed (it exists, as models do not make it).
    """

    def __init__(self, path: Path, release: Release, target: Path | None = None) -> None:
        self.path = path
        self.model_release = release
        self.origin, self.work = path / "origin.git", path / "work"
        self.target = target or path / "deployed"
        self.target.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.origin], check=True)
        subprocess.run(["git", "clone", "-q", self.origin, self.work], check=True, capture_output=True)
        self.git("checkout", "-q", "-b", "main")

    @property
    def url(self) -> str:
        return str(self.origin)

    def git(self, *arguments: str) -> str:
        """Run git in the working clone; needs no configuration of the user's."""
        who = ["-c", "user.name=bed", "-c", "user.email=bed@localhost", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *arguments], cwd=self.work, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"git {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def release(
        self,
        tag: str,
        files: Mapping[str, str | None] | None = None,
        *,
        extra_model: str = "",
        frozen: bool = True,
        branch: str = "release",
        push_branch: bool = True,
        failing: Sequence[str] = (),
        nulls: int = 0,
        agents: Sequence[str] = ("local",),
        broken: str | None = None,
        settings: Mapping[str, object] | None = None,
        extra_project: str = "",
    ) -> str:
        """Commit and tag a model, push the tag and, unless told not to, set the branch to it: the commit.

        files: content by name; None removes the file from the disk.
        failing: names of files that cannot be deployed, because their directory does not exist.
        nulls: number of resources without effect, spread over `agents`. Their value is the tag (not on 8.7.6), so
        every release deploys them, but a dry run finds them unmodified.
        broken: "syntax", "name" or "module" for a model that does not compile.
        frozen: every module pinned with ==. settings: environment_settings of project.yml (release >= 15).
        """
        self._write("project.yml", self._project(frozen, settings or {}, extra_project))
        self._write("requirements.txt", "\n".join(self._requirements(frozen)) + "\n")
        self._write("libs/.gitkeep", "")
        contents = dict(files or {}) | {name: "never deployed\n" for name in failing}
        for name, content in contents.items():
            self._write(f"files/{name}", content or "")
        model = self._model(contents, set(failing)) + self._nulls(tag, nulls, agents) + extra_model
        self._write("main.cf", model + BROKEN.get(broken or "", ""))
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"Release {tag}")
        self.git("tag", "-a", tag, "-m", f"Release {tag}")
        self.git("push", "-q", "origin", "main", f"refs/tags/{tag}")
        if push_branch:
            self.set_branch(branch, tag)
        return self.commit(tag)

    def commit(self, revision: str) -> str:
        """The commit of a tag or branch, as seen by git in the origin."""
        command = ["git", "rev-parse", f"{revision}^{{commit}}"]
        return subprocess.run(command, cwd=self.origin, capture_output=True, text=True, check=True).stdout.strip()

    def set_branch(self, branch: str, revision: str) -> None:
        """Move a branch of the origin to a tag or commit, wherever it was."""
        self.git("push", "-q", "--force", "origin", f"{revision}^{{commit}}:refs/heads/{branch}")

    def deployed(self, name: str) -> str | None:
        """The content that is on disk now, None when there is no such file."""
        path = self.target / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    def resource_id(self, name: str) -> str:
        """The resource that is responsible for a file."""
        kind = "std::File" if self._old_std else "fs::File"  # std exports a ConfigFile as the File it is
        return f"{kind}[local,path={self.target / name}]"

    @property
    def _old_std(self) -> bool:
        """8.7.6 has its files in std and no fs module."""
        return "fs" not in self.model_release.modules

    @property
    def _entity(self) -> str:
        return "std::ConfigFile" if self._old_std else "fs::File"

    def _write(self, name: str, text: str) -> None:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _requirements(self, frozen: bool) -> list[str]:
        return [r if frozen else r.split("==")[0] for r in self.model_release.requirements]

    def _project(self, frozen: bool, settings: Mapping[str, object], extra: str) -> str:
        lines = ["name: bed", "description: a model of the test bed", "modulepath: libs", "requires:"]
        for name, version in sorted(self.model_release.modules.items()):
            lines.append(f'  - "{name} == {version}"' if frozen else f"  - {name}")
        if self.model_release.repo_urls:
            lines += [
                "downloadpath: libs",
                "install_mode: release",
                "repo:",
                "  - type: package",
                f"    url: {package_index()}",
            ]
        else:
            lines += ["pip:", "  use_system_config: true"]
        if settings:
            lines += ["environment_settings:", *(f"  {name}: {value!r}" for name, value in settings.items())]
        return "\n".join(lines) + "\n" + extra

    def _model(self, names: Mapping[str, str | None], failing: set[str]) -> str:
        user, group = getpass.getuser(), grp.getgrgid(os.getegid()).gr_name
        host = "os=std::linux" if self._old_std else "os=std::linux, via=mitogen::Local()"
        lines = [f"import {name}" for name in sorted(self.model_release.modules)] + ["import std::testing"]
        lines.append(f'local = std::Host(name="local", {host})')
        for name, content in names.items():
            path = self.target / "missing" / name if name in failing else self.target / name
            source = f'std::source("/{name}")' if name not in failing else '"never deployed"'
            purged = str(content is None).lower()
            lines.append(
                f'{self._entity}(host=local, path="{path}", content={source}, mode=644, owner="{user}", '
                f'group="{group}", purged={purged})'
            )
        return "\n".join(lines) + "\n"

    def _nulls(self, tag: str, count: int, agents: Sequence[str]) -> str:
        value = "" if self._old_std else f', value="{tag}"'
        return "".join(
            f'std::testing::NullResource(name="n{i}", agentname="{agents[i % len(agents)]}"{value})\n'
            for i in range(count)
        )

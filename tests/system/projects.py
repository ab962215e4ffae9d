# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects of an orchestrator's release, checked out beside a virtual environment with its real ``inmanta`` command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from tests.bed import releases
from tests.bed.provision import Venv, provision
from tests.bed.releases import Release
from tests.system.playbooks import Run, environ

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _run(*command: object, directory: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=directory, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(**more: str) -> dict[str, str]:
    """Variables without this machine's settings of pip and git."""
    kept = {name: value for name, value in environ().items() if not name.startswith(("PIP_", "GIT_"))}
    return dict(kept, PIP_CONFIG_FILE=os.devnull, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1", **more)


class Workshop:
    """A virtual environment in which a project is developed: the orchestrator's, and the modules of an index of its own.

    :param directory: where it is made.
    :param release: the orchestrator's release.
    """

    def __init__(self, directory: Path, release: Release) -> None:
        self.release = release
        self.core: Venv = provision(release)
        self.index = directory / "simple"
        self.virtualenv = directory / "env"
        base = _run(self.core.python, "-c", "import sys; print(sys._base_executable)").strip()
        _run(base, "-m", "venv", "--without-pip", self.virtualenv)
        self.packages = next(self.virtualenv.glob("lib/python*/site-packages"))
        (self.packages / "orchestrator.pth").write_text(str(self.core.site_packages()) + "\n")
        self.command = self.virtualenv / "bin/inmanta"
        self.command.write_text("#!%s/bin/python\nimport sys\nfrom inmanta.app import app\nsys.exit(app())\n" % self.virtualenv)
        self.command.chmod(0o755)
        wheels = [wheel for wheel in self.core.wheels.glob("*.whl") if not wheel.name.startswith("setuptools-")]
        for wheel in wheels:
            self.serve(wheel.name.split("-")[0].replace("_", "-"), wheel.name, wheel.read_bytes())
        self.install(*(wheel.name.split("-")[0] for wheel in wheels))

    def serve(self, package: str, name: str, content: bytes) -> None:
        """Put a wheel into the index."""
        folder = self.index / package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        (folder / "index.html").write_text("".join('<a href="%s">%s</a>\n' % (wheel.name, wheel.name) for wheel in folder.glob("*.whl")))

    def publish(self, name: str, version: str) -> None:
        """Build a module of its own and put it into the index."""
        info = "inmanta_module_%s-%s.dist-info" % (name, version)
        base = re.match(r"[\d.]+", version).group()
        metadata = "[metadata]\nname = inmanta-module-%s\nversion = %s\nlicense = ASL 2.0\n" % (name, base)
        files = {
            "inmanta_plugins/%s/__init__.py" % name: "",
            "inmanta_plugins/%s/model/_init.cf" % name: "",
            "inmanta_plugins/%s/setup.cfg" % name: metadata + "[egg_info]\ntag_build = %s\n" % version[len(base):],
            info + "/METADATA": "Metadata-Version: 2.1\nName: inmanta-module-%s\nVersion: %s\n" % (name, version),
            info + "/WHEEL": WHEEL,
        }
        files[info + "/RECORD"] = "".join("%s,,\n" % path for path in [*files, info + "/RECORD"])
        path = self.index.parent / ("inmanta_module_%s-%s-py3-none-any.whl" % (name, version))
        with zipfile.ZipFile(path, "w") as wheel:
            for member, text in files.items():
                wheel.writestr(member, text)
        self.serve("inmanta-module-%s" % name, path.name, path.read_bytes())

    def install(self, *requirements: str) -> None:
        """Install modules from the index."""
        pip = [self.core.python, "-m", "pip", "--python", self.virtualenv / "bin/python", "install", "--quiet", "--no-deps"]
        _run(*pip, "--index-url", self.index.as_uri(), "--upgrade", *requirements)

    def edit(self, name: str, version: str, source: Path) -> None:
        """Install a module as pip does with ``--editable``: a line that leads to its source, and the record of the package."""
        (source / "inmanta_plugins" / name).mkdir(parents=True)
        (source / "inmanta_plugins" / name / "__init__.py").write_text("")
        (source / "model").mkdir()
        (source / "model/_init.cf").write_text("")
        metadata = "[metadata]\nname = inmanta-module-%s\nversion = %s\nlicense = ASL 2.0\n" % (name, version)
        (source / "setup.cfg").write_text(metadata + "[options]\npackages = find_namespace:\n")
        (source / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools"]\n')
        info = self.packages / ("inmanta_module_%s-%s.dist-info" % (name, version))
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: inmanta-module-%s\nVersion: %s\n" % (name, version))
        (info / "RECORD").write_text("")
        (info / "direct_url.json").write_text(json.dumps({"url": source.as_uri(), "dir_info": {"editable": True}}))
        (self.packages / ("__editable__.%s.pth" % name)).write_text(str(source) + "\n")

    def forget(self, name: str) -> None:
        """Take an edited module out again."""
        (self.packages / ("__editable__.%s.pth" % name)).unlink()
        for info in self.packages.glob("inmanta_module_%s-*.dist-info" % name):
            for path in info.iterdir():
                path.unlink()
            info.rmdir()


class DevelopedProject:
    """A project with a repository ``origin.git``, checked out on its release branch.

    :param directory: an empty directory.
    :param workshop: where its modules are installed.
    """

    def __init__(self, directory: Path, workshop: Workshop) -> None:
        self.workshop = workshop
        self.origin, self.work = directory / "origin.git", directory / "work"
        _run("git", "init", "--quiet", "--bare", "--initial-branch=release", self.origin)
        _run("git", "init", "--quiet", "--initial-branch=release", self.work)
        self.git("remote", "add", "origin", self.origin)
        self.git("config", "user.name", "Dev")
        self.git("config", "user.email", "dev@example.com")

    def git(self, *arguments: object, directory: Path | None = None) -> str:
        """Run git in the checkout."""
        return _run("git", *arguments, directory=directory or self.work).strip()

    def commit(self, **files: str | None) -> str:
        """Write, commit and push files; ``main_cf`` is main.cf."""
        for name, text in files.items():
            (self.work / name.replace("_", ".")).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "Model")
        self.git("push", "--quiet", "origin", "release")
        return self.git("rev-parse", "HEAD")

    def everything(self) -> dict[str, Any]:
        """What a refused run must not change: files, refs on both sides, index."""
        files = {str(path.relative_to(self.work)): path.read_bytes() for path in self.work.rglob("*")
                 if path.is_file() and ".git" not in path.relative_to(self.work).parts}
        refs = [self.git("for-each-ref", directory=place) for place in (self.work, self.origin)]
        return dict(files=files, refs=refs, status=self.git("status", "--porcelain"), head=self.git("rev-parse", "HEAD"))

    def release(self, tag: str, *arguments: str, **variables: Any) -> Run:
        """Run project_release.yml."""
        given = dict(inmanta_project_release_path=str(self.work), inmanta_project_release_virtualenv=str(self.workshop.virtualenv),
                     inmanta_project_release_tag=tag, **variables)
        command = [Path(sys.executable).parent / "ansible-playbook", "stagecraft.release.project_release", "-e", json.dumps(given), *arguments]
        done = subprocess.run([str(part) for part in command], env=environment(), text=True, check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        return Run(done.returncode, done.stdout, 0)


def wanted_release() -> Release:
    """The orchestrator's release that the tests are run on."""
    from tests.bed import pythons

    name = os.environ.get("STAGECRAFT_BED_RELEASE")
    return releases.get(name) if name else releases.newest(pythons.find())

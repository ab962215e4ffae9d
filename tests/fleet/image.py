# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images of the fleet, made here without any registry of images and kept by the digest of their recipe."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import hostfiles
from .docker import docker, lines
from .engine import HOME

LABEL = "stagecraft.fleet.image"
RECIPE = ("image.py", "hostfiles.py")  # an image is made anew when one of these changes
HOST = (
    "apt", "ca-certificates", "gpgv", "iproute2", "openssh-client", "openssh-server", "procps", "python3", "python3-apt", "sudo",
    "systemd", "systemd-sysv",
)
# For the balancer, the build host and the mirror.
SERVICES = ("dpkg-dev", "git", "gpg", "gpg-agent", "nginx-light", "python3-pip", "python3-venv")
BUILD_TIMEOUT = 900

# Services do not start while packages are installed; units that mean nothing in a container are masked.
INSTALL = """
set -e
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -qq update
apt-get -qq install -y --no-install-recommends "$@"
rm -rf /usr/sbin/policy-rc.d /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/lib/apt/lists/*
"""
PREPARE = """
set -e
ldconfig
for name in /var/lib/dpkg/alternatives/*; do
    test -e "$name" || continue
    update-alternatives --quiet --auto "${name##*/}" >/dev/null 2>&1 || true
done
printf 'force-unsafe-io\\npath-exclude=/usr/share/doc/*\\npath-exclude=/usr/share/man/*\\npath-exclude=/usr/share/locale/*\\n' \\
    > /etc/dpkg/dpkg.cfg.d/fleet
printf 'Acquire::Languages "none";\\n' > /etc/apt/apt.conf.d/90fleet
"""
FINISH = """
set -e
update-ca-certificates --fresh >/dev/null 2>&1
mkdir -p /etc/ssh/sshd_config.d /etc/sudoers.d
cat > /etc/ssh/sshd_config.d/fleet.conf <<'END'
AuthorizedKeysFile /etc/ssh/authorized_keys
MaxSessions 50
MaxStartups 100
PasswordAuthentication no
PermitRootLogin prohibit-password
END
cp /etc/skel/.bashrc /etc/skel/.profile ~root
useradd --create-home --shell /bin/bash deploy
usermod --password '*' deploy
echo 'deploy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/fleet
chmod 440 /etc/sudoers.d/fleet
systemctl --quiet set-default multi-user.target
systemctl --quiet enable ssh.service
systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \\
    getty.target console-getty.service systemd-logind.service systemd-udevd.service systemd-udev-trigger.service \\
    systemd-networkd.service systemd-resolved.service systemd-timesyncd.service dev-hugepages.mount dev-mqueue.mount \\
    sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \\
    systemd-firstboot.service systemd-update-utmp.service
: > /etc/machine-id
"""
# Each service is enabled by the fleet on the host that has it.
FINISH_SERVICES = """
set -e
rm -f /etc/nginx/sites-enabled/default
mkdir -p /etc/nginx/upstreams /srv/stagecraft/releases
systemctl --quiet disable nginx.service 2>/dev/null
"""


class NoImage(Exception):
    """The images cannot be made here; the text is the reason."""


def ensure(kind: str) -> str:
    """The tag of an image, made now if need be (20-60 s).

    :param kind: ``host`` or ``services``.
    """
    tag = tag_of(kind)
    if _exists(tag):
        return tag
    base = ensure("host") if kind == "services" else ""
    with _locked(HOME / "image.lock"):
        if not _exists(tag):
            began = time.monotonic()
            if base:
                _commit(base, tag, kind, SERVICES, "", FINISH_SERVICES, {})
            else:
                _make_host(tag)
            _remove_others(kind, tag)
            print(f"made the image {tag} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return tag


def tag_of(kind: str) -> str:
    """The name of an image: it changes with the recipe.

    :param kind: ``host`` or ``services``.
    """
    recipe = hashlib.sha256()
    for name in RECIPE:
        recipe.update(Path(__file__).with_name(name).read_bytes())
    return f"stagecraft-fleet/{kind}:{recipe.hexdigest()[:12]}"


def sources(codename: str = hostfiles.CODENAME, etc: Path = Path("/etc/apt")) -> dict[str, str]:
    """This machine's lists of package sources, only the entries of Debian itself, by path below /etc/apt.

    :param codename: entries of its suites are taken.
    :param etc: where the lists are.
    """
    suites = {codename, f"{codename}-updates", f"{codename}-security"}
    found = {}
    for path in (etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))):
        if path.suffix not in (".sources", ".list") or not path.exists():
            continue
        plain = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        if path.suffix == ".sources":
            parts, glue = "\n".join(plain).split("\n\n"), "\n\n"
        else:
            parts, glue = [line for line in plain if line.startswith("deb ")], "\n"
        ours = [part for part in parts if suites & set(re.split(r"\s+", part))]
        if ours:
            found[str(path.relative_to(etc))] = glue.join(part.strip() for part in ours) + "\n"
    return found


def authorities(directory: Path = Path("/usr/local/share/ca-certificates")) -> dict[str, str]:
    """The certificate authorities that this machine trusts besides the usual ones: text by path. Its network may need them.

    :param directory: where they are.
    """
    return {str(path): path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.crt"))}


def _make_host(tag: str) -> None:
    with tempfile.TemporaryDirectory(prefix="stagecraft-image-") as name:
        directory = Path(name)
        if hostfiles.usable() == "":
            archive, _packages = hostfiles.pack(HOST, directory)
        else:
            archive = _bootstrap(directory)
        base = f"{tag}-base"
        docker("import", archive, base, timeout=BUILD_TIMEOUT)
    try:
        lists = {f"/etc/apt/{path}": text for path, text in sources().items()} if hostfiles.usable() == "" else {}
        _commit(base, tag, "host", HOST, PREPARE, FINISH, lists | authorities())
    finally:
        docker("rmi", base, check=False)


def _bootstrap(directory: Path) -> Path:
    """The archive of a smallest Debian, downloaded."""
    program = shutil.which("debootstrap")
    if not program:
        raise NoImage(f"{hostfiles.usable()} and there is no debootstrap: install that package")
    root, archive = directory / "root", directory / "root.tar"
    for command in (
        [program, "--variant=minbase", f"--include={','.join(HOST)}", hostfiles.CODENAME, root],
        ["tar", "--create", "--file", archive, "--numeric-owner", "--directory", root, "."],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT)
        if done.returncode:
            raise NoImage(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return archive


def _commit(base: str, tag: str, kind: str, packages: tuple[str, ...], before: str, after: str, files: dict[str, str]) -> None:
    """Make an image from another one: scripts before and after the installation of packages."""
    name = f"stagecraft-image-{os.getpid()}-{kind}"
    docker("run", "--detach", "--pull", "never", "--init", "--name", name, base, "sleep", BUILD_TIMEOUT)
    try:
        for path, text in files.items():
            docker("exec", "--interactive", name, "sh", "-c", f"mkdir -p {os.path.dirname(path)}; cat > {path}", input=text)
        for script, arguments in ((before, ()), (INSTALL, packages), (after, ())):
            docker("exec", name, "sh", "-c", script, "sh", *arguments, timeout=BUILD_TIMEOUT)
        changes = ('CMD ["/sbin/init"]', "ENV container=docker", f"LABEL {LABEL}={kind}")
        docker("commit", *(part for change in changes for part in ("--change", change)), name, tag, timeout=BUILD_TIMEOUT)
    finally:
        docker("rm", "--force", name, check=False)


def _exists(tag: str) -> bool:
    return bool(lines("images", "--quiet", tag))


def _remove_others(kind: str, tag: str) -> None:
    """Remove images of former recipes; one that is in use stays."""
    for other in lines("images", "--filter", f"label={LABEL}={kind}", "--format", "{{.Repository}}:{{.Tag}}"):
        if other != tag:
            docker("rmi", other, check=False)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

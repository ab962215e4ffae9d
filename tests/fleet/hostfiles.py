# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A root directory made from this machine's own files: a closure of installed packages, nothing downloaded.

Several things must be done by hand, as no package's file list has them: compiled Python files, the links of a merged
/usr, what maintainer scripts wrote. Accounts and secrets of this machine are never taken.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ADMIN = Path("/var/lib/dpkg")
CODENAME = "bookworm"
# Written by maintainer scripts, so in no list.
GENERATED = (
    "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/local", "/usr/local/bin", "/usr/local/lib", "/usr/local/sbin",
    "/usr/local/share", "/var/run", "/var/lock", "/var/local", "/var/mail", "/etc/localtime", "/etc/timezone", "/etc/nsswitch.conf",
    "/etc/profile", "/etc/shells", "/etc/ca-certificates.conf", "/etc/pam.d/common-account", "/etc/pam.d/common-auth",
    "/etc/pam.d/common-password", "/etc/pam.d/common-session", "/etc/pam.d/common-session-noninteractive", "/var/lib/pam",
    "/var/lib/pam/account", "/var/lib/pam/auth", "/var/lib/pam/password", "/var/lib/pam/seen", "/var/lib/pam/session",
    "/var/lib/pam/session-noninteractive", "/var/lib/dpkg/arch", "/var/lib/dpkg/parts", "/var/lib/dpkg/triggers", "/var/lib/dpkg/updates",
)
LEFT_OUT = re.compile(r"/usr/share/(?:doc|info|lintian|locale|man)/.|/etc/(?:passwd|group|shadow|gshadow|subuid|subgid|hosts|hostname|resolv\.conf)$")
SYSTEM_ACCOUNT = re.compile(r"_|systemd-|messagebus$|input$|kvm$|render$|sgx$|netdev$")


def usable() -> str:
    """Why this machine's files cannot be used; empty when they can."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^VERSION_CODENAME=(\w+)", text, re.MULTILINE)
    if not found or found.group(1) != CODENAME or not (ADMIN / "status").exists():
        return f"this machine is not Debian {CODENAME}"
    return ""


def stanzas(text: str) -> dict[str, dict[str, str]]:
    """The packages of a dpkg status file by name, each its fields with the text of the stanza under ``""``.

    :param text: of the file.
    """
    found = {}
    for stanza in filter(None, text.split("\n\n")):
        fields = dict(re.findall(r"^([\w-]+): ?(.*)$", stanza, re.MULTILINE))
        if fields.get("Status", "").endswith(" ok installed"):
            found.setdefault(fields["Package"], fields | {"": stanza.strip("\n")})
    return found


def closure(installed: dict[str, dict[str, str]], wanted: Iterable[str]) -> list[str]:
    """The wanted packages that are installed, the essential ones, and all that they depend on.

    :param installed: what ``stanzas`` gave.
    :param wanted: names of packages.
    """
    providers: dict[str, str] = {}
    for name, fields in installed.items():
        for virtual in _names(fields.get("Provides", "")):
            providers.setdefault(virtual[0], name)
    waiting = [name for name, fields in installed.items() if fields.get("Essential") == "yes" or fields.get("Priority") == "required"]
    waiting += [name for name in wanted if name in installed]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for alternatives in _names(f"{installed[name].get('Pre-Depends', '')},{installed[name].get('Depends', '')}"):
            present = [other for other in alternatives if other in installed] or [providers[o] for o in alternatives if o in providers]
            waiting += present[:1]
    return sorted(found)


def _names(relation: str) -> list[list[str]]:
    """The packages of a dependency field: a list of alternatives each."""
    groups = [re.findall(r"(?:^|\|)\s*([\w.+-]+)", group) for group in relation.split(",")]
    return [group for group in groups if group]


def accounts(text: str, number: int, blank: int | None = None) -> str:
    """The system accounts of a passwd or group file.

    :param text: of the file.
    :param number: the field with the id.
    :param blank: a field that is emptied: members of a group are accounts of the machine.
    """
    kept = []
    for line in text.splitlines():
        fields = line.split(":")
        if int(fields[number]) < 100 or fields[number] == "65534" or SYSTEM_ACCOUNT.match(fields[0]):
            if blank is not None:
                fields[blank] = ""
            kept.append(":".join(fields))
    return "\n".join(kept) + "\n"


def trimmed(text: str, packages: set[str]) -> str:
    """The lines of a file with triggers whose package is there.

    :param text: lines that end with the name of a package, perhaps with an architecture or a mode.
    :param packages: that are there.
    """
    return "".join(f"{line}\n" for line in text.splitlines() if re.split("[:/]", line.split()[-1])[0] in packages)


def write_overlay(root: Path, names: list[str], installed: dict[str, dict[str, str]]) -> None:
    """The files that may not be taken as they are.

    :param root: an empty directory.
    :param names: of the packages.
    :param installed: what ``stanzas`` gave.
    """
    packages = set(names)
    passwd = accounts(Path("/etc/passwd").read_text(encoding="utf-8"), 2)
    groups = accounts(Path("/etc/group").read_text(encoding="utf-8"), 2, blank=3)
    diversions = (ADMIN / "diversions").read_text(encoding="utf-8").splitlines()
    triples = [diversions[at:at + 3] for at in range(0, len(diversions), 3)]
    files = {
        "etc/passwd": passwd, "etc/group": groups,
        "etc/shadow": "".join(f"{line.split(':')[0]}:*:19000:0:99999:7:::\n" for line in passwd.splitlines()),
        "etc/gshadow": "".join(f"{line.split(':')[0]}:*::\n" for line in groups.splitlines()),
        "etc/machine-id": "", "etc/hostname": "fleet\n", "etc/fstab": "",
        "var/lib/dpkg/status": "".join(installed[name][""] + "\n\n" for name in names),
        "var/lib/dpkg/available": "", "var/lib/dpkg/statoverride": "",
        "var/lib/dpkg/diversions": "".join("\n".join(triple) + "\n" for triple in triples if triple[2] in packages | {":"}),
    }
    for trigger in (ADMIN / "triggers").iterdir():
        text = trigger.read_text(encoding="utf-8")
        if trigger.name not in ("Lock", "Unincorp"):
            files[f"var/lib/dpkg/triggers/{trigger.name}"] = trimmed(text, packages)
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(0o640 if "shadow" in path else 0o644)
    os.chown(root / "etc/shadow", 0, 42)
    os.chown(root / "etc/gshadow", 0, 42)


def paths(names: Iterable[str]) -> list[str]:
    """Every path that the packages have on this machine, each once and below no link.

    :param names: of the packages.
    """
    parents: dict[str, str] = {}

    def canonical(path: str) -> str:
        parent, name = os.path.split(path)
        if parent not in parents:
            parents[parent] = os.path.realpath(parent)
        return os.path.join(parents[parent], name)

    found = set()
    for path in (*GENERATED, *_listed(names)):
        path = canonical(path)
        if LEFT_OUT.match(path) or not os.path.lexists(path):
            continue
        found.add(path)
        if path.endswith(".py"):
            found.update(map(str, Path(path).parent.glob(f"__pycache__/{Path(path).stem}.cpython-*.pyc")))
    directories = {str(parent) for path in found for parent in Path(path).parents} - {"/"}
    return sorted(found | directories)


def _listed(names: Iterable[str]) -> Iterator[str]:
    """What the lists of dpkg have, and the packages' own records."""
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    wanted = set(names)
    alternatives = ADMIN / "alternatives"
    yield str(ADMIN / "info" / "format")
    for record in (ADMIN / "info").iterdir():
        package = re.sub(f":{architecture}$", "", record.name.rpartition(".")[0])
        if package not in wanted:
            continue
        yield str(record)
        if record.suffix == ".list":
            for path in record.read_text(encoding="utf-8").splitlines():
                if path not in ("", "/."):
                    yield path
    yield from map(str, (alternatives, *alternatives.iterdir()))


def pack(wanted: Iterable[str], directory: Path) -> tuple[Path, list[str]]:
    """Make the archive of a root directory: its path and the packages in it.

    :param wanted: packages to take when they are installed.
    :param directory: an empty one for the archive and what it is made of.
    """
    installed = stanzas((ADMIN / "status").read_text(encoding="utf-8"))
    names = closure(installed, wanted)
    overlay = directory / "overlay"
    overlay.mkdir()
    write_overlay(overlay, names, installed)
    own = {f"/{path.relative_to(overlay)}" for path in overlay.rglob("*") if not path.is_dir()}
    taken = [path for path in paths(names) if path not in own]
    (directory / "list").write_bytes(b"\0".join(path[1:].encode() for path in taken))
    (directory / "own").write_bytes(b"\0".join(path[1:].encode() for path in sorted(own)))
    archive = directory / "root.tar"
    command = ["tar", "--create", "--file", archive, "--numeric-owner", "--no-recursion", "--null",
               "--directory", "/", "--files-from", directory / "list", "--directory", overlay, "--files-from", directory / "own"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"tar ended with {done.returncode}: {done.stderr[-2000:]}")
    return archive, names

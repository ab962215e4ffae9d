# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken of this machine, and above all what is not."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import hostfiles

STATUS = """Package: base
Essential: yes
Status: install ok installed
Depends: libc (>= 2), mail-agent
Description: a base
 with a second line

Package: libc
Status: install ok installed
Provides: libc-abi (= 1), other

Package: postman
Status: install ok installed
Provides: mail-agent

Package: gone
Status: deinstall ok config-files

Package: tool
Status: hold ok installed
Pre-Depends: libc:any
Depends: gone | better | base, absent

Package: better
Status: install ok installed

Package: unrelated
Status: install ok installed
Depends: tool
"""


def test_only_installed_packages_count():
    found = hostfiles.stanzas(STATUS)
    assert sorted(found) == ["base", "better", "libc", "postman", "tool", "unrelated"]
    assert found["base"][""].endswith("\n with a second line")


def test_closure_follows_dependencies_alternatives_and_virtual_packages():
    installed = hostfiles.stanzas(STATUS)
    assert hostfiles.closure(installed, []) == ["base", "libc", "postman"]
    assert hostfiles.closure(installed, ["tool", "absent"]) == ["base", "better", "libc", "postman", "tool"]


def test_accounts_of_people_are_left_out():
    passwd = "root:x:0:0:root:/r:/bin/bash\n_apt:x:142:65534::/n:/n\nnobody:x:65534:65534::/n:/n\nann:x:1000:1000::/h:/s\npostgres:x:101:104::/v:/s\n"
    assert [line.split(":")[0] for line in hostfiles.accounts(passwd, 2).splitlines()] == ["root", "_apt", "nobody"]
    assert hostfiles.accounts("sudo:x:27:ann,bob\nann:x:1000:\n", 2, blank=3) == "sudo:x:27:\n"


def test_triggers_of_other_packages_are_left_out():
    text = "/usr/lib/a base\n/usr/lib/b other/noawait\nlibc:amd64/noawait\n"
    assert hostfiles.trimmed(text, {"base", "libc"}) == "/usr/lib/a base\nlibc:amd64/noawait\n"


def test_other_system_is_refused(monkeypatch):
    monkeypatch.setattr(hostfiles, "CODENAME", "nosuch")
    assert hostfiles.usable() == "this machine is not Debian nosuch"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[tarfile.TarFile, list[str]]]:
    """The archive of the essential packages of this machine, and their names."""
    if hostfiles.usable():
        pytest.skip(hostfiles.usable())
    path, names = hostfiles.pack(["apt"], tmp_path_factory.mktemp("pack"))
    with tarfile.open(path) as archive:
        yield archive, names


def test_no_path_comes_twice_or_below_a_link(packed):
    entries = packed[0].getmembers()
    names = {entry.name for entry in entries}
    assert len(names) == len(entries)
    links = {entry.name for entry in entries if entry.issym()}
    assert "bin" in links
    assert not [name for name in names if any(str(parent) in links for parent in Path(name).parents)]
    assert {"usr/bin/dpkg", "usr/bin/sh", "var/lib/dpkg/info/apt.list", "var/run"} <= names


def test_secrets_of_this_machine_are_not_taken(packed):
    archive, packages = packed
    shadow = archive.extractfile("etc/shadow").read().decode()
    assert {line.split(":")[1] for line in shadow.splitlines()} == {"*"}
    assert (archive.getmember("etc/shadow").mode, archive.getmember("etc/shadow").gid) == (0o640, 42)
    names = archive.getnames()
    assert not [name for name in names if name.startswith(("root/", "home/", "etc/ssh/ssh_host", "etc/ssl/private/"))]
    assert "etc/resolv.conf" not in names
    status = archive.extractfile("var/lib/dpkg/status").read().decode()
    assert sorted(hostfiles.stanzas(status)) == sorted(packages)

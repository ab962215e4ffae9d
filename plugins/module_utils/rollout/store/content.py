# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of a snapshot: unpacked from an archive, listed, and told from any other by its digest."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError

CHUNK = 1024 * 1024
# A tar archive ends with so many zero bytes; git's header is as long. One without members is filled up to a size.
END, EMPTY = 1024, 10240
FILE, PROGRAM, LINK = "file", "program", "link"


def unpack(archive, directory):
    """Unpack a tar archive of plain files, directories and symbolic links.

    :param directory: is made.
    :returns: what the archive holds, as :func:`listing` shows it.
    :raises StagecraftError: the archive is cut off, or holds something else.
    """
    found = []
    os.mkdir(directory)
    os.chmod(directory, 0o755)
    try:
        if _has_members(archive):
            with tarfile.open(archive, mode="r:", errorlevel=2) as stream:
                for member in stream:
                    found += _place(stream, member, directory)
    except (tarfile.TarError, EOFError) as exc:
        raise StagecraftError("snapshot: the archive of the repository is damaged (%s). Look at the space on its file system and run again." % exc) from exc
    return sorted(found)


def listing(directory):
    """Every file and link below a directory, sorted, as ``(path, kind, SHA-256 of the content or of where the link leads)``.

    :raises OSError: something cannot be read.
    """
    found = []

    def refuse(exc):
        raise exc

    for folder, folders, files in os.walk(directory, onerror=refuse):
        for base in files + [name for name in folders if os.path.islink(os.path.join(folder, name))]:
            path = os.path.join(folder, base)
            mode = os.lstat(path).st_mode
            name = os.path.relpath(path, directory)
            if stat.S_ISLNK(mode):
                found.append((name, LINK, _digest(os.fsencode(os.readlink(path)))))
            elif stat.S_ISREG(mode):
                found.append((name, PROGRAM if mode & stat.S_IXUSR else FILE, _file_digest(path)))
            else:
                found.append((name, "special", ""))
    return sorted(found)


def digest(entries):
    """The digest of a content, ``sha256:`` and 64 hexadecimal digits.

    :param entries: as :func:`listing` returns them.
    """
    whole = hashlib.sha256()
    for name, kind, value in entries:
        whole.update(b"%s %s %s\0" % (kind.encode("ascii"), value.encode("ascii"), os.fsencode(name)))
    return "sha256:" + whole.hexdigest()


def paths(directory):
    """Every file and directory, to be brought to the disk."""
    found = []
    for folder, _folders, files in os.walk(directory):
        found.append(folder)
        found += [path for path in (os.path.join(folder, base) for base in files) if not os.path.islink(path)]
    return found


def _has_members(archive):
    """Whether an archive holds anything but the header that git writes. One that lacks its end would pass for a shorter one."""
    with open(archive, "rb") as handle:
        size = os.fstat(handle.fileno()).st_size
        handle.seek(max(0, size - END))
        if size < END or handle.read().strip(b"\0"):
            raise tarfile.ReadError("its end is missing")
        if size > EMPTY:
            return True
        handle.seek(END)
        return bool(handle.read().strip(b"\0"))


def _place(stream, member, directory):
    parts = member.name.rstrip("/").split("/")
    if member.name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise StagecraftError("snapshot: the archive of the repository holds the path %r. Take it out of the repository." % member.name)
    path = os.path.join(directory, *parts)
    name = os.path.join(*parts)
    if member.isdir():
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
        return []
    if member.issym():
        os.symlink(member.linkname, path)
        return [(name, LINK, _digest(os.fsencode(member.linkname)))]
    if not member.isreg():
        raise StagecraftError("snapshot: the archive of the repository holds %r, which is neither a file, a directory nor a link." % member.name)
    program = bool(member.mode & stat.S_IXUSR)
    source, whole = stream.extractfile(member), hashlib.sha256()
    with open(path, "xb") as handle:
        for chunk in iter(lambda: source.read(CHUNK), b""):
            whole.update(chunk)
            handle.write(chunk)
        os.fchmod(handle.fileno(), 0o755 if program else 0o644)
    return [(name, PROGRAM if program else FILE, whole.hexdigest())]


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _file_digest(path):
    whole = hashlib.sha256()
    with open(path, "rb") as handle:
        for chunk in iter(lambda: handle.read(CHUNK), b""):
            whole.update(chunk)
    return whole.hexdigest()

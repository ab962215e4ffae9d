# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an entry says of its artifact by kind: read from the name of the file, or from what it holds."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import tarfile
import zipfile
import zlib
from urllib.parse import unquote

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

ENDINGS = {
    "wheel": (".whl",),
    "package": (".deb", ".rpm"),
    "git": (".bundle", ".tar", ".tar.gz", ".tgz", ".zip"),
    "image": (".tar", ".tar.gz", ".tgz"),
}
TEXT_LIMIT = 16 * 1024 * 1024
LINE_LIMIT = 64 * 1024
CHUNK = 64 * 1024
# Types of the objects of a pack: those that are read, and the two that are stored as the difference to another one.
OBJECTS = {1: "commit", 4: "tag"}
BY_OFFSET, BY_NAME = 6, 7


def kind_of(kind, path):
    """The kind of a file in a directory of ``kind``: what has another ending than that kind, such as an index, is a plain file."""
    return kind if path.lower().endswith(ENDINGS.get(kind, ("",))) else "file"


def _refuse(path, problem, remedy):
    raise InputError("directories: file", path, problem, remedy)


def wheel(path, _handle, _mode):
    """Distribution and version, as pip compares them, from the name of a wheel."""
    parts = _base(path)[:-len(".whl")].split("-")
    if len(parts) not in (5, 6) or not all(parts):
        _refuse(path, "is not the name of a wheel", "Name it as pip does: distribution-version-python-abi-platform.whl")
    return dict(dist=re.sub(r"[-_.]+", "-", parts[0]).lower(), version=parts[1].replace("_", "-"))


def package(path, _handle, _mode):
    """Package, version and architecture from the name of a package."""
    name = unquote(_base(path))
    if name.lower().endswith(".rpm"):
        match = re.match(r"(?P<package>[^/]+)-(?P<version>[^-/]+-[^-/]+)\.(?P<arch>[^.-]+)\.rpm\Z", name)
        form = "package-version-release.arch.rpm"
    else:
        match = re.match(r"(?P<package>[^_/]+)_(?P<version>[^_/]+)_(?P<arch>[^_/]+)\.deb\Z", name)
        form = "package_version_arch.deb"
    if not match:
        _refuse(path, "is not the name of a package", "Name it as the package manager does: %s" % form)
    return match.groupdict()


def git(path, handle, _mode):
    """The commit of a bundle or an archive."""
    if path.lower().endswith(".bundle"):
        return dict(commit=_bundle_commit(path, handle))
    commit = _zip_comment(handle) if path.lower().endswith(".zip") else _tar_comment(path, handle)
    if not manifest.OBJECT.match(commit):
        _refuse(path, "does not say which commit it is of", "Make it with 'git archive' from a commit or a tag, not from a tree")
    return dict(commit=commit)


def _tar_comment(path, handle):
    try:
        with tarfile.open(fileobj=handle, mode="r:*") as archive:
            archive.next()
            return archive.pax_headers.get("comment", "")
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as exc:
        return _refuse(path, "is not a tar archive that can be read: %s" % exc, "Make it again with 'git archive'")


def _zip_comment(handle):
    try:
        with zipfile.ZipFile(handle) as archive:
            return archive.comment.decode("ascii", "replace")
    except (zipfile.BadZipFile, ValueError):
        return ""


def _bundle_commit(path, handle):
    """HEAD of a bundle, or the one commit that all its branches or tags are of."""
    if not re.match(rb"# v[23] git bundle\n\Z", handle.readline(LINE_LIMIT)):
        _refuse(path, "is not a git bundle", "Make it with 'git bundle create'")
    algorithm, references = "sha1", {}
    while True:
        line = handle.readline(LINE_LIMIT).decode("utf-8", "replace")
        if line == "\n":
            break
        if not line.endswith("\n"):
            _refuse(path, "is a git bundle that ends in its header", "Make it again with 'git bundle create'")
        if line.startswith("@object-format="):
            algorithm = line.strip().split("=")[1]
        elif line.startswith("-"):
            _refuse(path, "is a git bundle that needs commits that are not in it", "Make it without excluding any commit")
        elif not line.startswith("@"):
            name, _space, reference = line.strip().partition(" ")
            references[reference] = name
    branches = {name for reference, name in references.items() if reference.startswith("refs/heads/")}
    found = {references["HEAD"]} if "HEAD" in references else branches or {_peeled(name, handle, algorithm) for name in set(references.values())}
    commit = found.pop() if len(found) == 1 else ""
    if not manifest.OBJECT.match(commit):
        _refuse(path, "does not say which of its commits is the release", "Put HEAD, or one branch or tag only, into the bundle")
    return commit


def _peeled(name, handle, algorithm):
    """The commit that a tag is of, read from the pack that begins here; empty when it is not stored in full there."""
    begin = handle.tell()
    while True:
        handle.seek(begin)
        try:
            kind, data = next(found for found in _commits_and_tags(handle) if _name_of(*found, algorithm) == name)
        except (StopIteration, IndexError, ValueError, zlib.error):
            handle.seek(begin)
            return ""
        if kind == "commit":
            handle.seek(begin)
            return name
        name = data.split(b"\n", 1)[0].decode("ascii", "replace").partition(" ")[2]


def _name_of(kind, data, algorithm):
    return hashlib.new(algorithm, ("%s %d\0" % (kind, len(data))).encode("ascii") + data).hexdigest()


def _commits_and_tags(handle):
    """Kind and content of the commits and annotated tags that a pack holds in full; those that releases are of come first in it."""
    header = handle.read(12)
    for _number in range(int.from_bytes(header[8:12], "big") if header[:4] == b"PACK" else 0):
        byte = handle.read(1)[0]
        kind = byte >> 4 & 7
        while byte & 128:
            byte = handle.read(1)[0]
        if kind == BY_NAME:
            handle.seek(20, 1)
        elif kind == BY_OFFSET:
            while handle.read(1)[0] & 128:
                pass
        data = _inflated(handle, kind in OBJECTS)
        if kind in OBJECTS:
            yield OBJECTS[kind], data


def _inflated(handle, keep):
    inflate, kept = zlib.decompressobj(), []
    while not inflate.eof:
        part = handle.read(CHUNK)
        data = inflate.decompress(part)
        if keep:
            kept.append(data)
        if not part:
            break
    handle.seek(-len(inflate.unused_data), 1)
    return b"".join(kept)


def image(path, handle, _mode):
    """Id and tags of the one container image in an archive, as 'docker save' writes it. The id is the digest of its configuration."""
    try:
        with tarfile.open(fileobj=handle, mode="r:*") as archive:
            images = json.loads(_member(archive, "manifest.json").decode("utf-8"))
            if len(images) != 1:
                _refuse(path, "holds %d images" % len(images), "Save each image to a file of its own")
            config = _member(archive, images[0]["Config"])
            tags = images[0].get("RepoTags") or []
    except InputError:
        raise
    except (tarfile.TarError, EOFError, OSError, KeyError, TypeError, ValueError, zlib.error) as exc:
        _refuse(path, "is not an archive of a container image: %s" % exc, "Make it with 'docker save' or docker_image_export")
    return dict(id="sha256:%s" % hashlib.sha256(config).hexdigest(), tags=sorted(tags))


def _member(archive, name):
    member = archive.getmember(name)
    if not member.isreg() or member.size > TEXT_LIMIT:
        raise ValueError("%s in it is not a small file" % name)
    return archive.extractfile(member).read()


def rootfs(_path, _handle, _mode):
    """A root file system has no keys of its own."""
    return {}


def file(_path, _handle, mode):
    """Whether a plain file may be executed; not the other bits, which follow the umask of who built it."""
    return dict(mode="0755" if mode & stat.S_IXUSR else "0644")


READERS = dict(wheel=wheel, package=package, git=git, image=image, rootfs=rootfs, file=file)


def _base(path):
    return path.rsplit("/", 1)[-1]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of paths, and opening files without following links."""

from __future__ import annotations

import os
import socket

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import paths
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

from manifest_samples import fill


def test_a_refused_path_names_field_value_and_remedy():
    with pytest.raises(InputError) as caught:
        paths.check("/etc/shadow", "path")
    assert caught.value.message == ("path: '/etc/shadow' is an absolute path. "
                                    "Give a path relative to the release directory, with '/' between its parts")
    assert caught.value.field == "path"
    paths.check("files/a", "path")


@pytest.mark.parametrize("name", ["shop", "v36-1", "_x", "1.0", "a.b_c-d"])
def test_names_that_are_one_directory_everywhere(name):
    paths.check_name(name, "release")


@pytest.mark.parametrize("name", ["", ".", "..", ".work", "-x", "a/b", "a b", "ä", "a\n", None, 1, "x" * 129])
def test_names_that_are_refused(name):
    with pytest.raises(InputError, match="^release: "):
        paths.check_name(name, "release")


def read(root, path):
    with os.fdopen(paths.open_below(str(root), path), "rb") as handle:
        return handle.read()


def test_a_file_is_opened_also_when_the_root_is_a_link(tmp_path):
    fill(tmp_path, {"real/a/b/c": b"1"})
    (tmp_path / "link").symlink_to("real")
    assert read(tmp_path / "real", "a/b/c") == read(tmp_path / "link", "a/b/c") == b"1"


def test_links_on_the_way_are_not_followed(tmp_path):
    fill(tmp_path, {"root/a/b": b"1", "outside/b": b"secret"})
    (tmp_path / "root/out").symlink_to(tmp_path / "outside")
    (tmp_path / "root/in").symlink_to("a")
    (tmp_path / "root/a/link").symlink_to("b")
    (tmp_path / "root/a/dangling").symlink_to("nowhere")
    for path in ("out/b", "in/b", "a/link", "a/dangling", "a/b/c"):
        with pytest.raises(StagecraftError, match="symbolic link"):
            read(tmp_path / "root", path)


def test_what_is_no_file_is_not_read(tmp_path):
    fill(tmp_path, {"d/x": b""})
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket"))
        for path, problem in (("d", "is not a regular file"), ("pipe", "is not a regular file"), ("socket", "cannot be read"), ("n", "is missing"),
                              ("n/m", "is missing")):
            with pytest.raises(StagecraftError, match=problem):
                read(tmp_path, path)


def test_no_descriptor_stays_open(tmp_path):
    fill(tmp_path, {"a/b": b"1"})
    (tmp_path / "a/link").symlink_to("b")
    before = os.listdir("/proc/self/fd")
    for path in ("a/b", "a/link", "a/none", "none/b", "a"):
        for _again in range(20):
            try:
                read(tmp_path, path)
            except StagecraftError:
                pass
    assert len(os.listdir("/proc/self/fd")) == len(before)

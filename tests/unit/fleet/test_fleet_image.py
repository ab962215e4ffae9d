# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images: which sources they use, and when they are made anew."""

from __future__ import annotations

from tests.fleet import image


def test_sources_of_others_are_left_out(tmp_path):
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://old.example bookworm main\ndeb http://a.example bookworm main\ndeb http://b.example stable main\n")
    (folder / "debian.sources").write_text(
        "# ours\nURIs: http://c.example\nSuites: bookworm bookworm-updates\n\nURIs: http://d.example\nSuites: nodistro\n")
    (folder / "cloud.list").write_text("deb http://e.example sdk-bookworm main\n")
    (folder / "old.list.save").write_text("deb http://f.example bookworm main\n")
    assert image.sources("bookworm", tmp_path) == {
        "sources.list": "deb http://a.example bookworm main\n",
        "sources.list.d/debian.sources": "URIs: http://c.example\nSuites: bookworm bookworm-updates\n",
    }
    assert image.sources("trixie", tmp_path) == {}


def test_tag_changes_with_the_recipe(tmp_path, monkeypatch):
    for name in image.RECIPE:
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(image, "__file__", str(tmp_path / "image.py"))
    first = image.tag_of("host")
    assert first == image.tag_of("host") != image.tag_of("services")
    (tmp_path / "hostfiles.py").write_text("two")
    assert image.tag_of("host") != first


def test_authorities_of_this_machine_are_taken(tmp_path):
    (tmp_path / "own.crt").write_text("certificate")
    (tmp_path / "readme").write_text("no")
    assert image.authorities(tmp_path) == {str(tmp_path / "own.crt"): "certificate"}
    assert image.authorities(tmp_path / "absent") == {}

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real browser, to look at pages with: Chromium without a window."""

from __future__ import annotations

import html.parser
import shutil
import subprocess
from pathlib import Path

import pytest

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--enable-logging=stderr")


class Dom(html.parser.HTMLParser):
    """A page as the browser has it after its scripts ran: its elements, and the text within each class and id."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[tuple[str, list[str]]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        names = ["." + name for name in (given.get("class") or "").split()] + (["#%s" % given["id"]] if "id" in given else []) + [tag]
        for name in names:
            self.texts.setdefault(name, []).append("")
        if tag not in ("meta", "input"):
            self._open.append((tag, names))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _tag, names in self._open:
            for name in names:
                self.texts[name][-1] += data

    def count(self, tag: str) -> int:
        """How many elements of a name there are."""
        return sum(name == tag for name, _attributes in self.elements)


class Browser:
    """Chromium with an empty profile for each look.

    :param directory: where the profiles go.
    """

    def __init__(self, directory: Path) -> None:
        self.program = shutil.which("chromium")
        if not self.program:
            pytest.skip("no chromium on this machine (Debian has it in the package chromium)")
        self.directory = directory
        self.looks = 0

    def dom(self, page: Path, address: str = "") -> Dom:
        """The page after its scripts ran; none of them may have failed or been refused."""
        done = self._run("--dump-dom", page.as_uri() + address)
        complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert not complaints, complaints
        return Dom(done.stdout)

    def picture(self, page: Path, target: Path, height: int, dark: bool = False) -> Path:
        """A picture of the top of a page, 1280 pixels wide."""
        self._run("--window-size=1280,%d" % height, "--screenshot=%s" % target, *(["--blink-settings=preferredColorScheme=0"] if dark else []),
                  page.as_uri())
        return target

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.looks += 1
        command = [str(self.program), *OPTIONS, "--user-data-dir=%s" % (self.directory / str(self.looks)), *arguments]
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, stdin=subprocess.DEVNULL, timeout=120)

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of hosts that pull share: a site that publishes on loopback, and hosts that ask it."""

from __future__ import annotations

import functools
import subprocess
from http.server import SimpleHTTPRequestHandler

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import signature
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import published
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import recording
from ansible_collections.stagecraft.release.plugins.modules import rollout_publish, rollout_pull

from tests.serving import Quiet, WebServer

import store_samples as samples
from store_samples import at, named

SCHEDULE = """
rings:
  - {name: dev, selector: {groups: [dev]}}
  - {name: prod, selector: {groups: [prod]}, delay: 4h}
"""
RINGS = {"dev": ["dev1"], "prod": ["web1", "web2"]}


def key(directory, name="key"):
    """A new key of ssh-keygen; the path of its private half."""
    path = directory / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True, timeout=60)
    return path


def allow(path, *keys):
    """A file of allowed signers."""
    path.write_text("".join("rollout@example.com %s\n" % one.with_suffix(".pub").read_text().strip() for one in keys))
    return str(path)


class Handler(Quiet, SimpleHTTPRequestHandler):
    """Gives files, or so many bytes of them as the server may."""

    def do_GET(self):
        """One file."""
        if self.server.cut is None:
            super().do_GET()
            return
        with open(self.translate_path(self.path), "rb") as handle:
            data = handle.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) if self.server.announced else self.server.cut))
        self.end_headers()
        self.wfile.write(data[:self.server.cut])


class Server(WebServer):
    """Context manager: a web server of a directory.

    :ivar cut: how many bytes of a file it sends; None for all.
    :ivar announced: whether it says the length of the whole file all the same.
    """

    def __init__(self, root):
        super().__init__(functools.partial(Handler, directory=str(root)))
        self.cut, self.announced = None, True


class Site:
    """A rollout whose state is published to a directory.

    :param directory: where all of it is.
    :param signer: path of the key that signs.
    """

    def __init__(self, directory, signer, *hours):
        self.directory, self.key, self.www, self.state = directory, signer, directory / "www", directory / "state"
        self.allowed = allow(directory / "allowed", signer)
        self.schedule = directory / "schedule.yml"
        self.schedule.write_text(SCHEDULE)
        samples.make(self.state, *hours)
        self.warnings = []

    @property
    def file(self):
        """The file that is published."""
        return self.www / published.FILE

    def publish(self, hour, check_mode=False, **given):
        """Publish at a time of the day; returns the module's result."""
        options = dict(dict(state_dir=str(self.state), schedule=str(self.schedule), dest=str(self.www), ssh_key=str(self.key), rings=RINGS), **given)
        return samples.run(rollout_publish, at(hour), check_mode, self.warnings, **options)

    def sign(self, content, signer=None):
        """Put a document of any content in place, with a good signature."""
        self.www.mkdir(exist_ok=True)
        self.file.write_bytes(published.seal(content, signature.ssh_sign(content, str(signer or self.key))))

    def text(self):
        """What was signed."""
        return published.unseal(self.file.read_bytes(), "test")[0]


class Host:
    """A host that pulls."""

    def __init__(self, site, name, *sources):
        self.name, self.sources, self.allowed = name, list(sources) or [str(site.www)], site.allowed
        self.state, self.disable_file = site.directory / ("host-" + name), site.directory / (name + ".disabled")
        self.warnings = []

    def ask(self, hour, check_mode=False, **given):
        """Ask at a time of the day; returns the module's result."""
        del self.warnings[:]
        options = dict(dict(sources=self.sources, allowed_signers=self.allowed, state_dir=str(self.state), host=self.name, timeout=5.0,
                            disable_file=str(self.disable_file)), **given)
        return samples.run(rollout_pull, at(hour), check_mode, self.warnings, **options)

    def told(self, hour, **given):
        """What it decides, in short: action, release, code."""
        found = self.ask(hour, **given)
        return found["action"], found["release"][-4:], found["code"]

    def run(self, hour, snapshot, ok=True):
        """Record that it ran the snapshot of an hour."""
        with recording.opened(str(self.state), "test", create=True) as store:
            return store.ran([self.name], named(snapshot), ok, at(hour))

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of manifests share: a small release, keys that sign it, and a server that gives it or something worse."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import subprocess
import tarfile
import time
from http.server import SimpleHTTPRequestHandler

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call

from tests.serving import Quiet, WebServer

NOW = "2026-11-21T09:00:00Z"
EPOCH = 1795251600
PRINCIPAL = "build@example.com"


def entry(path="files/a.conf", content=b"a", **more):
    """An entry of a plain file."""
    plain = dict(path=path, kind="file", size=len(content), sha256=hashlib.sha256(content).hexdigest(), platform="any", origin="",
                 sets=["default"], mode="0644")
    return dict(plain, **more)


def document(*entries, **more):
    """A manifest's document."""
    return dict(dict(schema=1, project="shop", release="v2", serial=7, created=NOW, commit="", artifacts=list(entries)), **more)


def text(made):
    """A document as bytes, also one that the manifest's own serialiser would not take."""
    return json.dumps(made).encode("utf-8")


def fill(root, files):
    """Make files with their directories."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


def call(module, check_mode=False, diff=False, **params):
    """A call of a module with validated options, and the list that its warnings go to."""
    rules = {key: value for key, value in module.SPEC.items() if key.startswith(("required", "mutually"))}
    validation = ArgumentSpecValidator(module.SPEC["argument_spec"], **rules).validate(params)
    assert not validation.error_messages, validation.error_messages
    warnings = []
    made = Call(validation.validated_parameters, check_mode, diff, warn=warnings.append)
    made.warnings = warnings
    return made


def run(*command, **options):
    """A command that must succeed; returns its output."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **options).stdout


class SshKey:
    """A key of ssh-keygen, and the file that allows it to sign."""

    def __init__(self, directory, name="key", principal=PRINCIPAL, options="", kind="ed25519"):
        self.path = str(directory / name)
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", self.path)
        self.public = (directory / (name + ".pub")).read_text().strip()
        allowed = directory / (name + ".allowed")
        allowed.write_text("# who may sign\n%s %s %s\n" % (principal, options, self.public))
        self.allowed = str(allowed)


class GpgKey:
    """A key of gpg in a home of its own, and the keyring that holds it."""

    def __init__(self, directory, user="Release Key <release@example.com>", expires="never"):
        self.home = str(directory)
        directory.mkdir(mode=0o700)
        self.user = user
        # Made some time ago, so that one can have expired.
        created = "20261101T000000!"
        self._gpg("--faked-system-time", created, "--passphrase", "", "--pinentry-mode", "loopback",
                  "--quick-gen-key", user, "ed25519", "sign", expires)
        self.keyring = str(directory / "trusted.gpg")
        (directory / "trusted.gpg").write_bytes(self._gpg("--export"))
        listed = self._gpg("--with-colons", "--list-keys").decode()
        self.fingerprint = [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")][0]

    def _gpg(self, *arguments, **options):
        return run("gpg", "--homedir", self.home, "--batch", "--quiet", *arguments, **options)

    def sign_at(self, when, data):
        """A signature made at a time."""
        return self._gpg("--faked-system-time", when, "--output", "-", "--detach-sign", input=data)

    def close(self):
        """End the agent of this home."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False, timeout=30)


class _Handler(Quiet, SimpleHTTPRequestHandler):
    """Gives files, unless the server's ``odd`` has something else for the path."""

    def do_GET(self):
        """Answer and remember."""
        self.server.seen.append((self.path, dict(self.headers)))
        odd = self.server.odd.get(self.path)
        if odd is None:
            super().do_GET()
            return
        status, headers, body, delay = odd
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for part in body:
                self.wfile.write(part)
                self.wfile.flush()
                time.sleep(delay)
        except ConnectionError:
            self.close_connection = True


class Server(WebServer):
    """A context: serves a directory. ``odd`` holds ``{path: (status, headers, parts of the body, seconds between them)}``."""

    def __init__(self, directory):
        super().__init__(functools.partial(_Handler, directory=str(directory)))
        self.seen, self.odd = [], {}


def tar(members, mode="w", comment=None):
    """A tar archive with files of the names and contents that are given."""
    buffer = io.BytesIO()
    more = dict(pax_headers={"comment": comment}) if comment else {}
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT, **more) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def image_tar(config=b'{"os": "linux"}', tags=("shop:v2",), images=1, mode="w"):
    """An archive as 'docker save' writes it."""
    name = hashlib.sha256(config).hexdigest() + ".json"
    listed = [dict(Config=name, RepoTags=list(tags) or None, Layers=[])] * images
    return tar({name: config, "manifest.json": json.dumps(listed).encode()}, mode)

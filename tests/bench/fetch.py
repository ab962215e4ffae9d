# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""artifact_fetch against curl and against a loop of get_url, from a server on loopback, in one run."""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import http.server
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".cache" / "collections"))

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator  # noqa: E402
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest  # noqa: E402
from ansible_collections.stagecraft.release.plugins.module_utils.running import Call  # noqa: E402
from ansible_collections.stagecraft.release.plugins.modules import artifact_fetch  # noqa: E402

SMALL, LARGE = "small", "large"
SHAPES = {SMALL: (500, 64 * 1024), LARGE: (5, 200 * 1024 * 1024)}
TEXTS = {SMALL: "500 files of 64 KiB", LARGE: "5 files of 200 MiB"}
# A loop of get_url takes about half a second a file.
LOOP = {SMALL: 100, LARGE: 5}
AIMS = {SMALL: 2.0, LARGE: 1.2}
LOOP_AIM = 50
NGINX = """
daemon off;
pid %(base)s/nginx.pid;
error_log %(base)s/nginx.log;
worker_processes 2;
events { worker_connections 256; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path %(base)s/b; proxy_temp_path %(base)s/p; fastcgi_temp_path %(base)s/f; uwsgi_temp_path %(base)s/u; scgi_temp_path %(base)s/s;
  server { listen 127.0.0.1:%(port)d; root %(root)s; }
}
"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Gives files by sendfile, over connections that stay open."""

    protocol_version = "HTTP/1.1"

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file."""
        outputfile.flush()
        self.connection.sendfile(source)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def serve(root: str, port: int) -> None:
    """Serve a directory until this process is ended."""
    http.server.ThreadingHTTPServer.request_queue_size = 64
    http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=root)).serve_forever()


@contextlib.contextmanager
def server(root: Path, base: Path) -> Iterator[tuple[str, str]]:
    """A server of a directory, in a process of its own: its name and url."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nginx = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))
    if nginx:
        base.mkdir()
        configuration = base / "nginx.conf"
        user = "user root;\n" if os.geteuid() == 0 else ""
        configuration.write_text(user + NGINX % {"base": base, "port": port, "root": root})
        command = [nginx, "-e", str(base / "nginx.log"), "-c", str(configuration)]
    else:
        command = [sys.executable, "-m", "tests.bench.fetch", "--serve", str(root), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield "nginx" if nginx else "http.server with sendfile", "http://127.0.0.1:%d" % port
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while True:
        assert process.poll() is None and time.monotonic() < until, "the server did not start"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)


def release(root: Path, name: str, count: int, size: int) -> None:
    """A release of files without a pattern."""
    directory = root / "bench" / name / "files"
    directory.mkdir(parents=True)
    numbers, entries = random.Random(name), []
    for number in range(count):
        path, hasher = directory / ("%04d" % number), hashlib.sha256()
        with open(path, "wb") as handle:
            for begin in range(0, size, 1 << 20):
                data = numbers.randbytes(min(size - begin, 1 << 20))
                hasher.update(data)
                handle.write(data)
        entries.append({"path": "files/%s" % path.name, "kind": "file", "size": size, "sha256": hasher.hexdigest(), "platform": "any", "origin": "",
                        "sets": ["default"], "mode": "0644"})
    document = {"schema": 1, "project": "bench", "release": name, "serial": 1, "created": "2026-11-21T09:00:00Z", "commit": "", "artifacts": entries}
    (directory.parent / "manifest.json").write_bytes(manifest.serialise(document))
    (directory.parent / "SHA256SUMS").write_bytes(manifest.sums(document))


class Bench:
    """The same release brought here in each way.

    :param base: a directory for all of it.
    :param url: of the releases root.
    :param name: of the release.
    """

    def __init__(self, base: Path, url: str, name: str) -> None:
        self.base, self.url, self.name = base, "%s/bench/%s" % (url, name), name
        self.release = base / "releases" / "bench" / name
        self.entries = json.loads((self.release / "manifest.json").read_text())["artifacts"]
        self.target = base / "target"
        self.environ = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".cache" / "collections"), ANSIBLE_LOCALHOST_WARNING="0", no_proxy="*",
                            ANSIBLE_NOCOLOR="1", PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))

    def timed(self, way: Callable[[], None], keep: bool = False) -> float:
        """Seconds of one way, from nothing unless ``keep``."""
        if not keep:
            shutil.rmtree(self.target, ignore_errors=True)
            self.target.mkdir()
        os.sync()
        began = time.monotonic()
        way()
        return time.monotonic() - began

    def curl(self) -> None:
        """curl, sha256sum and sync."""
        (self.target / "files").mkdir()
        wanted = "".join('url = "%s/%s"\noutput = "%s/%s"\n' % (self.url, entry["path"], self.target, entry["path"]) for entry in self.entries)
        subprocess.run(["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--parallel", "--parallel-max", "8", "--config", "-"],
                       input=wanted.encode(), stderr=subprocess.PIPE, check=True)
        subprocess.run(["sha256sum", "--check", "--quiet", str(self.release / "SHA256SUMS")], cwd=self.target, check=True)
        subprocess.run(["sync"], check=True)

    def options(self) -> dict[str, Any]:
        """The options of artifact_fetch."""
        return {"manifest": str(self.release), "store": str(self.target / "store"), "sources": [self.url]}

    def process(self) -> None:
        """artifact_fetch in this process."""
        params = ArgumentSpecValidator(artifact_fetch.SPEC["argument_spec"]).validate(self.options()).validated_parameters
        artifact_fetch.execute(Call(params))

    def task(self) -> None:
        """artifact_fetch as a task."""
        self.play({"stagecraft.release.artifact_fetch": self.options()})

    def loop(self) -> None:
        """get_url in a loop."""
        (self.target / "files").mkdir(exist_ok=True)
        files = [{"url": "%s/%s" % (self.url, entry["path"]), "dest": "%s/%s" % (self.target, entry["path"]), "checksum": "sha256:" + entry["sha256"]}
                 for entry in self.entries[:LOOP[self.name]]]
        self.play({"ansible.builtin.get_url": {key: "{{ item.%s }}" % key for key in files[0]}, "loop": files})

    def empty(self) -> None:
        """A play without tasks."""
        self.play()

    def play(self, *tasks: dict[str, Any]) -> None:
        """Run a play on this machine."""
        path = self.base / "play.json"
        path.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}]))
        done = subprocess.run(["ansible-playbook", "-i", "localhost,", str(path)], env=self.environ, text=True, check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout[-4000:]


def measure(bench: Bench, rounds: int) -> dict[str, float]:
    """Medians of the ways, which are taken in turn; the loop once."""
    rows: list[dict[str, float]] = []
    for _round in range(rounds):
        row = {"curl": bench.timed(bench.curl), "process": bench.timed(bench.process)}
        row["again"] = bench.timed(bench.process, keep=True)
        row["task"] = bench.timed(bench.task)
        row["task again"] = bench.timed(bench.task, keep=True)
        row["empty"] = bench.timed(bench.empty, keep=True)
        row["ratio"] = row["process"] / row["curl"]
        rows.append(row)
    figures = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    scale = len(bench.entries) / LOOP[bench.name]
    figures["loop"] = (bench.timed(bench.loop) - figures["empty"]) * scale + figures["empty"]
    figures["loop again"] = (bench.timed(bench.loop, keep=True) - figures["empty"]) * scale + figures["empty"]
    return figures


def main() -> int:
    """Measure and print; 0 when the aims are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3, help="rounds")
    parser.add_argument("--directory", help="where 3 GB may be written; a temporary directory by default")
    parser.add_argument("--serve", nargs=2, metavar=("ROOT", "PORT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve[0], int(arguments.serve[1]))
    for name in [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="stagecraft-bench-", dir=arguments.directory) as directory:
        base = Path(directory)
        for name, shape in SHAPES.items():
            release(base / "releases", name, *shape)
        with server(base / "releases", base / "server") as (kind, url):
            figures = {name: measure(Bench(base, url, name), arguments.n) for name in SHAPES}
    return show(figures, kind, arguments.n)


def show(figures: dict[str, dict[str, float]], kind: str, rounds: int) -> int:
    """Print the figures; 0 when the aims are met."""
    print("%s on loopback, %d rounds in turn, medians; the loop of get_url once" % (kind, rounds))
    print("%-34s %9s %9s %9s %9s %9s %9s" % ("", "process", "curl", "ratio", "task", "loop", "ratio"))
    for name, row in figures.items():
        print("%-34s %9.2f %9.2f %9.2f %9.2f %9.1f %9.1f" % (TEXTS[name], row["process"], row["curl"], row["ratio"], row["task"], row["loop"],
                                                             row["loop"] / row["task"]))
        print("%-34s %9.3f %9s %9s %9.2f %9.1f %9.1f" % ("  again, all present", row["again"], "", "", row["task again"], row["loop again"],
                                                         row["loop again"] / row["task again"]))
    print("process: artifact_fetch in one process; curl: curl --parallel-max 8, sha256sum, sync; task and loop: whole runs of ansible-playbook, "
          "of which an empty one takes %.2f s; the loop of %d files is that of %d, scaled" % (figures[SMALL]["empty"], SHAPES[SMALL][0], LOOP[SMALL]))
    met = all(figures[name]["ratio"] <= aim for name, aim in AIMS.items()) and figures[SMALL]["loop"] >= LOOP_AIM * figures[SMALL]["task"]
    print("aims (process at most %g times curl for the small files and %g for the large; the task %d times faster than the loop for the small): %s"
          % (AIMS[SMALL], AIMS[LARGE], LOOP_AIM, "met" if met else "NOT met"))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

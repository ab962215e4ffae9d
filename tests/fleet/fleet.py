# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet: networks and containers that behave like hosts, all of which vanish at the end."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import image, plan
from .docker import DockerError, docker, lines
from .engine import Engine
from .keeper import identity, is_alive
from .plan import Host

FLEET, KEEPER = "stagecraft.fleet", "stagecraft.fleet.keeper"  # labels
STATE, KEEPER_LOG = "fleet.json", "keeper.log"
WORKERS = 8
READY_TIMEOUT = 90
INSTANCES = 1024  # of inotify
# A reload returns before the old workers know of it: until they do, they still ask the old servers.
RELOAD = """
old=$(pgrep -f '^nginx: worker process$')
nginx -t -q && systemctl reload nginx || exit 1
for attempt in $(seq 200); do
    ps -o args= -p "$(echo $old | tr ' ' ,)" | grep -q '^nginx: worker process$' || exit 0
    sleep 0.05
done
exit 1
"""
LONGEST_CONTROL_PATH = 60  # ssh adds some 40 characters and the kernel takes 107


class Hosts:
    """What tests use of a fleet, whether this process started it or not."""

    def __init__(self, directory: Path, state: dict[str, Any]) -> None:
        self.directory = directory
        self.state = state

    @property
    def id(self) -> str:
        """The fleet's own part of all names."""
        return self.state["id"]

    @property
    def inventory(self) -> Path:
        """The inventory: groups web, balancers, builders and mirrors."""
        return self.directory / "inventory.json"

    def hosts(self, group: str | None = None) -> list[Host]:
        """The hosts, or those of one group."""
        found = [Host(**host) for host in self.state["hosts"]]
        return [host for host in found if group in (None, host.group)]

    def host(self, name: str) -> Host:
        """The host of that name."""
        for host in self.hosts():
            if host.name == name:
                return host
        raise KeyError(f"{name} is no host of this fleet; it has {', '.join(host.name for host in self.hosts())}")

    def address(self, name: str) -> str:
        """The address of a host on the fleet's network."""
        return self.host(name).address

    def url(self, name: str, path: str = "", port: int = 80) -> str:
        """A URL on a host; the controller and the other hosts may use it."""
        return f"http://{self.address(name)}{'' if port == 80 else f':{port}'}/{path.lstrip('/')}"

    def exec(self, name: str, argv: Iterable[object], check: bool = True, timeout: float = 60, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command on a host as root, without ssh.

        :param argv: the command, or a text for the shell.
        :param check: raise DockerError unless it ends with 0.
        :param options: of subprocess.run, such as ``input``.
        """
        command = ["sh", "-c", argv] if isinstance(argv, str) else list(argv)
        interactive = ["--interactive"] if "input" in options else []
        return docker("exec", *interactive, self.host(name).container, *command, check=check, timeout=timeout, **options)

    def ssh(self, name: str, command: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command by ssh, on a connection of its own."""
        done = subprocess.run(
            ["ssh", *plan.ssh_options(self.directory), "-o", "BatchMode=yes", "-i", str(self.directory / "key"), f"root@{self.address(name)}",
             command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{command} on {name} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def kill(self, name: str) -> None:
        """A host loses its power. Its disk stays, /run and /tmp do not."""
        docker("kill", self.host(name).container)

    def start(self, *names: str) -> None:
        """Start hosts that were killed, and wait until they are up."""
        for name in names:
            self._start(self.host(name))
        self.wait_ready(names)

    def pause(self, name: str) -> None:
        """A host answers nothing any more, but its connections stay open."""
        docker("pause", self.host(name).container)

    def unpause(self, name: str) -> None:
        """A paused host goes on where it was."""
        docker("unpause", self.host(name).container)

    def disconnect(self, name: str) -> None:
        """Pull a host's cable: it runs on but is not on the fleet's network."""
        docker("network", "disconnect", self.state["network"], self.host(name).container)

    def connect(self, name: str) -> None:
        """Plug it in again, with the address that it had."""
        host = self.host(name)
        docker("network", "connect", "--ip", host.address, "--alias", host.name, self.state["network"], host.container)
        self._remove_default_route(host)

    def _start(self, host: Host) -> None:
        docker("start", host.container)
        self._remove_default_route(host)

    def _remove_default_route(self, host: Host) -> None:
        """An internal network drops what leaves it, so attempts would last until they time out; without a route they fail at once."""
        pid = docker("inspect", "--format", "{{.State.Pid}}", host.container).stdout.strip()
        if pid == "0" or host.group == "builder":
            return
        # Its own program, with the rights of this machine: the host may not change routes.
        argv = ["nsenter", "--target", pid, "--net", "--mount", "ip", "route", "flush", "default"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"The default route of {host.name} cannot be removed: {done.stderr.strip()}")

    def running(self) -> dict[str, str]:
        """The state of each container by the name of its host, as the engine says it."""
        filters = ("--all", "--filter", f"label={FLEET}={self.id}", "--format", "{{.Names}} {{.State}}")
        states = dict(line.split() for line in lines("ps", *filters))
        return {host.name: states.get(host.container, "gone") for host in self.hosts()}

    def wait_ready(self, names: Iterable[str], timeout: float = READY_TIMEOUT) -> None:
        """Wait until ssh works and systemd has started everything on each of these hosts."""
        deadline = time.monotonic() + timeout
        _in_parallel(lambda name: self._wait_ready(name, deadline), names)

    def _wait_ready(self, name: str, deadline: float) -> None:
        said = ""
        while time.monotonic() < deadline:
            try:
                done = self.ssh(name, "systemctl is-system-running --wait", check=False, timeout=max(1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                break
            said = (done.stdout + done.stderr).strip()
            if done.stdout.strip() in ("running", "degraded"):
                return
            if "refused" not in said and self.running()[name] == "exited":
                log = docker("logs", "--tail", 20, self.host(name).container)
                raise RuntimeError(f"{name} ended while it started, and said: {(log.stdout + log.stderr).strip() or 'nothing'}")
            time.sleep(0.1)
        raise RuntimeError(f"{name} ({self.address(name)}) is not up in time; the last answer was: {said or 'none'}")

    def drain(self, *names: str) -> None:
        """Mark these hosts ``down`` for the balancer and no others; requests that it has sent them already are answered."""
        text = plan.upstreams(self.hosts("web"))
        for name in names:
            text = text.replace(f"; # {name}\n", f" down; # {name}\n")
        self.exec("balancer", ["tee", plan.UPSTREAMS], input=text)
        self.exec("balancer", RELOAD)

    def reset(self, *names: str) -> None:
        """Put new hosts in the place of these, or of all: same names and addresses, nothing on their disks."""
        chosen = [host for host in self.hosts() if not names or host.name in names]
        docker("rm", "--force", "--volumes", *(host.container for host in chosen), timeout=120)
        self._run_all(chosen)

    def _run_all(self, hosts: list[Host]) -> None:
        _in_parallel(self._run, hosts)
        self.wait_ready([host.name for host in hosts])

    def _run(self, host: Host) -> None:
        network = ["--network", self.state["network"], "--ip", host.address, "--network-alias", host.name]
        network += ["--dns-opt", "timeout:1", "--dns-opt", "attempts:1"]  # for names outside, which nobody answers
        reaches_out = host.group == "builder"
        docker(
            "create", "--name", host.container, "--hostname", host.name, "--pull", "never", *self._labels(), *run_options(), "--memory", host.memory,
            "--memory-swap", host.memory, *(["--network", "bridge"] if reaches_out else network), self.state["images"][host.image])
        if reaches_out:
            self.connect(host.name)
        files = plan.archive(host, self.hosts(), (self.directory / "key.pub").read_text(encoding="utf-8"))
        docker("cp", "-", f"{host.container}:/", input=files, text=False)
        self._start(host)

    def _labels(self) -> list[str]:
        values = {FLEET: self.id, KEEPER: self.state["keeper"]}
        return [part for name, value in values.items() for part in ("--label", f"{name}={value}")]


class AttachedFleet(Hosts):
    """A fleet that another process keeps up (`python3 -m tests.fleet up --detach`)."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory.resolve(), json.loads((directory / STATE).read_text(encoding="utf-8")))


class Fleet(Hosts):
    """Context manager: a running fleet.

    hosts: number of web hosts; there are a balancer and a build host besides. directory: default a temporary one; it is
    deleted at the end. mirror: with one more host that serves what it has staged.
    """

    def __init__(self, hosts: int = 5, directory: Path | None = None, mirror: bool = False) -> None:
        plan.hosts("", "172.20.0.0/24", hosts, mirror)  # refuses a wrong number before anything is made
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="stagecraft-fleet-"))
        directory = directory.resolve()
        check_free(directory)
        name = uuid.uuid4().hex[:8]
        super().__init__(directory, {
            "id": name, "directory": str(directory), "keeper": identity(), "network": f"stagecraft-{name}", "hosts": [], "timings": {}})
        self._web, self._mirror = hosts, mirror
        self._engine = Engine()

    def up(self) -> None:
        """Start everything; what was started is removed again when a step fails."""
        atexit.register(self.down)
        try:
            self._timed("engine", self._engine.acquire)
            allow_many_hosts()
            self._timed("leftovers", remove_leftovers)
            self._timed("images", self._make_images)
            self._timed("network", self._make_network)
            self._write_files()
            self._timed("hosts", lambda: self._run_all(self.hosts()))
        except BaseException:
            self.down()
            raise
        (self.directory / STATE).write_text(json.dumps(self.state, indent=1), encoding="utf-8")

    def down(self) -> None:
        """Remove everything but the images. Harmless when called twice."""
        atexit.unregister(self.down)
        try:
            if self._engine.held:
                remove(self.state)
        finally:
            self._engine.release()
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Fleet:
        self.up()
        return self

    def __exit__(self, *_details: object) -> None:
        self.down()

    def _timed(self, name: str, work: Callable[[], object]) -> None:
        began = time.monotonic()
        work()
        self.state["timings"][name] = round(time.monotonic() - began, 1)

    def _make_images(self) -> None:
        self.state["images"] = {kind: image.ensure(kind) for kind in ("host", "services")}

    def _make_network(self) -> None:
        problem = "every network is taken"
        for subnet, _attempt in zip(plan.subnets(Path("/proc/net/route").read_text(encoding="utf-8")), range(20)):
            try:
                docker("network", "create", "--internal", "--subnet", subnet, *self._labels(), self.state["network"])
            except DockerError as exc:
                problem = str(exc)
                if "overlap" in problem:
                    continue
                raise
            self.state["hosts"] = [asdict(host) for host in plan.hosts(self.id, subnet, self._web, self._mirror)]
            return
        raise RuntimeError(f"There is no network for the fleet: {problem}")

    def _write_files(self) -> None:
        self.directory.chmod(0o700)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"fleet {self.id}", "-f", self.directory / "key"],
                       stdin=subprocess.DEVNULL, check=True)
        control = self.directory / "cp"
        if len(str(control)) > LONGEST_CONTROL_PATH:
            control = Path(tempfile.gettempdir()) / f"stagecraft-{self.id}"
        control.mkdir(mode=0o700)
        self.state["control"] = str(control)
        self.inventory.write_text(json.dumps(plan.inventory(self.hosts(), self.directory, control), indent=1), encoding="utf-8")


def run_options(unified: bool | None = None) -> list[str]:
    """Options of the client that let systemd run in a container.

    :param unified: does this machine have the unified cgroup hierarchy alone?
    """
    if unified is None:
        unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    return [
        "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--stop-signal", "SIGRTMIN+3",
        "--tmpfs", "/run:size=64m,mode=755", "--tmpfs", "/run/lock:size=4m,mode=1777", "--tmpfs", "/tmp:exec,mode=1777,size=256m",
        *(["--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"] if unified else ["--volume", "/sys/fs/cgroup:/sys/fs/cgroup:ro"]),
        "--pids-limit", "1024",
    ]


def allow_many_hosts(limit: Path = Path("/proc/sys/fs/inotify/max_user_instances")) -> None:
    """Raise a limit of this machine until it restarts: each systemd takes about five of what is often 128 for all of them.

    :param limit: the kernel's setting.
    """
    try:
        if int(limit.read_text(encoding="ascii")) < INSTANCES:
            limit.write_text(str(INSTANCES), encoding="ascii")
    except OSError:
        pass  # a small fleet starts all the same


def check_free(directory: Path) -> None:
    """Make the directory of a new fleet; one with anything in it is refused, as the fleet deletes it at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    if {entry.name for entry in directory.iterdir()} - {KEEPER_LOG}:
        raise FileExistsError(
            f"{directory} is not empty. If it holds a fleet, end that with: python3 -m tests.fleet down --dir {directory}")


def fleets() -> dict[str, str]:
    """The fleets that the engine knows, or remains of: keeper by id."""
    found = {}
    for kind in (["ps", "--all"], ["network", "ls"]):
        for line in lines(*kind, "--filter", f"label={FLEET}", "--format", f'{{{{.Label "{FLEET}"}}}} {{{{.Label "{KEEPER}"}}}}'):
            name, _space, keeper = line.partition(" ")
            found[name] = keeper
    return found


def remove_leftovers() -> list[str]:
    """Remove what is left of fleets whose keeper is dead: their ids."""
    dead = [name for name, keeper in fleets().items() if not is_alive(keeper)]
    for name in dead:
        remove({"id": name})
    return dead


def remove(state: dict[str, Any]) -> None:
    """Remove the containers, networks, connections and files of a fleet.

    :param state: of the fleet; the id is enough to find what the engine has.
    """
    control = Path(state["control"]) if "control" in state else None
    if control and control.is_dir():
        for socket in control.iterdir():
            subprocess.run(["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "fleet"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        shutil.rmtree(control, ignore_errors=True)
    try:
        label = ("--filter", f"label={FLEET}={state['id']}", "--quiet")
        containers = lines("ps", "--all", *label)
        if containers:
            docker("rm", "--force", "--volumes", *containers, timeout=120)
        for network in lines("network", "ls", *label):
            docker("network", "rm", network)
    finally:
        if "directory" in state:
            shutil.rmtree(state["directory"], ignore_errors=True)


def _in_parallel(work: Callable[[Any], None], items: Iterable[Any]) -> None:
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        list(pool.map(work, items))

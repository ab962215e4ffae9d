# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a rollout published for hosts that pull: read, made, signed, and put in place as one file."""

from __future__ import annotations

import contextlib
import os

from ansible_collections.stagecraft.release.plugins.module_utils import durable, locking, rollout_options
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import documents, signature
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.rollout import plan as plans, published, standing
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import reading, recording
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.terms import FLEET, Stop

LOCK = ".rollout.lock"


class Published:
    """What is in the directory from before.

    :ivar content: what the document says, None where there is none.
    :ivar ours: the key that signs now signed it.
    """

    def __init__(self, directory, key):
        self.content, self.ours, self.problem = None, False, ""
        try:
            data = documents.Reader().document(directory, published.FILE, published.LIMIT)
            if data is not None:
                text, sealed = published.unseal(data, documents.address(directory, published.FILE))
                self.content = published.content(text, documents.address(directory, published.FILE))
                self.ours = signature.ssh_made_by(text, sealed, key)
        except signature.NoTool:
            raise
        except StagecraftError as exc:
            self.problem = exc.message

    @property
    def said(self):
        """All but its serial and time."""
        return {key: value for key, value in (self.content or {}).items() if key not in ("serial", "made_at")}


class Outcome:
    """What was published.

    :ivar changed: another document is in place, or would be.
    :ivar before: what the one before said.
    :ivar problems: why the state or the schedule could not be relied on, so that the fleet is stopped.
    """

    def __init__(self, content, before, changed, serial, made_at, problems):
        self.content, self.before, self.changed = content, before, changed
        self.serial, self.made_at, self.problems = serial, made_at, problems


@contextlib.contextmanager
def held(directory, timeout):
    """Hold a directory for publishing; nobody else does so meanwhile."""
    with recording.failing(directory):
        recording.make_directory(directory)
        descriptor = os.open(os.path.join(directory, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not locking.lock(descriptor, timeout):
            raise StagecraftError("dest: another run publishes to %s, and did so for the %g s that this one waited. Wait until that has ended, and run again."
                                  % (directory, timeout))
        yield
    finally:
        os.close(descriptor)


def publish(params, now, refresh, check_mode):
    """Publish the state.

    :param params: validated options of rollout_publish.
    :param refresh: seconds in which a document that says the same is left alone.
    :returns: :class:`Outcome`.
    :raises StagecraftError: nothing was published.
    """
    if not os.path.isabs(params["dest"]):
        raise InputError("dest", params["dest"], "is not an absolute path", "Give the directory of a web server as a path that begins with '/'")
    if check_mode and not os.path.isdir(params["dest"]):
        return _publish(params, now, refresh, True)
    with contextlib.nullcontext() if check_mode else held(params["dest"], params["lock_timeout"]):
        return _publish(params, now, refresh, check_mode)


def _publish(params, now, refresh, check_mode):
    before = Published(params["dest"], params["ssh_key"])
    made, problems = _made(params, now, before)
    last = before.content or {"serial": 0, "made_at": 0}
    if before.ours and before.said == made and 0 <= now - last["made_at"] < refresh:
        return Outcome(made, before, False, last["serial"], last["made_at"], problems)
    # From the clock, so that it grows as well where the directory was lost.
    serial = max(last["serial"] + 1, now)
    if not check_mode:
        text = published.serialise(made, serial, now)
        path = os.path.join(params["dest"], published.FILE)
        data = published.seal(text, signature.ssh_sign(text, params["ssh_key"]))
        with recording.failing(path):
            durable.write(path, data, temporary=os.path.join(params["dest"], ".%s.new" % published.FILE))
            durable.sync_one(params["dest"])
    return Outcome(made, before, True, serial, now, problems)


def _made(params, now, before):
    """What is to be published, and why nothing may change."""
    state = reading.load(params["state_dir"])
    try:
        schedule, text = rollout_options.schedule_and_text(params["schedule"])
    except StagecraftError as exc:
        if not before.ours:
            raise
        # What stops hosts must reach them whatever else is wrong.
        stops = [Stop(FLEET, message="the schedule cannot be used: %s" % exc.message)] + state.stops
        return dict(before.said, kill_switches=[vars(stop) for stop in stops]), [exc.message] + state.problems
    rings = _rings(params["rings"], schedule)
    targets = [state.target(host, ring) for ring, hosts in rings.items() for host in hosts]
    plan = plans.compile(now, schedule, state.snapshots, state.marks)
    # Hosts that pull are not recorded by themselves: a ring of which nothing is known goes by its own clock.
    reached = standing.reached(plan, [target for target in targets if target.ran])
    return published.make(params["name"], text, state, rings, state.progress(schedule, rings), reached), list(state.problems)


def _rings(rings, schedule):
    """The hosts of each ring, checked."""
    names, found, places = [ring.name for ring in schedule.rings], {}, {}
    for ring, hosts in rings.items():
        if ring not in names:
            raise InputError("rings", ring, "is no ring of the schedule", "Give rings of %s" % ", ".join(names))
        if not isinstance(hosts, list) or not all(isinstance(host, str) and host for host in hosts):
            raise InputError("rings", hosts, "is no list of names of hosts", "Give each ring a list of the names of its hosts")
        for host in hosts:
            if places.setdefault(host, ring) != ring:
                raise InputError("rings", host, "is in the rings %s and %s" % (places[host], ring), "Put each host into one ring")
        found[ring] = sorted(set(hosts))
    return found

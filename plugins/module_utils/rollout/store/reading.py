# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the state directory. It fails closed: what cannot be read, or is not exactly a record, is a problem, and every target holds while there is one.

``load(state_dir)`` returns a :class:`State`. Give ``decide`` its ``snapshots``, ``marks``, ``pins``, ``stops``, ``approvals``, ``target(name, ring)`` and
``progress(schedule, members)``; ``stops`` stops the fleet by itself while there are ``problems``.
"""

from __future__ import annotations

import hashlib
import json
import os

from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store import records, switches
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.layout import JOURNALS, MARKS, SUFFIX, Layout, named
from ansible_collections.stagecraft.release.plugins.module_utils.rollout.store.state import State

_REMEDY = "Correct it by hand or put back a copy; every target holds meanwhile"


def load(state_dir, targets=True):
    """The state, as it is now. Nothing is written.

    :param state_dir: absolute path of the state directory.
    :param targets: read what targets ran, too; or the names of those to read.
    :returns: :class:`State`.
    """
    layout = Layout(state_dir)
    state = State(layout.directory, switches=switches.read(state_dir))
    try:
        os.listdir(layout.directory)
    except FileNotFoundError:
        return _problem(state, "state_dir", "%s is not there. Give the state directory of the rollout; rollout_snapshot makes a new one" % layout.directory)
    except OSError as exc:
        return _problem(state, "state_dir", "%s cannot be read: %s. Give a directory that this user may read" % (layout.directory, exc.strerror))
    state.last_valid = _last_valid(layout)
    _snapshots(layout, state)
    for kind in JOURNALS:
        state.journals[kind] = _journal(layout, kind, state)
    if targets:
        _targets(layout, state, None if targets is True else targets)
    return state


def digest(document):
    """The digest of a document, ``sha256:`` and 64 hexadecimal digits."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def _problem(state, part, text):
    state.broken.add(part)
    state.problems.append(text)
    return state


def _said(exc):
    return "is not JSON" if isinstance(exc, json.JSONDecodeError) else str(exc)


def _snapshots(layout, state):
    try:
        bases = sorted(os.listdir(layout.snapshots))
    except FileNotFoundError:
        bases = []
    except OSError as exc:
        _problem(state, "snapshots", "%s cannot be read: %s. %s" % (layout.snapshots, exc.strerror, _REMEDY))
        return
    for base in bases:
        if not base.endswith(SUFFIX) or os.path.isdir(os.path.join(layout.snapshots, base)):
            continue
        path, name = os.path.join(layout.snapshots, base), base[:-len(SUFFIX)]
        try:
            record = records.parse("snapshot", _text(path))
            if record["name"] != name:
                raise ValueError("is about %r" % record["name"])
            if not os.path.isdir(layout.content(name)) or os.path.islink(layout.content(name)):
                if not os.path.lexists(path):
                    continue  # taken away meanwhile: its description goes first
                raise ValueError("describes a snapshot whose directory %s is not there" % layout.content(name))
        except FileNotFoundError:
            continue  # taken away meanwhile
        except ValueError as exc:
            _problem(state, "snapshots", "%s %s. %s" % (path, _said(exc), _REMEDY))
            continue
        state.described[name] = record


def _journal(layout, kind, state):
    """The records of a kind, those that can be read."""
    path, found, wrong = layout.journal(kind), [], []
    try:
        text = _text(path)
    except FileNotFoundError:
        text = ""
    except ValueError as exc:
        _problem(state, kind, "%s %s. %s" % (path, exc, _REMEDY))
        return found
    lines = text.split("\n")
    rest = lines.pop()
    if rest:
        wrong.append("line %d is cut off" % (len(lines) + 1))
    for number, line in enumerate(lines, 1):
        try:
            found.append(records.parse(kind, line))
        except ValueError as exc:
            wrong.append("line %d %s" % (number, _said(exc)))
    counted = ((state.last_valid or {}).get("counts") or {}).get(kind, 0)
    if not wrong and len(found) < counted:
        _problem(state, kind, "%s has %d records and had %d. Put back the copy that is missing; if records were taken out on purpose, remove %s as well"
                 % (path, len(found), counted, layout.last_valid))
    if wrong:
        _problem(state, kind, "%s: %s. %s" % (path, ", ".join(wrong[:3]) + (" and %d more" % (len(wrong) - 3) if len(wrong) > 3 else ""), _REMEDY))
    return found


def _targets(layout, state, wanted):
    if wanted is None:
        try:
            wanted = [named(base[:-len(SUFFIX)]) for base in os.listdir(layout.targets) if base.endswith(SUFFIX)]
        except FileNotFoundError:
            return
        except OSError as exc:
            _problem(state, "targets", "%s cannot be read: %s. %s" % (layout.targets, exc.strerror, _REMEDY))
            return
    for name in wanted:
        path = layout.target(name)
        try:
            record = records.parse("target", _text(path))
            if record["target"] != name:
                raise ValueError("is about %r" % record["target"])
        except FileNotFoundError:
            continue
        except ValueError as exc:
            state.damaged[name] = "its record %s %s" % (path, _said(exc))
            continue
        state.targets[name] = record["runs"]
        if record["ring"]:
            state.rings[name] = record["ring"]


def _last_valid(layout):
    """The copy that was made last, None where it cannot be trusted."""
    try:
        copy = json.loads(_text(layout.last_valid))
        good = isinstance(copy["at"], int) and isinstance(copy["counts"], dict) and isinstance(copy["state"][MARKS], list)
        return copy if good and copy["digest"] == digest(copy["state"]) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _text(path):
    """The text of a regular file.

    :raises FileNotFoundError: nothing is there.
    :raises ValueError: it cannot be read; the message is read after the path.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as handle:
            return handle.read().decode("utf-8")
    except FileNotFoundError:
        if os.path.islink(path):
            raise ValueError("is a link to what is not there") from None
        raise
    except UnicodeDecodeError as exc:
        raise ValueError("is not UTF-8 text (byte %d)" % exc.start) from exc
    except OSError as exc:
        raise ValueError("cannot be read: %s" % exc.strerror) from exc

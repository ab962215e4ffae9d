# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What git's messages mean to an operator: each failure to reach a repository with its own remedy."""

from __future__ import annotations

import re

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

# The first that matches counts: ssh and http end with the same general lines whatever the cause.
_CAUSES = (
    (
        r"cannot run \S+|: (command )?not found|unable to find remote helper|unable to fork",
        "could not be read: a program that git needs was not found",
        "Install it (ssh or git's support for https on the controller, git on the server) or use another address",
    ),
    (
        r"host key verification failed|remote host identification has changed|no .* host key is known",
        "could not be read: the host key of its server is not known to this controller, or has changed",
        "Check the key with the people who run the server and put it into known_hosts on the controller",
    ),
    (
        r"permission denied \(|authentication failed|could not read (username|password)|terminal prompts disabled"
        r"|access denied|invalid username or password|too many authentication failures|returned error: 40[13]",
        "could not be read: the authentication failed",
        "Give a key, token or credential helper that may read (and for a push write) this repository",
    ),
    (
        r"does not appear to be a git repository|repository .*not found|not be found|does not exist|no such file",
        "is not there, or may not be seen with these credentials",
        "Give the address of the repository that the environment is declared with",
    ),
    (
        r"dubious ownership|unsafe repository",
        "belongs to another user and git refuses it",
        "Read it as its owner, or through ssh or https",
    ),
)
_NOISE = re.compile(r"(please make sure you have the correct access rights|and the repository exists)\.?$", re.I)


def reason(err):
    """The lines of git's standard error that say why, as one line.

    :param err: standard error, credentials hidden.
    """
    lines = []
    for line in err.splitlines():
        line = re.sub(r"^(fatal|error|warning|hint):\s*", "", line.strip())
        if line and not _NOISE.match(line) and not set(line) <= set("@ ") and line not in lines:
            lines.append(line)
    return "; ".join(lines[-4:])[:600] or "git gave no reason"


def unreachable(repository, finished, timeout):
    """The error for a command that could not read a repository.

    :param repository: the :class:`Repository`.
    :param finished: how git ended.
    :param timeout: its limit in seconds.
    """
    if finished.code is None:
        return InputError(
            "repository",
            repository.shown,
            "did not answer within %s s" % timeout,
            "Check the network between the controller and the server, or raise 'timeout'",
        )
    for pattern, problem, remedy in _CAUSES:
        if re.search(pattern, finished.err, re.IGNORECASE):
            return InputError("repository", repository.shown, "%s (git: %s)" % (problem, reason(finished.err)), remedy)
    return InputError(
        "repository",
        repository.shown,
        "could not be reached (git: %s)" % reason(finished.err),
        "Check the address and the network between the controller and the server",
    )


def refused(finished):
    """Why a server did not take a push, in the server's own words where it gave some.

    :param finished: how ``git push --porcelain`` ended.
    """
    said = [line[len("remote:"):].strip() for line in finished.err.splitlines() if line.startswith("remote:")]
    marks = re.findall(r"^!\t[^\t]*\t(.*)$", finished.out, re.MULTILINE)
    words = [word for word in said + marks if word]
    return "; ".join(words)[:600] if words else reason(finished.err)

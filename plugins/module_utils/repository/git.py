# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that runs the ``git`` command: without a terminal, a shell or an operator's hooks, and with a limit."""

from __future__ import annotations

import os

from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import process
from ansible_collections.stagecraft.release.plugins.module_utils.repository.names import is_ssh

# An operator's way of reaching servers stays; what would lead git to another repository or to trace output goes.
_KEPT = (
    "GIT_ASKPASS",
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_CONFIG_",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSL_",
)
_PROTOCOLS = "file:git:http:https:ssh"
_CREDENTIALS = (
    "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' "
    '"$STAGECRAFT_GIT_USER" "$STAGECRAFT_GIT_PASSWORD"; }; f'
)


def environment(repository, base=None):
    """The environment in which git runs.

    :param repository: the :class:`Repository` it is for.
    :param base: the environment to start from, ``os.environ`` by default.
    """
    base = dict(os.environ if base is None else base)
    env = {name: value for name, value in base.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    env.pop("GIT_CONFIG_PARAMETERS", None)
    env.update(GIT_TERMINAL_PROMPT="0", GIT_ALLOW_PROTOCOL=_PROTOCOLS, LC_ALL="C", GCM_INTERACTIVE="never")
    settings = [
        ("safe.directory", "*"),
        ("core.hooksPath", os.devnull),
        ("protocol.ext.allow", "never"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
    ]
    if repository.password is not None:
        # Neither in the arguments, where every user of the machine sees it, nor in a credential store.
        env.update(STAGECRAFT_GIT_USER=repository.user, STAGECRAFT_GIT_PASSWORD=repository.password)
        settings += [("credential.helper", ""), ("credential.helper", _CREDENTIALS)]
    given = env.get("GIT_CONFIG_COUNT", "")
    count = int(given) if given.isdigit() else 0
    for number, (key, value) in enumerate(settings, count):
        env["GIT_CONFIG_KEY_%d" % number] = key
        env["GIT_CONFIG_VALUE_%d" % number] = value
    env["GIT_CONFIG_COUNT"] = str(count + len(settings))
    return env


class Git:
    """Runs git commands on one directory.

    :param repository: the :class:`Repository` whose credentials are used and hidden.
    :param directory: the bare directory.
    :param timeout: seconds that one command may take.
    :param checkout: the directory is not bare, it is one with a work tree.
    """

    def __init__(self, repository, directory, timeout, checkout=False):
        self.repository = repository
        self.place = ["-C", directory] if checkout else ["--git-dir=" + directory]
        self.what = "the checkout" if checkout else "the temporary copy of"
        self.timeout = timeout
        self.env = environment(repository)
        if is_ssh(repository.url) and not {"GIT_SSH_COMMAND", "GIT_SSH"} & set(self.env):
            if not self.run("config", "--get", "core.sshCommand").out.strip():
                self.env["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes"

    def run(self, *args, **options):
        """Run one command to its end.

        :param args: arguments of git.
        :param options: ``text`` for its standard input, ``env`` with variables to add.
        """
        command = ["git"] + self.place + list(args)
        try:
            finished = process.run(command, self.timeout, options.get("text"), dict(self.env, **options.get("env", {})))
        except FileNotFoundError:
            raise StagecraftError(
                "git is not installed on the controller: no 'git' was found in PATH. "
                "Install git there, or in the execution environment that runs this play."
            )
        finished.err = self.repository.mask(finished.err)
        return finished

    def read(self, *args, **options):
        """Run a command on the local copy that cannot fail for a reason an operator can mend; return its output."""
        finished = self.run(*args, **options)
        if not finished.ok:
            raise StagecraftError(
                "git %s failed on %s %s: %s. Check the space in its directory, then run again."
                % (args[0], self.what, self.repository.shown, finished.err.strip() or "it gave no reason")
            )
        return finished.out.strip()

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator may name: repositories, branches, tags and commits; refused here before git sees them."""

from __future__ import annotations

import re
from urllib.parse import unquote

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FORBIDDEN_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_HTTP = re.compile(r"(https?://)(.*)\Z", re.IGNORECASE | re.DOTALL)
HIDDEN = "***"


def check_ref(field, name):
    """Refuse what git would not take as the name of a branch or a tag (the rules of ``git check-ref-format``).

    :param field: the option that holds the name.
    :param name: name without ``refs/heads/`` or ``refs/tags/``.
    """
    text = name or ""
    parts = text.split("/")
    bad = (
        not text
        or text == "@"
        or text.startswith("-")
        or text.endswith((".", "/"))
        or _FORBIDDEN_IN_REF.search(text)
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if bad:
        raise InputError(
            field, name, "is not a name that git allows", "Give the plain name of a branch or tag, such as 'v36-1'"
        )


def is_commit(text):
    """Whether a text is a full commit id."""
    return bool(_COMMIT.match(text or ""))


def is_local(url):
    """Whether git reaches the repository through the file system of the controller."""
    if url.startswith("file://"):
        return True
    before_slash = url.split("/", 1)[0]
    return "://" not in url and ":" not in before_slash


def is_ssh(url):
    """Whether git reaches the repository through ssh."""
    return url.split("://", 1)[0] in ("ssh", "git+ssh", "ssh+git") if "://" in url else not is_local(url)


class Repository:
    """The address of a repository, with its credentials kept apart from what is shown and from what git is told.

    :param url: as the operator gave it.
    """

    def __init__(self, url):
        self.given = url or ""
        self.url = self.given
        self.shown = self.given
        self.user = None
        self.password = None
        self._secrets = []
        self._part_credentials()
        self._check()

    def _part_credentials(self):
        """Take ``user:password`` out of an http address; a lone user name stays, a credential helper may need it."""
        match = _HTTP.match(self.given)
        if not match or "@" not in match.group(2):
            return
        scheme, rest = match.groups()
        authority = rest.split("/", 1)[0]
        if "@" in authority:
            credentials, host = authority.rsplit("@", 1)
            rest = host + rest[len(authority):]
        elif ":" in authority and not authority.rsplit(":", 1)[1].isdigit():
            # A slash inside a password: git will not understand it, but it must not be shown either.
            credentials, rest = rest.rsplit("@", 1)
        else:
            return
        self.shown = "%s%s@%s" % (scheme, HIDDEN, rest)
        user, colon, password = credentials.partition(":")
        if colon:
            self._secrets = [text for text in (credentials, password, unquote(password)) if text]
            self.url = scheme + rest
            self.user, self.password = unquote(user), unquote(password)

    def _check(self):
        problem = None
        if not self.given.strip():
            problem = "is empty"
        elif self.given.startswith("-"):
            problem = "starts with a dash, which git would take for an option"
        elif _HELPER.match(self.given):
            problem = "names a transport helper, which could run any command"
        elif _CONTROL.search(self.given + (self.user or "") + (self.password or "")):
            problem = "contains a control character"
        if problem:
            remedy = "Give an https or ssh address or the path of a git repository"
            raise InputError("repository", self.shown, problem, remedy)

    def mask(self, text):
        """Hide the credentials of the address in a text of git.

        :param text: anything that is going to be shown.
        """
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return re.sub(r"(https?://)[^/\s'@]*(?::[^/\s']*)?@", r"\g<1>%s@" % HIDDEN, text)

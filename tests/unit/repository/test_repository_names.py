# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and addresses: what is refused before git sees it, and what is hidden."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import names

GOOD = ["v1", "v36-1", "release/2026.1", "a@b", "x.y", "ünï"]
BAD = [
    "", None, "-x", "--upload-pack=x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "@", "a@{1}",
    ".a", "a/.b", "a.lock", "a.lock/b", "a/", "/a", "a//b", "a.", "a\nb", "a\x7f",
]


@pytest.mark.parametrize("name", GOOD)
def test_good_names(name):
    names.check_ref("branch", name)


@pytest.mark.parametrize("name", BAD)
def test_bad_names(name):
    with pytest.raises(InputError, match="branch: .* is not a name that git allows"):
        names.check_ref("branch", name)


@pytest.mark.parametrize("name", [name for name in GOOD + BAD if name and "\n" not in name])
def test_names_are_judged_as_git_does(name):
    """A name with a leading dash is a valid ref; it is refused because git would take it for an option."""
    code = subprocess.run(["git", "check-ref-format", "refs/tags/" + name], check=False).returncode
    assert (code == 0) == (name in GOOD or name.startswith("-") or name == "@")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (None, "is empty"),
        ("-oProxyCommand=touch x", "starts with a dash"),
        ("--upload-pack=touch x", "starts with a dash"),
        ("ext::sh -c touch% x", "transport helper"),
        ("fd::7", "transport helper"),
        ("https://host/a\nb", "control character"),
        ("https://u:a%0ab@host/x", "control character"),
    ],
)
def test_bad_addresses(url, problem):
    with pytest.raises(InputError, match="repository: .*%s" % problem):
        names.Repository(url)


@pytest.mark.parametrize(
    ("url", "told", "shown", "user", "password"),
    [
        ("https://h/x.git", "https://h/x.git", "https://h/x.git", None, None),
        ("https://u:s3cret@h:8443/x", "https://h:8443/x", "https://***@h:8443/x", "u", "s3cret"),
        ("HTTPS://u:s3cret@h/x", "HTTPS://h/x", "HTTPS://***@h/x", "u", "s3cret"),
        ("https://u:s%403cret@h/x", "https://h/x", "https://***@h/x", "u", "s@3cret"),
        ("https://u:s@3cret@h/x", "https://h/x", "https://***@h/x", "u", "s@3cret"),
        ("https://:s3cret@h/x", "https://h/x", "https://***@h/x", "", "s3cret"),
        ("https://s3cret@h/x", "https://s3cret@h/x", "https://***@h/x", None, None),
        ("https://u:s3/cret@h/x", "https://h/x", "https://***@h/x", "u", "s3/cret"),
        ("https://h:443/~u@v/x", "https://h:443/~u@v/x", "https://h:443/~u@v/x", None, None),
        ("ssh://git@h/x", "ssh://git@h/x", "ssh://git@h/x", None, None),
        ("git@h:x", "git@h:x", "git@h:x", None, None),
        ("/srv/x.git", "/srv/x.git", "/srv/x.git", None, None),
    ],
)
def test_credentials_are_kept_apart(url, told, shown, user, password):
    repository = names.Repository(url)
    assert (repository.url, repository.shown) == (told, shown)
    assert (repository.user, repository.password) == (user, password)


@pytest.mark.parametrize("url", ["https://u:s3cret@h/x", "https://s3cret@h/x", "https://u:s3%63ret@h/x"])
def test_texts_of_git_are_masked(url):
    repository = names.Repository(url)
    text = repository.mask("fatal: unable to access '%s': no; see https://other:s3cret@h/y" % url)
    assert "s3cret" not in text and "s3%63ret" not in text and "***" in text
    assert repository.mask("https://h/x and me@example.com stay") == "https://h/x and me@example.com stay"


@pytest.mark.parametrize(
    ("url", "local", "ssh"),
    [
        ("/srv/x", True, False),
        ("../x", True, False),
        ("./a:b", True, False),
        ("file:///srv/x", True, False),
        ("git@h:x", False, True),
        ("ssh://h/x", False, True),
        ("https://h/x", False, False),
        ("git://h/x", False, False),
    ],
)
def test_how_git_reaches_it(url, local, ssh):
    assert (names.is_local(url), names.is_ssh(url)) == (local, ssh)


@pytest.mark.parametrize(
    ("text", "full"), [("a" * 40, True), ("a" * 64, True), ("a" * 39, False), ("A" * 40, False), ("v1", False)]
)
def test_full_commit_ids(text, full):
    assert names.is_commit(text) is full

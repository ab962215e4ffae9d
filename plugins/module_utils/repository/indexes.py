# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a project takes private packages from an index that strangers can publish to.

Pip treats all its indexes alike: whoever publishes a higher version of a private package's name in the public one is installed (PEP 708).
"""

from __future__ import annotations

import fnmatch
from urllib.parse import urlsplit

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.repository.pins import normal

_REMEDY = (
    "Serve every package from one index of your own and make it pip.index_url, or accept it with index_policy: allow "
    "(inmanta_project_release_index_policy)"
)


def indexes(project, system):
    """Addresses of the indexes that a project's packages come from.

    :param project: the content of ``project.yml``.
    :param system: pip's own configuration: ``index_url``, ``extra_index_url`` and the built-in ``default``.
    """
    pip = project.get("pip") or {}
    found = named(project)
    # An old orchestrator knows no 'pip' and takes pip's own configuration where nothing else is named.
    if _option(pip, "use_system_config") or (not pip and not found):
        found += [] if _option(pip, "index_url") else [system["index_url"] or system["default"]]
        found += system["extra_index_url"]
    return list(dict.fromkeys(found))


def named(project):
    """Addresses of the indexes that ``project.yml`` itself names.

    :param project: its content.
    """
    repo = project.get("repo") or []
    pip = project.get("pip") or {}
    repos = [entry for entry in (repo if isinstance(repo, list) else [repo]) if isinstance(entry, dict)]
    found = [str(entry.get("url")) for entry in repos if entry.get("type") == "package"]
    extra = _option(pip, "extra_index_url") or []
    own = _option(pip, "index_url")
    return found + ([str(own)] if own else []) + [str(more) for more in (extra.split() if isinstance(extra, str) else extra)]


def _option(pip, name):
    """Inmanta takes the names of pip's options with either sign."""
    return pip.get(name, pip.get(name.replace("_", "-")))


def check_credentials(addresses):
    """Refuse a password that the release would carry to everybody who may read its repository.

    :param addresses: what :func:`named` gives.
    """
    for address in addresses:
        if urlsplit(address).password:
            raise InputError("pip", shown(address), "has a password in its address, which would be committed",
                             "Put it where pip looks for credentials (a netrc file of the user who installs), or accept it with index_policy: allow")


def check_indexes(addresses, names, private, public, default):
    """Refuse a public index beside another one, and a public index for packages that are private.

    :param addresses: what :func:`indexes` gives.
    :param names: the packages that are installed from there.
    :param private: patterns of names of private packages.
    :param public: hosts of further public indexes.
    :param default: pip's built-in index, which is public.
    """
    hosts = {_host(default)} | {host.lower() for host in public}
    open_ones = [address for address in addresses if _host(address) in hosts]
    if not open_ones:
        return
    others = [shown(address) for address in addresses if address not in open_ones]
    if others:
        raise InputError(
            "pip", shown(open_ones[0]), "is a public index and is used beside %s: anybody could publish a package there under a private name"
            % ", ".join(others), _REMEDY,
        )
    patterns = [pattern.lower().replace("-", "_") for pattern in private]
    hit = sorted(name for name in names if any(fnmatch.fnmatch(normal(name), pattern) for pattern in patterns))
    if hit:
        raise InputError(
            "pip", shown(open_ones[0]), "is a public index, and the project requires private packages: %s" % ", ".join(hit), _REMEDY,
        )


def _host(address):
    return (urlsplit(address).hostname or "").lower()


def shown(address):
    """An address without credentials."""
    parts = urlsplit(address)
    return "%s://%s%s" % (parts.scheme, parts.netloc.rpartition("@")[2], parts.path) if parts.scheme else address

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small documents of a release: the manifest and its signatures, read from a server or a directory, and written to a directory."""

from __future__ import annotations

import http.client
import os
import tempfile
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import manifest, paths
from ansible_collections.stagecraft.release.plugins.module_utils.certificates import tls_context
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

SIGNATURE_LIMIT = 64 * 1024
CHUNK = 64 * 1024
# A source that keeps giving a byte now and then is given up after this many times the timeout.
PATIENCE = 10
# The options of a module by which servers are asked; the fragment ``server`` documents them.
SERVER = {"validate_certs": {"type": "bool", "default": True}, "ca_path": {"type": "path"}, "headers": {"type": "dict", "default": {}, "no_log": True}}
REMEDY = "Give the http or https url of a release directory, or its absolute path"


class Release:
    """The documents of one release, from one source.

    :param source: where they were read from.
    :param text: the bytes of the manifest.
    :param signatures: ``{name: bytes}`` of the signatures that are there.
    """

    def __init__(self, source, text, signatures):
        self.source = source
        self.text = text
        self.signatures = signatures


def is_url(source):
    """Whether a source is a server's; refuses what is neither that nor an absolute path."""
    parts = urlsplit(source)
    if not parts.scheme and source.startswith("/"):
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("sources", source, "is neither a url nor an absolute path", REMEDY)
    if parts.username or parts.password:
        raise StagecraftError("sources: the url of %s holds a user name or password. Give them in 'headers'." % parts.hostname)
    if parts.query or parts.fragment:
        raise InputError("sources", source, "has a query or a fragment, so files below it have no url", REMEDY)
    return True


def checked_headers(headers):
    """Headers as text, refused where no header can hold them."""
    checked = {str(name): str(value) for name, value in (headers or {}).items()}
    for name, value in checked.items():
        if not (name + value).isascii() or not (name + value).isprintable():
            raise InputError("headers", name, "has a name or value with characters that no header can hold", "Give printable ASCII")
    return checked


class Reader:
    """Reads the documents of releases.

    :param timeout: seconds that a source may stay silent.
    :param headers: sent with every request, and never to another server than the one they were given for.
    """

    def __init__(self, timeout=30.0, validate_certs=True, ca_path=None, headers=None):
        self.timeout = timeout
        self._headers = checked_headers(headers)
        # Made when it is needed: a directory needs no certificates.
        self._certificates = (validate_certs, ca_path)
        self._opener = None

    def read(self, source):
        """The :class:`Release` at ``source``.

        :raises StagecraftError: there is none, or it cannot be read.
        """
        text = self.document(source, paths.MANIFEST, manifest.TEXT_LIMIT)
        if text is None:
            raise StagecraftError("%s: has no %s, so it is not a release directory. Check the address and that the release was published."
                                  % (source, paths.MANIFEST))
        manifest.sniff(text, address(source, paths.MANIFEST))
        found = {name: self.document(source, name, SIGNATURE_LIMIT) for name in paths.SIGNATURES}
        return Release(source, text, {name: data for name, data in found.items() if data is not None})

    def document(self, source, name, limit):
        """The bytes of one document, None when it is not there.

        :param limit: bytes; more is refused.
        """
        return (self._from_server if is_url(source) else _from_directory)(source, name, limit)

    def _from_server(self, source, name, limit):
        url = address(source, name)
        if self._opener is None:
            self._opener = _opener(*self._certificates)
        request = urllib.request.Request(url, headers={"User-Agent": "stagecraft.release"})
        for header, value in self._headers.items():
            request.add_unredirected_header(header, value)
        try:
            with self._opener.open(request, timeout=self.timeout) as answer:
                return _all_of(answer, url, limit, time.monotonic() + PATIENCE * self.timeout)
        except urllib.error.HTTPError as exc:
            exc.close()
            if exc.code in (404, 410):
                return None
            raise StagecraftError("%s: the server answered %d %s. Check the address and what the server lets you read."
                                  % (url, exc.code, exc.reason)) from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            reason = getattr(exc, "reason", None) or exc
            raise StagecraftError("%s: cannot be read: %s. Check the address, and that the server can be reached from here."
                                  % (url, str(reason) or type(reason).__name__)) from exc


def address(source, name):
    """The address of a document at a source."""
    return "%s/%s" % (source.rstrip("/"), name)


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follows a redirect, with the operator's headers only on the same server, and never away from https."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """The request that follows ``req``."""
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.scheme == "https" and new.scheme != "https":
            raise urllib.error.URLError("the server redirects from https to %s" % newurl)
        if following is not None and (old.scheme, old.netloc) == (new.scheme, new.netloc):
            following.unredirected_hdrs.update({name: value for name, value in req.unredirected_hdrs.items() if name != "Host"})
        return following


def _opener(validate_certs, ca_path):
    context = tls_context(validate_certs, ca_path)
    # Built from the handlers that are wanted: no file, ftp or data urls.
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(context=context), _SameServer(),
                    urllib.request.HTTPErrorProcessor(), urllib.request.HTTPDefaultErrorHandler(), urllib.request.UnknownHandler()):
        opener.add_handler(handler)
    return opener


def _all_of(answer, url, limit, until):
    announced = answer.headers.get("Content-Length")
    data = bytearray()
    while True:
        part = answer.read1(CHUNK)
        if not part:
            break
        data += part
        if len(data) > limit:
            raise StagecraftError("%s: is longer than %d bytes, so it is not what it should be. Check the address." % (url, limit))
        if time.monotonic() > until:
            raise StagecraftError("%s: came too slowly and was given up after %d bytes. Raise 'timeout' or use another source." % (url, len(data)))
    if announced is not None and announced.isdigit() and int(announced) != len(data):
        raise StagecraftError("%s: the connection ended after %d of %s bytes. Run again, or look at the server." % (url, len(data), announced))
    return bytes(data)


def _from_directory(source, name, limit):
    """A document below a directory; None when it is not there."""
    try:
        return read_file(source, name, limit)
    except paths.Missing:
        return None


def read_file(directory, name, limit):
    """The bytes of a file below a directory.

    :raises paths.Missing: it is not there.
    """
    where = address(directory, name)
    try:
        with os.fdopen(paths.open_below(directory, name), "rb") as handle:
            data = handle.read(limit + 1)
    except paths.Missing:
        raise
    except StagecraftError as exc:
        raise StagecraftError("%s: %s. Put the file itself there." % (where, exc.message)) from exc
    except FileNotFoundError as exc:
        raise paths.Missing("%s: the directory is not there." % directory) from exc
    except OSError as exc:
        raise StagecraftError("%s: cannot be read: %s. Check the path and who may read it." % (where, exc.strerror)) from exc
    if len(data) > limit:
        raise StagecraftError("%s: is longer than %d bytes, so it is not what it should be. Check the path." % (where, limit))
    return data


def kept(directory):
    """What a directory holds of the documents: ``{name: bytes}``."""
    found = {}
    for name in (paths.MANIFEST, paths.SUMS) + paths.SIGNATURES:
        data = _from_directory(directory, name, SIGNATURE_LIMIT if name in paths.SIGNATURES else manifest.TEXT_LIMIT)
        if data is not None:
            found[name] = data
    return found


def write(directory, wanted):
    """Make documents of a directory what they should be.

    The manifest comes last: where this is interrupted, the old manifest beside a new signature is refused until it is done again.

    :param directory: made when it is not there.
    :param wanted: ``{name: bytes}``, None for one that must not be there. What is not named stays as it is.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        for name, data in sorted(wanted.items(), key=lambda item: (item[0] == paths.MANIFEST, item[0])):
            _replace(directory, name, data)
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as exc:
        raise StagecraftError("%s: cannot be written: %s. Check the space there and who may write." % (directory, exc.strerror)) from exc


def _replace(directory, name, data):
    final = os.path.join(directory, name)
    if data is None:
        if os.path.lexists(final):
            os.unlink(final)
        return
    descriptor, temporary = tempfile.mkstemp(prefix=".%s." % name, dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        os.rename(temporary, final)
    except BaseException:
        os.unlink(temporary)
        raise

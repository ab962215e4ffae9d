# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where artifacts come from: a server, a directory, or a tar file that the controller brought.

Each place opens an entry from some byte on, and gives what follows in parts. Nothing of it is believed: the one who reads counts and hashes.
"""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import tarfile
import threading
import urllib.request
from urllib.parse import quote, unquote, urljoin, urlsplit

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import documents, paths
from ansible_collections.stagecraft.release.plugins.module_utils.certificates import tls_context
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

REDIRECTS = (301, 302, 303, 307, 308)
REDIRECT_LIMIT = 5
PASSING = (408, 425, 429, 500, 502, 503, 504)
DRAIN_LIMIT = 64 * 1024
CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


class Refused(Exception):
    """The place does not have this artifact, or another one in its stead; asking again would not help. Read after the place."""


class Broken(Exception):
    """It went wrong, and may go right the next time. Read after the place."""


class Body:
    """What a place gives of one artifact.

    :param start: the byte that it begins with.
    :param size: how many bytes follow; None when that was not said.
    :param read: function of a number of bytes that returns some, and none at the end; raises only :class:`Broken`.
    :param close: called with whether all of it was read, when it is no longer needed.
    """

    def __init__(self, start, size, read, close):
        self.start = start
        self.size = size
        self.read = read
        self.close = close


class Place:
    """A place and how it has fared.

    :param name: as the operator gave it.
    """

    # So many failures one after the other, whatever the artifacts: then nobody asks here again in this run.
    PATIENCE = 6

    def __init__(self, name):
        self.name = name
        self.gone = None
        self._failures = 0
        self._lock = threading.Lock()

    def open(self, entry, start):
        """The :class:`Body` of an entry from a byte on, or from the first one where the place cannot.

        :raises Refused: it is not there.
        :raises Broken: it could not be asked.
        """
        raise NotImplementedError

    def close(self):
        """Let go of what is held open."""

    def worked(self):
        """An artifact came from here."""
        self._failures = 0

    def failed(self, reason, failures=1):
        """It went wrong here."""
        with self._lock:
            self._failures += failures
            if self._failures >= self.PATIENCE and self.gone is None:
                self.gone = "%s (and was not asked again)" % reason


class Directory(Place):
    """A release directory of this host."""

    def __init__(self, name):
        super().__init__(name)
        if not os.path.isdir(name):
            self.gone = "is not a directory on this host"

    def open(self, entry, start):
        """The rest of a file."""
        try:
            descriptor = paths.open_below(self.name, entry["path"])
        except StagecraftError as exc:
            raise Refused("%s there" % exc.message) from exc
        except OSError as exc:
            raise Refused("cannot be read: %s" % exc.strerror) from exc
        size = os.fstat(descriptor).st_size
        start = start if start <= size else 0
        os.lseek(descriptor, start, os.SEEK_SET)
        return Body(start, size - start, _reading(lambda count: os.read(descriptor, count)), lambda _whole: os.close(descriptor))


class Bundle(Place):
    """A tar file of contents by their digests, as the controller sends it.

    :param name: the source that the controller took them from.
    :param path: of the tar file on this host.
    """

    def __init__(self, name, path):
        super().__init__(name)
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            with tarfile.open(path, "r:") as archive:
                self._members = {member.name: (member.offset_data, member.size) for member in archive if member.isreg()}
        except (OSError, tarfile.TarError) as exc:
            raise StagecraftError("%s: what the controller sent cannot be read: %s. Run again; if it stays, look at the space in remote_tmp."
                                  % (name, exc)) from exc

    def open(self, entry, start):
        """The rest of a member."""
        offset, size = self._members.get(entry["sha256"], (0, None))
        if size is None:
            raise Refused("has no such file of this size there")
        start = start if start <= size else 0
        at = [offset + start]

        def read(count):
            data = os.pread(self._descriptor, min(count, offset + size - at[0]), at[0])
            at[0] += len(data)
            return data

        return Body(start, size - start, _reading(read), lambda _whole: None)

    def close(self):
        """Close the tar file."""
        os.close(self._descriptor)


class Server(Place):
    """A release directory of a server, asked over connections that stay open, one for each thread.

    :param name: its url.
    :param access: the :class:`Access` to servers.
    """

    def __init__(self, name, access):
        super().__init__(name)
        self._access = access
        self._base = name.rstrip("/") + "/"
        self._mine = threading.local()
        self._routes = []

    def open(self, entry, start):
        """The answer to one request; more where the server redirects."""
        url = self._base + quote(entry["path"])
        for _hop in range(REDIRECT_LIMIT):
            route, answer = self._ask(url, start)
            if answer.status not in REDIRECTS:
                return self._body(route, answer, start)
            further = urljoin(url, answer.headers.get("Location") or "")
            _drain(route, answer)
            if urlsplit(further).scheme not in ("http", "https") or (url.startswith("https:") and not further.startswith("https:")):
                raise Refused("redirects to %s" % further)
            url = further
        raise Refused("redirects more than %d times" % REDIRECT_LIMIT)

    def close(self):
        """Close all connections."""
        for route in self._routes:
            route.connection.close()

    def _ask(self, url, start):
        parts = urlsplit(url)
        try:
            route, used = self._route(parts)
        except ValueError as exc:
            raise Refused("has an address that cannot be used: %s" % exc) from exc
        headers = dict(route.headers, Range="bytes=%d-" % start) if start else route.headers
        target = route.prefix + parts.path + ("?" + parts.query if parts.query else "")
        while True:
            try:
                route.connection.request("GET", target, headers=headers)
                return route, route.connection.getresponse()
            except ssl.SSLCertVerificationError as exc:
                route.connection.close()
                raise Refused("has a certificate that is not valid here: %s" % exc.verify_message) from exc
            except (OSError, http.client.HTTPException, ValueError) as exc:
                route.connection.close()
                # A server may close a connection that waits for its next request; that says nothing of this one.
                if not used or not isinstance(exc, CLOSED):
                    raise Broken(told(exc, self._access.timeout)) from exc
                used = False

    def _route(self, parts):
        """This thread's way to a server, and whether it was used before."""
        origin = _origin(parts)
        routes = self._mine.__dict__.setdefault("routes", {})
        if origin in routes:
            return routes[origin], True
        routes[origin] = self._access.route(parts, origin == _origin(urlsplit(self._base)))
        self._routes.append(routes[origin])
        return routes[origin], False

    def _body(self, route, answer, start):
        if answer.status == 206:
            first, _dash, rest = (answer.headers.get("Content-Range") or "").lower().partition("bytes ")[2].partition("-")
            if first.strip() != str(start) or not rest:
                route.connection.close()
                raise Broken("answered with another range than asked for")
        elif answer.status == 200:
            start = 0
        else:
            _drain(route, answer)
            said = "answered %d %s" % (answer.status, answer.reason)
            raise (Broken if answer.status in PASSING else Refused)(said)
        if (answer.headers.get("Content-Encoding") or "identity").lower() != "identity":
            route.connection.close()
            raise Refused("sends it encoded as %s, which was not asked for" % answer.headers["Content-Encoding"])

        def close(whole):
            answer.close()
            if not whole:
                route.connection.close()

        return Body(start, answer.length, _reading(answer.read1, self._access.timeout), close)


class Route:
    """How requests reach one server.

    :param connection: to it, or to a proxy.
    :param prefix: what comes before the path in a request.
    :param headers: of every request.
    """

    def __init__(self, connection, prefix, headers):
        self.connection = connection
        self.prefix = prefix
        self.headers = headers


class Access:
    """How servers are reached.

    :param timeout: seconds that one may stay silent.
    :param headers: sent to the server that was named and to no other.
    """

    def __init__(self, timeout, validate_certs=True, ca_path=None, headers=None):
        if timeout <= 0:
            raise InputError("timeout", timeout, "is not more than 0", "Give seconds, such as 30")
        self.timeout = timeout
        self._headers = documents.checked_headers(headers)
        self._certificates = (validate_certs, ca_path)
        self._context = None
        self._lock = threading.Lock()

    def route(self, parts, own):
        """A :class:`Route` to the server of a url, by the proxy that the environment names for it.

        :param own: it is the server that the operator named, not one that it redirects to.
        """
        headers = dict({"User-Agent": "stagecraft.release"}, **(self._headers if own else {}))
        proxy = _proxy(parts)
        at = proxy or parts
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(at.hostname, at.port or (80 if proxy else 443), timeout=self.timeout, context=self._tls())
            if proxy:
                connection.set_tunnel(parts.hostname, parts.port or 443, _authorization(proxy))
            return Route(connection, "", headers)
        connection = http.client.HTTPConnection(at.hostname, at.port or 80, timeout=self.timeout)
        if proxy:
            return Route(connection, "http://%s" % parts.netloc, dict(headers, **_authorization(proxy)))
        return Route(connection, "", headers)

    def _tls(self):
        with self._lock:
            if self._context is None:
                self._context = tls_context(*self._certificates)
            return self._context


def place_of(source, access, bundles):
    """The :class:`Place` that a source names.

    :param bundles: tar files of this host, by the source that they were made from.
    """
    if source in bundles:
        return Bundle(source, bundles[source])
    if source.startswith("controller:"):
        raise InputError("sources", source, "is on the controller, and can only be used by the action of artifact_fetch",
                         "Run the task as stagecraft.release.artifact_fetch")
    return Server(source, access) if documents.is_url(source) else Directory(source)


def told(exc, timeout):
    """An error of the network, read after the place."""
    if isinstance(exc, TimeoutError) or "timed out" in str(exc):
        return "sent nothing for %g s" % timeout
    if isinstance(exc, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(exc, http.client.RemoteDisconnected):
        return "closed the connection without an answer"
    if isinstance(exc, ConnectionError):
        return "broke the connection (%s)" % (exc.strerror or exc)
    return "could not be asked: %s" % (str(exc) or type(exc).__name__)


def _reading(read, timeout=0):
    """A function that reads like ``read`` and raises only :class:`Broken`."""
    def part(count):
        try:
            return read(count)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise Broken(told(exc, timeout)) from exc
    return part


def _drain(route, answer):
    """Read a short answer to its end, so that its connection serves on."""
    try:
        if answer.length is not None and answer.length <= DRAIN_LIMIT:
            answer.read()
            return
    except (OSError, http.client.HTTPException):
        pass
    route.connection.close()


def _proxy(parts):
    """The proxy that the environment names for a url, as a url; None for none."""
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.netloc):
        return None
    return urlsplit(proxy if "://" in proxy else "http://" + proxy)


def _origin(parts):
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _authorization(proxy):
    if not proxy.username:
        return {}
    pair = "%s:%s" % (unquote(proxy.username), unquote(proxy.password or ""))
    return {"Proxy-Authorization": "Basic %s" % base64.b64encode(pair.encode("utf-8")).decode("ascii")}

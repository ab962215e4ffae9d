# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP session with an orchestrator."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta import errors

try:
    import requests
except ImportError:
    requests = None

SAFE_METHODS = ("GET", "HEAD")
GATEWAY_STATUS = (502, 503, 504)
SECRET = "********"
# What the server's messages about a token that it does not take have in common.
TOKEN_WORDS = ("token", "signature", "jwt")
TOKEN_REMEDY = "Check 'token': give one that is valid for this server, this environment and this call."
BACKOFF_LIMIT = 10.0
# A machine that is not there takes no longer than this, however long an answer may take.
CONNECT_TIMEOUT = 10.0


def segment(value):
    """One path segment, percent-encoded in full: resource ids hold slashes, brackets and commas."""
    return quote(str(value), safe="")


class Client:
    """A session: authentication, TLS, retries, and answers turned into data or errors.

    :param url: the server, such as ``https://orchestrator.example.com:8888``.
    :param token: bearer token, or
    :param username: with ``password``, to get a login token when it is first needed and again when it expires.
    :param verify: True, False, or the path of a file with certificate authorities.
    :param cert: path of a client certificate, or a pair (certificate, key).
    :param timeout: seconds that one request may take.
    :param retries: how often a call that is safe to repeat is repeated after a broken connection or a gateway error.
    :param before_write: called before each request that changes something, and before each repetition; it raises when
        the run must stop.
    """

    def __init__(self, url, token=None, username=None, password=None, verify=True, cert=None, proxy=None,
                 timeout=60.0, retries=3, before_write=None, sleep=time.sleep):
        if requests is None:
            raise StagecraftError(
                "The Python library 'requests' is not there. Install it for the Python that runs Ansible on the controller.")
        self.url = check_url(url)
        self.timeout = timeout
        self.retries = retries
        self.before_write = before_write
        self._sleep = sleep
        self._username = username
        self._password = password
        self._secrets = [text for text in (token, password) if text]
        self._session = requests.Session()
        # Given with each request: what a session holds loses against REQUESTS_CA_BUNDLE and http_proxy.
        self._ways = dict(verify=verify, cert=cert, proxies={"http": proxy, "https": proxy} if proxy else None,
                          timeout=(min(timeout, CONNECT_TIMEOUT), timeout))
        self._token = token
        self._date = None
        # With an auth of its own the session never takes a .netrc entry in place of the token.
        self._session.auth = self._sign

    @classmethod
    def from_params(cls, params, before_write=None):
        """The session that a module's connection options ask for.

        :param params: validated options of :func:`arguments.connection`.
        """
        if params.get("username") and params.get("token"):
            raise InputError("username", params["username"], "was given together with a token", "Give one of the two")
        if params.get("username") and not params.get("password"):
            raise InputError("username", params["username"], "was given without a password", "Give 'password' too")
        verify = params["validate_certs"]
        if verify and params.get("ca_path"):
            verify = params["ca_path"]
        cert = params.get("client_cert") or None
        if cert and params.get("client_key"):
            cert = (cert, params["client_key"])
        return cls(params.get("url"), params.get("token") or None, params.get("username") or None,
                   params.get("password") or None, verify, cert, params.get("proxy") or None,
                   params["timeout"], params["retries"], before_write)

    def get(self, path, environment=None, query=None):
        """GET ``path``; returns the decoded answer."""
        return self.request("GET", path, environment, query=query)

    def post(self, path, environment=None, body=None, repeat=False):
        """POST ``body``; ``repeat`` says that doing it twice does no harm."""
        return self.request("POST", path, environment, body=body, repeat=repeat)

    def put(self, path, environment=None, body=None):
        """PUT ``body``."""
        return self.request("PUT", path, environment, body=body)

    def delete(self, path, environment=None):
        """DELETE ``path``."""
        return self.request("DELETE", path, environment)

    def request(self, method, path, environment=None, query=None, body=None, repeat=False):
        """One call of the API, repeated where that is safe.

        :param environment: UUID of the environment that the call concerns.
        :returns: the decoded JSON, or ``{}`` where the server answers nothing.
        :raises errors.ApiError: the server refused.
        :raises errors.Unreachable: no answer.
        """
        headers = {"X-Inmanta-tid": environment} if environment else {}
        safe = repeat or method in SAFE_METHODS
        attempts = 1 + (self.retries if safe else 0)
        for attempt in range(attempts):
            if self.before_write and (attempt or method not in SAFE_METHODS):
                self.before_write()
            last = attempt + 1 == attempts
            try:
                answer = self._send(method, path, headers, query, body)
            except errors.Unreachable:
                if last:
                    raise
            else:
                if last or answer.status_code not in GATEWAY_STATUS:
                    return self._decode(method, path, answer)
            self._sleep(min(0.5 * 2 ** attempt, BACKOFF_LIMIT))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(self, method, path, headers, query, body):
        if self._username and not self._token:
            self._authenticate()
        answer = self._raw(method, path, headers, query, body)
        if self._username and self._expired(answer):
            self._authenticate()
            answer = self._raw(method, path, headers, query, body)
        return answer

    def _expired(self, answer):
        return answer.status_code == 401 or (answer.status_code == 403 and "expired" in _message(answer).lower())

    def _authenticate(self):
        self._token = None
        answer = self._raw("POST", "/api/v2/login", {}, None, {"username": self._username, "password": self._password})
        if answer.status_code == 401:
            raise errors.AccessDenied("POST", "/api/v2/login", 401, "username %r: the server does not accept it with this password" % self._username,
                                      "Correct username and password, or give a token.")
        token = self._decode("POST", "/api/v2/login", answer).get("data", {}).get("token")
        if not token:
            raise StagecraftError("POST /api/v2/login: the answer holds no token: is %s an orchestrator?" % self.url)
        self._secrets.append(token)
        self._token = token

    def _sign(self, request):
        if self._token:
            request.headers["Authorization"] = "Bearer %s" % self._token
        return request

    def _raw(self, method, path, headers, query, body):
        try:
            answer = self._session.request(method, self.url + path, headers=headers, params=query, json=body, **self._ways)
        except requests.exceptions.SSLError as exc:
            raise StagecraftError(
                "url: %s: the TLS connection failed: %s. Give 'ca_path' (and 'client_cert'), or check the scheme and port."
                % (self.url, self.hide(_reason(exc)))) from exc
        except requests.exceptions.ConnectTimeout as exc:
            raise errors.Unreachable(
                "url: %s: %s %s: no connection within %g s. Check the url, the port, the proxy and that the server runs."
                % (self.url, method, path, self._ways["timeout"][0])) from exc
        except requests.exceptions.Timeout as exc:
            raise errors.Unreachable(
                "url: %s: %s %s had no answer within timeout=%s s. Raise 'timeout' or look at the server."
                % (self.url, method, path, self.timeout)) from exc
        except requests.exceptions.RequestException as exc:
            raise errors.Unreachable(
                "url: %s: %s %s: no connection: %s. Check the url, the port, the proxy and that the server runs."
                % (self.url, method, path, self.hide(_reason(exc)))) from exc
        except OSError as exc:
            raise StagecraftError("ca_path or client_cert: %s" % exc) from exc
        self._date = answer.headers.get("Date")
        if method == "GET" and answer.status_code == 200 and not answer.content:
            # A server that is stopping drops its work and still answers 200.
            raise errors.Unreachable("url: %s: %s %s: the server answered nothing: is it stopping?" % (self.url, method, path))
        return answer

    def moment(self):
        """When the server gave its last answer, by its own clock, in whole seconds rounded down; by ours where it did not say."""
        told = parsedate_to_datetime(self._date) if self._date else datetime.now(timezone.utc)
        return told.replace(microsecond=0).isoformat()

    def _decode(self, method, path, answer):
        if answer.status_code < 400:
            if not answer.content:
                return {}
            try:
                return answer.json()
            except ValueError as exc:
                raise StagecraftError(
                    "url: %s: %s %s answered something that is not JSON: this is not an orchestrator's API. Check the url."
                    % (self.url, method, path)) from exc
        message = self.hide(_message(answer))
        status = answer.status_code
        is_json = _is_json(answer)
        if status == 404 and is_json:
            raise errors.NotFound(method, path, status, message)
        if status in (404, 405):
            raise errors.UnknownEndpoint(
                method, path, status, "the server does not have this call",
                "Check that url (%s) is an orchestrator of a supported release." % self.url)
        if status == 401:
            raise errors.AccessDenied(method, path, status, message, "Give a token that is valid, or username and password.")
        if status == 403:
            about_token = any(word in message.lower() for word in TOKEN_WORDS)
            raise errors.AccessDenied(method, path, status, message, TOKEN_REMEDY if about_token else "")
        if status == 409:
            raise errors.Conflict(method, path, status, message)
        raise errors.ApiError(method, path, status, message)

    def hide(self, text):
        """``text`` without this session's secrets."""
        for secret in self._secrets:
            text = text.replace(secret, SECRET)
        return text


def check_url(url):
    """``url`` without a trailing slash; refuses what cannot be a server's url."""
    remedy = "Give the server's url, such as https://orchestrator.example.com:8888"
    if not url:
        raise InputError("url", url, "is empty", remedy)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("url", url, "is not an http or https url", remedy)
    if parts.username or parts.password:
        raise StagecraftError("url: holds a user name or password. Use the options 'username' and 'password'.")
    return url.rstrip("/")


def _is_json(answer):
    """Whether the API itself answered: what it does not have, it says in JSON, or (a parameter) with no body marked as JSON."""
    if not answer.content:
        return answer.headers.get("Content-Type", "").startswith("application/json")
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False


def _message(answer):
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return (answer.reason or "no message").strip()


def _reason(exc):
    """The innermost cause: the outer layers repeat the url and object addresses."""
    cause = exc
    while cause.__cause__ or cause.__context__ or (cause.args and isinstance(cause.args[0], BaseException)):
        cause = cause.__cause__ or cause.__context__ or cause.args[0]
    reason = getattr(cause, "reason", None)
    return str(reason or cause)

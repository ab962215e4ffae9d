# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real mail server on loopback that keeps what it takes, and can be told to refuse."""

from __future__ import annotations

import base64
import email
import email.policy
import socketserver

from tests.serving import InThread


class Handler(socketserver.StreamRequestHandler):
    """One session of SMTP; what was said in it is kept."""

    def handle(self):
        server, self.inside = self.server, False
        if server.implicit:
            self._wrap()
        self.say("220 sink")
        while True:
            line = self.rfile.readline().decode("utf-8", "replace").strip()
            if not line:
                return
            server.seen.append(line)
            verb = line.split(":")[0].split()[0].upper()
            answer = server.refuse.get(verb)
            if callable(answer):
                answer = answer(line)
            if answer:
                self.say(answer)
            elif verb in ("EHLO", "HELO"):
                offers = (["STARTTLS"] if server.context and not self.inside else []) + ["AUTH PLAIN", "SMTPUTF8", "8BITMIME"]
                self.say("\r\n".join(["250-sink"] + ["250-%s" % offer for offer in offers[:-1]] + ["250 %s" % offers[-1]]))
            elif verb == "STARTTLS":
                self.say("220 go on")
                self._wrap()
            elif verb == "AUTH":
                server.logins.append(base64.b64decode(line.split()[2]).decode().split("\0")[1:] + [self.inside])
                self.say("235 welcome")
            elif verb == "DATA":
                self.say("354 go on")
                self._take()
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def _take(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.server.mails.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
        self.say("250 taken")

    def _wrap(self):
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.inside = True

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


class MailSink(InThread, socketserver.ThreadingTCPServer):
    """Context manager. ``mails``: what it took; ``logins``: user, password, and whether inside TLS; ``seen``: every command.

    :param context: a server's TLS, offered by STARTTLS, or from the start with ``implicit``.
    :param refuse: answers by verb, as ``{"RCPT": "550 nobody"}``; a function of the line may answer or leave it.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context=None, implicit=False, refuse=None, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.context, self.implicit, self.refuse = context, implicit, refuse or {}
        self.mails, self.logins, self.seen = [], [], []
        self.port = self.server_address[1]

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""

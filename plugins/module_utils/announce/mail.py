# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announcing by mail, with Python's own smtplib. The password is never in a message."""

from __future__ import annotations

import datetime
import re
import smtplib
import socket
from email.message import EmailMessage
from email.utils import parseaddr

from ansible_collections.stagecraft.release.plugins.module_utils.announce.delivery import NotDelivered, reason
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError

SECURITY = ("starttls", "tls", "none")
PORTS = {"starttls": 587, "tls": 465, "none": 25}
ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+\Z")
SECRET = "********"


class Mail:
    """The mail server and whom to write to.

    :param to: addresses, as ``name@example.com`` or ``Name <name@example.com>``.
    :param sender: address of the sender.
    :param security: one of SECURITY.
    :param context: for TLS, see ``certificates.tls_context``.
    """

    def __init__(self, to, sender, host, port=None, security="starttls", username=None, password=None, context=None):
        self.to = [_check_address(address, "mail_to[%d]" % number) for number, address in enumerate(to)]
        self.sender = _check_address(sender, "mail_from")
        if not host or not host.isprintable() or " " in host:
            raise InputError("mail_host", host, "is not the name of a mail server", "Give the name of the server that takes the mail")
        if port is not None and not 0 < port < 65536:
            raise InputError("mail_port", port, "is not a port", "Give a number from 1 to 65535, or none for the usual one")
        if username and security == "none":
            raise InputError("mail_security", security, "would send the password of mail_username in the clear", "Use starttls or tls")
        if bool(username) != bool(password):
            raise InputError("mail_username", username or "", "and mail_password go together", "Give both, or none where the server wants no login")
        self.name = "mail to %s" % ", ".join(self.to)
        self._host, self._port = host, port or PORTS[security]
        self._security, self._username, self._password, self._context = security, username, password, context

    def letter(self, announcement):
        """The mail about an announcement; mails about one release on one target are one thread."""
        letter = EmailMessage()
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        letter["Subject"], letter["From"], letter["To"] = announcement["title"], self.sender, ", ".join(self.to)
        letter["Date"] = datetime.datetime.fromisoformat(announcement["at"].replace("Z", "+00:00"))
        letter["Message-ID"] = "<%s@%s>" % (announcement["id"], domain)
        letter["References"] = "<%s@%s>" % (announcement["thread"], domain)
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(announcement["text"] + "\n")
        return letter

    def send(self, letter, timeout):
        """Hand the mail to the server once.

        :returns: addresses that the server did not take.
        :raises NotDelivered: it took none.
        """
        try:
            with self._connect(timeout) as server:
                return sorted(server.send_message(letter))
        except smtplib.SMTPAuthenticationError as exc:
            # What the server answers may repeat what it was sent.
            raise NotDelivered("%s: %s does not accept mail_username with this password (%d)" % (self.name, self._host, exc.smtp_code), again=False) from None
        except smtplib.SMTPRecipientsRefused as exc:
            told = {address: "%d %s" % (code, self._shown(text)) for address, (code, text) in exc.recipients.items()}
            again = any(400 <= code < 500 for code, _text in exc.recipients.values())
            raise NotDelivered("%s: refused: %s" % (self.name, "; ".join("%s (%s)" % item for item in sorted(told.items()))), again) from None
        except smtplib.SMTPResponseException as exc:
            raise NotDelivered("%s: %s answered %d %s" % (self.name, self._host, exc.smtp_code, self._shown(exc.smtp_error)),
                               again=not 500 <= exc.smtp_code < 600) from None
        except smtplib.SMTPNotSupportedError as exc:
            raise NotDelivered("%s: %s: %s" % (self.name, self._host, self._shown(str(exc))), again=False) from None
        except (smtplib.SMTPException, OSError, ValueError) as exc:
            raise NotDelivered("%s: no connection to %s: %s" % (self.name, self._host, reason(exc))) from None

    def _connect(self, timeout):
        # Not smtplib's own way to find this name: it asks the DNS, which can take longer than all the rest.
        here = socket.gethostname()
        options = dict(timeout=timeout, local_hostname=here if "." in here else "[127.0.0.1]")
        if self._security == "tls":
            server = smtplib.SMTP_SSL(self._host, self._port, context=self._context, **options)
        else:
            server = smtplib.SMTP(self._host, self._port, **options)
        try:
            if self._security == "starttls":
                server.starttls(context=self._context)
            if self._username:
                server.login(self._username, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _shown(self, text):
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        if self._password:
            text = text.replace(self._password, SECRET)
        return " ".join(text.split())[:200]


def _check_address(address, field):
    if not isinstance(address, str) or not address.isprintable() or not ADDRESS.match(parseaddr(address)[1]):
        raise InputError(field, address, "is not a mail address", "Write name@example.com, or Name <name@example.com>")
    return address.strip()

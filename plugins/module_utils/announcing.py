# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets an announcement, by the options of release_announce_send: the place where the rooms ``people`` and ``announce`` are joined."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ansible_collections.stagecraft.release.plugins.module_utils.announce.delivery import NotDelivered, check_numbers, deliver
from ansible_collections.stagecraft.release.plugins.module_utils.announce.mail import Mail
from ansible_collections.stagecraft.release.plugins.module_utils.announce.webhook import Webhook
from ansible_collections.stagecraft.release.plugins.module_utils.certificates import tls_context
from ansible_collections.stagecraft.release.plugins.module_utils.errors import StagecraftError
from ansible_collections.stagecraft.release.plugins.module_utils.people import announcement


def announce(call, data, result):
    """Send to everybody at once; who does not take it keeps no other from it, and the run waits for the slowest alone.

    :param data: what ``announcement.compose`` gave.
    :param result: ``sent`` and ``not_sent``, which are filled.
    :raises StagecraftError: it is the start and an option cannot be used, or somebody did not take it and that was to be a failure.
    """
    strict = call.params["on_failure"] == "fail"
    try:
        senders = _senders(call.params, data)
    except StagecraftError as exc:
        if strict or data["event"] == "start":
            raise
        senders, result["not_sent"] = [], [exc.message]
    if call.check_mode:
        for name, _send in senders:
            call.progress("would announce by %s: %s" % (name, data["title"]))
        result["sent"] = [name for name, _send in senders]
    elif senders:
        with ThreadPoolExecutor(len(senders)) as pool:
            outcomes = list(pool.map(lambda sender: _deliver(call, *sender), senders))
        result["sent"] = [name for (name, _send), (taken, _problem) in zip(senders, outcomes) if taken]
        result["not_sent"] = [problem for _taken, problem in outcomes if problem]
    if result["not_sent"] and strict:
        raise StagecraftError("Not announced, %s: %s. Put it right, or only warn with release_announce_on_failure: warn."
                              % (data["title"], "; ".join(result["not_sent"])), **dict(result, changed=bool(result["sent"])))
    for text in result["not_sent"]:
        call.warn("Not announced, %s: %s" % (data["title"], text))


def _deliver(call, name, send):
    """Whether a receiver took it, and what is wrong, empty where nothing is."""
    try:
        refused = deliver(send, call.params["retries"], call.heartbeat)
    except NotDelivered as exc:
        return False, str(exc)
    return True, "%s: the server did not take %s" % (name, ", ".join(refused)) if refused else ""


def _senders(params, data):
    """``[(name, what sends it once)]``. All are checked before the first is sent."""
    check_numbers(params["timeout"], params["retries"])
    found = []
    # Reading the authorities of the system takes longer than all the rest.
    context = tls_context(params["validate_certs"], params["ca_path"]) if params["ca_path"] or params["mail_to"] and params["mail_security"] != "none" else None
    verify = params["validate_certs"] and (params["ca_path"] or True)
    for number, entry in enumerate(params["webhooks"]):
        hook = Webhook(entry, "webhooks[%d]" % number)
        payload = announcement.fill(hook.payload, data, "%s.payload" % hook.place)
        found.append((hook.name, lambda hook=hook, payload=payload: hook.send(payload, params["timeout"], verify)))
    if params["mail_to"]:
        mail = Mail(params["mail_to"], params["mail_from"], params["mail_host"], params["mail_port"], params["mail_security"],
                    params["mail_username"], params["mail_password"], context)
        letter = mail.letter(data)
        found.append((mail.name, lambda: mail.send(letter, params["timeout"])))
    return found

#!/usr/bin/python
# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announce an event of a release by webhook and mail."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_announce_send
short_description: Announce an event of a release by webhook and mail
version_added: 0.1.0
author:
  - Contributors to the stagecraft.release project (@stagecraft)
description:
  - Sends one announcement to each webhook, as a POST of JSON, and one mail, all at once. What fails for a moment is tried again.
  - An announcement that is not taken is a warning, unless O(on_failure=fail). So is an option that cannot be used, except with O(event=start), where it
    is an error, since nothing was changed yet.
  - Addresses of webhooks, headers and passwords are in no message and no result.
requirements:
  - requests, for webhooks
options:
  event:
    description: What happened. With V(outcome) that is read from O(facts).
    type: str
    choices: [start, waiting, success, failure, abort, outcome]
    required: true
  release:
    description: The release.
    type: str
    required: true
  target:
    description: What it is released on.
    type: str
    default: ""
  unit:
    description: Name of the unit.
    type: str
    default: ""
  procedure:
    description: What is carried out.
    type: str
    default: ""
  cause:
    description: Why it failed or waits. What looks like a password in it is masked.
    type: str
    default: ""
  facts:
    description: The stage facts after the run, for O(event=outcome). Without them nobody knows how it ended, and the announcement says so.
    type: dict
  aborting:
    description: The run tried to take the release back, for O(event=outcome).
    type: bool
    default: false
  record:
    description: The release record, as RV(stagecraft.release.release_record_info#module:record) gives it.
    type: dict
    default: {}
  override:
    description: Why the record was overridden.
    type: str
    default: ""
  problems:
    description: What was overridden.
    type: list
    elements: str
    default: []
  told:
    description: The RV(id) of announcements that this run has made already; none of them is made again.
    type: list
    elements: str
    default: []
  webhooks:
    description:
      - Webhooks, each with C(url), and where wanted with C(name) (for messages, by default the host), C(headers) and C(payload).
      - C(payload) is what is sent instead of the announcement. In its texts C({title}), C({text}), C({event}) and so on are replaced.
    type: list
    elements: dict
    default: []
  mail_to:
    description: Addresses to write to. Without any there is no mail.
    type: list
    elements: str
    default: []
  mail_from:
    description: Address of the sender.
    type: str
    default: ""
  mail_host:
    description: The mail server.
    type: str
    default: localhost
  mail_port:
    description: Its port. The default is 587 with V(starttls), 465 with V(tls) and 25 with V(none).
    type: int
  mail_security:
    description: How the connection is kept private. V(starttls) is refused by a server that does not offer it, never left out.
    type: str
    choices: [starttls, tls, none]
    default: starttls
  mail_username:
    description: User to log in as, where the server wants that.
    type: str
    default: ""
  mail_password:
    description: Password of the user.
    type: str
    default: ""
  validate_certs:
    description: Prove the certificates of the webhooks and of the mail server.
    type: bool
    default: true
  ca_path:
    description: File with the certificate authorities to prove them with.
    type: str
    default: ""
  timeout:
    description: Seconds that one try may take.
    type: float
    default: 10
  retries:
    description: How often each is tried again.
    type: int
    default: 2
  on_failure:
    description: What to do about an announcement that was not taken.
    type: str
    choices: [warn, fail]
    default: warn
  run:
    description: Id of the run. The action fills it in.
    type: str
  user:
    description: Who runs. The action fills it in.
    type: str
attributes:
  check_mode:
    description: Can run in check mode; it shows what would be sent to whom, and sends nothing.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
seealso:
  - module: stagecraft.release.release_record_info
"""

EXAMPLES = r"""
- name: Tell the chat
  stagecraft.release.release_announce_send:
    event: start
    release: v36-1
    target: production
    webhooks:
      - url: "{{ chat_address }}"
        payload:
          text: "*{title}* {text}"
"""

RETURN = r"""
event:
  description: The event that was announced; null when O(event=outcome) has nothing to announce.
  returned: success
  type: str
id:
  description: Id of the announcement, the same for one event of a release on a target in one run.
  returned: success
  type: str
announcement:
  description: The announcement as a webhook without C(payload) gets it.
  returned: success
  type: dict
sent:
  description: Who took it; in check mode who would get it.
  returned: success
  type: list
  elements: str
not_sent:
  description: Who did not, each with the reason.
  returned: success
  type: list
  elements: str
"""

import datetime

from ansible_collections.stagecraft.release.plugins.module_utils import announcing
from ansible_collections.stagecraft.release.plugins.module_utils.announce.mail import SECURITY
from ansible_collections.stagecraft.release.plugins.module_utils.inmanta.masking import mask
from ansible_collections.stagecraft.release.plugins.module_utils.people import announcement, outcome
from ansible_collections.stagecraft.release.plugins.module_utils.running import run_module

SPEC = dict(
    argument_spec=dict(
        event=dict(type="str", choices=[*announcement.EVENTS, "outcome"], required=True),
        release=dict(type="str", required=True),
        target=dict(type="str", default=""),
        unit=dict(type="str", default=""),
        procedure=dict(type="str", default=""),
        cause=dict(type="str", default=""),
        facts=dict(type="dict"),
        aborting=dict(type="bool", default=False),
        record=dict(type="dict", default={}),
        override=dict(type="str", default=""),
        problems=dict(type="list", elements="str", default=[]),
        told=dict(type="list", elements="str", default=[]),
        webhooks=dict(type="list", elements="dict", default=[], no_log=True),
        mail_to=dict(type="list", elements="str", default=[]),
        mail_from=dict(type="str", default=""),
        mail_host=dict(type="str", default="localhost"),
        mail_port=dict(type="int"),
        mail_security=dict(type="str", choices=list(SECURITY), default="starttls"),
        mail_username=dict(type="str", default=""),
        mail_password=dict(type="str", default="", no_log=True),
        validate_certs=dict(type="bool", default=True),
        ca_path=dict(type="str", default=""),
        timeout=dict(type="float", default=10),
        retries=dict(type="int", default=2),
        on_failure=dict(type="str", choices=["warn", "fail"], default="warn"),
        run=dict(type="str"),
        user=dict(type="str"),
    ),
    supports_check_mode=True,
)


def execute(call):
    """Find out what happened, compose it, and send it."""
    params = call.params
    event, cause = params["event"], params["cause"]
    if event == "outcome":
        event, cause = outcome.of_run(params["facts"], params["release"], params["run"], params["aborting"]) if not cause else ("failure", cause)
    if event is None:
        return dict(changed=False, event=None, id="", announcement={}, sent=[], not_sent=[])
    data = announcement.compose(event, dict(params, cause=mask(cause)), params["record"], datetime.datetime.now(datetime.timezone.utc))
    result = dict(changed=False, event=event, id=data["id"], announcement=data, sent=[], not_sent=[])
    if data["id"] not in params["told"]:
        announcing.announce(call, data, result)
        result["changed"] = bool(result["sent"])
    return result


def main():
    """Run as a module."""
    run_module(SPEC, execute)


if __name__ == "__main__":
    main()

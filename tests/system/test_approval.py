# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that no policy covers wait for a person's yes, bound to the digest of exactly these changes."""

from __future__ import annotations

import datetime
import time

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.state.lock import FORMAT
from tests.system.killing import lock
from tests.system.subject import COVER_NOTHING, digest_of

YESTERDAY = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def upgrade(subject, release, approve=None, **extra):
    """``upgrade.yml`` with a policy that covers nothing."""
    given = dict({"inmanta_model_policy": COVER_NOTHING}, **extra)
    return subject.run("upgrade", release, **(dict(given, inmanta_model_approve=approve) if approve else given))


def assert_waits(subject, run, release):
    """The run ended with its own message, the digest and the table; nothing is deployed and auto_deploy is off: the digest."""
    digest = digest_of(run)
    run.refused("waiting for approval", "-e inmanta_model_approve=%s" % digest, "! modified", "1 modified", "1 unexpected")
    assert subject.motd != release
    assert subject.versions[subject.facts()["stages"]["install"]["output"]["candidate"]] == "candidate"
    assert subject.settings["auto_deploy"] is False
    assert subject.facts()["stages"]["configure"]["status"] == "waiting"
    return digest


def assert_deployed(subject, release, digest):
    """The release is on disk, and the approval is on record."""
    assert subject.motd == release
    assert subject.settings["auto_deploy"] is True
    facts = subject.facts()
    assert facts["stages"]["configure"]["output"]["_approval"]["digest"] == digest
    assert facts["history"][-1]["release"] == release


def test_wait_wrong_expired_right(subject):
    release = subject.release()
    digest = assert_waits(subject, upgrade(subject, release), release)
    status = subject.run("status", release).ok()
    assert digest in status.text and "configure" in status.text and "auto_deploy=true" in status.text

    before = subject.everything()
    upgrade(subject, release, "sha256:beef").refused("sha256:beef", "Copy the digest from the report")
    assert subject.everything() == before

    other = "sha256:" + "0" * 64
    wrong = upgrade(subject, release, other).refused("for other changes", other)
    assert assert_waits(subject, wrong, release) == digest
    expired = upgrade(subject, release, [{"digest": digest, "who": "Ada", "expires": YESTERDAY}])
    assert assert_waits(subject, expired.refused("by Ada", "expired at %s" % YESTERDAY), release) == digest
    assert subject.compiles == before["compiles"]

    upgrade(subject, release, [{"digest": other}, {"digest": digest, "who": "Ada"}]).ok()
    assert_deployed(subject, release, digest)
    assert subject.facts()["stages"]["configure"]["output"]["_approval"]["who"] == "Ada"
    assert subject.compiles == before["compiles"]


def test_state_changed_meanwhile(subject):
    release = subject.release()
    digest = assert_waits(subject, upgrade(subject, release), release)
    (subject.repository.target / "motd").write_text("changed by hand\n", encoding="utf-8")
    run = upgrade(subject, release, digest).refused("for other changes", digest)
    new = assert_waits(subject, run, release)
    assert new != digest
    upgrade(subject, release, new).ok()
    assert_deployed(subject, release, new)


@pytest.mark.parametrize("fate", ["superseded", pytest.param("deleted", marks=pytest.mark.slow)])
def test_candidate_is_lost(subject, fate):
    """Install runs again, and what was approved for the lost candidate has to be approved again."""
    release = subject.release()
    digest = assert_waits(subject, upgrade(subject, release), release)
    lost = subject.facts()["stages"]["install"]["output"]["candidate"]
    if fate == "deleted":
        subject.api.call("DELETE", "/api/v1/version/%d" % lost, env=subject.id)
    else:
        subject.environment.compile()
    subject.run("upgrade", release, inmanta_model_policy=COVER_NOTHING, inmanta_model_approve=digest, stages_run=["configure"]).refused(
        "v%d" % lost, "gone" if fate == "deleted" else "superseded", "void")
    assert subject.motd != release
    run = upgrade(subject, release, digest).refused("void")
    again = assert_waits(subject, run, release)
    assert subject.facts()["stages"]["install"]["output"]["candidate"] > lost
    upgrade(subject, release, again).ok()
    assert_deployed(subject, release, again)


def test_typed_yes(subject):
    """Without a terminal nobody is asked; at one, only yes deploys."""
    release = subject.release()
    unasked = upgrade(subject, release, inmanta_model_approval="prompt")
    assert_waits(subject, unasked, release)
    assert "Type yes" not in unasked.output
    refused = subject.at_terminal(release, "no", inmanta_model_policy=COVER_NOTHING)
    digest = assert_waits(subject, refused.refused("Type yes to approve"), release)
    subject.at_terminal(release, "yes", inmanta_model_policy=COVER_NOTHING).ok()
    assert_deployed(subject, release, digest)


@pytest.mark.slow
def test_the_lock_is_kept_while_a_person_thinks(subject):
    release, renewed = subject.release(), []

    def think():
        for _second in range(70):
            renewed.extend({lock(subject)["renewed"]}.difference(renewed))
            time.sleep(1)

    subject.at_terminal(release, "yes", think, inmanta_model_policy=COVER_NOTHING).ok()
    assert_deployed(subject, release, subject.facts()["stages"]["configure"]["output"]["_approval"]["digest"])
    moments = [datetime.datetime.strptime(text, FORMAT) for text in renewed]
    assert len(moments) >= 3 and all(15 < (after - before).total_seconds() < 30 for before, after in zip(moments, moments[1:]))

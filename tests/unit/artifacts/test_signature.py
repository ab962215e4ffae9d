# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures made and checked by the real commands."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import signature
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

from manifest_samples import PRINCIPAL, GpgKey, SshKey, run

TEXT = b'{"schema": 1}\n'
TOOLS = [tool for tool in ("ssh-keygen", "gpg", "gpgv") if subprocess.run(["which", tool], check=False, stdout=subprocess.DEVNULL).returncode]
pytestmark = pytest.mark.skipif(bool(TOOLS), reason="not on this host: %s" % ", ".join(TOOLS))


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return SshKey(tmp_path_factory.mktemp("ssh"))


@pytest.fixture(scope="module")
def gpg(tmp_path_factory):
    # A socket's path must be short.
    made = GpgKey(tmp_path_factory.mktemp("g") / "h")
    yield made
    made.close()


def refused(verify, *arguments):
    with pytest.raises(StagecraftError) as caught:
        verify(*arguments)
    return caught.value.message


def altered(data):
    """Data with one byte that is another one, at every tenth place."""
    for place in range(0, len(data), max(1, len(data) // 10)):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


def armoured(data):
    """A signature of ssh-keygen with one byte of what is inside the armour changed, at several places."""
    lines = data.decode().strip().splitlines()
    for other in altered(base64.b64decode("".join(lines[1:-1]))):
        yield ("%s\n%s\n%s\n" % (lines[0], base64.encodebytes(other).decode().replace("\n", ""), lines[-1])).encode()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_what_ssh_keygen_signed_is_good(tmp_path, kind):
    one, other = SshKey(tmp_path, "one", kind=kind), SshKey(tmp_path, "other", kind=kind)
    made = signature.ssh_sign(TEXT, one.path)
    assert signature.ssh_verify(TEXT, made, one.allowed) == PRINCIPAL
    assert signature.ssh_made_by(TEXT, made, one.path)
    assert not signature.ssh_made_by(TEXT, made, other.path) and not signature.ssh_made_by(TEXT + b" ", made, one.path)


def test_a_changed_byte_anywhere_is_noticed(key):
    made = signature.ssh_sign(TEXT, key.path)
    for text in altered(TEXT):
        assert "one of the two was changed after it was signed" in refused(signature.ssh_verify, text, made, key.allowed)
    for other in armoured(made):
        assert refused(signature.ssh_verify, TEXT, other, key.allowed).startswith("manifest.json.sig: ")
    for other in (b"", b"<html>", made[:100], b"\xff\x00"):
        assert "was changed after it was signed" in refused(signature.ssh_verify, TEXT, other, key.allowed)


def test_a_key_that_nobody_allowed_is_named(tmp_path, key):
    stranger = SshKey(tmp_path, "stranger")
    message = refused(signature.ssh_verify, TEXT, signature.ssh_sign(TEXT, stranger.path), key.allowed)
    fingerprint = run("ssh-keygen", "-l", "-f", stranger.path).decode().split()[1]
    assert fingerprint in message and key.allowed in message and "Add the key there if you trust it" in message


@pytest.mark.parametrize("options", ['namespaces="file,git"', 'valid-before="20200101"', 'valid-after="20990101"'])
def test_what_allowed_signers_restricts_is_obeyed(tmp_path, options):
    one = SshKey(tmp_path, options=options)
    message = refused(signature.ssh_verify, TEXT, signature.ssh_sign(TEXT, one.path), one.allowed)
    assert "does not allow" in message and "SHA256:" in message
    allowed = SshKey(tmp_path, "two", options='namespaces="stagecraft.release",valid-before="20990101"')
    assert signature.ssh_verify(TEXT, signature.ssh_sign(TEXT, allowed.path), allowed.allowed) == PRINCIPAL


def test_a_signature_for_another_purpose_does_not_count(tmp_path, key):
    made = run("ssh-keygen", "-Y", "sign", "-n", "git", "-f", key.path, input=TEXT)
    assert "signed for something else" in refused(signature.ssh_verify, TEXT, made, key.allowed)


def test_principals(tmp_path, key):
    many = SshKey(tmp_path, principal="!no@example.com,*@example.com,other@example.org")
    made = signature.ssh_sign(TEXT, many.path)
    assert signature.ssh_verify(TEXT, made, many.allowed, "other@example.org") == "other@example.org"
    assert signature.ssh_verify(TEXT, made, many.allowed) in ("*@example.com", "other@example.org")
    assert "for no@example.com" in refused(signature.ssh_verify, TEXT, made, many.allowed, "no@example.com")
    assert "for ci@example.net" in refused(signature.ssh_verify, TEXT, signature.ssh_sign(TEXT, key.path), key.allowed, "ci@example.net")


def test_a_key_that_cannot_sign(tmp_path, key):
    locked = str(tmp_path / "locked")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked)
    for path in (locked, str(tmp_path / "none"), key.allowed):
        with pytest.raises(InputError, match="^ssh_key: .* could not sign: "):
            signature.ssh_sign(TEXT, path)


def test_what_gpg_signed_is_good(gpg):
    for name in (gpg.fingerprint, "release@example.com"):
        made = signature.gpg_sign(TEXT, name, gpg.home)
        assert signature.gpgv_verify(TEXT, made, gpg.keyring) == "%s (%s)" % (gpg.user, gpg.fingerprint)
        assert signature.gpg_made_by(TEXT, made, name, gpg.home) and not signature.gpg_made_by(b"x", made, name, gpg.home)
    assert not signature.gpg_made_by(TEXT, made, "somebody@example.com", gpg.home)
    for identity in (gpg.fingerprint, gpg.user, "release@example.com"):
        assert signature.gpgv_verify(TEXT, made, gpg.keyring, identity)
    assert "not by 'example.com'" in refused(signature.gpgv_verify, TEXT, made, gpg.keyring, "example.com")


def test_a_changed_byte_is_noticed_by_gpgv(gpg):
    made = gpg.sign_at("20261110T000000!", TEXT)
    assert signature.gpgv_verify(TEXT, made, gpg.keyring)
    for text in altered(TEXT):
        assert "one of the two was changed after it was signed" in refused(signature.gpgv_verify, text, made, gpg.keyring)
    # The last bytes are the signature itself; some bytes before name the key and are signed by nobody.
    for place in range(1, 60, 7):
        other = made[:-place] + bytes([made[-place] ^ 1]) + made[len(made) - place + 1:]
        assert refused(signature.gpgv_verify, TEXT, other, gpg.keyring).startswith("manifest.json.gpg: ")
    for other in (b"", b"<html>", made[:20]):
        assert "was changed after it was signed" in refused(signature.gpgv_verify, TEXT, other, gpg.keyring)


def test_other_keys_of_gpg_are_told_apart(tmp_path_factory, gpg):
    stranger = GpgKey(tmp_path_factory.mktemp("g") / "h", "Stranger <s@example.com>")
    old = GpgKey(tmp_path_factory.mktemp("g") / "h", "Old <old@example.com>", "2026-11-05")
    try:
        message = refused(signature.gpgv_verify, TEXT, signature.gpg_sign(TEXT, "s@example.com", stranger.home), gpg.keyring)
        assert stranger.fingerprint[-16:] in message and gpg.keyring in message
        assert "its key has expired" in refused(signature.gpgv_verify, TEXT, old.sign_at("20261102T000000!", TEXT), old.keyring)
        with pytest.raises(InputError, match="^gpg_key: 'nobody@example.com' could not sign"):
            signature.gpg_sign(TEXT, "nobody@example.com", gpg.home)
    finally:
        stranger.close()
        old.close()


def test_an_armoured_keyring_says_what_it_should_be(tmp_path, gpg):
    armoured_keys = tmp_path / "keys.asc"
    armoured_keys.write_bytes(run("gpg", "--homedir", gpg.home, "--batch", "--armor", "--export"))
    assert "the file must be binary" in refused(signature.gpgv_verify, TEXT, signature.gpg_sign(TEXT, gpg.fingerprint, gpg.home), str(armoured_keys))


def test_one_good_signature_is_enough_and_a_bad_one_too_many(key, gpg):
    ssh, pgp = signature.ssh_sign(TEXT, key.path), signature.gpg_sign(TEXT, gpg.fingerprint, gpg.home)
    both = {signature.SSH: ssh, signature.GPG: pgp}
    assert signature.check(TEXT, both, key.allowed) == ("good", PRINCIPAL)
    assert signature.check(TEXT, both, None, gpg.keyring) == ("good", "%s (%s)" % (gpg.user, gpg.fingerprint))
    assert signature.check(TEXT, {signature.GPG: pgp}, key.allowed, gpg.keyring)[0] == "good"
    assert signature.check(TEXT, dict(both, **{signature.GPG: b"x"}), key.allowed)[0] == "good"
    for bad in (dict(both, **{signature.GPG: b"x"}), dict(both, **{signature.SSH: b"x"})):
        assert "was changed after it was signed" in refused(signature.check, TEXT, bad, key.allowed, gpg.keyring)


def test_a_missing_signature_is_an_error_where_one_is_required(key, gpg):
    made = {signature.GPG: signature.gpg_sign(TEXT, gpg.fingerprint, gpg.home)}
    assert "manifest.json.sig: is missing, and a signed manifest is required" in refused(signature.check, TEXT, made, key.allowed)
    assert "manifest.json.sig or manifest.json.gpg: is missing" in refused(signature.check, TEXT, {}, key.allowed, gpg.keyring)
    assert signature.check(TEXT, {}, key.allowed, required=False) == signature.check(TEXT, made, required=False) == ("none", "")


def test_a_wrong_signature_is_an_error_also_where_none_is_required(key):
    with pytest.raises(StagecraftError, match="was changed after it was signed"):
        signature.check(TEXT, {signature.SSH: b"x"}, key.allowed, required=False)


def test_a_host_without_the_commands(tmp_path, monkeypatch, key, gpg):
    both = {signature.SSH: signature.ssh_sign(TEXT, key.path), signature.GPG: signature.gpg_sign(TEXT, gpg.fingerprint, gpg.home)}
    (tmp_path / "gpgv").symlink_to(run("which", "gpgv").decode().strip())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(signature.NoTool, match="^ssh-keygen: the command is not on this host"):
        signature.check(TEXT, both, key.allowed)
    assert signature.check(TEXT, both, key.allowed, where_possible=True) == ("unchecked", "")
    assert signature.check(TEXT, both, key.allowed, gpg.keyring)[0] == "good"
    with pytest.raises(StagecraftError, match="is missing, and a signed manifest"):
        signature.check(TEXT, {}, key.allowed, where_possible=True)


def test_an_ssh_keygen_that_knows_no_signatures_counts_as_missing(tmp_path, monkeypatch, key):
    old = tmp_path / "ssh-keygen"
    old.write_text("#!/bin/sh\necho 'unknown option -- Y' >&2\necho 'usage: ssh-keygen' >&2\nexit 1\n")
    old.chmod(0o755)
    made = {signature.SSH: signature.ssh_sign(TEXT, key.path)}
    monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % tmp_path)
    assert signature.check(TEXT, made, key.allowed, where_possible=True) == ("unchecked", "")
    with pytest.raises(signature.NoTool, match="is too old"):
        signature.check(TEXT, made, key.allowed)


def test_a_command_that_hangs_is_ended(tmp_path, monkeypatch, key):
    slow = tmp_path / "ssh-keygen"
    slow.write_text("#!/bin/sh\necho $$ > %s/pid\nexec sleep 600\n" % tmp_path)
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % tmp_path)
    monkeypatch.setattr(signature, "TIMEOUT", 2)
    with pytest.raises(StagecraftError, match="gave no answer within"):
        signature.ssh_sign(TEXT, key.path)
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_options_by_which_nothing_could_be_checked(tmp_path, key):
    signature.check_trust(key.allowed, None, True)
    signature.check_trust(None, None, False)
    with pytest.raises(StagecraftError, match="neither allowed_signers nor keyring"):
        signature.check_trust(None, None, True)
    with pytest.raises(InputError, match="^keyring: .* is not a file on this host"):
        signature.check_trust(key.allowed, str(tmp_path), False)

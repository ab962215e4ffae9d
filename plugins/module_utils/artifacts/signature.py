# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Detached signatures of a manifest, by ``ssh-keygen -Y`` and by ``gpg``; the one place that runs these commands."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile

from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import paths
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError

NAMESPACE = "stagecraft.release"
SSH, GPG = paths.SIGNATURES
TIMEOUT = 120
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
CHANGED = "does not fit the manifest: one of the two was changed after it was signed, or it was signed for something else"
# What gpgv says of a signature that is right and must not be relied on.
STALE = {"EXPKEYSIG": "its key has expired", "REVKEYSIG": "its key was revoked", "EXPSIG": "it has expired"}


class NoTool(StagecraftError):
    """The command that checks or makes a signature is not here."""


def check_trust(allowed_signers, keyring, required):
    """Refuse options by which no signature could be checked; before anything is fetched."""
    for field, path in (("allowed_signers", allowed_signers), ("keyring", keyring)):
        if path and not os.path.isfile(path):
            raise InputError(field, path, "is not a file on this host", "Give the file of the keys that may sign a release")
    if required and not allowed_signers and not keyring:
        raise StagecraftError("require_signature: is true, but neither allowed_signers nor keyring says whose signature counts. Give one of them, "
                              "or set require_signature to false for a release that nobody signs.")


def check(text, signatures, allowed_signers=None, keyring=None, identity=None, required=True, where_possible=False):
    """Check the signatures of a manifest.

    Each signature that there are trusted keys for must be good; one good signature is enough.

    :param text: the manifest's bytes.
    :param signatures: ``{name: bytes}`` of those that are there.
    :param allowed_signers: file of the keys for ``manifest.json.sig``.
    :param keyring: file of the keys for ``manifest.json.gpg``.
    :param identity: the only principal, fingerprint or user id that counts.
    :param required: no signature is an error.
    :param where_possible: where the commands are missing, the result says so and nothing fails.
    :returns: ``(state, signed_by)``; the state is ``good``, ``unchecked`` or ``none``.
    """
    ways = [(name, verify, trusted) for name, verify, trusted in ((SSH, ssh_verify, allowed_signers), (GPG, gpgv_verify, keyring)) if trusted]
    signers, lacking = [], []
    for name, verify, trusted in ways:
        if name not in signatures:
            continue
        try:
            signers.append(verify(text, signatures[name], trusted, identity))
        except NoTool as exc:
            lacking.append(exc)
    if signers:
        return "good", signers[0]
    if lacking and where_possible:
        return "unchecked", ""
    if lacking:
        raise lacking[0]
    if required:
        raise StagecraftError("%s: is missing, and a signed manifest is required. Sign the release where it is built with artifact_manifest, or "
                              "publish its signature too." % " or ".join(name for name, _verify, _trusted in ways))
    return "none", ""


def ssh_sign(text, key):
    """The signature of ``text`` with the private key in the file ``key``; or of an agent, where the file holds a public key."""
    code, out, err = _run(["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", key], text)
    if code:
        raise InputError("ssh_key", key, "could not sign: %s" % _last(err),
                         "Give a private key without a passphrase, or a public key that an agent holds")
    return out


def ssh_made_by(text, signature, key):
    """Whether ``signature`` is a good one that this key made, so that no new one is needed."""
    code, out, _err = _run(["ssh-keygen", "-l", "-f", key])
    return code == 0 and _ssh_signer(text, signature) in FINGERPRINT.findall(out.decode("utf-8", "replace"))


def ssh_verify(text, signature, allowed_signers, identity=None, where=SSH, changed=CHANGED):
    """The principal who signed ``text``.

    :param where: what a message begins with.
    :param changed: what it says, read after that, of a signature that does not fit.
    :raises StagecraftError: nobody who is in ``allowed_signers`` did.
    """
    with _file(signature) as path:
        candidates, said = ([identity], "") if identity else _principals(path, allowed_signers)
        for name in candidates:
            command = ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-s", path, "-f", allowed_signers, "-I", name]
            code, _out, err = _run(command, text)
            if code == 0:
                return name
            said = _last(err)
    signer = _ssh_signer(text, signature)
    if signer is None:
        raise StagecraftError("%s: %s (ssh-keygen: %s). Have it made or fetched again; do not use this one." % (where, changed, said))
    raise StagecraftError("%s: is by the key %s, which %s does not allow%s (ssh-keygen: %s). Add the key there if you trust it, or have it "
                          "signed by one that is there." % (where, signer, allowed_signers, " for %s" % identity if identity else "", said))


def _principals(path, allowed_signers):
    """Who may have made a signature, by its key, and what ssh-keygen said."""
    code, out, err = _run(["ssh-keygen", "-Y", "find-principals", "-s", path, "-f", allowed_signers])
    # Releases of OpenSSH differ in whether one line holds one principal or all of an entry.
    names = re.split(r"[,\n]", out.decode("utf-8", "replace")) if code == 0 else []
    return [name for name in names if name.strip() and not name.startswith("!")], _last(err)


def _ssh_signer(text, signature):
    """The fingerprint of the key by which a signature is right, whoever's key it is; None when it is not right."""
    with _file(signature) as path:
        code, out, _err = _run(["ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", path], text)
    found = FINGERPRINT.search(out.decode("utf-8", "replace"))
    return found.group() if code == 0 and found else None


def gpg_sign(text, key, home=None):
    """The armoured signature of ``text`` with a key of gpg."""
    code, out, err = _run(_gpg(home) + ["--armor", "--local-user", key, "--output", "-", "--detach-sign"], text)
    if code or not out:
        raise InputError("gpg_key", key, "could not sign: %s" % _last(err),
                         "Give a key whose secret half is in 'gpg_home' and can be used without a question")
    return out


def gpg_made_by(text, signature, key, home=None):
    """Whether ``signature`` is a good one that this key made."""
    with _file(signature) as path:
        code, out, _err = _run(_gpg(home) + ["--status-fd", "1", "--verify", path, "-"], text)
    listed, keys, _err = _run(_gpg(home) + ["--with-colons", "--list-secret-keys", key])
    status = _status(out)
    mine = {line.split(":")[9] for line in keys.decode("utf-8", "replace").splitlines() if line.startswith("fpr:")}
    return code == listed == 0 and "GOODSIG" in status and bool(mine & set(status.get("VALIDSIG", [])))


def gpgv_verify(text, signature, keyring, identity=None):
    """The user id and fingerprint of who signed ``text``; see :func:`ssh_verify`."""
    # Without a slash gpgv would look for the keyring in its own home.
    with _file(signature) as path:
        command = ["gpgv", "--status-fd", "1", "--homedir", os.path.dirname(path), "--keyring", os.path.abspath(keyring), path, "-"]
        code, out, err = _run(command, text)
    status = _status(out)
    for word, problem in STALE.items():
        if word in status:
            raise StagecraftError("%s: %s. Have the release signed with a key that is valid." % (GPG, problem))
    if "NO_PUBKEY" in status:
        raise StagecraftError("%s: is by the key %s, which %s does not hold (gpgv: %s). Add the key there if you trust it; the file must be "
                              "binary, as 'gpg --export' writes it." % (GPG, status["NO_PUBKEY"][0], keyring, _last(err)))
    if code or "GOODSIG" not in status or "VALIDSIG" not in status:
        raise StagecraftError("%s: %s (gpgv: %s). Build or fetch the release again; do not use this one." % (GPG, CHANGED, _last(err)))
    fingerprints = [status["VALIDSIG"][0], status["VALIDSIG"][-1]]
    user = " ".join(status["GOODSIG"][1:])
    address = re.search(r"<([^<>]*)>\Z", user)
    if identity and identity not in fingerprints + [user, address.group(1) if address else user]:
        raise StagecraftError("%s: is by %s (%s), not by %r as 'identity' asks. Correct 'identity', or have the release signed by that key."
                              % (GPG, user, fingerprints[-1], identity))
    return "%s (%s)" % (user, fingerprints[-1])


def _gpg(home):
    # No question can be answered here; what an agent has in its cache still works.
    return ["gpg", "--batch", "--no-tty", "--pinentry-mode", "error"] + (["--homedir", home] if home else [])


def _status(out):
    """The words of gpg's status lines: ``{word: rest of its last line}``."""
    lines = [line.split(" ")[1:] for line in out.decode("utf-8", "replace").splitlines() if line.startswith("[GNUPG:] ")]
    return {words[0]: words[1:] for words in lines if words}


class _file:
    """A temporary file in a directory of its own, as these commands want a signature."""

    def __init__(self, data):
        self._data = data
        self._directory = tempfile.mkdtemp(prefix="stagecraft-")

    def __enter__(self):
        path = os.path.join(self._directory, "signature")
        with open(path, "wb") as handle:
            handle.write(self._data)
        return path

    def __exit__(self, *_exception):
        shutil.rmtree(self._directory, ignore_errors=True)


def _run(command, text=b""):
    """Run a command to its end, without a terminal on which it could ask; returns exit code, output and errors."""
    try:
        # run_command belongs to a module, and this runs in the controller's process too.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C"), start_new_session=True)
    except FileNotFoundError as exc:
        raise NoTool("%s: the command is not on this host, and the signature needs it. Install it (packages openssh-client, gpgv, gnupg), or set "
                     "where_possible where the manifest was checked before." % command[0]) from exc
    try:
        out, err = process.communicate(text, TIMEOUT)
    except subprocess.TimeoutExpired as exc:
        raise StagecraftError("%s: gave no answer within %d s. Look whether it waits for a key that must be touched or unlocked."
                              % (command[0], TIMEOUT)) from exc
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode and b"option -- Y" in err:
        raise NoTool("ssh-keygen: is too old on this host to know signatures. Install OpenSSH 8.2 or newer, or set where_possible where the manifest "
                     "was checked before.")
    return process.returncode, out, err


def _last(err):
    """The last line that a command said."""
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"

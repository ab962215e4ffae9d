# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action artifact_fetch: gives the host the verified manifest, and what it lacks of sources that are directories of the controller.

The host is asked with the sources before the first directory of the controller. What it then still lacks goes to it in one tar file, which is a
source like any other: the host counts and hashes what it takes from it.
"""

from __future__ import annotations

import os
import tarfile
import tempfile

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.stagecraft.release.plugins.module_utils.artifacts import documents, paths, staging
from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError
from ansible_collections.stagecraft.release.plugins.modules import artifact_fetch

PREFIX = "controller:"
SUMMED = ("fetched", "fetched_bytes")


class ActionModule(ActionBase):
    """Fetches on the host that the task names."""

    _requires_connection = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        """Send the manifest, and once for each directory of the controller what the host lacks."""
        super().run(tmp, task_vars)
        try:
            return self._fetch(task_vars)
        except StagecraftError as exc:
            return dict(exc.details, failed=True, msg=exc.message)

    def _fetch(self, task_vars):
        validation = ArgumentSpecValidator(artifact_fetch.SPEC["argument_spec"]).validate(self._task.args)
        if validation.error_messages:
            raise AnsibleActionFail("%s: %s" % (self._task.action, "; ".join(validation.error_messages)))
        params = validation.validated_parameters
        staging.check_options(params)
        found = documents.kept(params["manifest"])
        wanted = staging.Wanted(found, params["manifest"], params["digest"])
        args = dict(self._task.args, digest=wanted.digest, documents=staging.packed(found))
        before, sources = None, params["sources"]
        while True:
            cut = next((number for number, source in enumerate(sources) if source.startswith(PREFIX) and source not in args.get("bundles", {})), None)
            args.update(sources=sources[:cut], leave_missing=cut is not None)
            result = self._execute_module(module_args=args, task_vars=task_vars)
            missing = result.pop("missing", [])
            problems = result.pop("problems", "")
            result = _joined(before, result)
            if cut is None or not missing or result.get("failed"):
                return result
            before = dict(result, problems="; ".join(text for text in ((before or {}).get("problems", ""), problems) if text))
            source = sources[cut]
            args["bundles"] = {source: self._send(source, [entry for entry in wanted.document["artifacts"] if entry["path"] in set(missing)])}
            sources = sources[cut:]

    def _send(self, source, entries):
        """Bring the contents of ``entries``, as far as they are there, to the host in one tar file; returns its path there.

        It lies in the task's temporary directory, which Ansible removes when the task ends, however it ends.
        """
        descriptor, local = tempfile.mkstemp(suffix=".tar", dir=C.DEFAULT_LOCAL_TMP)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                _pack(handle, source[len(PREFIX):], entries)
            if self._connection._shell.tmpdir is None:
                self._make_tmp_path()
            remote = self._connection._shell.join_path(self._connection._shell.tmpdir, "artifacts.tar")
            self._transfer_file(local, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote), execute=False)
            return remote
        except OSError as exc:
            raise StagecraftError("%s: could not be packed on the controller: %s. Look at the space in %s." % (source, exc.strerror, local)) from exc
        finally:
            os.unlink(local)


def _pack(handle, directory, entries):
    """Write a tar file of contents by their digests. What is not there in its size is left out; the host then names it."""
    if not directory.startswith("/") or not os.path.isdir(directory):
        raise InputError("sources", PREFIX + directory, "is not a directory on the controller", "Give the absolute path of a release directory there")
    with tarfile.open(fileobj=handle, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            try:
                descriptor = paths.open_below(directory, entry["path"])
            except StagecraftError:
                continue
            with os.fdopen(descriptor, "rb") as content:
                if os.fstat(descriptor).st_size != entry["size"]:
                    continue
                member = tarfile.TarInfo(entry["sha256"])
                member.size = entry["size"]
                archive.addfile(member, content)


def _joined(before, result):
    """One result of what was done before and now."""
    if before is None or "fetched" not in result:
        if before is not None and result.get("failed"):
            result["msg"] = _after(result.get("msg", ""), before)
        return result
    used = dict(before["sources_used"])
    for source, count in result["sources_used"].items():
        used[source] = used.get(source, 0) + count
    joined = dict(result, sources_used=used, present=before["present"], changed=before["changed"] or result["changed"])
    joined.update({key: before[key] + result[key] for key in SUMMED})
    joined["warnings"] = list(before.get("warnings") or []) + list(result.get("warnings") or [])
    if result.get("failed"):
        joined["msg"] = _after(result["msg"], before)
    return joined


def _after(message, before):
    """A message with what was wrong at the sources before."""
    return "%s The sources before: %s." % (message, before["problems"]) if before.get("problems") else message

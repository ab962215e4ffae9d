# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How servers prove who they are, for what is done with the standard library alone."""

from __future__ import annotations

import ssl

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError


def tls_context(validate_certs=True, ca_path=None):
    """How certificates of servers are checked.

    :param ca_path: file with certificate authorities to check them with.
    :raises InputError: the file is none.
    """
    try:
        context = ssl.create_default_context(cafile=ca_path or None)
    except (OSError, ValueError) as exc:
        raise InputError("ca_path", ca_path, "cannot be read as certificates (%s)" % exc, "Give a file in PEM format") from exc
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of modules that read what a web server has, as in ``module_utils/artifacts/documents.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``documents.SERVER``."""

    DOCUMENTATION = r"""
options:
  validate_certs:
    description: Whether a server's TLS certificate is verified.
    type: bool
    default: true
  ca_path:
    description: File, where the module runs, with the certificate authorities that may have signed it.
    type: path
  headers:
    description: Headers of every request, such as an C(Authorization). They are not sent on where a server redirects to another one.
    type: dict
    default: {}
"""

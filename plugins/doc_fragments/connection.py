# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a connection to an orchestrator, as in ``module_utils/inmanta/arguments.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``arguments.connection()``."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - The orchestrator's url, such as V(https://orchestrator.example.com:8888).
      - Needed, by option or by environment variable.
      - If not given, the environment variable E(STAGECRAFT_INMANTA_URL) is used.
    type: str
  token:
    description:
      - Bearer token. A token that is bound to one environment is enough for everything that concerns that environment.
      - If not given, the environment variable E(STAGECRAFT_INMANTA_TOKEN) is used.
      - Not to be given together with O(username).
    type: str
  username:
    description:
      - User to log in as; the login is renewed when it expires.
      - If not given, the environment variable E(STAGECRAFT_INMANTA_USERNAME) is used.
    type: str
  password:
    description:
      - Password of O(username).
      - If not given, the environment variable E(STAGECRAFT_INMANTA_PASSWORD) is used.
    type: str
  validate_certs:
    description: Whether the server's TLS certificate is verified.
    type: bool
    default: true
  ca_path:
    description: File with the certificate authorities that may have signed the server's certificate.
    type: path
  client_cert:
    description: File with a client certificate, and with its key unless O(client_key) is given.
    type: path
  client_key:
    description: File with the key of O(client_cert).
    type: path
  proxy:
    description: Url of a proxy for all requests.
    type: str
  timeout:
    description: Seconds that one request may take.
    type: float
    default: 60.0
  retries:
    description:
      - How often a request that is safe to repeat is repeated after a broken connection or an answer 502, 503 or 504.
    type: int
    default: 3
requirements:
  - requests (on the controller)
"""

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package index that pip on this machine uses."""

from __future__ import annotations

import os
import subprocess

from .provision import provision_postgres


def package_index() -> str:
    """Its URL: from the environment, else from pip's configuration, else pip's built-in default."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    python = provision_postgres().python
    for key in ("global.index-url", "install.index-url"):
        done = subprocess.run([python, "-m", "pip", "config", "get", key], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    code = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

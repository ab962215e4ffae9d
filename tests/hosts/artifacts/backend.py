# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build backend of the portal of the tests: it needs nothing from an index. Its wheel holds the time of the build unless SOURCE_DATE_EPOCH says it."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

NAME, VERSION = Path("version.txt").read_text(encoding="utf-8").split()
METADATA = f"Metadata-Version: 2.1\nName: {NAME.replace('_', '-')}\nVersion: {VERSION}\nRequires-Dist: idna\n"


def build_wheel(directory: str, config_settings: object = None, metadata_directory: object = None) -> str:
    """Write the wheel and return its name."""
    name, info = f"{NAME}-{VERSION}-py3-none-any.whl", f"{NAME}-{VERSION}.dist-info"
    texts = {
        f"{NAME}.py": f"import idna\n\n\ndef main():\n    print('{NAME} {VERSION}', idna.encode('shop').decode())\n",
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: portal\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{NAME} = {NAME}:main\n",
    }
    texts[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*texts, f"{info}/RECORD"])
    built = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    with zipfile.ZipFile(Path(directory) / name, "w") as wheel:
        for path, text in texts.items():
            wheel.writestr(zipfile.ZipInfo(path, built[:6]), text)
    Path("build-leftover").write_text("a build leaves things in its source\n", encoding="utf-8")
    return name

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends with 3 when a newer release has migrated the schema of the database: check_schema.py CONFIG, with the Python of the release.

The server itself would start on such a schema, and fail, or do harm, at the first query that does not fit it any more. What cannot be told, as
while the database does not answer, is left to the server.
"""

from __future__ import annotations

import asyncio
import configparser
import pkgutil
import re
import sys
from importlib.metadata import version


def shipped() -> set[int]:
    """The versions of the schema that the release has."""
    from inmanta.db import versions

    return {int(name[1:]) for _finder, name, _package in pkgutil.iter_modules(versions.__path__) if re.match(r"v\d+$", name)}


async def installed(path: str) -> set[int]:
    """The versions of the schema that the database has.

    :param path: of the server's configuration.
    """
    import asyncpg

    parser = configparser.RawConfigParser()
    parser.read(path, encoding="utf-8")
    database = parser["database"]
    connection = await asyncpg.connect(
        host=database["host"], port=int(database["port"]), database=database["name"], user=database["username"],
        password=database.get("password"), timeout=10)
    try:
        found = await connection.fetchval("SELECT installed_versions FROM schemamanager WHERE name = 'core'")
    finally:
        await connection.close()
    return set(found or ())


def main() -> int:
    try:
        have = shipped()
        unknown = asyncio.run(installed(sys.argv[1])) - have
    except Exception as problem:  # pylint: disable=broad-except
        print("The schema of the database was not compared: %s: %s" % (type(problem).__name__, problem), file=sys.stderr)
        return 0
    if not unknown:
        return 0
    print("The database has the schema %d, and inmanta-core %s knows none after %d: a newer release has migrated it, and there is no way back but"
          " a dump." % (max(unknown), version("inmanta-core"), max(have)), file=sys.stderr)
    return 3


if __name__ == "__main__":
    sys.exit(main())

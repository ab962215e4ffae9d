# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upgrades of models with LSM. LSM itself is the tests' own; orchestrator, database and export are real."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.bed.lsm import LsmServer
from tests.system.databases import Database
from tests.system.killing import Point, kill_at
from tests.system.subject import COVER_NOTHING, Subject, digest_of, new_subject

EXPORTER = "service_entities_exporter"
MODULE = {
    "module.yml": "name: services\nversion: 1.0.0\nlicense: ASL 2.0\n",
    "model/_init.cf": "",
    # What the exporters of LSM do: they tell the server the definitions that the model has.
    "plugins/__init__.py": """
import json, os, urllib.error, urllib.request
from inmanta.export import export
from inmanta.plugins import plugin

@plugin
def known(url: "string", environment: "string", name: "string") -> "bool":
    # Needs the definition in the catalog, as models do that read the instances.
    request = urllib.request.Request(url + "/lsm/v1/service_catalog/" + name, headers={"X-Inmanta-tid": environment})
    try:
        urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        raise Exception("no service entity " + name) from error
    return True

def tell(name):
    definitions = json.load(open(os.path.join(os.path.dirname(__file__), "definitions.json")))
    for entity in definitions["entities"]:
        body = dict(entity, exporter=name)
        request = urllib.request.Request(definitions["url"] + "/lsm/v1/service_catalog/" + entity["name"], json.dumps(body).encode(),
                                         {"X-Inmanta-tid": definitions["environment"]}, method="PUT")
        urllib.request.urlopen(request, timeout=30)

@export("service_entities_exporter")
def lenient(exporter):
    tell("service_entities_exporter")

@export("service_entities_exporter_strict")
def strict(exporter):
    tell("service_entities_exporter_strict")
""",
}
# What becomes of the north-bound API: one file that is there while it is blocked.
HOOK = """- name: {name}
  ansible.builtin.file:
    path: {path}
    state: {state}
    mode: "0600"
  delegate_to: localhost
"""


class Customer:
    """The north-bound side: requests that the site lets through unless its file is there."""

    def __init__(self, lsm: LsmServer, directory) -> None:
        self.lsm = lsm
        self.flag = directory / "blocked"
        self.hooks = {}
        for name, state in (("block", "touch"), ("open", "absent")):
            path = directory / ("%s.yml" % name)
            path.write_text(HOOK.format(name=name, path=self.flag, state=state))
            self.hooks["inmanta_model_lsm_%s" % name] = str(path)
        self.looks: list[tuple[str, bool]] = []
        lsm.before = self.look

    def look(self, request) -> None:
        """Whether a customer would come through, at each request that changes something."""
        if request["method"] not in ("GET", "HEAD"):
            self.looks.append(("%s %s" % (request["method"], request["path"].split("?")[0]), not self.flag.exists()))

    @property
    def open(self) -> bool:
        return not self.flag.exists()


class Service(Subject):
    """A subject behind the tests' LSM."""

    def __init__(self, subject: Subject, lsm: LsmServer, customer: Customer, database: Database, state, **variables) -> None:
        self.lsm, self.customer, self.database = lsm, customer, database
        port = int(subject.api.url.rsplit(":", 1)[1])
        super().__init__(subject.environment, subject.directory, inmanta_model_lsm=True, **customer.hooks, **variables)
        self.number = subject.number
        self.variables.update(
            inmanta_model_url=lsm.url, inmanta_model_lsm_host="localhost", inmanta_model_lsm_user="", inmanta_model_lsm_state_path=str(state),
            inmanta_model_lsm_entry_point="loader.cf", inmanta_model_lsm_export_args=["--server_port", str(port)],
            inmanta_model_lsm_database_user="", inmanta_model_lsm_database_connection=database.connection,
            inmanta_model_lsm_dumps_path=str(subject.directory / "dumps"))
        self.write(self.variables)

    def define(self, *names: str, **options) -> str:
        """Tag a release whose model has these service entities, and compiles only when the catalog has them."""
        work = self.repository.work
        for name, text in MODULE.items():
            self.repository._write("libs/services/%s" % name, text)  # pylint: disable=protected-access
        entities = [{"name": name, "service_identity": "name", "required": ["name"]} for name in names]
        (work / "libs/services/plugins/definitions.json").write_text(
            json.dumps({"url": self.lsm.url, "environment": self.id, "entities": entities}))
        (work / "loader.cf").write_text("import services\n")
        needs = "".join('known_%s = services::known("%s", "%s", "%s")\n' % (name, self.lsm.url, self.id, name) for name in names)
        return self.release(**dict({"extra_model": "import services\n" + needs}, **options))

    @property
    def dumps(self) -> list[str]:
        """Names of the dumps, without their times."""
        return sorted(path.name.split("-", 1)[1] for path in (self.directory / "dumps").glob("*.dump"))

    @property
    def paused(self) -> list[str]:
        """The agents that are paused."""
        return [agent["name"] for agent in self.api.agents(self.id) if agent["paused"]]

    def clean(self) -> bool:
        """Nothing is held, blocked or saved."""
        return self.customer.open and not self.paused and self.facts()["saved"] == {} and self.settings["auto_deploy"] is True

    def steps(self) -> list[str]:
        """What was asked of the orchestrator, in the words of the procedure, without settings and the own state."""
        words = (("notify", "compile"), ("actions/environment/halt", "halt"), ("keep_paused", "keep paused"), ("environment/resume", "resume"),
                 ("service_catalog", "export"), ("dryrun", "dry run"), ("promote", "promote"), ("/unpause", "unpause"), ("/pause", "pause"))
        found = []
        for call, _open in self.customer.looks:
            found += [step for word, step in words if word in call and found[-1:] != [step]][:1]
        return found


# One for all: a release that is deployed goes on to ask it.
@pytest.fixture(scope="module", name="lsm")
def lsm_fixture(bed):
    with LsmServer(bed.api().url, step=0.05) as server:
        yield server


@pytest.fixture(scope="module", name="plain")
def plain_fixture(bed, tmp_path_factory):
    made = new_subject(bed, tmp_path_factory.mktemp("lsm"))
    yield made
    made.environment.delete()


@pytest.fixture(name="service")
def service_fixture(bed, plain, lsm, tmp_path):
    postgres = type("Where", (), dict(port=bed.describe()["postgres_port"], directory=bed.describe()["postgres_directory"]))
    database = Database(postgres, "inmanta")
    if not database.run("SELECT to_regclass('lsm_serviceentity')"):
        database.make_tables()
    plain.directory = tmp_path
    state = bed.directory / "server" / "state"
    made = Service(plain, lsm, Customer(lsm, tmp_path), database, state)
    made.api.call("POST", "/api/v2/agents/unpause", env=made.id)
    made.reset()
    yield made
    plain.number = made.number


def test_upgrade(service):
    """The order of the procedure, and no customer comes through from the block to the end."""
    release = service.define("link")
    service.upgrade(release).ok()
    assert service.steps() == ["compile", "dry run", "halt", "keep paused", "resume", "compile", "export", "compile", "unpause", "dry run", "promote"]
    opened = [open_ for _call, open_ in service.customer.looks]
    first, last = opened.index(False), len(opened) - opened[::-1].index(False)
    assert not any(opened[first:last]), service.customer.looks[first:last]
    blocked = [call for call, open_ in service.customer.looks if not open_]
    assert [call for call in blocked if "halt" in call] and [call for call in blocked if "promote" in call]
    assert service.lsm.catalog["link"]["exporter"] == EXPORTER + "_strict"
    assert service.dumps == ["before-%s.dump" % release] and service.motd == release and service.clean()


@pytest.mark.slow
@pytest.mark.parametrize("restored", [True, False])
def test_abort_puts_the_tables_back(service, restored):
    """Only when the operator says so, and only the rows of this environment."""
    other = str(uuid.uuid4())
    columns = service.database.run("SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_name = 'environment'"
                                   " AND column_name NOT IN ('id', 'name')")
    service.database.run("INSERT INTO environment (id, name, %s) SELECT '%s', 'other', %s FROM environment WHERE id = '%s'"
                         % (columns, other, columns, service.id))
    first = service.define("link")
    service.upgrade(first).ok()
    for environment in (service.id, other):
        service.database.add_entity(environment, "link", "{}")
        service.database.add_instance(environment, "link", "ams-1", '{"bandwidth": 100}')
    before = service.database.rows(service.id)

    def rewritten():
        """What the export does to instances whose structure changes."""
        service.database.run("UPDATE lsm_serviceinstance SET attributes = '{\"speed\": 100}', version = version + 1")
        return service.database.rows(service.id), service.database.rows(other)

    try:
        service.upgrade(service.define("link", "path"), inmanta_model_lsm_schema_changed=True).ok()
        assert service.lsm.catalog["path"]["exporter"] == EXPORTER
        # What the export does to instances whose structure changes.
        service.database.run("UPDATE lsm_serviceinstance SET attributes = '{\"speed\": 100}', version = version + 1")
        ours, others = service.database.rows(service.id), service.database.rows(other)
        service.run("abort", inmanta_model_lsm_schema_changed=restored).ok()
        assert service.database.rows(service.id) == (before if restored else ours) and service.database.rows(other) == others
        assert service.motd == first and service.clean()
        assert any(name.startswith("replaced-by-") for name in service.dumps) is restored, service.dumps
    finally:
        service.database.run("DELETE FROM environment WHERE id = '%s'" % other)
        service.database.run("DELETE FROM lsm_serviceentity WHERE environment = '%s'" % service.id)


@pytest.mark.slow
def test_killed_and_gone_on_with(service, tmp_path):
    release = service.define("ring")
    kill_at(Point("Export the service definition with its entry point"), service, "upgrade", release, tmp_path).wait()
    assert not service.customer.open and service.paused and set(service.facts()["saved"]) >= {"northbound", "lsm_agents", "database"}
    service.upgrade(release).ok()
    assert service.dumps == ["before-%s.dump" % release] and service.motd == release and service.clean()


@pytest.mark.slow
def test_killed_and_restored(service, tmp_path):
    release = service.define("star")
    kill_at(Point("Dump the database"), service, "upgrade", release, tmp_path).wait()
    assert not service.customer.open and service.paused
    service.upgrade(release, inmanta_model_lsm=False).refused("an upgrade with LSM of", "its north-bound API is blocked")
    service.run("restore").ok()
    assert service.clean()


@pytest.mark.slow
def test_what_fails_before_the_export_leaves_nothing_behind(service):
    release = service.define("tree")
    service.upgrade(release, inmanta_model_lsm_database_connection=dict(service.database.connection, PGDATABASE="nowhere")).refused(
        "the database could not be dumped on localhost", "nowhere")
    assert service.clean() and "tree" not in service.lsm.catalog
    service.upgrade(release, inmanta_model_lsm_entry_point="missing.cf").refused("inmanta_model_lsm_entry_point: missing.cf is not a file of the project")
    # The orchestrator has the model of the release by now: a recompile would deploy it unjudged.
    assert not service.customer.open and service.paused and service.settings["auto_deploy"] is False
    service.upgrade(release).ok()
    assert service.clean() and service.motd == release


@pytest.mark.slow
def test_waiting_for_approval(service):
    """The API stays blocked while the candidate waits, and is blocked again where somebody opened it."""
    release = service.define("mesh")
    digest = digest_of(service.upgrade(release, inmanta_model_policy=COVER_NOTHING).refused("waiting for approval"))
    assert not service.customer.open and not service.paused
    service.run("restore").ok()
    assert service.customer.open
    service.customer.looks.clear()
    service.upgrade(release, inmanta_model_policy=COVER_NOTHING, inmanta_model_approve=[digest]).ok()
    assert all(not open_ for call, open_ in service.customer.looks if "promote" in call or "dryrun" in call)
    assert service.motd == release and service.clean()


@pytest.mark.slow
def test_the_orchestrator_exports_by_itself(service):
    """Without an entry point."""
    release = service.define("hub", extra_model="")
    service.upgrade(release, inmanta_model_lsm_entry_point="").ok()
    assert "POST /lsm/v1/exporter/export_service_definition" in service.lsm.called("/lsm/") and service.motd == release and service.clean()


@pytest.mark.slow
@pytest.mark.parametrize("given, text", [
    ({"inmanta_model_lsm_block": ""}, "inmanta_model_lsm_block: is empty"),
    ({"inmanta_model_lsm_open": "/nowhere/open.yml"}, "inmanta_model_lsm_open: is not a file on the controller"),
    ({"inmanta_model_lsm_block": "block_nginx.yml", "inmanta_model_lsm_open": "open_nginx.yml"}, "inmanta_model_lsm_nginx_hosts and"),
    ({"inmanta_model_lsm_backup": False, "inmanta_model_lsm_schema_changed": True}, "inmanta_model_lsm_backup: is false"),
])
def test_bad_input(service, given, text):
    compiles = service.compiles
    service.upgrade(service.define("bad"), **given).refused(text)
    assert service.clean() and service.compiles == compiles


LINK = {"service_entity": "link", "attributes": {"name": "test-1"}, "update": [{"attributes": {"bandwidth": 5}}]}


def test_services(service):
    """Each test removes its instance, also one that failed, and nobody else's."""
    service.lsm.declare("link")
    service.lsm.answer("POST", "/lsm/v1/service_inventory/link", {}, {"attributes": {"name": "customer"}})

    def tested(*tests):
        return service.run("service_tests", inmanta_model_service_tests=list(tests))

    tested(LINK, dict(LINK, attributes={"name": "test-2"}, delete=False)).ok()
    left = {item.data["service_identity_attribute_value"]: item.data for item in service.lsm.instances.values()}
    assert left["test-1"]["deleted"] and left["test-2"]["active_attributes"] == {"name": "test-2", "bandwidth": 5} and not left["test-2"]["deleted"]

    failing = {"attributes": {"name": "test-3", "fail": "rejected", "reason": "no port left"}}
    kept = {"attributes": {"name": "test-4", "fail": "failed"}, "remove_on_failure": False}
    taken = {"attributes": {"name": "customer"}}
    badly = dict(LINK, attributes={"name": "test-6"}, update=[{"attributes": {"fail": "update_failed"}}, {"attributes": {"bandwidth": 7}}])
    run = tested(dict(LINK, **failing), dict(LINK, **kept), dict(LINK, **taken), dict(LINK, attributes={"name": "test-5"}), badly)
    run.refused("4 of 5 failed", "came to the state rejected", "no port left", "came to the state failed", "came to the state update_failed", "exists already")
    left = {item.data["service_identity_attribute_value"]: item.data for item in service.lsm.instances.values()}
    assert [left["test-%d" % number]["deleted"] for number in (3, 4, 5, 6)] == [True, False, True, True]
    assert not left["customer"]["deleted"] and left["customer"]["active_attributes"] == {"name": "customer"}
    assert "bandwidth" not in left["test-6"]["active_attributes"] or left["test-6"]["active_attributes"]["bandwidth"] == 5

# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was frozen against what was asked for, and the package indexes."""

from __future__ import annotations

import pytest

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError
from ansible_collections.stagecraft.release.plugins.module_utils.repository import indexes, pins

FROZEN = {"std": "8.7.5", "my_fs": "1.2.0"}
PUBLIC = "https://index.example.org/simple/"  # what pip would say its default is
NOTHING = dict(index_url="", extra_index_url=[], default=PUBLIC)


def check(requires=(), requirements=None, frozen=None, **expected):
    pins.check_frozen(frozen or FROZEN, list(pins.asked({"requires": list(requires)}, requirements)), expected)


@pytest.mark.parametrize("entry", ["std", "std >= 8, < 9", "std ~= 8.7", "std == 8.7.5", "std == 8.*", "my-fs >= 1", "My_FS", "std != 8.7.4"])
def test_satisfied(entry):
    check([entry])


@pytest.mark.parametrize("entry", ["std < 8", "std == 8.7.4", "std ~= 8.8", "std >= 8, != 8.7.5", "my-fs >= 1.2.1"])
def test_not_satisfied(entry):
    with pytest.raises(InputError, match="project.yml: requires: .*is not satisfied by version"):
        check([entry])


def test_one_text_instead_of_a_list():
    with pytest.raises(InputError, match="'std<8' is not satisfied by version 8.7.5"):
        pins.check_frozen(FROZEN, list(pins.asked({"requires": "std < 8"}, None)), {})


def test_requirements_txt_is_asked_too():
    text = "# ours\n\n-r more.txt\n--index-url https://h/x\n./local\nhttps://h/pkg.whl\nrequests>=2  # not a module\n%s\n"
    check(requirements=text % "inmanta-module-my-fs[all]>=1 ; python_version >= '3'  # c")
    with pytest.raises(InputError, match="requirements.txt: 'inmanta.module.my.fs>=2' is not satisfied by version 1.2.0"):
        check(requirements=text % "inmanta_module_my-fs>=2 --hash=sha256:aa")


def test_module_that_is_not_imported():
    with pytest.raises(InputError, match="'old>=1' names a module that the model does not import"):
        check(["old >= 1"])


@pytest.mark.parametrize("entry", ["std => 8", "", "{}"])
def test_entry_that_is_no_requirement(entry):
    with pytest.raises(InputError, match="project.yml: requires: .*is not a requirement"):
        check([entry])


@pytest.mark.parametrize("version", ["8.7.5.dev20", "8.8rc1", "9a1"])
def test_pre_release(version):
    with pytest.raises(InputError, match="std: .* is a pre-release"):
        check(frozen={"std": version})


def test_expected_versions():
    check(std="8.7.5", **{"my-fs": "1.2"})
    for given, told in (({"std": "8.7.4"}, "'std: 8.7.4' is not what is installed, that is version 8.7.5"), ({"other": "1"}, "'other' is not a module"),
                        ({"std": "x"}, "'x' is not a version")):
        with pytest.raises(InputError, match=told):
            check(**given)


@pytest.mark.parametrize("project, found", [
    ({"pip": {"index_url": "https://ours/x"}}, ["https://ours/x"]),
    ({"pip": {"index-url": "https://ours/x", "extra-index-url": ["https://more/y"]}}, ["https://ours/x", "https://more/y"]),
    ({"pip": {"index_url": "https://ours/x", "use_system_config": True}}, ["https://ours/x", "https://sys/extra"]),
    ({"pip": {"use-system-config": True}}, ["https://sys/main", "https://sys/extra"]),
    ({"pip": {"use_system_config": False, "extra_index_url": "https://a https://b"}}, ["https://a", "https://b"]),
    ({"repo": [{"type": "package", "url": "https://ours/x"}, {"type": "git", "url": "https://git/{}"}, "https://git/"]}, ["https://ours/x"]),
    ({}, ["https://sys/main", "https://sys/extra"]),
])
def test_indexes(project, found):
    assert indexes.indexes(project, dict(NOTHING, index_url="https://sys/main", extra_index_url=["https://sys/extra"])) == found


def test_pip_has_an_index_of_its_own():
    assert indexes.indexes({"pip": {"use_system_config": True}}, NOTHING) == [PUBLIC]


def policy(*addresses, names=("inmanta-module-acme", "requests"), private=(), public=()):
    indexes.check_indexes(list(addresses), names, private, public, PUBLIC)


@pytest.mark.parametrize("given", [
    dict(addresses=["https://ours/x"], private=["*"]),
    dict(addresses=["https://ours/x", "https://more/y"], private=["*"]),
    dict(addresses=[PUBLIC]),
    dict(addresses=[PUBLIC], private=["inmanta-module-other*"]),
    dict(addresses=[]),
])
def test_index_policy_kept(given):
    policy(*given.pop("addresses"), **given)


@pytest.mark.parametrize("given, told", [
    (dict(addresses=[PUBLIC, "https://u:secret@ours/x"]), "is a public index and is used beside https://ours/x"),
    (dict(addresses=[PUBLIC], private=["inmanta-module-acme*"]), "private packages: inmanta-module-acme"),
    (dict(addresses=[PUBLIC], private=["Inmanta_Module_ACME"]), "private packages: inmanta-module-acme"),
    (dict(addresses=["https://mirror/x"], private=["requests"], public=["Mirror"]), "private packages: requests"),
    (dict(addresses=["https://INDEX.example.org:443/other", "file:///srv/simple"]), "is used beside file:///srv/simple"),
])
def test_index_policy_broken(given, told):
    with pytest.raises(InputError, match=told) as raised:
        policy(*given.pop("addresses"), **given)
    assert "index_policy: allow" in raised.value.message and "secret" not in raised.value.message


def test_password_in_an_address():
    indexes.check_credentials(indexes.named({"pip": {"index_url": "https://user@ours/x"}}))
    with pytest.raises(InputError, match="has a password in its address") as raised:
        indexes.check_credentials(indexes.named({"pip": {"extra_index_url": ["https://u:secret@ours/x?token=hidden"]}}))
    assert "secret" not in raised.value.message and "hidden" not in raised.value.message

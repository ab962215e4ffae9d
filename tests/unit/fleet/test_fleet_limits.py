# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet asks of the machine it runs on."""

from __future__ import annotations

import pytest

from tests.fleet.fleet import INSTANCES, AttachedFleet, Fleet, allow_many_hosts, check_free, run_options


@pytest.mark.parametrize("before, after", [(128, INSTANCES), (INSTANCES * 2, INSTANCES * 2)])
def test_low_limit_is_raised_and_a_high_one_kept(tmp_path, before, after):
    limit = tmp_path / "limit"
    limit.write_text(f"{before}\n")
    allow_many_hosts(limit)
    assert int(limit.read_text()) == after


def test_limit_that_is_not_there_is_no_error(tmp_path):
    allow_many_hosts(tmp_path / "absent" / "limit")


@pytest.mark.parametrize("unified, volume", [(False, "/sys/fs/cgroup:/sys/fs/cgroup:ro"), (True, "/sys/fs/cgroup:/sys/fs/cgroup:rw")])
def test_control_groups_of_both_kinds_are_mounted(unified, volume):
    options = run_options(unified)
    assert options[options.index("--volume") + 1] == volume
    assert ("--cgroupns" in options) == unified


def test_directory_in_use_is_refused(tmp_path):
    (tmp_path / "fleet.json").write_text("{}")
    with pytest.raises(FileExistsError, match="tests.fleet down --dir"):
        Fleet(directory=tmp_path)
    assert (tmp_path / "fleet.json").exists()
    check_free(tmp_path / "new" / "one")
    assert (tmp_path / "new" / "one").is_dir()


def test_attached_fleet_knows_its_hosts(tmp_path):
    (tmp_path / "fleet.json").write_text(
        '{"id": "abc", "hosts": [{"name": "web1", "group": "web", "address": "172.22.7.11", "container": "stagecraft-abc-web1"}]}')
    fleet = AttachedFleet(tmp_path)
    assert [host.name for host in fleet.hosts("web")] == ["web1"] and fleet.hosts("mirror") == []
    assert (fleet.url("web1", "/x", 8080), fleet.url("web1")) == ("http://172.22.7.11:8080/x", "http://172.22.7.11/")
    with pytest.raises(KeyError, match="web9 is no host of this fleet; it has web1"):
        fleet.address("web9")

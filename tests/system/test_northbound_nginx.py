# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""block_nginx.yml and open_nginx.yml of the role inmanta_model, with a real nginx in front of an API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler

import pytest

from tests.bed.api import wait_for
from tests.bed.network import free_port, is_listening
from tests.serving import Quiet, WebServer
from tests.system.playbooks import Run, environ

pytestmark = pytest.mark.once

CONFIGURATION = """
{user}
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u;
  scgi_temp_path {directory}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{behind}; }}
    location /lsm/ {{
      include {directory}/northbound.conf;
      proxy_pass http://127.0.0.1:{behind};
    }}
  }}
}}
"""


class _Api(Quiet, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class Nginx:
    """nginx as a plain process, and what it passes on."""

    def __init__(self, program, directory, behind):
        self.program, self.directory, self.port = program, directory, free_port()
        self.file = directory / "northbound.conf"
        self.file.write_text("")
        self.configuration = directory / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        self.configuration.write_text(CONFIGURATION.format(directory=directory, port=self.port, behind=behind, user=user))
        self.command = "%s -c %s" % (program, self.configuration)
        self.process = subprocess.Popen([*self.command.split(), "-g", "daemon off;"])
        wait_for(lambda: is_listening("127.0.0.1", self.port), 20, "nginx")

    def asked(self, path):
        """The status of an answer."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            return opener.open("http://127.0.0.1:%d%s" % (self.port, path), timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code

    def play(self, name, **more):
        """Run one of the two task files, as the role includes it."""
        variables = dict({
            "inmanta_model_lsm_nginx_hosts": ["localhost"], "inmanta_model_lsm_nginx_file": str(self.file),
            "inmanta_model_lsm_nginx_command": self.command, "inmanta_model_lsm_nginx_reload": self.command + " -s reload",
            "inmanta_model_lsm_nginx_pid": str(self.directory / "nginx.pid")}, **more)
        playbook = self.directory / "play.json"
        task = {"ansible.builtin.include_role": {"name": "stagecraft.release.inmanta_model", "tasks_from": name, "rolespec_validate": False}}
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
        done = subprocess.run(["ansible-playbook", "-i", "localhost,", "-c", "local", str(playbook), "-e", json.dumps(variables)], env=environ(),
                              text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return Run(done.returncode, done.stdout, 0)


@pytest.fixture(name="nginx")
def nginx_fixture(tmp_path):
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        pytest.skip("no nginx on this machine (Debian has it in the package nginx)")
    tmp_path.chmod(0o755)
    with WebServer(_Api) as api:
        nginx = Nginx(program, tmp_path, api.server_port)
        yield nginx
        nginx.process.terminate()
        nginx.process.wait(20)


@pytest.mark.slow
def test_blocked_and_opened(nginx):
    assert nginx.asked("/lsm/v1/service_catalog") == 200
    nginx.play("block_nginx.yml").ok()
    # At once: no old worker takes requests any more.
    assert [nginx.asked("/lsm/v1/service_catalog") for _number in range(5)] == [503] * 5 and nginx.asked("/api/v1/serverstatus") == 200
    # What an interrupted run wrote and did not make known is made known by the next.
    nginx.file.write_text("")
    subprocess.run([*nginx.command.split(), "-s", "reload"], check=True)
    wait_for(lambda: nginx.asked("/lsm/x") == 200, 20, "nginx to read the file again")
    nginx.file.write_text("return 503;\n")
    assert nginx.asked("/lsm/x") == 200
    nginx.play("block_nginx.yml").ok()
    assert nginx.asked("/lsm/x") == 503

    before = nginx.file.read_text()
    nginx.play("open_nginx.yml", inmanta_model_lsm_nginx_command="false").refused("inmanta_model_lsm_nginx_file", "The file is what it was.")
    assert nginx.file.read_text() == before
    nginx.play("block_nginx.yml", inmanta_model_lsm_nginx_blocked="nonsense here").refused("northbound.conf", "The file is what it was.")
    assert nginx.file.read_text() == before and nginx.asked("/lsm/x") == 503

    nginx.play("open_nginx.yml").ok()
    assert [nginx.asked("/lsm/v1/service_catalog") for _number in range(5)] == [200] * 5

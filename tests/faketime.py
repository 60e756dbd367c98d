"""A clock that a test can set, for a real process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.demo.binaries import find

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.demo.servers import Server


class Clock:
    """The wall clock of a server's process; its monotonic one goes on, as a real one does."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump("+0d")

    def jump(self, offset: str) -> None:
        """Set it off from the true time, such as by ``-2d``."""
        self._file.write_text(f"{offset}\n")

    def put_into(self, server: Server) -> Server:
        """Let a server that was not started yet go by this clock."""
        program = find("faketime")
        (library,) = (program.parents[1] / "lib").glob("*/faketime/libfaketime.so.1")
        settings = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": self._file,
            "FAKETIME_NO_CACHE": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
        }
        server.command = ["env", *(f"{k}={v}" for k, v in settings.items()), *server.command]
        return server

"""Starting real servers on free loopback ports, and stopping them again."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from sla_exporter.demo.binaries import alertmanager_home, find
from sla_exporter.errors import SlaExporterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

_PORTS = range(15_000, 32_000)
_START_S = 30
_STOP_S = 10


def free_port() -> int:
    """Find a port of the loopback address that nobody uses.

    It lies below those that systems give to outgoing connections, which would take it at any time,
    and is drawn, so that processes that look at once find different ones.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@dataclass(slots=True)
class Server:
    """A server process.

    ``ready`` is the path that answers 200 when it can be used, ``home`` the folder that it runs in
    if that is not the one with its files.
    """

    name: str
    command: Sequence[str]
    folder: Path
    port: int
    ready: str
    home: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / f"{self.name}.log"

    def start(self) -> Self:
        """Start and wait until it can be used."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.home or self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + _START_S
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = self.log.read_text(errors="replace")[-2000:]
                raise SlaExporterError(f"{self.name} did not start:\n{said}")
            time.sleep(0.05)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and give the exit status."""
        if self.process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        try:
            status = self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        return status

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}{self.ready}", timeout=2).ok
        except requests.RequestException:
            return False


def prometheus(folder: Path, config: dict[str, Any], *flags: str, port: int = 0) -> Server:
    """Describe a Prometheus whose database lies in ``folder/data``."""
    port = port or free_port()
    return Server(
        "prometheus",
        [
            str(find("prometheus")),
            f"--config.file={write_json(folder / 'prometheus.yml', config)}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=400d",
            f"--web.listen-address=127.0.0.1:{port}",
            *flags,
        ],
        folder,
        port,
        "/-/ready",
    )


def victoria_metrics(folder: Path, *flags: str) -> Server:
    """Describe a VictoriaMetrics whose database lies in ``folder/victoria-metrics``."""
    port = free_port()
    return Server(
        "victoria-metrics",
        [
            str(find("victoria-metrics")),
            f"-storageDataPath={folder / 'victoria-metrics'}",
            "-retentionPeriod=100y",
            f"-httpListenAddr=127.0.0.1:{port}",
            *flags,
        ],
        folder,
        port,
        "/health",
    )


def alertmanager(folder: Path, config: dict[str, Any]) -> Server:
    """Describe an Alertmanager without peers."""
    port = free_port()
    return Server(
        "alertmanager",
        [
            str(find("alertmanager")),
            f"--config.file={write_json(folder / 'alertmanager.yml', config)}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        folder,
        port,
        "/-/ready",
        alertmanager_home(),
    )


def blackbox(folder: Path) -> Server:
    """Describe a blackbox exporter with one module, ``http``."""
    port = free_port()
    modules = {"modules": {"http": {"prober": "http", "timeout": "1s"}}}
    return Server(
        "blackbox",
        [
            str(find("blackbox_exporter")),
            f"--config.file={write_json(folder / 'blackbox.yml', modules)}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        folder,
        port,
        "/-/healthy",
    )


def write_json(path: Path, content: dict[str, Any]) -> Path:
    """Write a configuration as JSON, which is YAML too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))
    return path

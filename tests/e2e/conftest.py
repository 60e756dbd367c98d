"""Real servers for the end-to-end tests."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from sla_exporter.demo.history import write_blocks
from sla_exporter.demo.servers import (
    Server,
    free_port,
    prometheus,
    victoria_metrics,
    write_json,
)
from sla_exporter.demo.stage import Stage
from tests.victoria import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def prometheus_with(tmp_path: Path) -> Iterator[Callable[[Any], str]]:
    """Start a real Prometheus that holds the given series, and give its URL."""
    started: list[Server] = []

    def start(series: Any, *flags: str) -> str:
        folder = tmp_path / f"prometheus{len(started)}"
        write_blocks(series, folder / "data")
        server = prometheus(folder, {"global": {"scrape_interval": "15s"}}, *flags).start()
        started.append(server)
        return server.url

    yield start
    for server in started:
        server.stop()


@pytest.fixture(params=["prometheus", "victoria-metrics"])
def engine_with(request: pytest.FixtureRequest) -> Callable[[Any], str]:
    """Start a real engine of either make that holds the given series, and give its URL."""
    name = "prometheus_with" if request.param == "prometheus" else "victoria_with"
    return request.getfixturevalue(name)


@pytest.fixture
def victoria_with(tmp_path: Path) -> Iterator[Callable[[Any], str]]:
    """Start a real VictoriaMetrics that holds the given series, and give its URL."""
    started: list[Server] = []

    def start(series: Any, *flags: str) -> str:
        server = victoria_metrics(tmp_path / f"victoria{len(started)}", *flags).start()
        started.append(server)
        fill(server.url, series)
        return server.url

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The demo's stage: its cast, its month, its history."""
    folder = tmp_path_factory.mktemp("stage")
    now_ms = time.time_ns() // 1_000_000  # noqa: TID251 - the demo's month is the last one
    return Stage(folder=folder, site_port=1, now_ms=now_ms, tell=lambda _: None)


@pytest.fixture(scope="session")
def history(stage: Stage) -> Iterator[Server]:
    """A real Prometheus with the history of the demo's customers."""
    write_blocks(stage.history(), stage.folder / "data")
    with prometheus(stage.folder, {"global": {"scrape_interval": "15s"}}) as server:
        yield server


@pytest.fixture
def config(stage: Stage, history: Server, tmp_path: Path) -> dict[str, Any]:
    """The demo's configuration, on that Prometheus, with a database and an outbox of its own."""
    token = tmp_path / "token"
    token.write_text("s3cret")
    stage.prometheus = history
    found = stage._config(token)  # noqa: SLF001 - the demo's own configuration is what is tested
    found["notices"]["folder"] = str(tmp_path / "outbox")
    del found["services"]["live"]
    found["customers"] = [c for c in found["customers"] if c["id"] != "harbor"]
    return found


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Server]]:
    """Describe a real ``sla-exporter serve`` with a configuration; what runs is stopped."""
    described: list[Server] = []

    def describe(content: dict[str, Any]) -> Server:
        file = write_json(tmp_path / "sla-exporter.yml", content)
        port = free_port()
        command = [
            sys.executable, "-m", "sla_exporter", "serve",
            f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        described.append(Server(f"sla-exporter-{port}", command, tmp_path, port, "/-/ready"))
        return described[-1]

    yield describe
    for server in described:
        server.stop()

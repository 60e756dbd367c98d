"""``sla-exporter serve``."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import click
import structlog
from aiohttp import web

from sla_exporter import __version__, logs
from sla_exporter.app import load
from sla_exporter.cli import options
from sla_exporter.errors import ConfigInvalid, SlaExporterError
from sla_exporter.garbage import look_seldom
from sla_exporter.service import Service
from sla_exporter.web.connections import KEEP_ALIVE_S, Doorkeeper, allow_many
from sla_exporter.web.tls import WebTls

_log = structlog.get_logger(__name__)

_SHUTDOWN_S = 20


def _external_url(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise click.BadParameter(f"{text!r} is not an address as in https://sla.example.com")
    return text


@click.command()
@options.config_file
@click.option(
    "--web.listen-address",
    "listen_address",
    default="127.0.0.1:9948",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen; 0.0.0.0:9948 for all addresses.",
)
@click.option(
    "--web.config.file",
    "web_config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TLS and client certificates, in the notation of Prometheus' exporters.",
)
@click.option(
    "--web.external-url",
    "external_url",
    default="",
    callback=_external_url,
    help="Where browsers reach us, for links in notices. [default: web.external_url of the file]",
)
@options.logging
def serve(
    *,
    config_file: Path,
    listen_address: str,
    web_config_file: Path | None,
    external_url: str,
    log_level: str,
    log_format: str,
) -> None:
    """Run the service: webhook receiver, jobs and metrics.

    SIGTERM ends it cleanly: running work comes to its end first. SIGHUP, or POST /-/reload with a
    token, reads the configuration again; a bad one leaves the old one in force.
    """
    logs.configure(log_level, log_format)
    config = load(config_file)
    host, port = _address(listen_address)
    tls = WebTls(web_config_file)
    tls.load()
    allow_many()
    asyncio.run(_serve(Service(config=config, tls=tls, external_url=external_url), host, port))


async def _serve(service: Service, host: str, port: int) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.create_task(_reload(service))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    if not await _started(service, stopping):
        return
    ours = service.site()
    runner = web.AppRunner(
        ours.application(),
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_S,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=service.tls.context)
        try:
            await site.start()
        except OSError as error:
            raise SlaExporterError(f"cannot listen on {host}:{port}: {error.strerror}") from None
        look_seldom()
        _log.info("listening", address=f"{host}:{port}", version=__version__)
        await _watch_until(stopping, ours.doorkeeper, runner)
        _log.info("stopping")
    finally:
        await runner.cleanup()
        await service.stop()
    _log.info("stopped")


async def _started(service: Service, stopping: asyncio.Event) -> bool:
    """Start the service, unless it is told to stop before that is done."""
    starting, told = asyncio.create_task(service.start()), asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not starting.done():
        starting.cancel()
    try:
        await starting
    except asyncio.CancelledError:
        _log.info("stopped before it had started")
        return False
    return True


async def _watch_until(
    stopping: asyncio.Event, doorkeeper: Doorkeeper, runner: web.AppRunner
) -> None:
    watching = asyncio.create_task(doorkeeper.watch(runner))
    await stopping.wait()
    watching.cancel()


async def _reload(service: Service) -> None:
    with contextlib.suppress(ConfigInvalid):  # logged and counted where it happened
        await service.reload()


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"{text!r} is not HOST:PORT", param_hint="--web.listen-address")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - as ":9948" means elsewhere

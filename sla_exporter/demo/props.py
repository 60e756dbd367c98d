"""The demo's props for ``docker-compose.yml``: what its containers cannot bring themselves.

``python -m sla_exporter.demo.props prepare FOLDER`` writes the customers, their history of last
month and fresh secrets; what is there already stays. ``... props site PORT`` is a web site that is
down for a minute in every ten.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import click
from aiohttp import web

from sla_exporter.app import SystemClock
from sla_exporter.demo.history import write_openmetrics
from sla_exporter.demo.servers import write_json
from sla_exporter.demo.site import is_down_at
from sla_exporter.demo.stage import Stage

DONE = "customers.yml"


@click.group()
def main() -> None:
    """Bring the props of the composed demo."""


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def prepare(folder: Path) -> None:
    """Write customers, history and secrets into a folder, unless they are there."""
    if (folder / DONE).exists():
        return
    stage = Stage(folder=folder, site_port=8080, now_ms=SystemClock().now_ms(), tell=click.echo)
    write_openmetrics(stage.history(), folder / "history.om")
    password = secrets.token_urlsafe(24)
    (folder / "postgres.password").write_text(password)
    (folder / "database.url").write_text(f"postgresql://sla:{password}@postgres/sla")
    (folder / "webhook.token").write_text(secrets.token_urlsafe(24))
    # The last file, as it says that all are there.
    write_json(folder / DONE, {"customers": stage.customers()})
    click.echo(f"{stage.month.label} is written")


@main.command()
@click.argument("port", type=int)
def site(port: int) -> None:
    """Answer 200, or 503 for a minute in every ten."""
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    clock = SystemClock()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=503 if is_down_at(clock.now_ms()) else 200)

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()

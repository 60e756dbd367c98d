"""What commands open and close again, and what several of them read from the command line."""

from __future__ import annotations

import os
import pwd
from contextlib import asynccontextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

import click

from sla_exporter.app import SystemClock, load
from sla_exporter.core.periods import DAY_MS, ms_of
from sla_exporter.core.windows import Window
from sla_exporter.settings.moments import parse_point, parse_stretch
from sla_exporter.store.engine import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sla_exporter.settings import Config


@asynccontextmanager
async def opened(config_file: Path) -> AsyncIterator[tuple[Config, Database]]:
    """Read the configuration and open its database, with its tables up to date."""
    config = load(config_file)
    database = Database(config.database_url)
    try:
        await database.migrate()
        yield config, database
    finally:
        await database.close()


class MomentType(click.ParamType):  # type: ignore[type-arg] # generic only from 8.5 on
    """A moment, as milliseconds; UTC unless it has an offset."""

    name = "moment"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Read the text."""
        if isinstance(value, int):
            return value
        try:
            moment = parse_point(value).moment
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return ms_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


class StretchType(click.ParamType):  # type: ignore[type-arg] # generic only from 8.5 on
    """A stretch of time; UTC unless it has offsets."""

    name = "window"

    def convert(self, value: Any, param: Any, ctx: Any) -> Window:
        """Read the text."""
        if isinstance(value, Window):
            return value
        try:
            return parse_stretch(value).window("UTC")
        except ValueError as error:
            self.fail(str(error), param, ctx)


def recent(since_ms: int | None, until_ms: int | None) -> Window:
    """Give the time that a listing covers: the last and the next month, unless it is said."""
    now_ms = SystemClock().now_ms()
    start = now_ms - 31 * DAY_MS if since_ms is None else since_ms
    return Window(start, now_ms + 31 * DAY_MS if until_ms is None else until_ms)


def login() -> str:
    """Give the name of whoever runs the command."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""

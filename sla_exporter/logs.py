"""Structured logs on standard error, as logfmt or JSON."""

from __future__ import annotations

import logging
import re
import sys

import structlog

from sla_exporter.core.urls import without_secrets

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")


_PART = r"[^\s<>\"'(:,;]"
_ADDRESS = re.compile(rf"(?<!{_PART})(?!//){_PART}+@(?=[\w\[-])")  # not what follows http:


def _without_addresses(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Keep mail addresses, which mail servers like to repeat, and logins of URLs out of the log."""
    for key, value in event.items():
        if isinstance(value, str) and key != "reference":  # which is a Message-ID, and ours
            event[key] = _ADDRESS.sub("***@", without_secrets(value))
    return event


def configure(level: str, form: str) -> None:
    """Send our logs, and those of the libraries from warnings on, to standard error."""
    number = {"warn": logging.WARNING}.get(level) or logging.getLevelName(level.upper())
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
        _without_addresses,
    ]
    if form == "json":
        processors.append(structlog.processors.JSONRenderer())
    else:
        order = ["ts", "level", "event"]
        processors.append(structlog.processors.LogfmtRenderer(key_order=order, drop_missing=True))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        stream=sys.stderr,
        level=max(number, logging.WARNING),
        format="ts=%(asctime)s level=%(levelname)s logger=%(name)s event=%(message)s",
        force=True,
    )

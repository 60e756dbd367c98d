"""The section on notices: what customers are told, when, and by which way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sla_exporter.core.reasoning import Duration
from sla_exporter.settings.access import beside
from sla_exporter.settings.config import NoticeSettings, OutageNotices
from sla_exporter.settings.fields import Length, Section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.document import Document


class OutageNoticesModel(Section):
    """When customers are told of an outage while it happens."""

    after: Length = Duration(10 * 60_000)
    pause: Length = Duration(60 * 60_000)


class NoticesModel(Section):
    """What customers are told, and where files go when no mail is configured."""

    company: str = "Your provider"
    statements: bool = True
    folder: str = "outbox"
    templates: str | None = None
    through: str | None = None
    gather: Length = Duration(15 * 60_000)
    outages: OutageNoticesModel | None = None
    hold: bool = False
    first: int | None = Field(default=None, ge=1)
    wait: Length = Duration(30 * 60_000)
    credit_note: Literal["pdf"] | None = None


def read_notices(model: NoticesModel, file: Path) -> NoticeSettings:
    """Give the section with absolute paths."""
    outages = model.outages
    return NoticeSettings(
        company=model.company,
        statements=model.statements,
        folder=beside(file, model.folder),
        templates=beside(file, model.templates) if model.templates else None,
        through=model.through,
        gather_ms=model.gather.ms,
        outages=OutageNotices(after_ms=outages.after.ms, pause_ms=outages.pause.ms)
        if outages
        else None,
        hold=model.hold,
        first=model.first,
        wait_ms=model.wait.ms,
        credit_note=model.credit_note == "pdf",
    )


def check_through(
    through: str | None, billing: Mapping[str, Mapping[str, Any]], document: Document
) -> list[Problem]:
    """Say whether notices go through something that can send them."""
    if through is None:
        return []
    at = ("notices", "through")
    if through not in billing:
        return [document.problem(at, f"through: there is no {through!r} under billing")]
    kind = billing[through].get("type", through)
    if kind != "whmcs":
        message = f"through: notices can go through WHMCS only, and {through!r} is of type {kind!r}"
        return [document.problem(at, message)]
    return []

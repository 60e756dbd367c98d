"""The section on notices: what customers are told, when, and by which way."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sla_exporter.core.reasoning import Duration
from sla_exporter.settings.access import beside
from sla_exporter.settings.config import NoticeSettings, OutageNotices
from sla_exporter.settings.fields import Length, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
    credit_note_font: str | None = None


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
        credit_note_font=beside(file, model.credit_note_font) if model.credit_note_font else None,
    )


def check_notices(
    model: NoticesModel, file: Path, billing: Mapping[str, Mapping[str, Any]], document: Document
) -> Iterator[Problem]:
    """Say what of the section cannot be done here."""
    through = model.through
    if through is not None:
        message = _cannot_send(through, billing)
        if message:
            yield document.problem(("notices", "through"), f"through: {message}")
    if model.credit_note and find_spec("fpdf") is None:
        message = "credit_note: PDF files need: pip install 'sla-exporter[pdf]'"
        yield document.problem(("notices", "credit_note"), message)
    font = model.credit_note_font
    if font is not None and not beside(file, font).is_file():
        message = f"credit_note_font: there is no file {font}"
        yield document.problem(("notices", "credit_note_font"), message)


def _cannot_send(through: str, billing: Mapping[str, Mapping[str, Any]]) -> str:
    if through not in billing:
        return f"there is no {through!r} under billing"
    kind = billing[through].get("type", through)
    if kind == "whmcs":
        return ""
    return f"notices can go through WHMCS only, and {through!r} is of type {kind!r}"

"""The credit note: a credit as a PDF file, for those who file paper.

Needs the extra ``pdf``. The same credit always makes the same bytes: its date is that of the ledger
entry. Without a font of the operator's, letters that Western European encodings lack become ``?``.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from sla_exporter.core.periods import datetime_of
from sla_exporter.notices.views import without_turns

if TYPE_CHECKING:
    from pathlib import Path

    from fpdf import FPDF

    from sla_exporter.core.ledger import Entry
    from sla_exporter.notices.formats import Formats
    from sla_exporter.notices.views import SettledView

_FAMILY = "note"
_INK, _GREY = (31, 35, 40), (87, 96, 106)
_LABEL_MM = 45


@dataclass(frozen=True, slots=True)
class CreditNotes:
    """Writes credit notes, with a font of the operator's or a plain one."""

    font: Path | None = None

    def write(self, view: SettledView, entry: Entry, timeline: bytes, formats: Formats) -> bytes:
        """Write the credit of a notice as a PDF file."""
        note = _Note(view, formats, self.font)
        note.head(entry)
        note.figures()
        note.calculation(timeline)
        return note.finished()


class _Note:
    """A page that fills up from the top."""

    def __init__(self, view: SettledView, formats: Formats, font: Path | None) -> None:
        from fpdf import FPDF  # noqa: PLC0415 - an optional extra

        self._view, self._say = view, formats.say
        self._formats = formats
        self._pdf: FPDF = FPDF(format="A4")
        self._pdf.core_fonts_encoding = "windows-1252"
        self._family = "helvetica"
        self._has_all = font is not None
        if font:
            self._family = _FAMILY
            for style in ("", "B"):
                self._pdf.add_font(_FAMILY, style, font)
        self._pdf.set_margin(20)
        self._pdf.set_auto_page_break(auto=True, margin=20)
        self._pdf.add_page()

    def head(self, entry: Entry) -> None:
        """Say what it is, of whom, for whom, and when."""
        view, say, pdf = self._view, self._say, self._pdf
        moment = datetime_of(entry.posted_at_ms, view.zone)
        pdf.set_creation_date(moment)
        pdf.set_producer("sla-exporter")
        pdf.set_title(self._plain(f"{say('Credit note')} {view.reference}"))
        pdf.set_author(self._plain(view.company))
        pdf.set_lang(view.language)
        self._line(view.company, 11, _GREY)
        self._line(say("Credit note"), 20, bold=True)
        self._line(view.customer, 12)
        pdf.ln(4)
        self._row(say("Reference"), view.reference)
        self._row(say("Date"), self._formats.day(moment.date()))

    def figures(self) -> None:
        """Say what is given, for which contract and period."""
        view, say = self._view, self._say
        self._row(say("Contract"), view.contract)
        self._row(say("Service"), view.service)
        self._row(say("Period"), view.period)
        self._row(say("Availability"), view.availability)
        self._row(say("Promised"), view.objective)
        self._row(say("Downtime"), view.downtime)
        self._row(say("Form"), view.form)
        self._row(say("Credit"), view.credit, bold=True)

    def calculation(self, timeline: bytes) -> None:
        """Show the outages, and every step."""
        pdf = self._pdf
        pdf.ln(6)
        pdf.image(BytesIO(timeline), w=pdf.epw)
        legend = self._say(
            "Green: up. Red: down. Grey: not measured. Times in %(zone)s.", zone=self._view.zone
        )
        self._line(legend, 8, _GREY)
        pdf.ln(4)
        self._line(self._say("How this was calculated"), 12, bold=True)
        for number, reason in enumerate(self._view.reasons, 1):
            self._line(f"{number}. {reason}", 9)

    def finished(self) -> bytes:
        """Give the file."""
        return bytes(self._pdf.output())

    def _row(self, label: str, value: str, *, bold: bool = False) -> None:
        pdf, top = self._pdf, self._pdf.get_y()
        pdf.set_font(self._family, "", 10)
        pdf.set_text_color(*_GREY)
        pdf.multi_cell(_LABEL_MM, 5.5, self._plain(label), align="L")
        below = pdf.get_y()
        pdf.set_xy(pdf.l_margin + _LABEL_MM, top)
        self._line(value, 10, bold=bold)
        pdf.set_y(max(below, pdf.get_y()))

    def _line(
        self, words: str, size: int, color: tuple[int, int, int] = _INK, *, bold: bool = False
    ) -> None:
        pdf = self._pdf
        pdf.set_font(self._family, "B" if bold else "", size)
        pdf.set_text_color(*color)
        pdf.multi_cell(0, size * 0.55, self._plain(words), align="L", new_x="LMARGIN", new_y="NEXT")

    def _plain(self, words: str) -> str:
        """Put everything into one line, in letters that the font has."""
        line = " ".join(without_turns(words).split())
        if self._has_all:
            return line
        return line.encode("cp1252", "replace").decode("cp1252")

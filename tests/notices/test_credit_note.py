"""The credit note: the same figures as in the mail, on a page."""

from __future__ import annotations

import logging
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from fontTools.fontBuilder import FontBuilder
from pypdf import PdfReader

from sla_exporter.core.ledger import grant
from sla_exporter.core.settled import Settled
from sla_exporter.notices.credit_note import CreditNotes
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.notices.samples import HOSTILE
from tests.cast import ACME, BIRCH, NOVEMBER_3, contract, outage, settled

if TYPE_CHECKING:
    from pathlib import Path

RENDERER = JinjaRenderer("Example Hosting", credit_notes=CreditNotes())


def notice(settlement, renderer=RENDERER):
    entry = grant(settlement, NOVEMBER_3) if settlement.owes else None
    return renderer.render(Settled.of(settlement), settlement.contract.customer, entry)


def spoken(name: str = "Acme Ltda", locale: str = "pt_BR"):
    customer = replace(ACME, name=name, locale=locale)
    return settled(outage(3, 10, 95), of=contract(customer, "499.90"))


def text_of(pdf: bytes) -> str:
    pages = PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_a_credit_comes_with_its_note():
    """Named by its reference; sum, period and every step are those of the mail."""
    told = notice(spoken())
    ((name, pdf),) = told.documents.items()
    text = text_of(pdf)

    assert name == f"{told.facts['reference']}.pdf"
    assert pdf.startswith(b"%PDF-")
    for words in ("Nota de crédito", "Acme Ltda", told.facts["reference"], "outubro de 2026"):
        assert words in text
    assert "R$ 49,99" in text
    for reason in told.facts["reasons"]:
        assert " ".join(reason.split()) in text


def test_a_statement_has_none():
    """Nothing was credited."""
    assert notice(settled(of=contract(BIRCH))).documents == {}


def test_the_same_credit_makes_the_same_bytes():
    """Its date is that of the ledger entry, not of the day it was printed."""
    first, second = (notice(spoken()).documents for _ in range(2))
    reader = PdfReader(BytesIO(next(iter(first.values()))))

    assert first == second
    assert reader.metadata is not None
    assert str(reader.metadata.creation_date)[:10] == "2026-11-03"


def test_names_are_text_on_paper_too():
    """HTML, templates and line ends; what the plain font lacks is a question mark."""
    text = text_of(next(iter(notice(spoken(HOSTILE, "en")).documents.values())))

    assert '<script>alert("x")</script> {{ 7 * 7 }} {% raw %} ${7*7} %(credit)s Bcc:' in text
    assert "all@example.com ?" in text


def test_a_font_of_the_operators_brings_other_letters(tmp_path):
    """Such as those of a customer in Warsaw."""
    font = font_with("Zażółć Ltda", tmp_path / "own.ttf")
    renderer = JinjaRenderer("Example Hosting", credit_notes=CreditNotes(font))
    logging.getLogger("fpdf").setLevel(logging.ERROR)  # it has no other letters, and says so

    text = text_of(next(iter(notice(spoken("Zażółć Ltda"), renderer).documents.values())))

    assert "Zażółć Ltda" in text


def font_with(letters: str, path: Path) -> Path:
    """Make a font with these letters, all of them empty."""
    names = {ord(letter): f"u{ord(letter):04x}" for letter in sorted(set(letters))}
    order = [".notdef", *names.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    builder.setupGlyf({name: _empty() for name in order})
    builder.setupHorizontalMetrics(dict.fromkeys(order, (500, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Own", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200)
    builder.setupPost()
    builder.save(path)
    return path


def _empty():
    from fontTools.ttLib.tables._g_l_y_f import Glyph  # noqa: PLC0415 - private to the library

    return Glyph()


@pytest.mark.parametrize("locale", ["en", "es", "pt_BR"])
def test_a_note_in_every_language(locale):
    """None of them has a letter that the plain font lacks."""
    text = text_of(next(iter(notice(spoken(locale=locale)).documents.values())))

    assert "?" not in text

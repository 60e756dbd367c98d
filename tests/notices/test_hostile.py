"""Hostile data: whatever names, labels and reasons contain, they come out as text, everywhere."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest

from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.ledger import grant
from sla_exporter.core.settled import Settled
from sla_exporter.notices.credit_note import CreditNotes
from sla_exporter.notices.kinds import KINDS
from sla_exporter.notices.languages import languages
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.notices.samples import HOSTILE
from sla_exporter.sinks.message import compose
from tests.cast import ACME, NOVEMBER_3, Window, at, contract, outage, settled

RENDERER = JinjaRenderer(HOSTILE, credit_notes=CreditNotes())
ONE_LINE = " ".join(HOSTILE.replace("\u202e", "").split())
LOCALES = ["en", *languages(RENDERER.folders)]


class Page(HTMLParser):
    """Gathers what a mail program would show, and the elements that it would act on."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.elements: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)

    def handle_data(self, data):
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_in_every_kind_and_language(kind, locale):
    """Subject, text, page and message; the operator's own name included."""
    (sample,) = [one for one in KINDS[kind].samples() if one.name == "hostile names"]
    notice = sample.write(RENDERER, locale)
    mail = compose(notice, key="k", sender="x@y.example", reply_to=None, at_ms=0).as_bytes()
    message = message_from_bytes(mail, policy=default)
    page = Page(notice.html)

    assert ONE_LINE in " ".join(notice.text.split())
    assert ONE_LINE in page.text
    assert not {"script", "iframe", "form", "object"} & page.elements
    assert "\n" not in notice.subject
    assert message["Subject"] == notice.subject
    assert (message["Bcc"], len(message.get_all("Subject"))) == (None, 1)
    assert message["To"] == "sample@customer.example"
    assert message["Auto-Submitted"] == "auto-generated"
    for part in (notice.subject, notice.text, notice.html):
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", part)


def test_labels_of_alerts_and_reasons_of_people_are_text_too():
    """They stand among the steps of the calculation."""
    alert = IncidentWindow(
        fingerprint="f",
        starts_at_ms=at(3, 10),
        ends_at_ms=at(3, 11),
        labels={"alertname": HOSTILE},
        annotations={"summary": HOSTILE},
    )
    maintenance = StatedExclusion(
        key="operator/1", scope=Scope(), window=Window(at(9), at(9, 1)), why=HOSTILE, who=HOSTILE
    )
    settlement = settled(
        outage(3, 10, 95),
        of=contract(replace(ACME, name="Acme"), "499.90"),
        incidents=(alert,),
        has_alerts=True,
        exclusions=(maintenance,),
    )
    entry = grant(settlement, NOVEMBER_3)

    notice = RENDERER.render(Settled.of(settlement), settlement.contract.customer, entry)

    alone = notice.html.replace(RENDERER.company, "")
    assert "script" not in Page(alone).elements
    assert " ".join(notice.text.split()).count(ONE_LINE) == 3  # alert, reason, our own name
    assert notice.documents[f"{entry.reference}.pdf"].startswith(b"%PDF-")

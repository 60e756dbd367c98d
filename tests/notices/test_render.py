"""Notices: what customers read."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from jinja2 import UndefinedError
from PIL import Image

from sla_exporter.core.ledger import grant
from sla_exporter.core.money import Money
from sla_exporter.core.policy.terms import Minimum
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settled import Settled
from sla_exporter.core.windows import Window
from sla_exporter.notices.formats import plain
from sla_exporter.notices.reasons import SENTENCES, sentences
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.notices.timeline import DOWN, LEFT, OUTSIDE, UNKNOWN, UP, timeline_png
from tests.cast import ACME, BIRCH, GOLD, HOUR, MINUTE, OCTOBER, at, contract, outage, settled

RENDERER = JinjaRenderer("Example Hosting")


def notice(settlement, renderer=RENDERER):
    entry = grant(settlement, 0) if settlement.owes else None
    return renderer.render(Settled.of(settlement), settlement.contract.customer, entry)


def spoken(customer, *, locale: str):
    return contract(replace(customer, locale=locale), "499.90")


def test_a_credit_is_told_with_its_whole_calculation():
    """Sum, outage, reasoning, reference; and nothing to be done."""
    told = notice(settled(outage(3, 10, 95)))

    assert told.subject == "R$49.99 credited to you for downtime of web in October 2026"
    assert "Dear Acme Ltda," in told.text
    assert "99.7871%" in told.text
    assert "Outage from Oct 3, 2026, 10:00:00" in told.text
    assert "10% of R$499.90 (service fee) is R$49.99." in told.text
    assert grant(settled(outage(3, 10, 95)), 0).reference in told.text
    assert told.recipients == ("ops@acme.example",)
    assert told.key == "credit/acme-web/2026-10"


def test_a_credit_in_portuguese():
    """Words, money, dates and decimals."""
    told = notice(settled(outage(3, 10, 95), of=spoken(ACME, locale="pt_BR")))

    assert told.subject.replace("\xa0", " ") == (
        "Crédito de R$ 49,99 pela indisponibilidade de web em outubro de 2026"
    )
    assert "Disponibilidade: 99,7871%" in told.text
    assert "crédito em conta" in told.text
    assert '<html lang="pt-BR"' in told.html
    assert not {"Dear", "Downtime", "Outage", "credited"} & set(told.text.split())


def test_a_clean_month_is_a_statement():
    """Kept promises are worth telling too."""
    told = notice(settled(of=contract(BIRCH)))

    assert told.key == "statement/birch-web/2026-10"
    assert told.subject == "Availability of web in October 2026: 100%"
    assert "was available as promised" in told.text


def test_a_breach_that_owes_nothing_says_so_and_why():
    """The customer is not told that all was well."""
    policy = replace(GOLD, minimum=Minimum(money=Money.of("100.00", "BRL")))

    told = notice(settled(outage(3, 10, 95), policy=policy))

    assert told.kind == "statement"
    assert "no credit is due" in told.text
    assert "not over the minimum of R$100.00" in told.text


def test_the_same_reasoning_everywhere():
    """Text and HTML carry every sentence, in order."""
    told = notice(settled(outage(3, 10, 95), outage(9, 1, 5)))
    formats = RENDERER.formats("en")
    wanted = sentences(settled(outage(3, 10, 95), outage(9, 1, 5)).steps, formats)

    for part in (told.text, told.html):
        positions = [part.index(sentence) for sentence in wanted]
        assert positions == sorted(positions)


@pytest.mark.parametrize("locale", ["en", "pt_BR"])
def test_names_are_text_whatever_they_contain(locale):
    """HTML, templates, header lines and emoji come out as what they are."""
    evil = 'Evil <script>alert("x")</script> {{ 7 * 7 }} {% raw %}\r\nBcc: all@example.com 🚀'
    customer = replace(ACME, name=evil, locale=locale)

    told = notice(settled(outage(3, 10, 95), of=contract(customer, id="a\nb")))

    assert "<script>" not in told.html
    assert "&lt;script&gt;" in told.html
    assert "{{ 7 * 7 }}" in told.html
    assert "🚀" in told.html
    assert "\n" not in told.subject
    assert evil.replace("\r\n", "\n") in told.text.replace("\r\n", "\n")


def test_styles_are_inlined():
    """Mail clients drop style sheets."""
    html = notice(settled(outage(3, 10, 95))).html

    assert '<h1 style="' in html
    assert "prefers-color-scheme: dark" in html


def test_hundreds_of_outages_are_summed_up():
    """The first sixty are listed, and how many there are beyond them."""
    told = notice(settled(*(outage(1 + i // 20, i % 20, 5) for i in range(200))))

    assert told.text.count("Outage from") == 60
    assert "... and 140 more." in told.text


def test_an_operators_template_goes_before_ours(tmp_path):
    """Only the file that is there; the rest stays ours."""
    folder = tmp_path / "notices" / "credit"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("[{{ notice.company }}] {{ notice.credit }}")

    told = notice(settled(outage(3, 10, 95)), JinjaRenderer("Brand", tmp_path))

    assert told.subject == "[Brand] R$49.99"
    assert "Dear Acme Ltda," in told.text


def test_a_template_that_asks_for_what_is_not_there_fails(tmp_path):
    """It does not send a mail with a hole in it."""
    folder = tmp_path / "notices" / "credit"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("{{ notice.refund }}")

    with pytest.raises(UndefinedError, match="refund"):
        notice(settled(outage(3, 10, 95)), JinjaRenderer("Brand", tmp_path))


def test_rendering_is_the_same_every_time():
    """So what is stored is what would be rendered again."""
    assert notice(settled(outage(3, 10, 95))) == notice(settled(outage(3, 10, 95)))


def picture(span, state, zone="UTC") -> Image.Image:
    return Image.open(BytesIO(timeline_png(span, state, zone)))


def colors_of(image: Image.Image, row: int) -> list[int]:
    """Give the colours along the middle of a day's row, left to right, each once."""
    y = (18 + row * 11 + 4) * 2
    found: list[int] = []
    for x in range(LEFT * 2, image.width - 6):
        color = image.getpixel((x, y))
        if not found or found[-1] != color:
            found.append(color)
    return found


def test_the_timeline_shows_each_day():
    """Green for up, red for the outage, grey where nobody measured."""
    state = SeriesState(down=(outage(3, 10, 95),), unknown=(Window(at(5, 20), at(6, 4)),))
    image = picture(OCTOBER.span, state)

    assert image.height == (18 + 31 * 11) * 2
    assert colors_of(image, 0) == [UP]
    assert colors_of(image, 2) == [UP, DOWN, UP]
    assert colors_of(image, 4) == [UP, UNKNOWN]
    assert colors_of(image, 5) == [UNKNOWN, UP]


def test_an_outage_of_a_second_can_be_seen():
    """However short, it was one."""
    state = SeriesState(down=(Window(at(3, 10), at(3, 10) + 1_000),))

    assert colors_of(picture(OCTOBER.span, state), 2) == [UP, DOWN, UP]


def test_a_contract_that_began_mid_month_shows_where():
    """What lies outside of its life is neither up nor down."""
    span = Window(at(16, 12), OCTOBER.span.end_ms)

    image = picture(span, SeriesState())

    assert image.height == (18 + 16 * 11) * 2
    assert colors_of(image, 0) == [OUTSIDE, UP]


def test_a_day_of_25_hours_fills_its_row():
    """In Berlin the clock goes back on 25 October 2026."""
    start = at(24, 22)  # midnight in Berlin
    span = Window(start, start + 25 * HOUR)
    state = SeriesState(down=(Window(span.end_ms - 30 * MINUTE, span.end_ms),))

    image = picture(span, state, "Europe/Berlin")

    assert image.height == (18 + 11) * 2
    assert colors_of(image, 0) == [UP, DOWN]


def test_every_step_has_a_sentence():
    """A step without one would fail at month end."""
    codes = {
        step.code
        for settlement in (
            settled(outage(3, 10, 95), unknown=(Window(at(5), at(7)),)),
            settled(unknown=(OCTOBER.span,)),
        )
        for step in settlement.steps
    }

    assert codes <= SENTENCES.keys()
    assert sentences(settled().steps, plain())[0].startswith("Period: 2026-10-01 00:00:00 to")

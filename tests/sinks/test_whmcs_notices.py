"""Notices through WHMCS: once each, whatever happens, and as text."""

from __future__ import annotations

import html
import re

import pytest

from sla_exporter.errors import DeliveryDelayed, DeliveryRefused
from sla_exporter.notices.kinds import KINDS
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports.settling import Notice
from sla_exporter.sinks.contract import Trouble
from sla_exporter.sinks.whmcs import WhmcsSection
from sla_exporter.sinks.whmcs_notices import SETTLES_MS, WhmcsNotices
from tests.fakes.whmcs import IDENTIFIER, SECRET, FakeWhmcs
from tests.sinks.conftest import LOOPBACK

NOTICE = Notice(
    key="credit/acme-web/2026-10", kind="credit", locale="en", recipients=(), customer="acme",
    subject="R$49.99 credited to you", text="Dear Acme,\n\nwe are sorry.\nReally.\n", html="",
)  # fmt: skip
KEY = "whmcs/credit/acme-web/2026-10"


@pytest.fixture
async def far():
    async with FakeWhmcs().running() as fake:
        yield fake


@pytest.fixture
async def sink(far):
    section = WhmcsSection(url=far.url, identifier=IDENTIFIER, secret=SECRET)
    sink = WhmcsNotices("whmcs", section, {"acme": "42"}.get, LOOPBACK, timeout_s=0.3)
    yield sink
    await sink.close()


async def test_the_client_gets_the_text_as_paragraphs(far, sink):
    """With a mark in the subject, by which it is found again."""
    name = await sink.send(NOTICE, KEY)

    (mail,) = far.emails
    assert mail["userid"] == "42"
    assert re.fullmatch(r"R\$49\.99 credited to you \[sla-[0-9a-f]{16}\]", mail["subject"])
    assert mail["message"] == "<p>Dear Acme,</p><p>we are sorry.<br>Really.</p>"
    assert name.split()[1] in mail["subject"]


async def test_what_was_sent_is_not_sent_again(far, sink):
    """Such as by a process that died before it could write that down."""
    first = await sink.send(NOTICE, KEY)
    second = await sink.send(NOTICE, KEY)

    assert first == second
    assert len(far.emails) == 1


async def test_another_order_is_another_mail(far, sink):
    """The same words about another contract."""
    await sink.send(NOTICE, KEY)
    await sink.send(NOTICE, f"{KEY}/2")

    assert len(far.emails) == 2


@pytest.mark.parametrize("trouble", list(Trouble))
async def test_whatever_breaks_it_is_sent_once(far, sink, trouble):
    """Where it may have been sent, there is time for it to show before the next look."""
    far.meets(trouble)

    with pytest.raises(DeliveryDelayed) as delayed:
        await sink.send(NOTICE, KEY)
    await sink.send(NOTICE, KEY)

    assert len(far.emails) == 1
    if trouble.name.startswith("APPLIED"):
        assert delayed.value.after_ms == SETTLES_MS


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        ("Sending Failed. Please see documentation.", DeliveryDelayed),
        ("Invalid message type provided", DeliveryRefused),
    ],
)
async def test_what_it_says_decides_whether_it_is_tried_again(far, sink, fails, error):
    """All of it with HTTP 200."""
    far.mail_fails = fails

    with pytest.raises(error, match=fails.split(".", maxsplit=1)[0]):
        await sink.send(NOTICE, KEY)


async def test_a_role_that_may_not_look_sends_nothing(far, sink):
    """Without looking, nobody knows whether it was sent; the operator mends it."""
    far.allowed = {"SendEmail"}

    with pytest.raises(DeliveryDelayed, match="getemails"):
        await sink.send(NOTICE, KEY)
    assert far.emails == []


async def test_a_customer_without_a_number_is_for_a_person(far, sink):
    """Cedar is no client there."""
    cedar = Notice(
        key="n", kind="credit", locale="en", recipients=(), customer="cedar",
        subject="s", text="t", html="",
    )  # fmt: skip

    with pytest.raises(DeliveryRefused, match="customer 'cedar' has no 'whmcs' under billing"):
        await sink.send(cedar, KEY)
    assert far.emails == []


async def test_hostile_names_are_text_there_too(far, sink):
    """Neither HTML nor Smarty, nor a second line of the header."""
    for kind in KINDS.values():
        (sample,) = [one for one in kind.samples() if one.name == "hostile names"]
        notice = sample.write(JinjaRenderer("X"), "en")
        await sink.send(
            Notice(
                key=notice.key, kind=notice.kind, locale="en", recipients=(), customer="acme",
                subject=notice.subject, text=notice.text, html=notice.html,
            ),
            notice.key,
        )  # fmt: skip

    assert len(far.emails) == len(KINDS)
    for mail in far.emails:
        assert not {"{", "}", "\n", "\r"} & set(mail["subject"])
        assert "<script" not in mail["message"]
        assert '<script>alert("x")</script>' in html.unescape(mail["message"])

"""Sinks: files on a real disk, mail to a real SMTP server."""

from __future__ import annotations

import email
import json
import socket
from dataclasses import replace
from email.policy import default
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from sla_exporter.core.ledger import grant
from sla_exporter.errors import DeliveryDelayed, DeliveryRefused
from sla_exporter.ports.delivery import Credit
from sla_exporter.ports.settling import Notice
from sla_exporter.sinks.email import EmailSink
from sla_exporter.sinks.file import FileSink, file_name
from sla_exporter.sinks.message import compose, message_id
from tests.cast import outage, settled
from tests.conftest import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK = FixedClock(1_793_000_000_000)
ENTRY = grant(settled(outage(3, 10, 95)), 1_793_000_000_000)
NOTICE = Notice(
    key="credit/acme-web/2026-10",
    kind="credit",
    locale="pt_BR",
    recipients=("ops@acme.example", "boss@acme.example"),
    subject="Crédito de R$\xa049,99 🚀",
    text="Olá, Acme,\n.\numa linha só com um ponto\n",
    html='<p>Olá</p><img src="cid:timeline">',
    pictures={"timeline": b"\x89PNG\r\n\x1a\npicture"},
)


KEY = "email/n"
CREDIT = Credit(entry=ENTRY, account="acme")


def read(content: bytes):
    return email.message_from_bytes(content, policy=default)


def lines(part) -> list[str]:
    """Give the lines of a text, whatever ends them."""
    return (part.text if isinstance(part, Notice) else part.get_content()).splitlines()


def test_a_message_has_text_html_and_the_picture_inside():
    """As mail programs expect it, and the same Message-ID on every try."""
    message = compose(
        NOTICE,
        key="email/n",
        sender="Billing <billing@x.example>",
        reply_to="help@x.example",
        at_ms=0,
    )
    found = read(message.as_bytes())

    assert found["Subject"] == NOTICE.subject
    assert found["To"] == "ops@acme.example, boss@acme.example"
    assert found["Reply-To"] == "help@x.example"
    assert found["Message-ID"] == message_id("email/n", "billing@x.example")
    assert found["Message-ID"].endswith("@x.example>")
    assert found["Auto-Submitted"] == "auto-generated"
    assert found.get_content_type() == "multipart/alternative"
    text, related = found.iter_parts()
    html, picture = related.iter_parts()
    assert lines(text) == lines(NOTICE)
    assert html.get_content().strip() == NOTICE.html
    assert (picture["Content-ID"], picture.get_content()) == (
        "<timeline>",
        NOTICE.pictures["timeline"],
    )


def test_a_header_cannot_be_smuggled_in():
    """A line break in a header is an error, not a header of its own."""
    evil = replace(NOTICE, subject="Hello\r\nBcc: all@example.com")

    with pytest.raises(ValueError, match="linefeed"):
        compose(evil, key="k", sender="a@b.example", reply_to=None, at_ms=0)


async def test_files_are_written_whole_and_once(tmp_path):
    """A second delivery of the same key is the same file."""
    sink = FileSink(folder=tmp_path, clock=CLOCK)

    references = [await sink.send(NOTICE, KEY) for _ in range(2)]
    references += [await sink.issue(CREDIT) for _ in range(2)]

    files = sorted(str(path) for path in tmp_path.rglob("*") if path.is_file())
    assert files == sorted(set(references))
    assert read(sink.notice_path(NOTICE.key).read_bytes())["Subject"] == NOTICE.subject
    assert json.loads(sink.credit_path(ENTRY.key).read_text()) == {
        "reference": ENTRY.reference,
        "kind": "grant",
        "customer": "acme",
        "account": "acme",
        "contract": "acme-web",
        "policy": "gold",
        "form": "account credit",
        "amount": "49.99",
        "currency": "BRL",
        "settlement": "acme-web/2026-10",
        "posted_at": "2026-10-26T07:33:20Z",
    }


async def test_a_folder_that_cannot_be_written_is_a_delay(tmp_path):
    """The disk may be mended."""
    (tmp_path / "blocked").write_text("a file, not a folder")

    with pytest.raises(DeliveryDelayed, match="cannot be written"):
        await FileSink(folder=tmp_path / "blocked", clock=CLOCK).issue(CREDIT)


@pytest.mark.parametrize(
    ("key", "other"),
    [("a/b", "a~b"), ("a/b", "a%2Fb"), ("a~b", "a%7Eb"), ("../x", ".._x"), ("ä", "a")],
)
def test_different_keys_have_different_files(key, other):
    """And no key leaves the folder."""
    assert file_name(key) != file_name(other)
    assert "/" not in file_name(key)


class Mailbox:
    """What the SMTP server does with a message; its answers can be set."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.rcpt_answer = "250 OK"
        self.data_answer = "250 OK"
        self.mail_answer = "250 OK"
        self.refused: set[str] = set()

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        envelope.mail_from = address
        return self.mail_answer

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.refused:
            return "550 no such user"
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data_answer.startswith("250"):
            self.received.append(envelope.original_content)
        return self.data_answer


def _login(server, session, envelope, mechanism, data) -> AuthResult:
    right = isinstance(data, LoginPassword) and data.password == b"right"
    return AuthResult(success=right, handled=False)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, EmailSink]]:
    """A real SMTP server on a free port, and a sink that sends to it."""
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(
        box, hostname="127.0.0.1", port=port, authenticator=_login, auth_require_tls=False
    )
    server.start()
    sink = EmailSink(
        clock=CLOCK, host="127.0.0.1", port=port, security="none", sender="B <b@x.example>"
    )
    yield box, sink
    server.stop()


async def test_mail_is_sent(mailbox):
    """It arrives byte for byte, lines with a single dot included."""
    box, sink = mailbox

    reference = await sink.send(NOTICE, KEY)

    (message,) = map(read, box.received)
    assert reference == message["Message-ID"] == message_id("email/n", "b@x.example")
    assert lines(message.get_body(("plain",))) == lines(NOTICE)


async def test_login(mailbox):
    """With the right password it is sent; a wrong one is the operator's to mend, not final."""
    box, sink = mailbox

    await replace(sink, username="sla", password="right").send(NOTICE, KEY)
    with pytest.raises(DeliveryDelayed, match="refuses us"):
        await replace(sink, username="sla", password="wrong").send(NOTICE, KEY)

    assert len(box.received) == 1


@pytest.mark.parametrize("stage", ["rcpt_answer", "data_answer"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("450 mailbox busy", DeliveryDelayed),
        ("550 no such user", DeliveryRefused),
        ("552 mailbox full", DeliveryRefused),
    ],
)
async def test_soft_and_hard_failures_are_told_apart(mailbox, stage, answer, error):
    """4xx comes again, 5xx does not; the server's own words are kept."""
    box, sink = mailbox
    setattr(box, stage, answer)

    with pytest.raises(error, match=answer.split(" ", 1)[1]):
        await sink.send(NOTICE, KEY)

    assert box.received == []


async def test_a_refused_sender_is_the_operators_to_mend(mailbox):
    """Whatever the code says: giving up every notice would mend nothing."""
    box, sink = mailbox
    box.mail_answer = "550 sender not allowed"

    with pytest.raises(DeliveryDelayed, match="sender not allowed"):
        await sink.send(NOTICE, KEY)


async def test_who_of_several_did_not_get_it_is_said(mailbox):
    """The others did, so it is not sent again."""
    box, sink = mailbox
    box.refused = {"boss@acme.example"}

    reference = await sink.send(NOTICE, KEY)

    assert reference == f"{message_id(KEY, 'b@x.example')}, not to boss@acme.example"
    assert len(box.received) == 1


async def test_a_server_that_hangs_up_is_a_delay(mailbox):
    """421 closes the connection in the middle of a message."""
    box, sink = mailbox
    box.rcpt_answer = "421 shutting down"

    with pytest.raises(DeliveryDelayed):
        await sink.send(NOTICE, KEY)


async def test_a_server_that_is_away_is_a_delay():
    """Nobody listens there."""
    sink = EmailSink(clock=CLOCK, host="127.0.0.1", port=1, security="none", sender="b@x.example")

    with pytest.raises(DeliveryDelayed, match=r"127\.0\.0\.1:1"):
        await sink.send(NOTICE, KEY)


async def test_what_cannot_be_mailed_is_refused(mailbox):
    """A customer without an address."""
    _, sink = mailbox

    with pytest.raises(DeliveryRefused, match="no e-mail address"):
        await sink.send(replace(NOTICE, recipients=()), KEY)


def test_a_password_is_in_no_text():
    """Neither in logs nor in tracebacks."""
    sink = EmailSink(
        clock=CLOCK, host="h", port=1, security="tls", sender="b@x.example", password="hunter2"
    )

    assert "hunter2" not in repr(sink)

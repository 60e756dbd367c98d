"""The outbox: claimed once, delivered or tried again, never lost."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select

from sla_exporter.core.ledger import grant
from sla_exporter.core.settled import Settled
from sla_exporter.ports.notices import Pace
from sla_exporter.ports.settling import Notice, Order, Posting
from sla_exporter.store import tables as t
from sla_exporter.store.outbox import DatabaseOutbox
from sla_exporter.store.settlements import Settlements
from tests.cast import outage, settled
from tests.conftest import EVERY_SERVER, SQLITE

STORES = (SQLITE, *EVERY_SERVER)
NOW, LEASE = 1_793_000_000_000, 60_000

NOTICE = Notice(
    key="credit/acme-web/2026-10",
    kind="credit",
    locale="pt_BR",
    recipients=("ops@acme.example", "boss@acme.example"),
    subject="Crédito",
    text="olá",
    html="<p>olá</p>",
    pictures={"timeline": b"\x89PNG\x00"},
)
ENTRY = grant(settled(outage(3, 10, 95)), NOW)


@pytest.fixture
async def outbox(database):
    orders = (
        Order(key="email/n", sink="email", kind="notice", about=NOTICE.key),
        Order(key="file/c", sink="file", kind="credit", about=ENTRY.key),
    )
    posting = Posting(
        settled=Settled.of(settled(outage(3, 10, 95))),
        entries=(ENTRY,),
        notice=NOTICE,
        orders=orders,
    )
    await Settlements(database).post([posting], NOW)
    return DatabaseOutbox(database)


async def row(database, key: str):
    async with database.read() as connection:
        query = select(t.outbox).where(t.outbox.c.key == key)
        return (await connection.execute(query)).one()


async def test_an_order_comes_with_what_it_is_about(outbox):
    """The notice byte for byte, the ledger entry exactly."""
    credit, notice = sorted(await outbox.claim("me", NOW, LEASE, 10), key=lambda c: c.order.kind)

    assert (credit.entry, credit.notice) == (ENTRY, None)
    assert (notice.entry, notice.notice) == (None, NOTICE)


async def test_what_is_claimed_is_not_claimed_again_until_the_lease_ends(outbox):
    """A process that died gives its orders back when its lease runs out."""
    first = await outbox.claim("one", NOW, LEASE, 10)
    during = await outbox.claim("two", NOW + LEASE - 1, LEASE, 10)
    after = await outbox.claim("two", NOW + LEASE, LEASE, 10)

    assert [len(first), len(during), len(after)] == [2, 0, 2]


async def test_many_deliverers_never_share_an_order(outbox, database):
    """Twenty at once, two hundred orders: each is claimed by exactly one."""
    rows = [
        {
            "key": f"many/{i}", "sink": "file", "kind": "credit", "about": ENTRY.key,
            "state": "pending", "due_at_ms": NOW, "attempts": 0, "lease_until_ms": 0,
            "created_at_ms": NOW,
        }
        for i in range(200)
    ]  # fmt: skip
    async with database.write() as connection:
        await connection.execute(insert(t.outbox), rows)

    async def take_all(owner: str) -> list[str]:
        keys = []
        while claimed := await outbox.claim(owner, NOW, LEASE, 7):
            keys.extend(one.order.key for one in claimed)
        return keys

    taken = await asyncio.gather(*(take_all(f"worker-{i}") for i in range(20)))
    keys = [key for part in taken for key in part]

    assert len(keys) == len(set(keys)) == 202


async def test_a_delivered_order_is_done(outbox, database):
    """It keeps the sink's reference and is never claimed again."""
    await outbox.claim("me", NOW, LEASE, 10)
    await outbox.delivered("email/n", "me", "<id@host>", NOW + 5)
    await outbox.delivered("file/c", "me", "/path", NOW + 5)

    delivered = await row(database, "email/n")
    assert (
        delivered.state,
        delivered.reference,
        delivered.delivered_at_ms,
        delivered.attempts,
    ) == (
        "delivered",
        "<id@host>",
        NOW + 5,
        1,
    )
    assert await outbox.claim("me", NOW + 10 * LEASE, LEASE, 10) == []


async def test_a_failed_order_comes_back_when_it_is_due(outbox):
    """With one attempt more on its count."""
    await outbox.claim("me", NOW, LEASE, 10)
    await outbox.failed("email/n", "me", "450 try later", NOW + 1_000)
    await outbox.delivered("file/c", "me", "/path", NOW)

    early = await outbox.claim("me", NOW + 999, LEASE, 10)
    due = await outbox.claim("me", NOW + 1_000, LEASE, 10)

    assert early == []
    assert [(one.order.key, one.attempts) for one in due] == [("email/n", 1)]


async def test_a_parked_order_waits_for_a_person(outbox, database):
    """It keeps the reason and is not tried again by itself."""
    await outbox.claim("me", NOW, LEASE, 10)
    await outbox.failed("email/n", "me", "550 no such user", None)

    parked = await row(database, "email/n")
    assert (parked.state, parked.error) == ("parked", "550 no such user")
    assert "email/n" not in {
        one.order.key for one in await outbox.claim("me", NOW + 10 * LEASE, LEASE, 10)
    }


async def test_a_late_verdict_of_a_process_that_lost_its_lease_is_ignored(outbox, database):
    """The order belongs to somebody else by then."""
    await outbox.claim("slow", NOW, LEASE, 10)
    await outbox.claim("fast", NOW + LEASE, LEASE, 10)
    await outbox.failed("email/n", "slow", "gave up", None)

    assert (await row(database, "email/n")).state == "pending"


async def test_what_is_being_sent_is_noted_before_it_is_sent(outbox, database):
    """The account, the moment, and a lease that begins anew."""
    await outbox.claim("me", NOW, LEASE, 10)

    assert await outbox.sending("file/c", "me", "42", NOW + 10, LEASE)

    assert await outbox.claim("you", NOW + LEASE, LEASE, 10, {"email": Pace(per_hour=0)}) == []
    (claimed,) = await outbox.claim("you", NOW + LEASE + 10, LEASE, 10, {"email": Pace(per_hour=0)})
    assert (claimed.sent_at_ms, claimed.account) == (NOW + 10, "42")


@pytest.mark.parametrize(("owner", "later"), [("another", 0), ("me", LEASE)])
async def test_who_lost_the_lease_may_not_send(outbox, database, owner, later):
    """Whether another has the order by now, or may have it any moment."""
    await outbox.claim("me", NOW, LEASE, 10)

    assert not await outbox.sending("file/c", owner, "42", NOW + later, LEASE)

    assert (await row(database, "file/c")).sent_at_ms is None


async def test_what_may_have_been_entered_stays_noted_until_it_is_certain(outbox, database):
    """An unknown outcome keeps the account; a clear no forgets it; waiting is no try."""
    await outbox.claim("me", NOW, LEASE, 10)
    await outbox.sending("file/c", "me", "42", NOW, LEASE)
    await outbox.failed("file/c", "me", "no answer", NOW)
    unknown = await row(database, "file/c")
    await outbox.claim("me", NOW, LEASE, 10)
    await outbox.failed("file/c", "me", "said no", None, not_entered=True, counts=False)
    refused = await row(database, "file/c")

    assert (unknown.sent_at_ms, unknown.account, unknown.attempts) == (NOW, "42", 1)
    assert (refused.sent_at_ms, refused.account, refused.attempts) == (None, None, 1)


async def test_a_paced_sink_gets_so_many_within_any_hour(outbox, database):
    """Those under way count; others are not held up."""
    orders = [
        {
            "key": f"email/{i:02}", "sink": "email", "kind": "notice", "about": NOTICE.key,
            "state": "pending", "due_at_ms": NOW, "attempts": 0, "lease_until_ms": 0,
            "created_at_ms": NOW,
        }
        for i in range(10)
    ]  # fmt: skip
    async with database.write() as connection:
        await connection.execute(insert(t.outbox), orders)
    hour, pace = 3_600_000, {"email": Pace(per_hour=4)}

    first = await outbox.claim("me", NOW, LEASE, 3, pace)
    second = await outbox.claim("me", NOW, LEASE, 3, pace)
    for one in (*first, *second):
        await outbox.delivered(one.order.key, "me", "ref", NOW + 5)

    assert [one.order.sink for one in first].count("email") == 3
    assert [one.order.sink for one in second] == ["email"]
    assert await outbox.claim("me", NOW + hour, LEASE, 10, pace) == []
    assert len(await outbox.claim("me", NOW + hour + 5, LEASE, 10, pace)) == 4

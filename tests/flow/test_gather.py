"""Digests: what one reader is told together comes as one mail, and nothing twice or never."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from sla_exporter.flow.gather import Gatherer
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports.notices import Gathered
from sla_exporter.ports.settling import Order, Routes
from sla_exporter.store import tables as t
from sla_exporter.store.digests import Digests
from sla_exporter.store.erasure import erase_customer
from sla_exporter.store.outbox import DatabaseOutbox
from tests.cast import ACME, BIRCH, CEDAR, MINUTE, NOVEMBER_3, catalogue, contract, outage
from tests.office import Office

WAIT = 15 * MINUTE
LATER = NOVEMBER_3 + WAIT
KINDS = {"credit", "statement", "correction"}
CEDARS = replace(CEDAR, id="acme-of-cedar")  # sorts between Acme's contracts
BOOK = catalogue(
    *(contract(ACME, "499.90", id=f"acme-{number}") for number in range(5)),
    contract(BIRCH),
    contract(CEDARS, id="acme-2b"),
)


@pytest.fixture
def office(database) -> Office:
    office = Office(database)
    office.reconciler = replace(
        office.reconciler,
        routes=Routes(
            notices="email", credits="file", statements=True, gather_ms=WAIT,
            several=frozenset({"acme"}),
        ),
    )  # fmt: skip
    return office


@pytest.fixture
async def settled(office):
    down = {"acme": [outage(3, 10, 95)], "birch": [], CEDARS.id: []}
    await office.measured(down, until_ms=NOVEMBER_3)
    await office.settle(BOOK, NOVEMBER_3)


@pytest.fixture
def gatherer(database) -> Gatherer:
    return Gatherer(
        store=Digests(database),
        renderer=JinjaRenderer("Example Hosting"),
        kinds=KINDS,
        gather_ms=WAIT,
    )


async def orders(database) -> dict[str, tuple[str, str | None]]:
    query = select(t.outbox).where(t.outbox.c.kind == "notice").order_by(t.outbox.c.key)
    async with database.read() as connection:
        return {row.key: (row.state, row.reference) for row in await connection.execute(query)}


async def sent(database, now_ms: int) -> list[str]:
    claimed = await DatabaseOutbox(database).claim("me", now_ms, 1, 100)
    return sorted(one.notice.key for one in claimed if one.notice)


@pytest.mark.usefixtures("settled")
async def test_five_contracts_are_one_mail(database, gatherer):
    """Customers with one contract are told at once; Cedar is in nobody's digest."""
    at_once = await sent(database, NOVEMBER_3)
    before = await gatherer.gather_due(LATER - 1)
    made = await gatherer.gather_due(LATER)
    (digest,) = [key for key in await sent(database, LATER) if key not in at_once]
    (notice,) = await Digests(database).notices([digest])

    assert at_once == ["statement/acme-2b/2026-10", "statement/birch-web/2026-10"]
    assert (before, made) == (0, 1)
    assert notice.recipients == ("ops@acme.example",)
    assert notice.subject == "R$249.95 credited to you: a summary for 5 contracts"
    assert len(notice.pictures) == 5
    assert all(notice.html.count(f"cid:{name}") == 1 for name in notice.pictures)
    assert "Cedar" not in notice.text + notice.html


@pytest.mark.usefixtures("settled")
async def test_a_digest_says_all_that_the_notices_say(database, gatherer):
    """Every sentence of every calculation, every reference."""
    keys = [key.removeprefix("email/") for key in await orders(database) if "acme-2b" not in key]
    singles = await Digests(database).notices([key for key in keys if "acme" in key])
    await gatherer.gather_due(LATER)
    (key,) = [key for key in await orders(database) if "digest" in key]
    (digest,) = await Digests(database).notices([key.removeprefix("email/")])

    lines = {line for one in singles for line in one.text.splitlines()}
    assert len(singles) == 5
    assert lines <= set(digest.text.splitlines())


@pytest.mark.usefixtures("settled")
async def test_gathered_orders_name_their_digest_and_are_never_sent(database, gatherer):
    """However late it gets; and gathering again finds nothing."""
    await gatherer.gather_due(LATER)
    again = await gatherer.gather_due(LATER + WAIT)
    states = await orders(database)

    digest = next(key for key in states if "digest" in key).removeprefix("email/")
    gathered = [key for key, state in states.items() if state == ("gathered", digest)]
    assert again == 0
    assert len(gathered) == 5
    assert [key for key in await sent(database, LATER * 2) if "credit" in key] == []


@pytest.mark.usefixtures("settled")
async def test_what_nobody_gathers_goes_by_itself(database, gatherer):
    """After twice the time, as single mails; then it is too late for a digest."""
    too_late = NOVEMBER_3 + 2 * WAIT
    await sent(database, NOVEMBER_3)

    just_before = await sent(database, too_late - 1)
    assert just_before == ["statement/acme-2b/2026-10", "statement/birch-web/2026-10"]
    assert await gatherer.gather_due(too_late) == 0
    assert len([key for key in await sent(database, too_late) if key.startswith("credit")]) == 5


@pytest.mark.usefixtures("settled")
async def test_a_digest_is_not_made_of_what_was_taken_meanwhile(database, gatherer):
    """An order that somebody sends, or that was erased, takes the whole digest back."""
    (group,) = [
        one for one in await gatherer.store.waiting(KINDS, LATER, LATER) if len(one.orders) > 1
    ]
    digest = gatherer.renderer.render_digest(await gatherer.store.notices(group.notices))
    order = Order(key="email/d", sink="email", kind="notice", about=digest.key)
    await erase_customer(database, "acme")

    made_before = Gathered(digest=digest, order=order, orders=group.orders)
    assert await gatherer.store.gather([made_before], LATER) == 0
    assert await gatherer._gather([group], LATER) == 0  # noqa: SLF001 - found before, read after
    assert {state for state, _ in (await orders(database)).values()} == {"pending", "parked"}


@pytest.mark.usefixtures("settled")
async def test_the_same_notices_make_the_same_digest(gatherer):
    """So what died and is done again is the same mail."""
    keys = [f"credit/acme-{number}/2026-10" for number in range(5)]
    notices = await gatherer.store.notices(keys)

    assert gatherer.renderer.render_digest(notices) == gatherer.renderer.render_digest(notices)


async def test_a_notice_that_waits_alone_is_sent_as_it_is(office, database, gatherer):
    """Of two contracts, one was told before."""
    await office.measured({"acme": [outage(3, 10, 95)]}, until_ms=NOVEMBER_3)
    await office.settle(catalogue(contract(ACME, "499.90")), NOVEMBER_3)

    before = await sent(database, LATER)
    made = await gatherer.gather_due(LATER)

    assert (before, made) == ([], 0)
    assert await sent(database, LATER) == ["credit/acme-web/2026-10"]


@pytest.mark.usefixtures("settled")
async def test_an_erased_digest_leaves_no_name(database, gatherer):
    """Neither in its words nor in what it was made of."""
    await gatherer.gather_due(LATER)
    await erase_customer(database, "acme")

    async with database.read() as connection:
        rows = await connection.execute(select(t.notice).where(t.notice.c.customer == "acme"))
        left = " ".join(str(tuple(row)) for row in rows)
    assert "Acme" not in left
    assert "ops@" not in left


async def test_what_is_held_makes_a_digest_that_is_held(office, database, gatherer):
    """So a person looks at what will really go."""
    routes = replace(office.reconciler.routes, hold=True)
    office.reconciler = replace(office.reconciler, routes=routes)
    await office.measured({"acme": [outage(3, 10, 95)]}, until_ms=NOVEMBER_3)
    await office.settle(BOOK, NOVEMBER_3)

    assert await gatherer.gather_due(LATER * 2) == 1
    assert {state for state, _ in (await orders(database)).values()} == {"held", "gathered"}
    assert await sent(database, LATER * 3) == []

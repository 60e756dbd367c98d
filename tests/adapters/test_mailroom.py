"""What people do with notices before they go, and how many go at once."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from sla_exporter.ports.notices import Pace
from sla_exporter.store import tables as t
from sla_exporter.store.erasure import erase_customer
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.mailroom import Mailroom
from sla_exporter.store.outbox import DatabaseOutbox
from tests.cast import HOUR, MINUTE

NOW, LEASE = 1_793_000_000_000, MINUTE
STAGED = {"email": Pace(first=3, wait_ms=30 * MINUTE)}


@pytest.fixture
def room(database) -> Mailroom:
    return Mailroom(database)


@pytest.fixture
def outbox(database) -> DatabaseOutbox:
    return DatabaseOutbox(database)


async def write(database, names: str, at_ms: int = NOW) -> None:
    """Order a notice for each name."""
    notices = [
        {
            "key": name, "customer": f"customer-{name}", "kind": "credit", "locale": "en",
            "recipients": "[]", "subject": name, "text": name, "html": name, "pictures": "{}",
            "rendered_at_ms": at_ms,
        }
        for name in names
    ]  # fmt: skip
    orders = [
        {
            "key": f"email/{name}", "sink": "email", "kind": "notice", "about": name,
            "state": "pending", "due_at_ms": at_ms, "attempts": 0, "lease_until_ms": 0,
            "created_at_ms": at_ms,
        }
        for name in names
    ]  # fmt: skip
    async with database.write() as connection:
        await connection.execute(insert(t.notice), notices)
        await connection.execute(insert(t.outbox), orders)


async def send(outbox, now_ms: int, paces=None) -> str:
    """Deliver what may go, and give the names of it."""
    claimed = await outbox.claim("me", now_ms, LEASE, 100, paces)
    for one in claimed:
        await outbox.delivered(one.order.key, "me", "sent", now_ms)
    return "".join(one.order.about for one in claimed)


async def test_what_is_held_waits_for_a_person(database, room, outbox):
    """By name, or all of it; each is said, and nothing is lost."""
    await write(database, "abcd")

    assert await room.hold(["a", "b"], NOW) == ["a", "b"]
    assert await send(outbox, NOW) == "cd"
    assert [one.key for one in await room.listed(["held"])] == ["a", "b"]
    assert (await DatabaseFigures(database).figures()).notices_held == 2
    assert await room.release(["a"]) == ["a"]
    assert await send(outbox, NOW) == "a"
    assert await room.release(None) == ["b"]
    assert await send(outbox, NOW) == "b"


async def test_what_is_being_sent_cannot_be_held_any_more(database, room, outbox):
    """Nor what was sent; nobody is told otherwise."""
    await write(database, "ab")
    await outbox.claim("me", NOW, LEASE, 1)

    assert await room.hold(None, NOW) == ["b"]
    assert await room.hold(["a"], NOW) == []


async def test_what_was_erased_is_never_released(database, room):
    """It is withdrawn for good."""
    await write(database, "a")
    await room.hold(["a"], NOW)
    await erase_customer(database, "customer-a")

    assert await room.release(None) == []


async def test_stopping_holds_for_everybody_until_it_is_taken_back(database, room, outbox):
    """Who stopped it first, and why, is remembered."""
    await write(database, "ab")
    await room.stop("Ana", "a wrong template", NOW)
    await room.stop("Bo", "me too", NOW + 1)

    assert await send(outbox, NOW + HOUR) == ""
    assert (await DatabaseFigures(database).figures()).notices_stopped
    stop = await room.stopped()
    assert stop is not None
    assert (stop.who, stop.why, stop.at_ms) == ("Ana", "a wrong template", NOW)
    assert await room.resume()
    assert not await room.resume()
    assert await send(outbox, NOW + HOUR) == "ab"


async def test_stopping_does_not_stop_credits(database, room, outbox):
    """They are owed, whoever is told."""
    order = {
        "key": "email/x", "sink": "email", "kind": "credit", "about": "x", "state": "pending",
        "due_at_ms": NOW, "attempts": 0, "lease_until_ms": 0, "created_at_ms": NOW,
    }  # fmt: skip
    async with database.write() as connection:
        await connection.execute(insert(t.outbox), [order])
    await room.stop("Ana", "a wrong template", NOW)

    for later, paces in enumerate((None, STAGED)):
        with pytest.raises(KeyError):  # there is no ledger entry "x", but it was claimed
            await outbox.claim("me", NOW + later * LEASE, LEASE, 10, paces)


async def test_of_a_big_batch_a_few_go_first(database, outbox, room):
    """Then there is time to stop it; then the others go, and the next batch begins anew."""
    await write(database, "abcdefg")

    first = await send(outbox, NOW, STAGED)
    meanwhile = [await send(outbox, NOW + n * MINUTE, STAGED) for n in range(1, 30)]
    staged = await room.staged()
    figures = await DatabaseFigures(database).figures()
    rest = await send(outbox, NOW + 30 * MINUTE, STAGED)

    assert (first, "".join(meanwhile), rest) == ("abc", "", "defg")
    assert staged == {"email": (NOW + 30 * MINUTE, 4)}
    assert (figures.notices_staged, await room.staged()) == ({"email": 4}, {})
    await write(database, "hijk", NOW + 2 * HOUR)
    assert await send(outbox, NOW + 2 * HOUR, STAGED) == "hij"


async def test_after_a_stop_a_few_go_first_again(database, outbox, room):
    """Whatever was mended meanwhile is to be looked at, too."""
    await write(database, "abcdefgh")
    first = await send(outbox, NOW, STAGED)
    await room.stop("Ana", "a wrong template", NOW)
    stopped = [await send(outbox, NOW + n * MINUTE, STAGED) for n in range(1, 60)]
    await room.resume()

    resumed = [await send(outbox, NOW + HOUR + n * MINUTE, STAGED) for n in (0, 1, 30)]

    assert (first, "".join(stopped), resumed) == ("abc", "", ["def", "", "gh"])


async def test_a_small_batch_goes_at_once(database, outbox):
    """Also if it comes in parts; what is ordered during the wait belongs to the batch."""
    await write(database, "ab")
    first = await send(outbox, NOW, STAGED)
    await write(database, "cd", NOW + MINUTE)

    assert (first, await send(outbox, NOW + MINUTE, STAGED)) == ("ab", "c")


async def test_both_caps_hold(database, outbox):
    """The first few count among those of the hour."""
    await write(database, "abcdefghij")
    paces = {"email": Pace(per_hour=5, first=3, wait_ms=30 * MINUTE)}

    sent = [await send(outbox, NOW + n * 30 * MINUTE, paces) for n in range(4)]

    assert sent == ["abc", "de", "fgh", "ij"]

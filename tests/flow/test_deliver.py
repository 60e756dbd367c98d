"""Delivering: look before issuing, record every verdict, and let no failure stop the others."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace

import pytest

from sla_exporter.core.ledger import grant
from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import (
    DeliveryDelayed,
    DeliveryRefused,
    DeliveryWaits,
    OutcomeUnknown,
    StoreUnavailable,
)
from sla_exporter.flow import deliver
from sla_exporter.flow.deliver import Deliverer, retry_after_ms
from sla_exporter.ports.delivery import Claimed, Sinks
from sla_exporter.ports.settling import Notice, Order
from tests.cast import outage, settled
from tests.conftest import FixedClock

NOW = 1_000_000
ENTRY = grant(settled(outage(3, 10, 95)), NOW)


class ListedOutbox:
    """An outbox in memory that notes what it is told."""

    def __init__(self, *orders: Claimed) -> None:
        self.waiting = deque(orders)
        self.told: list[tuple] = []
        self.taken_by_others: set[str] = set()

    async def claim(self, owner, now_ms, lease_ms, most, paces=None):
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]

    async def sending(self, key, owner, account, now_ms, lease_ms):
        self.told.append((key, "sending", account))
        return key not in self.taken_by_others

    async def delivered(self, key, owner, reference, now_ms, account=None):
        self.told.append((key, "delivered", reference))

    async def failed(self, key, owner, error, retry_at_ms, *, not_entered=False, counts=True):
        self.told.append((key, error, retry_at_ms, not_entered, counts))


@dataclass
class Billing:
    """A billing system that does as it is told: answers and failures by the order's key."""

    name: str = "file"
    forms: frozenset[Form] = frozenset(Form)
    at_once: int = 20
    settles_ms: int = 60_000
    finds: dict = field(default_factory=dict)
    issues: dict = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    at_work: int = 0
    most_at_work: int = 0

    async def find(self, credit):
        return await self._answer("find", credit, self.finds.get(credit.entry.key))

    async def issue(self, credit):
        return await self._answer("issue", credit, self.issues[credit.entry.key])

    async def _answer(self, verb, credit, answer):
        self.asked.append((verb, credit.entry.key, credit.account))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await asyncio.sleep(60 if answer is Ellipsis else 0)
        self.at_work -= 1
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Post:
    """Takes notices, or fails as it is told."""

    def __init__(self, answer) -> None:
        self.answer = answer

    async def send(self, notice, key):
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def order(key: str, attempts: int = 0, sink: str = "file", **changes) -> Claimed:
    about = Order(key=key, sink=sink, kind="credit", about=key)
    return Claimed(order=about, attempts=attempts, entry=replace(ENTRY, key=key), **changes)


async def run(outbox, billing, notices=None, account_of=lambda sink, entry: "42"):
    counted: list[tuple[str, str]] = []
    deliverer = Deliverer(
        outbox=outbox,
        sinks=Sinks(billing={"file": billing}, notices=notices or {}),
        clock=FixedClock(NOW),
        owner="me",
        count=lambda sink, verdict: counted.append((sink, verdict.value)),
        account_of=account_of,
        jitter=lambda: 0.0,
    )
    tried = await deliverer.deliver_due()
    return tried, counted


async def test_a_credit_is_looked_for_then_announced_then_issued():
    """In this order, so that whatever dies, the next one knows where to look."""
    outbox, billing = ListedOutbox(order("o")), Billing(issues={"o": "credit 7"})

    _, counted = await run(outbox, billing)

    assert billing.asked == [("find", "o", "42"), ("issue", "o", "42")]
    assert outbox.told == [("o", "sending", "42"), ("o", "delivered", "credit 7")]
    assert counted == [("file", "delivered")]


async def test_a_credit_that_stands_there_is_not_issued():
    """Entered by a process that died, or before the database was restored from a backup."""
    outbox, billing = ListedOutbox(order("o")), Billing(finds={"o": "credit 7"})

    await run(outbox, billing)

    assert [verb for verb, *_ in billing.asked] == ["find"]
    assert outbox.told == [("o", "delivered", "credit 7")]


async def test_nothing_is_issued_while_an_earlier_request_may_be_at_work():
    """It is looked for once more when that is over; waiting is no try."""
    outbox, billing = ListedOutbox(order("o", sent_at_ms=NOW - 1_000, account="41")), Billing()

    await run(outbox, billing)

    assert billing.asked == [("find", "o", "41")]
    ((_, sentence, retry_at_ms, not_entered, counts),) = outbox.told
    assert "may still be at work" in sentence
    assert (retry_at_ms, not_entered, counts) == (NOW + 59_000, False, False)


async def test_after_that_it_is_issued_to_where_it_was_sent_first():
    """Whatever the configuration says by now: the first request may have been entered there."""
    claimed = order("o", sent_at_ms=NOW - 60_000, account="41")
    outbox, billing = ListedOutbox(claimed), Billing(issues={"o": "credit 7"})

    await run(outbox, billing)

    assert billing.asked == [("find", "o", "41"), ("issue", "o", "41")]


async def test_an_order_that_another_took_is_left_to_it():
    """Nothing is sent, and no verdict is recorded."""
    outbox, billing = ListedOutbox(order("o")), Billing(issues={"o": "credit 7"})
    outbox.taken_by_others = {"o"}

    _, counted = await run(outbox, billing)

    assert [verb for verb, *_ in billing.asked] == ["find"]
    assert outbox.told == [("o", "sending", "42")]
    assert counted == []


@pytest.mark.parametrize(
    ("answer", "attempts", "retry_at", "not_entered", "verdict"),
    [
        (DeliveryDelayed("busy"), 0, NOW + 30_000, True, "delayed"),
        (DeliveryDelayed("busy"), 3, NOW + 240_000, True, "delayed"),
        (DeliveryDelayed("busy", 7_000), 3, NOW + 240_000, True, "delayed"),
        (DeliveryDelayed("busy", 900_000), 3, NOW + 900_000, True, "delayed"),
        (DeliveryDelayed("busy"), 19, None, True, "delayed"),  # the twentieth try was the last
        (DeliveryWaits("no invoice", 9_000), 19, NOW + 9_000, True, "delayed"),
        (DeliveryRefused("no such customer"), 0, None, True, "refused"),
        (OutcomeUnknown("no answer"), 0, NOW + 30_000, False, "unknown"),
        (OutcomeUnknown("no answer"), 19, None, False, "unknown"),
        (RuntimeError("a bug"), 0, NOW + 30_000, False, "delayed"),
    ],
)
async def test_failures(answer, attempts, retry_at, not_entered, verdict):
    """Delayed comes back, refused is parked, unknown stays unknown; a bug of a sink is no loss."""
    outbox = ListedOutbox(order("bad", attempts), order("good"))

    _, counted = await run(outbox, Billing(issues={"bad": answer, "good": "ref"}))

    told = {key: rest for key, *rest in outbox.told if rest[0] != "sending"}
    assert told["bad"][1:3] == [retry_at, not_entered]
    assert str(answer) in told["bad"][0]
    assert told["good"] == ["delivered", "ref"]
    assert sorted(counted) == sorted([("file", verdict), ("file", "delivered")])


async def test_a_failure_of_looking_says_nothing_about_what_was_sent_before():
    """An earlier request may have been entered, and still may."""
    claimed = order("o", sent_at_ms=1, account="41")
    outbox = ListedOutbox(claimed)

    await run(outbox, Billing(finds={"o": DeliveryRefused("another amount stands there")}))

    assert outbox.told == [("o", "another amount stands there", None, False, True)]


async def test_a_billing_system_that_hangs_is_given_up_before_the_lease_ends(monkeypatch):
    """Nobody else may have the order while we still wait; what came of it is unknown."""
    monkeypatch.setattr(deliver, "LEASE_MS", 20)
    outbox = ListedOutbox(order("slow"))

    _, counted = await run(outbox, Billing(issues={"slow": ...}))

    assert "may have been entered" in outbox.told[-1][1]
    assert counted == [("file", "unknown")]


async def test_no_more_at_once_than_a_billing_system_takes():
    """A serial one gets one request after the other."""
    orders = [order(f"o{number}") for number in range(8)]
    billing = Billing(at_once=1, issues={f"o{number}": "ref" for number in range(8)})

    tried, _ = await run(ListedOutbox(*orders), billing)

    assert tried == 8
    assert billing.most_at_work == 1


async def test_all_that_is_due_goes_out():
    """In as many rounds as it takes."""
    outbox = ListedOutbox(*(order(f"o{i}") for i in range(45)))

    tried, counted = await run(outbox, Billing(issues={f"o{i}": f"ref-{i}" for i in range(45)}))

    delivered = [told for told in outbox.told if told[1] == "delivered"]
    assert tried == 45
    assert sorted(delivered) == sorted((f"o{i}", "delivered", f"ref-{i}") for i in range(45))
    assert counted == [("file", "delivered")] * 45


@pytest.mark.parametrize(
    ("claimed", "account", "sentence"),
    [
        (order("o", sink="carrier-pigeon"), "42", "there is no sink 'carrier-pigeon'"),
        (order("o"), None, "customer 'acme' has no 'file' under billing"),
        (replace(order("o"), entry=None), "42", "about nothing that could be delivered"),
    ],
)
async def test_an_order_that_has_nowhere_to_go_is_parked(claimed, account, sentence):
    """A person must say where it goes."""
    outbox = ListedOutbox(claimed)

    await run(outbox, Billing(), account_of=lambda sink, entry: account)

    ((_, said, retry_at_ms, *_),) = outbox.told
    assert sentence in said
    assert retry_at_ms is None


async def test_a_form_that_the_sink_cannot_give_is_parked():
    """The configuration is checked for it; this is for what was ordered before it changed."""
    outbox = ListedOutbox(order("o"))

    await run(outbox, Billing(forms=frozenset({Form.REFUND})))

    assert outbox.told[0][1] == "file cannot give the form 'account credit'"


@pytest.mark.parametrize("answer", ["<id@host>", DeliveryDelayed("busy")])
async def test_notices_go_to_their_sinks(answer):
    """And are recorded alike."""
    notice = Notice(
        key="n", kind="credit", locale="en", recipients=(), subject="", text="", html=""
    )
    about = Order(key="email/n", sink="email", kind="notice", about="n")
    outbox = ListedOutbox(Claimed(order=about, attempts=0, notice=notice))

    await run(outbox, Billing(), notices={"email": Post(answer)})

    assert outbox.told[0][:2] == (
        ("email/n", "delivered") if isinstance(answer, str) else ("email/n", "busy")
    )


async def test_a_database_that_is_away_stops_delivering_and_says_so():
    """After what is under way has ended; the leases run out by themselves."""
    outbox, billing = ListedOutbox(order("a"), order("b")), Billing(issues={"a": "x", "b": "y"})

    async def away(key, owner, account, now_ms, lease_ms):
        if key == "a":
            raise StoreUnavailable("the disk is full")
        return True

    outbox.sending = away

    with pytest.raises(StoreUnavailable, match="disk is full"):
        await run(outbox, billing)

    assert outbox.told == [("b", "delivered", "y")]


def test_waits_grow_to_six_hours_and_vary():
    """Twenty tries take about three days, and not all at the same second."""
    waits = [retry_after_ms(attempts, 0.0) for attempts in range(20)]

    assert waits == sorted(waits)
    assert waits[-1] == 6 * 3_600_000
    assert 2.5 < sum(waits) / 86_400_000 < 3.5
    assert retry_after_ms(0, 0.999) < 37_500

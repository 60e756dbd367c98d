"""Delivering: every verdict is recorded, and no failure stops the others."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from sla_exporter.errors import DeliveryDelayed, DeliveryRefused
from sla_exporter.flow import deliver
from sla_exporter.flow.deliver import Deliverer, retry_after_ms
from sla_exporter.ports import Claimed, Order
from tests.conftest import FixedClock

NOW = 1_000_000


class ListedOutbox:
    """An outbox in memory that notes what it is told."""

    def __init__(self, *orders: Claimed) -> None:
        self.waiting = deque(orders)
        self.told: list[tuple] = []

    async def claim(self, owner, now_ms, lease_ms, most):
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]

    async def delivered(self, key, owner, reference, now_ms):
        self.told.append((key, "delivered", reference))

    async def failed(self, key, owner, error, retry_at_ms):
        self.told.append((key, error, retry_at_ms))


class Answering:
    """A sink that does as it is told."""

    name = "file"

    def __init__(self, answers) -> None:
        self.answers = answers

    async def deliver(self, claimed):
        answer = self.answers[claimed.order.key]
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            await asyncio.sleep(60)
        return answer


def order(key: str, attempts: int = 0, sink: str = "file") -> Claimed:
    return Claimed(order=Order(key=key, sink=sink, kind="credit", about=key), attempts=attempts)


async def run(outbox, answers):
    counted: list[tuple[str, str]] = []
    deliverer = Deliverer(
        outbox=outbox,
        sinks={"file": Answering(answers)},
        clock=FixedClock(NOW),
        owner="me",
        count=lambda sink, verdict: counted.append((sink, verdict.value)),
        jitter=lambda: 0.0,
    )
    tried = await deliverer.deliver_due()
    return tried, counted


async def test_what_arrives_is_recorded_with_the_sinks_reference():
    """All that is due goes out, in as many rounds as it takes."""
    outbox = ListedOutbox(*(order(f"o{i}") for i in range(45)))

    tried, counted = await run(outbox, {f"o{i}": f"ref-{i}" for i in range(45)})

    assert tried == 45
    assert sorted(outbox.told) == sorted((f"o{i}", "delivered", f"ref-{i}") for i in range(45))
    assert counted == [("file", "delivered")] * 45


@pytest.mark.parametrize(
    ("answer", "attempts", "retry_at", "verdict"),
    [
        (DeliveryDelayed("busy"), 0, NOW + 30_000, "delayed"),
        (DeliveryDelayed("busy"), 3, NOW + 240_000, "delayed"),
        (DeliveryDelayed("busy"), 19, None, "delayed"),  # the twentieth try was the last
        (DeliveryRefused("no such customer"), 0, None, "refused"),
        (RuntimeError("a bug"), 0, NOW + 30_000, "delayed"),
    ],
)
async def test_failures(answer, attempts, retry_at, verdict):
    """Delayed comes back later, refused is parked, and a bug of a sink is no loss."""
    outbox = ListedOutbox(order("bad", attempts), order("good"))

    _, counted = await run(outbox, {"bad": answer, "good": "ref"})

    told = {key: rest for key, *rest in outbox.told}
    assert told["bad"][1] == retry_at
    assert str(answer) in told["bad"][0]
    assert told["good"] == ["delivered", "ref"]
    assert sorted(counted) == sorted([("file", verdict), ("file", "delivered")])


async def test_a_sink_that_hangs_is_given_up_before_the_lease_ends(monkeypatch):
    """Nobody else may have the order while we still wait."""
    monkeypatch.setattr(deliver, "LEASE_MS", 20)
    outbox = ListedOutbox(order("slow"))

    await run(outbox, {"slow": None})

    assert outbox.told == [("slow", "the sink did not answer in time", NOW + 30_000)]


async def test_an_order_for_a_sink_that_is_gone_is_parked():
    """The configuration no longer has it; a person must say where it goes."""
    outbox = ListedOutbox(order("o", sink="carrier-pigeon"))

    await run(outbox, {})

    assert outbox.told == [("o", "there is no sink 'carrier-pigeon' in the configuration", None)]


def test_waits_grow_to_six_hours_and_vary():
    """Twenty tries take about three days, and not all at the same second."""
    waits = [retry_after_ms(attempts, 0.0) for attempts in range(20)]

    assert waits == sorted(waits)
    assert waits[-1] == 6 * 3_600_000
    assert 2.5 < sum(waits) / 86_400_000 < 3.5
    assert retry_after_ms(0, 0.999) < 37_500

"""Read-back: what the ledger says was given is compared with what stands in billing systems."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.ledger import EntryKind, grant
from sla_exporter.core.money import Money
from sla_exporter.core.settled import Settled
from sla_exporter.errors import DeliveryDelayed, DeliveryRefused
from sla_exporter.flow.readback import Reader
from sla_exporter.metrics.figures import FigureCollector
from sla_exporter.ports import silent
from sla_exporter.ports.delivery import Entered, Issued
from sla_exporter.ports.settling import Order, Posting
from sla_exporter.store.billing import DatabaseBillingChecks
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.outbox import DatabaseOutbox
from sla_exporter.store.settlements import Settlements
from tests.cast import BIRCH, contract, outage, settled
from tests.conftest import FixedClock

NOW = 1_793_000_000_000
ACME = grant(settled(outage(3, 10, 95)), NOW)
DUNE = replace(ACME, key="grant/dune-web/2026-10", customer="dune")


class Books:
    """A billing system that is a list of credits by account."""

    name = "whmcs"
    at_once = 1

    def __init__(self, **accounts) -> None:
        self.accounts = accounts
        self.asked: list[str] = []

    async def entered(self, account, since_ms):
        self.asked.append(account)
        found = self.accounts.get(account, [])
        if isinstance(found, BaseException):
            raise found
        return found


def entered(entry, amount="49.99", name="credit 7") -> Entered:
    money = Money.of(amount, "BRL")
    return Entered(reference=entry.reference, name=name, amount=money.amount)


class Checks:
    """What was delivered, in memory; notes what is recorded."""

    def __init__(self, *issued, known=()) -> None:
        self.listed = [Issued(entry=entry, account=account) for entry, account in issued]
        self.references = {entry.reference for entry in (*known, *(e for e, _ in issued))}
        self.recorded: dict[str, list] = {}

    async def issued(self, sink):
        return self.listed

    async def known(self):
        return self.references

    async def checked_ms(self):
        return {"whmcs": NOW - 1_000} if self.recorded else {}

    async def forget_others(self, sinks):
        self.kept = set(sinks)

    async def record(self, sink, differences, now_ms):
        self.recorded[sink] = list(differences)


async def read(checks, books, *accounts):
    reader = Reader(
        checks=checks,
        sinks={"whmcs": books},
        accounts={"whmcs": set(accounts)},
        clock=FixedClock(NOW),
        progress=silent,
    )
    (found,) = await reader.check_all()
    return found


async def test_what_stands_there_once_with_its_amount_is_no_difference():
    """And a credit on its way, which the ledger knows, is none either."""
    books = Books(a42=[entered(ACME)], a43=[entered(DUNE)])

    found = await read(Checks((ACME, "a42"), known=[DUNE]), books, "a43")

    assert (found.accounts, found.credits, found.differences) == (2, 2, ())


@pytest.mark.parametrize(
    ("standing", "kind", "words"),
    [
        ([], "missing", "BRL 49.99 for acme-web/2026-10 was delivered, and is not there"),
        ([entered(ACME, "49.98")], "amount", "stands there as 49.98 (credit 7)"),
        ([entered(ACME), entered(ACME)], "doubled", "stands there 2 times"),
        ([entered(ACME), entered(DUNE)], "unknown", "the ledger does not know it"),
    ],
)
async def test_differences(standing, kind, words):
    """Each is recorded, with a sentence."""
    checks = Checks((ACME, "a42"))

    found = await read(checks, Books(a42=standing))

    (difference,) = found.differences
    assert (difference.kind, difference.account) == (kind, "a42")
    assert words in difference.sentence
    assert checks.recorded == {"whmcs": [difference]}


async def test_accounts_that_customers_no_longer_have_are_read_too():
    """What was given there may have been taken away."""
    books = Books(old=[entered(ACME)])

    await read(Checks((ACME, "old")), books, "new")

    assert books.asked == ["new", "old"]


async def test_a_billing_system_that_does_not_answer_changes_nothing():
    """What was found the last time stays recorded."""
    checks = Checks((ACME, "a42"))

    found = await read(checks, Books(a42=DeliveryDelayed("whmcs cannot be reached")))

    assert found.trouble == "whmcs cannot be reached"
    assert checks.recorded == {}


async def test_what_was_read_lately_is_left_to_the_next_time():
    """A restart, or a reload, does not read everything again."""
    checks, books = Checks((ACME, "a42")), Books(a42=[entered(ACME)])
    reader = Reader(
        checks=checks,
        sinks={"whmcs": books},
        accounts={},
        clock=FixedClock(NOW),
        progress=silent,
    )

    counts = [len(await reader.check_all(within_ms)) for within_ms in (5_000, 5_000, 500, 0)]

    assert counts == [1, 0, 1, 1]


async def test_one_wrong_number_does_not_hide_the_others():
    """It is said, and what was delivered there is missing."""
    books = Books(a42=DeliveryRefused("Client ID Not Found"), a43=[entered(DUNE)])

    found = await read(Checks((ACME, "a42"), (DUNE, "a43")), books)

    assert [one.reference for one in found.differences] == [ACME.reference]
    assert found.remarks == ("account a42: Client ID Not Found",)


@pytest.mark.parametrize("standing", [[], [entered(ACME)]], ids=["undone", "not yet"])
async def test_what_was_reversed_may_be_gone(database, standing):
    """A person takes it out there, when they come to it."""
    minus = replace(ACME.amount, minor=-ACME.amount.minor)
    undo = {"key": "reversal/acme-web/2026-10/2", "kind": EntryKind.REVERSAL, "about": ACME.key}
    order = Order(key="whmcs/1", sink="whmcs", kind="credit", about=ACME.key)
    posting = Posting(
        settled=Settled.of(settled(outage(3, 10, 95))),
        entries=(ACME, replace(ACME, amount=minus, **undo)),
        orders=(order,),
    )
    await Settlements(database).post([posting], NOW)
    outbox = DatabaseOutbox(database)
    await outbox.claim("me", NOW, 60_000, 10)
    await outbox.delivered("whmcs/1", "me", "credit 7", NOW, "a42")

    found = await read(DatabaseBillingChecks(database), Books(a42=standing))

    assert (found.credits, found.differences) == (len(standing), ())


async def test_differences_are_counted_in_metrics(database):
    """From the database, so that every replica and every restart shows the same."""
    one = settled(outage(3, 10, 95))
    other = settled(outage(3, 10, 95), of=contract(BIRCH))
    orders = [
        Order(key=f"whmcs/{n}", sink="whmcs", kind="credit", about=grant(s, NOW).key)
        for n, s in enumerate((one, other))
    ]
    await Settlements(database).post(
        [
            Posting(settled=Settled.of(s), entries=(grant(s, NOW),), orders=(order,))
            for s, order in zip((one, other), orders, strict=True)
        ],
        NOW,
    )
    outbox = DatabaseOutbox(database)
    await outbox.claim("me", NOW, 60_000, 10)
    await outbox.delivered("whmcs/0", "me", "credit 7", NOW, "a42")
    checks = DatabaseBillingChecks(database)
    assert [(i.entry, i.account) for i in await checks.issued("whmcs")] == [(ACME, "a42")]
    assert await checks.known() == {grant(one, NOW).reference, grant(other, NOW).reference}

    for standing, expected in (([], 1), ([entered(ACME)], 0)):
        await read(checks, Books(a42=standing))
        figures = await DatabaseFigures(database).figures()
        values = {
            (family.name, *sample.labels.values()): sample.value
            for family in FigureCollector(figures).collect()
            for sample in family.samples
        }

        assert values["sla_billing_differences", "whmcs", "missing"] == expected
        assert values["sla_billing_differences", "whmcs", "doubled"] == 0
        assert values["sla_billing_checked_timestamp_seconds", "whmcs"] == NOW / 1000

    await checks.forget_others(["stripe"])
    figures = await DatabaseFigures(database).figures()
    assert (figures.billing_checked_ms, figures.billing_differences) == ({}, {})

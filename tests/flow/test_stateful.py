"""Months, corrections, decisions, expiry, in any order, with crashes between any two statements.

Whatever happens: what each period gave is what the facts and the people say, once; the balance is
the sum of the entries; the chain verifies.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import event

from sla_exporter.core.brakes import CAREFUL, Budget
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.ledger import EntryKind
from sla_exporter.core.money import Money
from sla_exporter.core.policy.terms import Minimum
from sla_exporter.core.settlement import State
from sla_exporter.core.windows import Window
from sla_exporter.errors import DecisionRefused
from sla_exporter.store.engine import Database, sqlite_url
from tests.cast import ACME, BIRCH, DAY, GOLD, MINUTE, OCTOBER, at, catalogue, contract
from tests.office import ANA, BO, Office

POLICY = replace(
    GOLD, minimum=Minimum(money=Money.of("1.00", "EUR"), carry=True), expires_ms=70 * DAY
)
CUSTOMERS = {"acme": replace(ACME, currency="EUR"), "birch": BIRCH}
FEES = {"acme": 400, "birch": 10_000}
CONTRACTS = [contract(CUSTOMERS[n], f"{FEES[n] / 100:.2f}") for n in CUSTOMERS]

minutes = st.sampled_from([0, 30, 95, 600])
crashes = st.integers(min_value=0, max_value=40)


class Crash(BaseException):
    """The process dies here."""


@contextmanager
def dying(database: Database, statements: int):
    """Die before a statement, or before the commit that would come then; 0 is never."""
    left = statements

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Crash

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    try:
        yield
    except Crash:
        pass
    finally:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)


def worth(customer: str, period, down_minutes: int) -> int:
    """Compute by hand what a month of so much downtime is worth."""
    share = down_minutes * MINUTE / period.span.length_ms
    percent = 30 if share > 0.01 else 10 if share > 0.0005 else 0
    return FEES[customer] * percent // 100


class Life(RuleBasedStateMachine):
    """A team that settles month after month, and changes its mind."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.database = Database(sqlite_url(Path(self.folder.name) / "t.db"))
        self.run(self.database.migrate())
        brakes = replace(CAREFUL, run=Budget(count=1), period=Budget())
        self.office = Office(self.database, brakes=brakes, plain=True)
        self.periods = []
        self.down: dict[tuple[str, str], int] = {}
        self.given: Counter[str] = Counter()  # by settlement: granted and kept
        self.now_ms = OCTOBER.span.end_ms + 2 * DAY

    def run(self, work):
        return self.loop.run_until_complete(work)

    def twice(self, work, crash: int) -> object:
        """Do it and die on the way; then do it again, as the next tick or the person would."""
        with dying(self.database, crash):
            self.run(work())
        return self.run(work())

    def book(self, mode: Mode):
        return catalogue(*CONTRACTS, mode=mode, policy=POLICY)

    def measure(self) -> None:
        down: dict[str, list[Window]] = {name: [] for name in CUSTOMERS}
        for (name, label), length in self.down.items():
            period = next(p for p in self.periods if p.label == label)
            # At different hours, so that it is no outage of the whole fleet.
            hour = 3 if name == "acme" else 15
            start = at(5, hour, period=period)
            down[name] += [Window(start, start + length * MINUTE)] if length else []
        self.run(self.office.measured(down, until_ms=self.now_ms))

    def held(self):
        return self.run(self.office.store.held())

    @rule(acme=minutes, birch=minutes, mode=st.sampled_from(["automatic", "review"]), crash=crashes)
    def month_ends(self, acme, birch, mode, crash):
        """A month is measured and settled."""
        period = self.periods[-1].following if self.periods else OCTOBER
        self.periods.append(period)
        self.now_ms = period.span.end_ms + 2 * DAY
        self.down |= {("acme", period.label): acme, ("birch", period.label): birch}
        self.measure()

        self.twice(lambda: self.office.settle(self.book(Mode(mode)), self.now_ms), crash)

        for name, length in (("acme", acme), ("birch", birch)):
            one = self.run(self.office.one(f"{name}-web/{period.label}"))
            if one.state is State.POSTED:
                self.given[one.key] = worth(name, period, length)

    @precondition(lambda self: self.held())
    @rule(data=st.data(), what=st.sampled_from(["approve", "reject", "adjust"]), crash=crashes)
    def person_decides(self, data, what, crash):
        """Somebody looks at a held credit."""
        held = data.draw(st.sampled_from(self.held()))
        name = held.customer
        period = next(p for p in self.periods if p.label == held.period)
        amount = data.draw(st.integers(min_value=0, max_value=500))
        decider, book = self.office.decider, self.book(Mode.REVIEW)

        async def decide():
            if (await self.office.one(held.key)).state is not State.HELD:
                return  # it was done before the crash
            if what == "adjust":
                credit = Money(minor=amount, currency="EUR")
                await decider.adjust(held, credit, book, ANA, self.now_ms)
            else:
                await getattr(decider, what)([held], book, ANA, self.now_ms)

        try:
            self.twice(decide, crash)
        except DecisionRefused:
            assert what == "adjust"
            assert amount + held.kept_minor < self.given[held.key]
            return
        if what == "approve":
            self.given[held.key] = worth(name, period, self.down[name, period.label])
        elif what == "adjust":
            self.given[held.key] = amount + held.kept_minor

    @precondition(lambda self: self.periods)
    @rule(data=st.data(), length=minutes, who=st.sampled_from([ANA, BO]), take_back=st.booleans())
    def facts_change(self, data, length, who, take_back):
        """A month turns out to have been different, and is settled anew."""
        mode, crash = data.draw(st.sampled_from(["automatic", "review"])), data.draw(crashes)
        period = data.draw(st.sampled_from(self.periods))
        name = data.draw(st.sampled_from(sorted(CUSTOMERS)))
        self.down[name, period.label] = length
        self.measure()
        before = Counter(self.given)

        def again():
            book = self.book(Mode(mode))
            return self.office.again(book, period.label, who, self.now_ms, take_back=take_back)

        self.twice(again, crash)

        for customer in CUSTOMERS:
            key = f"{customer}-web/{period.label}"
            one = self.run(self.office.one(key))
            value = worth(customer, period, self.down[customer, period.label])
            given = self.run(self.given_by(key))
            if given != before[key]:
                # Something moved: up to what the facts say, or down because two people said so.
                assert one.state is State.POSTED
                assert given == value or (take_back and value < given < before[key])
            self.given[key] = given

    @rule(days=st.integers(min_value=1, max_value=100), crash=crashes)
    def time_passes(self, days, crash):
        """Credits expire."""
        later_ms = self.now_ms + days * DAY
        self.twice(lambda: self.office.keep_up(self.book(Mode.AUTOMATIC), later_ms), crash)

    async def given_by(self, key: str) -> int:
        kinds = {EntryKind.GRANT, EntryKind.REVERSAL, EntryKind.CARRY}
        lines = await self.office.reader.entries_of(key)
        return sum(line.entry.amount.minor for line in lines if line.entry.kind in kinds)

    @invariant()
    def the_ledger_is_sound(self):
        """Chain, balances, and every entry against its settlement."""
        audit = self.run(self.office.reader.audit())
        assert audit.problems == []

    @invariant()
    def every_period_gave_what_it_should_once(self):
        """Not twice, and nothing is lost."""
        entries = self.run(self.office.entries())
        assert len({entry.key for entry in entries}) == len(entries)
        given: Counter[str] = Counter()
        in_force: Counter[str] = Counter()
        for entry in entries:
            if entry.kind is not EntryKind.EXPIRY:
                given[entry.settlement] += entry.amount.minor
            in_force[entry.settlement] += {"grant": 1, "reversal": -1}.get(entry.kind.value, 0)
        assert {k: v for k, v in given.items() if v} == {k: v for k, v in self.given.items() if v}
        assert set(in_force.values()) <= {0, 1}

    @invariant()
    def nothing_is_owed_by_a_customer(self):
        """No balance falls under zero."""
        for balance in self.run(self.office.reader.balances()):
            assert balance.carried_minor >= 0
            assert balance.credited_minor >= 0

    def teardown(self):
        self.run(self.database.close())
        self.loop.close()
        self.folder.cleanup()


TestLife = pytest.mark.slow(Life.TestCase)
TestLife.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    # Shrinking takes minutes; what is printed can be read as it is.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

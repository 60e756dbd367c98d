"""Read-back: what the ledger says was given, and what stands in the billing systems.

Nothing is mended here; who finds a difference is a person's to decide.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.errors import DeliveryError, DeliveryRefused
from sla_exporter.ports.delivery import Difference, DifferenceKind, Issued

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sla_exporter.ports import Clock, Progress
    from sla_exporter.ports.delivery import BillingChecks, BillingSink, Entered


_BEFORE_MS = 35 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What reading one billing system back found; ``credits`` is ``None`` if it cannot be read.

    ``trouble`` says why it could not be read this time; ``remarks`` are on single accounts.
    """

    sink: str
    accounts: int = 0
    credits: int | None = None
    differences: tuple[Difference, ...] = ()
    trouble: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """What stands in one account."""

    account: str
    entered: Sequence[Entered] | None
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Compares billing systems with the ledger.

    ``accounts`` are those that customers have in each billing system; credits of ours are looked
    for in all of them, and in those that were ever given any.
    """

    checks: BillingChecks
    sinks: Mapping[str, BillingSink]
    accounts: Mapping[str, Collection[str]]
    clock: Clock
    progress: Progress

    async def check_all(self, unless_within_ms: int = 0) -> list[Checked]:
        """Read every billing system back, and record what differs.

        Those that were read within so many milliseconds are left out, so that a restart does not
        read a large one again.
        """
        await self.checks.forget_others(self.sinks)
        checked_ms = await self.checks.checked_ms()
        latest_ms = self.clock.now_ms() - unless_within_ms
        due = [name for name in sorted(self.sinks) if checked_ms.get(name, 0) <= latest_ms]
        return [await self._tried(self.sinks[name]) for name in due]

    async def _tried(self, sink: BillingSink) -> Checked:
        try:
            return await self.check(sink)
        except DeliveryError as error:
            return Checked(sink=sink.name, trouble=str(error))

    async def check(self, sink: BillingSink) -> Checked:
        """Read one billing system back.

        Raises:
            DeliveryError: if it cannot be read now; what was recorded stays.
        """
        issued = await self.checks.issued(sink.name)
        by_account = {account: list[Issued]() for account in self.accounts.get(sink.name, ())}
        for one in issued:
            by_account.setdefault(one.account, []).append(one)
        accounts = await self._accounts(sink, sorted(by_account), self._since_ms(issued))
        if any(one.entered is None for one in accounts):
            return Checked(sink=sink.name, accounts=len(accounts))
        # Read last, because what is entered meanwhile must not look unknown.
        known = await self.checks.known()
        differences = tuple(
            difference
            for one in accounts
            for difference in differences_in(
                sink.name, one.account, by_account[one.account], one.entered or (), known
            )
        )
        await self.checks.record(sink.name, differences, self.clock.now_ms())
        return Checked(
            sink=sink.name,
            accounts=len(accounts),
            credits=sum(len(one.entered or ()) for one in accounts),
            differences=differences,
            remarks=tuple(one.remark for one in accounts if one.remark),
        )

    def _since_ms(self, issued: Sequence[Issued]) -> int:
        """Look back to some time before the first credit."""
        posted = (one.entry.posted_at_ms for one in issued)
        return min(posted, default=self.clock.now_ms()) - _BEFORE_MS

    async def _accounts(
        self, sink: BillingSink, accounts: Sequence[str], since_ms: int
    ) -> list[_Account]:
        """Read accounts, as many at the same time as the system takes."""
        lane, done = asyncio.Semaphore(sink.at_once), 0

        async def read(account: str) -> _Account:
            nonlocal done
            async with lane:
                found = await _read(sink, account, since_ms)
            done += 1
            self.progress(f"reading {sink.name}", done, len(accounts))
            return found

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(read(account)) for account in accounts]
        except BaseExceptionGroup as failed:  # the first one called the others off
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]


async def _read(sink: BillingSink, account: str, since_ms: int) -> _Account:
    try:
        return _Account(account=account, entered=await sink.entered(account, since_ms))
    except DeliveryRefused as error:  # one wrong number must not hide all others
        return _Account(account=account, entered=(), remark=f"account {account}: {error}")


def differences_in(
    sink: str,
    account: str,
    issued: Sequence[Issued],
    entered: Sequence[Entered],
    known: Collection[str],
) -> Iterator[Difference]:
    """Compare what was delivered to an account with what stands there."""
    for kind, reference, sentence in _compared(issued, entered, known):
        yield Difference(
            sink=sink, kind=kind, account=account, reference=reference, sentence=sentence
        )


def _compared(
    issued: Sequence[Issued], entered: Sequence[Entered], known: Collection[str]
) -> Iterable[tuple[DifferenceKind, str, str]]:
    times = Counter(one.reference for one in entered)
    amounts = {one.reference: one for one in entered}
    for one in issued:
        reference, money = one.entry.reference, one.entry.amount
        there = amounts.get(reference)
        what = f"{money} for {one.entry.settlement}"
        if there is None and one.is_reversed:
            continue
        if there is None:
            yield DifferenceKind.MISSING, reference, f"{what} was delivered, and is not there"
        elif there.amount != money.amount:
            said = f"{what} stands there as {there.amount} ({there.name})"
            yield DifferenceKind.AMOUNT, reference, said
    for reference, count in times.items():
        name, amount = amounts[reference].name, amounts[reference].amount
        if count > 1:
            said = f"{amount} stands there {count} times ({name} is the last)"
            yield DifferenceKind.DOUBLED, reference, said
        if reference not in known:
            said = f"{amount} stands there ({name}), and the ledger does not know it"
            yield DifferenceKind.UNKNOWN, reference, said

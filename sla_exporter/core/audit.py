"""The audit of the ledger: chain, balances, and every entry against its settlement.

Whoever changes an entry in the database must change every hash after it; whoever does that too
still meets the settlement, with its figures and reasoning, and the balance. What is found is a
sentence for each.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sla_exporter.core.ledger import EMPTY_BOOKS, GENESIS, Books, EntryKind
from sla_exporter.core.money import Money
from sla_exporter.core.settlement import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    from sla_exporter.core.ledger import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry where it stands: its number, the hash before it and its own."""

    seq: int
    entry: Entry
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the entries of a contract add up to, in minor units."""

    customer: str
    contract: str
    currency: str
    credited_minor: int
    carried_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a settlement says that its entries must come to."""

    key: str
    customer: str
    contract: str
    state: State
    revision: int
    credit: Money
    kept_minor: int
    extension_days: Fraction
    may_terminate: bool


@dataclass(slots=True)
class Audit:
    """Reads the ledger from the first entry to the last, and gathers what is wrong."""

    problems: list[str] = field(default_factory=list)
    entries: int = 0
    head: str = GENESIS
    _books: dict[str, Books] = field(default_factory=lambda: defaultdict(lambda: EMPTY_BOOKS))
    _owners: dict[str, tuple[str, str]] = field(default_factory=dict)
    _sums: dict[tuple[str, str], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0])
    )

    def read(self, line: Line) -> None:
        """Check a line against the one before it, and add it up."""
        entry = line.entry
        self.entries += 1
        if line.previous_hash != self.head:
            self.problems.append(
                f"entry {line.seq} ({entry.key}): the entry before it is missing or was changed"
            )
        if entry.chained(line.previous_hash) != line.hash:
            self.problems.append(
                f"entry {line.seq} ({entry.key}): it was changed after it was written"
            )
        self.head = line.hash
        sums = self._sums[entry.contract, entry.amount.currency]
        sums[0 if entry.kind.is_credited else 1] += entry.amount.minor
        self._books[entry.settlement] = fold(self._books[entry.settlement], entry)
        if not entry.about.startswith("balance/"):
            self._owners[entry.settlement] = (entry.customer, entry.contract)

    def compare_balances(self, balances: Iterable[Balance]) -> None:
        """Check the balances that are kept against the sums of the entries."""
        left = dict(self._sums)
        for one in balances:
            credited, carried = left.pop((one.contract, one.currency), [0, 0])
            for name, kept, added in (
                ("credited", one.credited_minor, credited),
                ("carried", one.carried_minor, carried),
            ):
                if kept != added:
                    self.problems.append(
                        f"balance of {one.contract}: {name} is {_money(kept, one.currency)}, "
                        f"but its entries add up to {_money(added, one.currency)}"
                    )
        for (contract, _), sums in left.items():
            if any(sums):
                self.problems.append(f"balance of {contract}: it is missing")

    def compare_settlements(self, settlements: Iterable[Owed]) -> None:
        """Check what was granted and kept against what each settlement says."""
        left = set(self._books)
        for owed in settlements:
            left.discard(owed.key)
            self.problems.extend(self._differences(owed))
        self.problems.extend(f"{key}: it has entries but no settlement" for key in sorted(left))

    def _differences(self, owed: Owed) -> Iterator[str]:
        books = self._books.get(owed.key, EMPTY_BOOKS)
        owner = self._owners.get(owed.key)
        if owed.state is State.POSTED:
            if owner and owner != (owed.customer, owed.contract):
                yield f"{owed.key}: its entries are for {owner[0]}, contract {owner[1]}"
            yield from _compared(owed, books)
        elif owed.revision == 1 and owner:
            yield f"{owed.key}: it is {owed.state.value}, but there are entries"


def fold(books: Books, entry: Entry) -> Books:
    """Take one more entry of a settlement into its books."""
    match entry.kind:
        case EntryKind.GRANT | EntryKind.REVERSAL:
            books = replace(books, customer=entry.customer)
            granted = entry.kind is EntryKind.GRANT
            return replace(
                books,
                granted_minor=books.granted_minor + entry.amount.minor,
                granted_days=books.granted_days + entry.extension_days,
                may_terminate=entry.may_terminate,
                grant=entry if granted else None,
                currency=entry.amount.currency if granted else books.currency,
            )
        case EntryKind.EXPIRY:
            return replace(books, expired=True)
        case EntryKind.CARRY if not entry.about:
            return replace(
                books,
                kept_minor=books.kept_minor + entry.amount.minor,
                currency=entry.amount.currency,
                customer=entry.customer,
            )
    return books


def _compared(owed: Owed, books: Books) -> Iterator[str]:
    currency = owed.credit.currency
    granted = Money(minor=books.granted_minor, currency=books.currency or currency)
    if granted != owed.credit and (granted.minor or owed.credit.minor):
        yield f"{owed.key}: {granted} were granted, but it says {owed.credit}"
    if books.kept_minor != owed.kept_minor:
        kept, says = _money(books.kept_minor, currency), _money(owed.kept_minor, currency)
        yield f"{owed.key}: {kept} were carried, but it says {says}"
    if (books.granted_days, books.may_terminate) != (owed.extension_days, owed.may_terminate):
        yield f"{owed.key}: what was granted in other forms than money is not what it says"


def _money(minor: int, currency: str) -> str:
    return str(Money(minor=minor, currency=currency))

"""The ledger: entries that are only ever added, each with its own key and chained by hash.

A correction is a new entry, never an edit. An entry that was changed or removed behind our back
breaks the chain from there on.

Each contract has two balances: what was **credited** (grants, less reversals and what expired), and
what is **carried** (amounts under a policy's minimum, kept for the next credit).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.periods import utc_text
from sla_exporter.core.reasoning import step
from sla_exporter.core.settled import Settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_exporter.core.money import Money
    from sla_exporter.core.policy.terms import Form
    from sla_exporter.core.settlement import Settlement

GENESIS = "0" * 64


class EntryKind(StrEnum):
    """What an entry does to the customer's balances."""

    GRANT = "grant"  # credited grows
    REVERSAL = "reversal"  # a grant is taken back, because a corrected one follows or nothing does
    EXPIRY = "expiry"  # what was credited cannot be used any more
    CARRY = "carry"  # carried grows, or shrinks where a credit uses it or another contract takes it
    FORFEIT = "forfeit"  # what was carried is lost, because the contract ended

    @property
    def is_credited(self) -> bool:
        """Say which balance it moves: what was credited, or else what is carried."""
        return self in {EntryKind.GRANT, EntryKind.REVERSAL, EntryKind.EXPIRY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger; amounts are positive in the customer's favour.

    ``about`` is the key of the entry that this one undoes; ``by`` and ``note`` say who wanted it
    and why, where a person did.
    """

    key: str
    kind: EntryKind
    settlement: str
    customer: str
    contract: str
    policy: str
    form: Form
    amount: Money
    posted_at_ms: int
    extension_days: Fraction = Fraction(0)
    may_terminate: bool = False
    about: str = ""
    by: str = ""
    note: str = ""
    expires_at_ms: int | None = None

    @property
    def reference(self) -> str:
        """How the credit is found in other systems: short, and the same on every try."""
        return reference_of(self.key)

    def content(self) -> Mapping[str, object]:
        """Give everything that the entry says, as the chain covers it."""
        said = {
            "about": self.about,
            "by": self.by,
            "note": self.note,
            "expires_at": utc_text(self.expires_at_ms) if self.expires_at_ms is not None else "",
        }
        return {
            "key": self.key,
            "kind": self.kind.value,
            "settlement": self.settlement,
            "customer": self.customer,
            "contract": self.contract,
            "policy": self.policy,
            "form": self.form.value,
            "minor": self.amount.minor,
            "currency": self.amount.currency,
            "extension_days": str(self.extension_days),
            "may_terminate": self.may_terminate,
            "posted_at": utc_text(self.posted_at_ms),
        } | {name: value for name, value in said.items() if value}

    def chained(self, previous: str) -> str:
        """Give the hash of this entry on top of the previous one's."""
        return chain_hash(self.content(), previous)


def chain_hash(content: Mapping[str, object], previous: str) -> str:
    """Give the hash of an entry's content on top of the previous entry's."""
    return hashlib.sha256(canonical({**content, "previous": previous})).hexdigest()


def canonical(content: object) -> bytes:
    """Write JSON in the one way that hashes and signatures are made over."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the ledger says already before a settlement is posted.

    ``carried_minor`` is the contract's balance; everything else is what earlier revisions of the
    same settlement wrote. ``grant`` is the grant in force, ``currency`` that of what they granted
    and kept, ``customer`` whom the last of it is for.
    """

    carried_minor: int = 0
    granted_minor: int = 0
    granted_days: Fraction = Fraction(0)
    may_terminate: bool = False
    kept_minor: int = 0
    grant: Entry | None = None
    currency: str = ""
    customer: str = ""
    expired: bool = False

    def grants(self, settled: Settled) -> bool:
        """Say whether what is granted is just what the settlement owes."""
        return not self._grants_other_money(settled) and (
            self.granted_minor,
            self.granted_days,
            self.may_terminate,
        ) == (settled.credit.minor, settled.extension_days, settled.may_terminate)

    def keeps_other_money(self, settled: Settled) -> bool:
        """Say whether it was kept, or used of what was kept, in a currency that is not owed now."""
        return bool(self.kept_minor) and self.currency != settled.credit.currency

    def takes_back(self, settled: Settled) -> bool:
        """Say whether posting the settlement would give the customer less than they have.

        Another currency, or another customer of the contract, is none of what they have.
        """
        return (
            self.keeps_other_money(settled)
            or self._grants_other_money(settled)
            or self.granted_minor + self.kept_minor > settled.credit.minor + settled.kept_minor
            or self.granted_days > settled.extension_days
            or self.may_terminate > settled.may_terminate
            or (self.grant is not None and self.grant.customer != settled.customer)
        )

    def gives_more(self, settled: Settled) -> bool:
        """Say whether posting the settlement would grant more than is granted, in any form."""
        granted_minor = 0 if self._grants_other_money(settled) else self.granted_minor
        return (
            settled.credit.minor > granted_minor
            or settled.extension_days > self.granted_days
            or settled.may_terminate > self.may_terminate
        )

    def _grants_other_money(self, settled: Settled) -> bool:
        return bool(self.granted_minor) and self.currency != settled.credit.currency


EMPTY_BOOKS = Books()


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A settlement as it is posted, with its entries."""

    settled: Settled
    entries: tuple[Entry, ...]

    @property
    def grant(self) -> Entry | None:
        """The grant among the entries."""
        return next((entry for entry in self.entries if entry.kind is EntryKind.GRANT), None)


def book(
    settled: Settled, books: Books, posted_at_ms: int, *, by: str = "", note: str = ""
) -> Booking:
    """Give the entries that bring the books to what the settlement says.

    For a settlement that was never posted that is its grant, or what is carried. For a corrected
    one it is the reversal of the old grant and the new one. What is carried never falls under zero:
    an amount that a later credit used up already is not paid again here. The settlement stays with
    the customer whom its entries are for, whoever has the contract by now.
    """
    kept = max(settled.kept_minor - books.kept_minor, -books.carried_minor)
    settled = _without_spent(settled, books.kept_minor + kept)
    entries: list[Entry] = []
    if kept:
        entries.append(_entry(settled, EntryKind.CARRY, kept, posted_at_ms))
    if not books.grants(settled):
        if books.grant:
            key = _key(settled, EntryKind.REVERSAL)
            entries.append(_reversal(books.grant, key, posted_at_ms))
        if settled.owes:
            entries.append(_grant(settled, posted_at_ms))
    said = tuple(replace(entry, by=by, note=note) for entry in entries)
    customer = entries[-1].customer if entries else books.customer or settled.customer
    return Booking(settled=replace(settled, customer=customer), entries=said)


def reference_of(key: str) -> str:
    """Give the reference of the entry with this key."""
    return f"sla-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def grant(settlement: Settlement, posted_at_ms: int) -> Entry:
    """Give the grant of a settlement that owes something; posted twice it has the same key."""
    return _grant(Settled.of(settlement), posted_at_ms)


def expiry(granted: Entry, minor: int, posted_at_ms: int) -> Entry:
    """Give the entry that ends what is left of a grant."""
    return replace(
        granted,
        key=f"expiry/{granted.key.removeprefix('grant/')}",
        kind=EntryKind.EXPIRY,
        amount=replace(granted.amount, minor=-minor),
        extension_days=Fraction(0),
        may_terminate=False,
        posted_at_ms=posted_at_ms,
        about=granted.key,
        by="",
        note="",
        expires_at_ms=None,
    )


def closing(
    last: Settled, carried_minor: int, heir: str | None, posted_at_ms: int
) -> tuple[Entry, ...]:
    """Give what becomes of a carried amount when its contract ends.

    The contract that follows it (a change of plan) takes it over; without one it is forfeited. It
    may happen again, because a period before the last one can still come to something.
    """
    kind = EntryKind.FORFEIT if heir is None else EntryKind.CARRY
    out = _entry(last, kind, -carried_minor, posted_at_ms)
    out = replace(out, key=f"{out.key}/{utc_text(posted_at_ms)}")
    if heir is None:
        return (out,)
    out = replace(out, about=f"balance/{last.contract}")
    into = replace(out, contract=heir, amount=replace(out.amount, minor=carried_minor))
    return replace(out, key=f"{out.key}/out"), replace(into, key=f"{out.key}/into/{heir}")


def _grant(settled: Settled, posted_at_ms: int) -> Entry:
    entry = _entry(settled, EntryKind.GRANT, settled.credit.minor, posted_at_ms)
    return replace(
        entry,
        extension_days=settled.extension_days,
        may_terminate=settled.may_terminate,
        expires_at_ms=posted_at_ms + settled.expires_ms if settled.expires_ms else None,
    )


def _reversal(granted: Entry, key: str, posted_at_ms: int) -> Entry:
    """Undo a grant as it was made: in its currency and form, for the customer who has it."""
    return replace(
        granted,
        key=key,
        kind=EntryKind.REVERSAL,
        amount=replace(granted.amount, minor=-granted.amount.minor),
        extension_days=-granted.extension_days,
        may_terminate=False,
        posted_at_ms=posted_at_ms,
        about=granted.key,
        expires_at_ms=None,
    )


def _key(settled: Settled, kind: EntryKind) -> str:
    again = f"/{settled.revision}" if settled.revision > 1 else ""
    return f"{kind.value}/{settled.key}{again}"


def _entry(settled: Settled, kind: EntryKind, minor: int, posted_at_ms: int) -> Entry:
    return Entry(
        key=_key(settled, kind),
        kind=kind,
        settlement=settled.key,
        customer=settled.customer,
        contract=settled.contract,
        policy=settled.policy,
        form=settled.form,
        amount=replace(settled.credit, minor=minor),
        posted_at_ms=posted_at_ms,
    )


def _without_spent(settled: Settled, kept_minor: int) -> Settled:
    """Take off the credit what was to come out of the carried amount and is not there any more."""
    spent = kept_minor - settled.kept_minor
    if not spent:
        return settled
    credit = replace(settled.credit, minor=max(settled.credit.minor - spent, 0))
    gone = replace(credit, minor=spent)
    reason = step("carried_spent", spent=gone, credit=credit, before=settled.credit)
    return replace(settled, credit=credit, kept_minor=kept_minor, steps=(*settled.steps, reason))

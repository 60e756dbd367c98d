"""What delivering needs: the outbox, what takes notices, and what takes credits.

A billing system is reached by two verbs, ``find`` and ``issue``, and a sink tells three kinds of
failure apart (:mod:`sla_exporter.errors`): refused for good, to be tried again, and outcome
unknown. After the last one nobody may issue before ``find`` has looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict

from sla_exporter.core.urls import unambiguous

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from decimal import Decimal

    from sla_exporter.core.ledger import Entry
    from sla_exporter.core.money import Money
    from sla_exporter.core.policy.terms import Form
    from sla_exporter.ports.notices import Pace
    from sla_exporter.ports.settling import Notice, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """A ledger entry on its way into the account that the customer has in a billing system."""

    entry: Entry
    account: str

    @property
    def reference(self) -> str:
        """What the credit is found by; the same on every try, and in no other credit."""
        return self.entry.reference

    @property
    def amount(self) -> Money:
        """What is given."""
        return self.entry.amount

    @property
    def form(self) -> Form:
        """In which form it is given."""
        return self.entry.form

    @property
    def note(self) -> str:
        """Say what it is for; made of the entry alone, so that it is the same on every try."""
        return f"SLA credit {self.entry.settlement} [ref:{self.reference}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A credit of ours as it stands in a billing system; the amount is in major units."""

    reference: str
    name: str
    amount: Decimal


class BillingSink(Protocol):
    """A billing system; every method raises a :class:`sla_exporter.errors.DeliveryError`."""

    @property
    def name(self) -> str:
        """What orders, and customers under ``billing``, call the sink."""
        ...

    @property
    def forms(self) -> frozenset[Form]:
        """The forms that the system can give."""
        ...

    @property
    def at_once(self) -> int:
        """How many credits it takes at the same time."""
        ...

    @property
    def settles_ms(self) -> int:
        """How long a request may still be at work over there after we gave up waiting for it.

        0 where the system itself takes every reference only once.
        """
        ...

    async def find(self, credit: Credit) -> str | None:
        """Give the system's own name of the credit, or ``None`` if it is not there.

        Raises:
            DeliveryRefused: if something else stands there under the reference.
        """
        ...

    async def issue(self, credit: Credit) -> str:
        """Enter the credit and give the system's own name of it.

        Raises:
            OutcomeUnknown: if it may have been entered, and may not have been.
        """
        ...

    async def entered(self, account: str, since_ms: int) -> Sequence[Entered] | None:
        """Give the credits of ours in an account since a moment; ``None`` if it cannot be read."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class NoticeSink(Protocol):
    """Takes messages to customers."""

    async def send(self, notice: Notice, key: str) -> str:
        """Send the notice, marked with the order's key, and give the message's name."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


def _web_address(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return unambiguous(text)


Address = Annotated[str, AfterValidator(_web_address)]
"""A URL in the configuration of a sink."""


class SinkSection(BaseModel):
    """The keys of a billing sink in the configuration; unknown ones are errors.

    A field of the type ``SecretStr`` may also be given in a file, by its name with ``_file``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkKind:
    """What the configuration needs to know of a kind of billing sink."""

    section: type[SinkSection]
    forms: frozenset[Form]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Every sink of the configuration in force, by name."""

    notices: Mapping[str, NoticeSink]
    billing: Mapping[str, BillingSink]

    async def close(self) -> None:
        """Give all connections back."""
        for notices in self.notices.values():
            await notices.close()
        for billing in self.billing.values():
            await billing.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An order that this process may deliver until its lease ends; exactly one subject is set.

    ``sent_at_ms`` is set while an earlier try may have entered the credit, in ``account``.
    """

    order: Order
    attempts: int
    notice: Notice | None = None
    entry: Entry | None = None
    sent_at_ms: int | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An order and how it stands, for people."""

    key: str
    sink: str
    kind: str
    customer: str
    state: str
    attempts: int
    due_at_ms: int
    error: str | None
    reference: str | None
    account: str | None
    outcome_unknown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A credit that was delivered to a billing system, as the ledger has it.

    One that ``is_reversed`` by the ledger is for a person to undo there, so it may be gone.
    """

    entry: Entry
    account: str
    is_reversed: bool = False


class Outbox(Protocol):
    """Orders waiting to be delivered."""

    async def claim(
        self,
        owner: str,
        now_ms: int,
        lease_ms: int,
        most: int,
        paces: Mapping[str, Pace] | None = None,
    ) -> Sequence[Claimed]:
        """Take orders that are due and that nobody else holds.

        Sinks in ``paces`` get notices at that pace; while a person has stopped notices, nobody gets
        any.
        """
        ...

    async def sending(self, key: str, owner: str, account: str, now_ms: int, lease_ms: int) -> bool:
        """Note, before it happens, that the credit is being entered in the account.

        Extends the lease; says ``False``, and notes nothing, if another has the order by now.
        """
        ...

    async def delivered(
        self, key: str, owner: str, reference: str, now_ms: int, account: str | None = None
    ) -> None:
        """Record that the sink took the order, how it names it, and where a credit stands."""
        ...

    async def failed(
        self,
        key: str,
        owner: str,
        error: str,
        retry_at_ms: int | None,
        *,
        not_entered: bool = False,
        counts: bool = True,
    ) -> None:
        """Record a failure: to be tried again at a time, or parked for a person.

        With ``not_entered`` it is certain that no try has entered the credit. Without ``counts``
        it was no try.
        """
        ...


class DifferenceKind(StrEnum):
    """What is wrong with a credit."""

    MISSING = "missing"  # delivered, but it does not stand there
    AMOUNT = "amount"  # it stands there with another amount
    DOUBLED = "doubled"  # it stands there more than once
    UNKNOWN = "unknown"  # it carries our mark, and the ledger does not know it


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where the ledger and a billing system disagree about a credit."""

    sink: str
    kind: DifferenceKind
    account: str
    reference: str
    sentence: str


class BillingChecks(Protocol):
    """What was delivered, and what reading it back found."""

    async def issued(self, sink: str) -> Sequence[Issued]:
        """Give every credit that was delivered to the sink."""
        ...

    async def known(self) -> set[str]:
        """Give the references of all entries of the ledger."""
        ...

    async def checked_ms(self) -> Mapping[str, int]:
        """Say when each sink was last read back."""
        ...

    async def forget_others(self, sinks: Collection[str]) -> None:
        """Forget what is known of sinks that are not among these."""
        ...

    async def record(self, sink: str, differences: Sequence[Difference], now_ms: int) -> None:
        """Replace what is known to differ in the sink."""
        ...

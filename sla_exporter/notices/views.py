"""What templates may use, by kind of notice; all of it is text in the reader's language already."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sla_exporter.core.money import Money
from sla_exporter.core.policy.pay import TERMINATION, Pay, Unit
from sla_exporter.core.settlement import Verdict
from sla_exporter.notices.reasons import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.ledger import Entry
    from sla_exporter.core.outages import Outage
    from sla_exporter.core.settled import Settled
    from sla_exporter.notices.formats import Formats
    from sla_exporter.ports.settling import Notice

TIMELINE = "timeline"

# They turn the direction of what follows them, even in what we wrote.
_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """What every template may use, whatever its kind."""

    company: str
    language: str
    customer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePart:
    """What the templates of one kind may use besides, under a name of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledView(NoticeView):
    """What the templates about a settlement may use besides.

    ``timeline`` is the source of the outage picture for an ``img`` element; ``reasons`` are the
    steps of the calculation in order. ``minor`` and ``currency`` are the credit in money.
    """

    contract: str
    service: str
    period: str
    zone: str
    availability: str
    objective: str
    met: bool
    downtime: str
    unknown: str
    credit: str
    form: str
    reference: str
    reasons: tuple[str, ...]
    timeline: str
    minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOutage:
    """An outage in a notice; ``end`` is empty while it lasts, ``length`` is as of now."""

    contract: str
    service: str
    start: str
    end: str
    length: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageView(NoticeView):
    """What the templates of an acknowledgement may use besides."""

    services: str
    zone: str
    outages: tuple[ToldOutage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestView(NoticeView):
    """What the templates of a digest may use besides.

    ``titles`` are the subjects of the notices in it, ``credit`` what their credits add up to (empty
    if it is nothing), ``contracts`` the number of contracts that they are about.
    """

    titles: tuple[str, ...]
    credit: str
    contracts: int


def settled_view(
    settled: Settled, customer: Customer, entry: Entry | None, formats: Formats, company: str
) -> SettledView:
    """Put a settlement into words."""
    ratio, objective = settled.ratio, settled.objective
    return SettledView(
        company=company,
        language=language_tag(customer.locale),
        customer=customer.name,
        contract=settled.contract,
        service=settled.service,
        period=formats.period(settled.period, settled.span, settled.zone),
        zone=settled.zone,
        availability=formats.percent(ratio) if ratio is not None else "?",
        objective=formats.say("no outage") if objective is None else formats.percent(objective),
        met=settled.verdict is Verdict.MET,
        downtime=formats.duration(settled.down_ms),
        unknown=formats.duration(settled.unknown_ms) if settled.unknown_ms else "",
        credit=worth(settled, formats),
        form=formats.words.gettext(settled.form.value),
        reference=entry.reference if entry else "",
        # Why a credit waited is between us and ourselves.
        reasons=tuple(
            sentences((s for s in settled.steps if not s.code.startswith("hold_")), formats)
        ),
        timeline=f"cid:{TIMELINE}",
        minor=settled.credit.minor,
        currency=settled.credit.currency,
    )


def outage_view(
    outages: Sequence[Outage], customer: Customer, formats: Formats, company: str
) -> OutageView:
    """Put running and recent outages into words."""
    zone = outages[0].zone
    return OutageView(
        company=company,
        language=language_tag(customer.locale),
        customer=customer.name,
        services=", ".join(dict.fromkeys(outage.service for outage in outages)),
        zone=zone,
        outages=tuple(
            ToldOutage(
                contract=outage.contract,
                service=outage.service,
                start=formats.moment(outage.window.start_ms, zone),
                end="" if outage.lasts else formats.moment(outage.window.end_ms, zone),
                length=formats.duration(outage.window.length_ms),
            )
            for outage in outages
        ),
    )


def digest_view(notices: Sequence[Notice], formats: Formats) -> DigestView:
    """Sum several notices up; they have the same reader."""
    first = notices[0].facts
    return DigestView(
        company=first["company"],
        language=first["language"],
        customer=first["customer"],
        titles=tuple(notice.subject for notice in notices),
        credit=_total((n.facts for n in notices if n.kind == "credit"), formats),
        contracts=len({notice.facts.get("contract", notice.key) for notice in notices}),
    )


def language_tag(locale: str) -> str:
    """Write a locale as HTML and mail do."""
    return locale.replace("_", "-")


def without_turns(fact: Any) -> Any:
    """Leave out the marks by which a name could turn the words around it."""
    match fact:
        case str():
            return fact.translate(_TURNS)
        case dict():
            return {name: without_turns(value) for name, value in fact.items()}
        case list() | tuple():
            return [without_turns(value) for value in fact]
    return fact


def _total(facts: Iterable[Mapping[str, Any]], formats: Formats) -> str:
    """Add up credits in money; several currencies stay apart."""
    sums: Counter[str] = Counter()
    for one in facts:
        sums[one["currency"]] += one["minor"]
    found = [Money(minor=minor, currency=name) for name, minor in sorted(sums.items()) if minor]
    return " + ".join(map(formats.money, found))


def worth(settled: Settled, formats: Formats) -> str:
    """Say what the customer gets, in whatever form."""
    parts: list[str] = []
    if settled.extension_days:
        parts.append(formats.pay(Pay(Unit.DAYS, settled.extension_days)))
    if settled.may_terminate:
        parts.append(formats.pay(TERMINATION))
    if settled.credit.minor or not parts:
        parts.insert(0, formats.money(settled.credit))
    return ", ".join(parts)

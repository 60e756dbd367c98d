"""Made-up notices: every shape that data can have, for previews and for checking templates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from sla_exporter.core.catalogue import Contract, Customer, Mode
from sla_exporter.core.ledger import grant
from sla_exporter.core.links import Signer
from sla_exporter.core.money import Money
from sla_exporter.core.outages import Outage
from sla_exporter.core.periods import Period
from sla_exporter.core.policy.pay import TERMINATION, Pay, Unit, share_of
from sla_exporter.core.policy.terms import Component, Form, Minimum, Objective, Policy
from sla_exporter.core.policy.tiers import Tier, Tiers
from sla_exporter.core.quorum import ALL
from sla_exporter.core.reasoning import Moment, Share, step
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settled import Settled
from sla_exporter.core.settlement import Evidence, Settlement, settle
from sla_exporter.core.windows import Window
from sla_exporter.notices.claims import ClaimLetters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sla_exporter.notices.render import JinjaRenderer
    from sla_exporter.ports.settling import Notice

HOSTILE = (
    '<script>alert("x")</script> {{ 7 * 7 }} {% raw %} ${7*7} %(credit)s\r\n'
    "Bcc: all@example.com\u202e 🚀"
)
"""A name that would do harm if it were taken as anything but text."""

_MONTH = Period.month("2026-10", "America/Sao_Paulo")
_UNTIL_MS = _MONTH.span.end_ms + 30 * 86_400_000
_DAY_MS, _HOUR_MS, _MINUTE_MS = 86_400_000, 3_600_000, 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A made-up notice: what is special about it, and how it is written in a language."""

    name: str
    write: Callable[[JinjaRenderer, str], Notice]


def credits_granted() -> Iterator[Sample]:
    """Give credits in every form and size."""
    shapes: dict[str, Settlement] = {
        "breached": _settled(_outage()),
        "several outages, some of it unknown": _settled(
            _outage(), _outage(day=9, minutes=5), unknown=(_window(20, 20 * 60),)
        ),
        "hundreds of outages": _settled(
            *(_outage(day=1 + i // 24, hour=i % 24, minutes=3) for i in range(200))
        ),
        "extension": _settled(
            _outage(), policy=_paying(Pay(Unit.DAYS, Fraction(3)), form=Form.EXTENSION)
        ),
        "right to terminate": _settled(_outage(), policy=_paying(TERMINATION)),
        "no objective": _settled(_outage(), policy=replace(_paying(_SHARE), objective=None)),
        "a currency without cents": _settled(_outage(), fee=Money.of("9800", "JPY")),
        "a currency with three decimal places": _settled(_outage(), fee=Money.of("98.765", "KWD")),
        "a huge sum": _settled(_outage(), fee=Money.of("98765432109.87", "EUR")),
        "hostile names": _settled(_outage(), name=HOSTILE),
        "part of a month": _settled(_outage(), since=date(2026, 10, 3)),
    }
    for name, settlement in shapes.items():
        yield Sample(name=name, write=partial(_write, settlement, has_entry=True))


def corrections() -> Iterator[Sample]:
    """Give credits that were corrected, one of them to nothing."""
    for name, settlement in {
        "another credit": _settled(_outage()),
        "nothing is left": _settled(),
        "hostile names": _settled(_outage(), name=HOSTILE),
    }.items():
        write = partial(_write, settlement, has_entry=bool(settlement.owes), revision=2)
        yield Sample(name=name, write=write)


def statements() -> Iterator[Sample]:
    """Give months without a credit."""
    too_little = replace(_paying(_SHARE), minimum=Minimum(money=Money.of("1000.00", "BRL")))
    for name, settlement in {
        "met": _settled(),
        "breached, under the minimum": _settled(_outage(), policy=too_little),
        "nothing measured": _settled(unknown=(_MONTH.span,)),
        "no objective": _settled(policy=replace(_paying(_SHARE), objective=None)),
        "hostile names": _settled(name=HOSTILE),
    }.items():
        yield Sample(name=name, write=partial(_write, settlement, has_entry=False))


def outages() -> Iterator[Sample]:
    """Give acknowledgements of one outage and of several."""
    running = Outage(
        contract="acme-web", customer="sample", service="web", zone=_MONTH.zone,
        window=_outage(), lasts=True,
    )  # fmt: skip
    ended = replace(running, contract="acme-mail", service="mail", lasts=False)
    hostile = replace(running, contract=HOSTILE, service=HOSTILE)
    for name, told in {
        "one that lasts": [running],
        "several": [ended, running],
        "hostile names": [hostile],
    }.items():
        customer = HOSTILE if told == [hostile] else "Acme Ltda"
        yield Sample(name=name, write=partial(_write_outages, told, customer))


def offers() -> Iterator[Sample]:
    """Give credits that can be claimed, with a deadline and without."""
    yield from _about_claims(ClaimLetters.offer, (_UNTIL_MS, None))


def reminders() -> Iterator[Sample]:
    """Give reminders to claim a credit."""
    yield from _about_claims(ClaimLetters.reminder, (_UNTIL_MS,))


def refusals() -> Iterator[Sample]:
    """Give refused claims."""
    late = step("claim_refused_late", deadline=Moment(_UNTIL_MS, _MONTH.zone))
    yield from _about_claims(partial(ClaimLetters.refusal, reasons=[late]), (_UNTIL_MS,))


def digests() -> Iterator[Sample]:
    """Give digests: of a few, of one of every kind, of many."""
    granted, corrected, stated = list(credits_granted()), list(corrections()), list(statements())
    offered = list(offers())
    for name, parts in {
        "a credit and a statement": [granted[0], stated[0]],
        "every shape": [*granted, *corrected, *stated, *offered],
        "no credit": [stated[0], stated[0]],
        "hostile names": [granted[9], stated[4], offered[2]],
    }.items():
        yield Sample(name=name, write=partial(_write_digest, parts))


def sample_customer(name: str, locale: str, currency: str = "BRL") -> Customer:
    """Give a customer who reads this language."""
    return Customer(
        id="sample", name=name, currency=currency, locale=locale, email=("sample@customer.example",)
    )


def _write(
    settlement: Settlement,
    renderer: JinjaRenderer,
    locale: str,
    *,
    has_entry: bool,
    revision: int = 1,
) -> Notice:
    customer = replace(settlement.contract.customer, locale=locale)
    settled = replace(Settled.of(settlement), revision=revision)
    entry = grant(settlement, _MONTH.span.end_ms) if has_entry else None
    return renderer.render(settled, customer, entry, corrects=revision > 1)


def _write_outages(
    told: Sequence[Outage], customer: str, renderer: JinjaRenderer, locale: str
) -> Notice:
    return renderer.render_outages(sample_customer(customer, locale), told)


def _about_claims(
    letter: Callable[[ClaimLetters, Settled, Customer], Notice], deadlines: Iterable[int | None]
) -> Iterator[Sample]:
    shapes = {
        "no deadline" if one is None else "a deadline": (_settled(_outage()), one)
        for one in deadlines
    }
    hostile = _settled(_outage(), name=HOSTILE)
    for name, (settlement, until_ms) in (shapes | {"hostile names": (hostile, _UNTIL_MS)}).items():
        settled = replace(Settled.of(settlement), claim_until_ms=until_ms)
        customer = settlement.contract.customer
        yield Sample(name=name, write=partial(_write_letter, letter, settled, customer))


def _write_letter(
    letter: Callable[[ClaimLetters, Settled, Customer], Notice],
    settled: Settled,
    customer: Customer,
    renderer: JinjaRenderer,
    locale: str,
) -> Notice:
    letters = ClaimLetters(
        renderer=renderer, signer=Signer(keys=("sample",)), external_url="https://sla.example"
    )
    return letter(letters, settled, replace(customer, locale=locale))


def _write_digest(parts: Sequence[Sample], renderer: JinjaRenderer, locale: str) -> Notice:
    return renderer.render_digest([part.write(renderer, locale) for part in parts])


_SHARE = share_of(Fraction(1, 10))
_OBJECTIVE = Share(Fraction(9995, 10_000))


def _paying(pays: Pay, form: Form = Form.ACCOUNT_CREDIT) -> Policy:
    tiers = Tiers(rows=(Tier(below=_OBJECTIVE, pays=pays),))
    return Policy(
        name="gold",
        objective=Objective(share=_OBJECTIVE),
        credit=Component(formula=tiers),
        form=form,
    )


def _window(day: int, minutes: int, hour: int = 10) -> Window:
    start = _MONTH.span.start_ms + (day - 1) * _DAY_MS + hour * _HOUR_MS
    return Window(start, start + minutes * _MINUTE_MS)


def _outage(day: int = 3, minutes: int = 95, hour: int = 10) -> Window:
    return _window(day, minutes, hour)


def _settled(
    *down: Window,
    unknown: tuple[Window, ...] = (),
    policy: Policy | None = None,
    fee: Money | None = None,
    name: str = "Acme Ltda",
    since: date = date(2025, 1, 1),
) -> Settlement:
    fee = fee or Money.of("499.90", "BRL")
    hostile = name == HOSTILE
    service = HOSTILE if hostile else "web"
    contract = Contract(
        id=HOSTILE if hostile else "acme-web",
        customer=sample_customer(name, "en", fee.currency),
        service=service,
        policy="gold",
        fee=fee,
        since=since,
    )
    life = contract.life(_MONTH.zone)
    span = Window(max(_MONTH.span.start_ms, life.start_ms), _MONTH.span.end_ms)
    state = SeriesState(down=down, unknown=unknown).within(span)
    evidence = Evidence(state=state, measured=state, series=1, interval_ms=_MINUTE_MS, quorum=ALL)
    return settle(
        contract=contract,
        policy=policy or _paying(_SHARE),
        period=_MONTH,
        span=span,
        evidence=evidence,
        mode=Mode.AUTOMATIC,
    )

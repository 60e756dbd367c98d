"""From the values of the program to those of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.claims import Channel, StatedClaim
from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.money import Money
from sla_exporter.core.periods import ms_of, utc_text
from sla_exporter.core.windows import Window
from sla_exporter.notices.books import line_json
from sla_exporter.notices.report import claim_json, to_json
from sla_exporter.web.api import claim_models as cm
from sla_exporter.web.api import models as m

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sla_exporter.core.audit import Balance, Line
    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.claims import JudgedClaim
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.claims import ListedClaim
    from sla_exporter.ports.figures import Standing
    from sla_exporter.ports.settling import Decision


def settlement(settled: Settled) -> m.Settlement:
    """Give a settlement."""
    return m.Settlement.model_validate(
        to_json(settled)
        | {
            "key": settled.key,
            "group": settled.group,
            "revision": settled.revision,
            "form": settled.form.value,
        }
    )


def credit(settled: Settled) -> m.Credit:
    """Give what a settlement owes."""
    return m.Credit(
        key=settled.key,
        customer=settled.customer,
        contract=settled.contract,
        policy=settled.policy,
        period=settled.period,
        credit=str(settled.credit.amount),
        currency=settled.credit.currency,
        form=settled.form.value,
        extension_days=float(settled.extension_days),
        may_terminate=settled.may_terminate,
        state=settled.state.value,
        holds=[hold.value for hold in settled.holds],
        group=settled.group,
    )


def exclusion(stated: StatedExclusion) -> m.Exclusion:
    """Give an exclusion as it was stated."""
    scope, (start, end), withdrawn = stated.scope, stated.window, stated.withdrawn
    announced = stated.announced_at_ms
    return m.Exclusion(
        key=stated.key,
        service=scope.service,
        contract=scope.contract,
        matchers=[str(matcher) for matcher in scope.matchers],
        start=utc_text(start),
        end=utc_text(end),
        kind=stated.kind.value,
        announced=None if announced is None else utc_text(announced),
        by=stated.who,
        reason=stated.why,
        withdrawn_by=withdrawn.who if withdrawn else None,
        withdrawn_at=utc_text(withdrawn.at_ms) if withdrawn else None,
    )


def stated(wanted: m.ExclusionRequest, who: str) -> StatedExclusion:
    """Read an operator's exclusion.

    Raises:
        ValueError: if a matcher is none.
    """
    announced = wanted.announced
    return StatedExclusion(
        key="",
        scope=Scope(
            service=wanted.service,
            contract=wanted.contract,
            matchers=tuple(map(Matcher.parse, wanted.matchers)),
        ),
        window=Window(ms_of(wanted.start), ms_of(wanted.end)),
        kind=wanted.kind,
        announced_at_ms=None if announced is None else ms_of(announced),
        who=who,
        why=wanted.reason,
    )


def stated_claim(wanted: cm.ClaimRequest, by: str, now_ms: int) -> StatedClaim:
    """Read a customer's claim; who enters it is named."""
    start, end, ticket_at = wanted.start, wanted.end, wanted.ticket_at
    return StatedClaim(
        settlement=f"{wanted.contract}/{wanted.period}",
        contract=wanted.contract,
        channel=Channel.API,
        by=by,
        received_at_ms=ms_of(wanted.received) if wanted.received else now_ms,
        window=Window(ms_of(start), ms_of(end)) if start and end else None,
        ticket=wanted.ticket,
        ticket_at_ms=ms_of(ticket_at) if ticket_at else None,
    )


def judged_claim(judged: JudgedClaim) -> cm.Claim:
    """Give a claim and what came of it."""
    return cm.Claim.model_validate(claim_json(judged) | {"number": None, "state": None})


def claim(listed: ListedClaim) -> cm.Claim:
    """Give a claim as it is kept."""
    kept = {"number": listed.number, "state": listed.state}
    return cm.Claim.model_validate(claim_json(listed.claim) | kept)


def incident(window: IncidentWindow) -> m.Incident:
    """Give an incident window."""
    end = window.ends_at_ms
    return m.Incident(
        fingerprint=window.fingerprint,
        name=window.name,
        start=utc_text(window.starts_at_ms),
        end=None if end is None else utc_text(end),
        labels=dict(window.labels),
        annotations=dict(window.annotations),
    )


def decision(made: Decision) -> m.Decision:
    """Give a decision."""
    return m.Decision(
        settlement=made.settlement,
        revision=made.revision,
        decision=made.kind.value,
        by=made.by,
        reason=made.reason,
        credit=str(made.credit.amount),
        currency=made.credit.currency,
        at=utc_text(made.at_ms),
    )


def entry(line: Line) -> m.Entry:
    """Give a line of the ledger."""
    return m.Entry.model_validate(line_json(line))


def balance(kept: Balance) -> m.Balance:
    """Give a balance."""
    return m.Balance(
        customer=kept.customer,
        contract=kept.contract,
        currency=kept.currency,
        credited=_amount(kept.credited_minor, kept.currency),
        carried=_amount(kept.carried_minor, kept.currency),
    )


def contract(one: Contract) -> m.Contract:
    """Give a contract."""
    return m.Contract(
        id=one.id,
        customer=one.customer.id,
        service=one.service,
        policy=one.policy,
        fee=str(one.fee.amount),
        currency=one.fee.currency,
        since=one.since.isoformat(),
        until=one.until.isoformat() if one.until else None,
    )


def customers(contracts: Iterable[Contract]) -> list[m.Customer]:
    """Give the customers of contracts, by their names in the configuration."""
    known: dict[str, list[Contract]] = {}
    for one in contracts:
        known.setdefault(one.customer.id, []).append(one)
    return [
        m.Customer(
            id=name,
            name=ones[0].customer.name,
            currency=ones[0].customer.currency,
            locale=ones[0].customer.locale,
            zone=ones[0].customer.zone,
            contracts=[one.id for one in ones],
        )
        for name, ones in sorted(known.items())
    ]


def exposure(standing: Standing) -> m.Exposure:
    """Give what an open period costs."""
    after, then = standing.next_after_ms, standing.next_credit_minor
    currency = standing.currency
    return m.Exposure(
        contract=standing.contract,
        customer=standing.customer,
        service=standing.service,
        policy=standing.policy,
        period=standing.period,
        currency=currency,
        credit=_amount(standing.credit_minor, currency),
        is_down=standing.is_down,
        next_hour=_amount(standing.per_hour_minor, currency),
        next_after_s=None if after is None else after / 1000,
        next_credit=None if then is None else _amount(then, currency),
    )


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor=minor, currency=currency).amount)

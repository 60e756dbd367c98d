"""Settlements for the command line and for other programs: table rows, JSON, summaries."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sla_exporter.core.money import Money
from sla_exporter.core.periods import utc_text
from sla_exporter.core.policy.pay import TERMINATION, Pay, Unit
from sla_exporter.core.settlement import State, Verdict
from sla_exporter.notices.formats import plain
from sla_exporter.notices.reasons import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.claims import JudgedClaim
    from sla_exporter.core.settled import Settled

COLUMNS = (
    "CONTRACT",
    "PERIOD",
    "AVAILABILITY",
    "PROMISED",
    "DOWNTIME",
    "NOT MEASURED",
    "VERDICT",
    "CREDIT",
)


def row(settled: Settled) -> tuple[str, ...]:
    """Give a settlement as cells under :data:`COLUMNS`."""
    formats = plain()
    return (
        settled.contract,
        settled.period,
        formats.percent(settled.ratio) if settled.ratio is not None else "not measured",
        formats.percent(settled.objective) if settled.objective is not None else "-",
        formats.duration(settled.down_ms) if settled.down_ms else "-",
        formats.duration(settled.unknown_ms) if settled.unknown_ms else "-",
        f"{settled.verdict.value}{_waits_for(settled)}",
        worth(settled),
    )


def _waits_for(settled: Settled) -> str:
    """Say whether it waits for a person, or for its customer, or would."""
    if not settled.holds:
        return " (lapsed)" if settled.state is State.LAPSED else ""
    return " (to be claimed)" if settled.holds == settled.claim_hold else " (held)"


def worth(settled: Settled) -> str:
    """Say what is owed, in whatever form."""
    formats = plain()
    parts = [str(settled.credit)] if settled.credit.minor else []
    if settled.extension_days:
        parts.append(formats.pay(Pay(Unit.DAYS, settled.extension_days)))
    if settled.may_terminate:
        parts.append(formats.pay(TERMINATION))
    return " and ".join(parts) or "-"


def to_json(settled: Settled) -> dict[str, Any]:
    """Give a settlement as plain JSON values; times in UTC, the credit as decimal text."""
    ratio = settled.ratio
    return {
        "customer": settled.customer,
        "contract": settled.contract,
        "service": settled.service,
        "policy": settled.policy,
        "period": settled.period,
        "start": utc_text(settled.span.start_ms),
        "end": utc_text(settled.span.end_ms),
        "availability": None if ratio is None else float(ratio),
        "availability_exact": None if ratio is None else str(ratio),
        "objective": None if settled.objective is None else float(settled.objective),
        "downtime_s": settled.down_ms / 1000,
        "unknown_s": settled.unknown_ms / 1000,
        "outages": [[utc_text(start), utc_text(end)] for start, end in settled.windows.down],
        "verdict": settled.verdict.value,
        "state": settled.state.value,
        "holds": [hold.value for hold in settled.holds],
        "fee": str(settled.fee.amount),
        "credit": str(settled.credit.amount),
        "currency": settled.credit.currency,
        "extension_days": float(settled.extension_days),
        "may_terminate": settled.may_terminate,
        "reasons": sentences(settled.steps, plain()),
    }


def explanation(settled: Settled) -> str:
    """Write the whole reasoning, a step a line."""
    lines = [settled.key, *(f"  {reason}" for reason in sentences(settled.steps, plain()))]
    return "\n".join(lines)


def needs_words(settled: Settled) -> bool:
    """Say whether there is more to tell than that all was well."""
    return settled.verdict is not Verdict.MET or bool(settled.holds)


def summary(settlements: Sequence[Settled]) -> str:
    """Count verdicts, holds and money."""
    verdicts = Counter(settlement.verdict.value for settlement in settlements)
    held = sum(one.holds != one.claim_hold for one in settlements)
    waiting = sum(one.wants_claim and one.holds == one.claim_hold for one in settlements)
    sums: Counter[str] = Counter()
    for settlement in settlements:
        sums[settlement.credit.currency] += settlement.credit.minor
    money = [str(Money(minor=minor, currency=c)) for c, minor in sorted(sums.items()) if minor]
    counted = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    parts = [f"{len(settlements)} contracts" + (f": {counted}" if counted else "")]
    if held:
        parts.append(f"{held} held for a person")
    if waiting:
        parts.append(f"{waiting} to be claimed")
    if all(settlement.state is State.OBSERVED for settlement in settlements) and settlements:
        parts.append("mode observe: nothing is issued")
    parts.append(f"credits: {', '.join(money) or 'none'}")
    return "; ".join(parts) + "."


def claim_json(judged: JudgedClaim) -> dict[str, Any]:
    """Give a claim and what came of it as plain JSON values; times in UTC."""
    stated = judged.stated
    start, end = (utc_text(at_ms) for at_ms in stated.window) if stated.window else (None, None)
    return {
        "settlement": stated.settlement,
        "contract": stated.contract,
        "result": judged.result.value,
        "reasons": sentences(judged.reasons, plain()),
        "channel": stated.channel.value,
        "by": stated.by,
        "received": utc_text(stated.received_at_ms),
        "start": start,
        "end": end,
        "ticket": stated.ticket,
        "ticket_at": None if stated.ticket_at_ms is None else utc_text(stated.ticket_at_ms),
    }


def held_json(settled: Settled) -> dict[str, Any]:
    """Give a held credit as plain JSON values."""
    return {
        "credit": settled.key,
        "group": settled.group,
        "holds": [hold.value for hold in settled.holds],
        "customer": settled.customer,
        "period": settled.period,
        "amount": str(settled.credit.amount),
        "currency": settled.credit.currency,
        "extension_days": float(settled.extension_days),
        "may_terminate": settled.may_terminate,
    }

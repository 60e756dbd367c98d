"""How settlements, entries and decisions lie in their tables, and how they are read back."""

from __future__ import annotations

import base64
import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sla_exporter.core.claims import Channel, ClaimResult, JudgedClaim, StatedClaim
from sla_exporter.core.ledger import Entry, EntryKind
from sla_exporter.core.money import Money
from sla_exporter.core.policy.terms import Form
from sla_exporter.core.reasoning import step_from_json, step_to_json
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settled import Settled
from sla_exporter.core.settlement import Hold, State, Verdict
from sla_exporter.core.windows import Window
from sla_exporter.ports.settling import Decision, DecisionKind, Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_exporter.core.records import CaseRecord
    from sla_exporter.ports.settling import Order


def settlement_row(settled: Settled, at_ms: int) -> dict[str, Any]:
    """Give a settlement as a row."""
    windows = {"down": settled.windows.down, "unknown": settled.windows.unknown}
    return {
        "contract": settled.contract,
        "customer": settled.customer,
        "service": settled.service,
        "policy": settled.policy,
        "period": settled.period,
        "currency": settled.credit.currency,
        "credit_minor": settled.credit.minor,
        "objective": _text(settled.objective),
        "ratio": _text(settled.ratio),
        "down_ms": settled.down_ms,
        "unknown_ms": settled.unknown_ms,
        "key": settled.key,
        "start_ms": settled.span.start_ms,
        "end_ms": settled.span.end_ms,
        "period_end_ms": settled.period_end_ms,
        "counted_ms": settled.counted_ms,
        "extension_days": str(settled.extension_days),
        "may_terminate": settled.may_terminate,
        "state": settled.state.value,
        "verdict": settled.verdict.value,
        "holds": ",".join(settled.holds),
        "fee_minor": settled.fee.minor,
        "reasoning": json.dumps([step_to_json(s) for s in settled.steps], ensure_ascii=False),
        "windows": json.dumps(windows),
        "settled_at_ms": at_ms,
        "zone": settled.zone,
        "form": settled.form.value,
        "expires_ms": settled.expires_ms,
        "kept_minor": settled.kept_minor,
        "revision": settled.revision,
        "hold_group": settled.group,
        "claim_until_ms": settled.claim_until_ms,
        "remind_at_ms": settled.remind_at_ms,
    }


def read_settled(row: Any) -> Settled:
    """Read a settlement."""
    windows = json.loads(row.windows)
    return Settled(
        key=row.key,
        contract=row.contract,
        customer=row.customer,
        service=row.service,
        policy=row.policy,
        period=row.period,
        span=Window(row.start_ms, row.end_ms),
        period_end_ms=row.period_end_ms,
        verdict=Verdict(row.verdict),
        state=State(row.state),
        holds=tuple(Hold(name) for name in row.holds.split(",") if name),
        fee=Money(minor=row.fee_minor, currency=row.currency),
        credit=Money(minor=row.credit_minor, currency=row.currency),
        extension_days=Fraction(row.extension_days),
        may_terminate=row.may_terminate,
        objective=_fraction(row.objective),
        ratio=_fraction(row.ratio),
        counted_ms=row.counted_ms,
        down_ms=row.down_ms,
        unknown_ms=row.unknown_ms,
        windows=SeriesState(
            down=tuple(Window(*window) for window in windows["down"]),
            unknown=tuple(Window(*window) for window in windows["unknown"]),
        ),
        steps=tuple(step_from_json(data) for data in json.loads(row.reasoning)),
        zone=row.zone,
        form=Form(row.form),
        expires_ms=row.expires_ms,
        kept_minor=row.kept_minor,
        revision=row.revision,
        group=row.hold_group,
        claim_until_ms=row.claim_until_ms,
        remind_at_ms=row.remind_at_ms,
    )


def claim_row(claim: JudgedClaim, at_ms: int) -> dict[str, Any]:
    """Give a claim as a row."""
    stated = claim.stated
    start_ms, end_ms = stated.window or (None, None)
    return {
        "key": claim.key,
        "about": stated.key,
        "settlement": stated.settlement,
        "revision": claim.revision,
        "contract": stated.contract,
        "channel": stated.channel.value,
        "by_whom": stated.by,
        "received_at_ms": stated.received_at_ms,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "ticket": stated.ticket,
        "ticket_at_ms": stated.ticket_at_ms,
        "result": claim.result.value,
        "reasons": json.dumps([step_to_json(s) for s in claim.reasons], ensure_ascii=False),
        "recorded_at_ms": at_ms,
    }


def read_stated(row: Any) -> StatedClaim:
    """Read a claim as it was made; one that was kept for later has its key."""
    return StatedClaim(
        settlement=row.settlement,
        contract=row.contract,
        channel=Channel(row.channel),
        by=row.by_whom,
        received_at_ms=row.received_at_ms,
        window=None if row.start_ms is None else Window(row.start_ms, row.end_ms),
        ticket=row.ticket,
        ticket_at_ms=row.ticket_at_ms,
        key=row.key if row.result == ClaimResult.EARLY else row.about,
    )


def read_claim(row: Any) -> JudgedClaim:
    """Read a claim and what came of it."""
    return JudgedClaim(
        stated=read_stated(row),
        result=ClaimResult(row.result),
        reasons=tuple(step_from_json(data) for data in json.loads(row.reasons)),
        revision=row.revision,
    )


def entry_row(entry: Entry, previous: str, own: str) -> dict[str, Any]:
    """Give an entry as a row, with its place in the chain."""
    return {
        "key": entry.key,
        "kind": entry.kind.value,
        "settlement": entry.settlement,
        "customer": entry.customer,
        "contract": entry.contract,
        "policy": entry.policy,
        "form": entry.form.value,
        "amount_minor": entry.amount.minor,
        "currency": entry.amount.currency,
        "extension_days": str(entry.extension_days),
        "may_terminate": entry.may_terminate,
        "posted_at_ms": entry.posted_at_ms,
        "about": entry.about,
        "by_whom": entry.by,
        "note": entry.note,
        "expires_at_ms": entry.expires_at_ms,
        "previous_hash": previous,
        "hash": own,
    }


def read_entry(row: Any) -> Entry:
    """Read an entry."""
    return Entry(
        key=row.key,
        kind=EntryKind(row.kind),
        settlement=row.settlement,
        customer=row.customer,
        contract=row.contract,
        policy=row.policy,
        form=Form(row.form),
        amount=Money(minor=row.amount_minor, currency=row.currency),
        extension_days=Fraction(row.extension_days),
        may_terminate=row.may_terminate,
        posted_at_ms=row.posted_at_ms,
        about=row.about,
        by=row.by_whom,
        note=row.note,
        expires_at_ms=row.expires_at_ms,
    )


def decision_row(decision: Decision) -> dict[str, Any]:
    """Give a decision as a row."""
    return {
        "settlement": decision.settlement,
        "revision": decision.revision,
        "kind": decision.kind.value,
        "by_whom": decision.by,
        "reason": decision.reason,
        "credit_minor": decision.credit.minor,
        "currency": decision.credit.currency,
        "decided_at_ms": decision.at_ms,
    }


def read_decision(row: Any) -> Decision:
    """Read a decision."""
    return Decision(
        settlement=row.settlement,
        revision=row.revision,
        kind=DecisionKind(row.kind),
        by=row.by_whom,
        reason=row.reason,
        credit=Money(minor=row.credit_minor, currency=row.currency),
        at_ms=row.decided_at_ms,
    )


def case_row(settled: Settled, record: CaseRecord) -> dict[str, Any]:
    """Give what a settlement was computed from as a row."""
    return {
        "settlement": settled.key,
        "revision": settled.revision,
        "policy_hash": record.policy_hash,
        "content": json.dumps(record.case, ensure_ascii=False),
        "incidents": json.dumps(record.incidents, ensure_ascii=False),
    }


def policy_row(record: CaseRecord) -> dict[str, Any]:
    """Give a version of a policy as a row."""
    source = json.dumps(record.policy_source, ensure_ascii=False)
    return {"hash": record.policy_hash, "name": record.policy, "source": source}


def notice_row(settlement: str | None, notice: Notice, at_ms: int) -> dict[str, Any]:
    """Give a notice as a row."""
    return {
        "key": notice.key,
        "settlement": settlement,
        "customer": notice.customer,
        "kind": notice.kind,
        "locale": notice.locale,
        "recipients": json.dumps(notice.recipients, ensure_ascii=False),
        "subject": notice.subject,
        "text": notice.text,
        "html": notice.html,
        "pictures": _files_text(notice.pictures),
        "documents": _files_text(notice.documents),
        "facts": json.dumps(notice.facts, ensure_ascii=False),
        "rendered_at_ms": at_ms,
    }


def read_notice(row: Any) -> Notice:
    """Read a notice."""
    return Notice(
        key=row.key,
        kind=row.kind,
        customer=row.customer,
        locale=row.locale,
        recipients=tuple(json.loads(row.recipients)),
        subject=row.subject,
        text=row.text,
        html=row.html,
        pictures=_files(row.pictures),
        documents=_files(row.documents),
        facts=json.loads(row.facts),
    )


def order_row(order: Order, at_ms: int) -> dict[str, Any]:
    """Give an order as a row."""
    return {
        "key": order.key,
        "sink": order.sink,
        "kind": order.kind,
        "about": order.about,
        "state": "held" if order.is_held else "pending",
        "due_at_ms": at_ms + order.wait_ms,
        "attempts": 0,
        "lease_until_ms": 0,
        "created_at_ms": at_ms,
    }


def _files_text(files: Mapping[str, bytes]) -> str:
    return json.dumps({name: base64.b64encode(one).decode() for name, one in files.items()})


def _files(text: str) -> dict[str, bytes]:
    return {name: base64.b64decode(one) for name, one in json.loads(text).items()}


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)

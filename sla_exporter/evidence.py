"""Evidence packs: everything about one credit in one file, sealed, to be checked on its own.

A pack holds the case, the policy as its file had it, the steps and the ledger entries. Verifying
reads the policy anew, computes the credit again with the same engine, and compares.
"""

from __future__ import annotations

import hashlib
import hmac
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from sla_exporter import __version__
from sla_exporter.core.ledger import canonical, chain_hash
from sla_exporter.core.money import Money
from sla_exporter.core.periods import DAY_MS, utc_text
from sla_exporter.core.policy.engine import Outcome, evaluate
from sla_exporter.core.queries import queries_for
from sla_exporter.core.reasoning import step_from_json, step_to_json
from sla_exporter.core.records import is_nameless, read_case, source_hash
from sla_exporter.core.settled import computed
from sla_exporter.core.windows import Window
from sla_exporter.errors import NotReady
from sla_exporter.notices.report import to_json
from sla_exporter.settings.document import Document
from sla_exporter.settings.models import PolicyVersions
from sla_exporter.settings.policies import read_policies
from sla_exporter.store.reader import Reader
from sla_exporter.store.settlements import Settlements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sla_exporter.core.audit import Line
    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.records import CaseRecord
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.settling import Decision
    from sla_exporter.store.engine import Database

FORMAT = "sla-exporter evidence, version 1"
ERASED_PARTS = [
    "the customer's name in the case",
    "words and addresses of notices",
    "annotations of incident windows",
]


class Check(NamedTuple):
    """One thing that was checked; ``holds`` is ``None`` where it could not be."""

    what: str
    holds: bool | None
    said: str = ""


class Facts(NamedTuple):
    """What a pack is made of."""

    settled: Settled
    record: CaseRecord | None
    lines: Sequence[Line]
    decisions: Sequence[Decision]
    requests: Sequence[Mapping[str, Any]]


async def gather(database: Database, name: str) -> Facts:
    """Read everything about a credit."""
    reader, settlements = Reader(database), Settlements(database)
    key = await reader.settlement_of(name)
    if key is None:
        raise NotReady(f"there is no credit {name}")
    (settled,) = await settlements.find([key])
    record = await reader.record(key, settled.revision)
    return Facts(
        settled=settled,
        record=record,
        lines=await reader.entries_of(key),
        decisions=await settlements.decisions([key]),
        requests=await _requests(reader, settled.span, record),
    )


async def _requests(
    reader: Reader, span: Window, record: CaseRecord | None
) -> list[dict[str, Any]]:
    """Give the webhook requests about the alerts of a period; resolves may come days later."""
    prints = [str(incident["fingerprint"]) for incident in record.incidents] if record else []
    if not prints:
        return []
    return await reader.requests(Window(span.start_ms - DAY_MS, span.end_ms + 7 * DAY_MS), prints)


def pack(facts: Facts, catalogue: Catalogue, now_ms: int, key: str | None) -> dict[str, Any]:
    """Make the pack of a credit, signed if there is a key.

    Raises:
        NotReady: if nothing of what the credit was computed from was kept.
    """
    settled, record = facts.settled, facts.record
    if record is None:
        raise NotReady(f"{settled.key} moved nothing, so no evidence of it was kept")
    content = {
        "format": FORMAT,
        "made_at": utc_text(now_ms),
        "made_by": f"sla-exporter {__version__}",
        "settlement": to_json(settled)
        | {
            "key": settled.key,
            "revision": settled.revision,
            "credit_minor": settled.credit.minor,
            "kept_minor": settled.kept_minor,
            "extension_days": str(settled.extension_days),
            "unknown": [[utc_text(a), utc_text(b)] for a, b in settled.windows.unknown],
        },
        "policy": {
            "name": record.policy,
            "hash": record.policy_hash,
            "source": record.policy_source,
        },
        "case": record.case,
        "queries": queries_json(settled, catalogue),
        "incidents": list(record.incidents),
        "webhook_requests": list(facts.requests),
        "steps": [step_to_json(step) for step in settled.steps],
        "ledger": [
            {**line.entry.content(), "previous": line.previous_hash, "hash": line.hash}
            for line in facts.lines
        ],
        "decisions": [decision_json(decision) for decision in facts.decisions],
    }
    if is_nameless(record.case):
        content["erased"] = ERASED_PARTS
    return content | {"seal": _seal(content, key)}


def queries_json(settled: Settled, catalogue: Catalogue) -> list[dict[str, str]]:
    """Give the queries for a settlement, as long as its contract is configured."""
    contract = next((one for one in catalogue.contracts if one.id == settled.contract), None)
    service = catalogue.services.get(settled.service)
    if contract is None or service is None:
        return []
    return [
        {"query": one.promql, "time": utc_text(one.at_ms), "says": one.says}
        for one in queries_for(settled, contract, service)
    ]


def decision_json(decision: Decision) -> dict[str, Any]:
    """Give a decision as plain JSON values."""
    return {
        "settlement": decision.settlement,
        "revision": decision.revision,
        "decision": decision.kind.value,
        "by": decision.by,
        "reason": decision.reason,
        "credit": str(decision.credit.amount),
        "currency": decision.credit.currency,
        "at": utc_text(decision.at_ms),
    }


def check_pack(content: Mapping[str, Any], key: str | None) -> list[Check]:
    """Check a pack from itself alone; with the key, its signature too."""
    if content.get("format") != FORMAT:
        return [Check("the format", holds=False, said=f"this is not {FORMAT}")]
    try:
        return list(_checks(content, key))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        return [Check("the content", holds=False, said=f"it cannot be read: {error!r}")]


def _checks(content: Mapping[str, Any], key: str | None) -> Iterator[Check]:
    yield from _check_seal(content, key)
    policy = content["policy"]
    yield Check(
        "the policy is the one that is named",
        source_hash(policy["name"], policy["source"]) == policy["hash"],
    )
    yield from _check_credit(content)
    yield from _check_ledger(content)


def _check_seal(content: Mapping[str, Any], key: str | None) -> Iterator[Check]:
    seal = content["seal"]
    sealed = {name: value for name, value in content.items() if name != "seal"}
    digest = hashlib.sha256(canonical(sealed)).hexdigest()
    yield Check("nothing was changed since it was sealed", digest == seal["sha256"])
    if not seal.get("hmac_sha256"):
        yield Check("the signature", None, "it is not signed")
    elif key is None:
        yield Check("the signature", None, "no key was given to check it with")
    else:
        holds = hmac.compare_digest(_sign(seal["sha256"], key), seal["hmac_sha256"])
        yield Check("the signature", holds)


def _check_credit(content: Mapping[str, Any]) -> Iterator[Check]:
    """Compute the credit again, and compare it with what is said, step by step."""
    told = content["settlement"]
    outcome = evaluate(read_policy(content["policy"]), read_case(content["case"]))
    steps = [step_from_json(data) for data in content["steps"]]
    minor, _ = computed(steps, told["credit_minor"], told["kept_minor"])
    said = Money(minor=minor, currency=told["currency"])
    same = (said, Fraction(told["extension_days"]), told["may_terminate"]) == (
        outcome.credit,
        outcome.extension_days,
        outcome.may_terminate,
    )
    yield Check("the credit, computed again", same, f"{outcome.credit}; the pack says {said}")
    ratio = outcome.measured.ratio
    exact = None if ratio is None else str(ratio)
    yield Check("the availability, computed again", exact == told["availability_exact"])
    yield Check("every step of the reasoning", _has_steps(content["steps"], outcome))


def _has_steps(told: list[Any], outcome: Outcome) -> bool:
    """Say whether the steps of the calculation stand in what is told, in their order."""
    left = iter(told)
    return all(step_to_json(step) in left for step in outcome.steps)


def _check_ledger(content: Mapping[str, Any]) -> Iterator[Check]:
    granted = 0
    for line in content["ledger"]:
        said = {name: value for name, value in line.items() if name not in {"previous", "hash"}}
        if chain_hash(said, line["previous"]) != line["hash"]:
            yield Check(f"ledger entry {line['key']}", holds=False, said="its hash does not fit")
        if line["kind"] in {"grant", "reversal"}:
            granted += line["minor"]
    told = content["settlement"]
    if told["state"] != "posted":
        yield Check("the ledger", None, f"the credit is {told['state']}")
        return
    says = Money(minor=granted, currency=told["currency"])
    yield Check("the ledger grants just that", granted == told["credit_minor"], str(says))


def read_policy(data: Mapping[str, Any]) -> Policy:
    """Read a policy from its name and its source as they were kept.

    Raises:
        ValueError: if this version of the program cannot read it.
    """
    name, source = data["name"], data["source"]
    try:
        versions = TypeAdapter(PolicyVersions).validate_python([source])
    except ValidationError as error:
        raise ValueError(f"the policy cannot be read: {error}") from None
    document = Document(file="evidence", value={"policies": {name: source}})
    policies, problems = read_policies(name, versions, document)
    if problems:
        raise ValueError(str(problems[0]))
    return policies[0]


def _seal(content: Mapping[str, Any], key: str | None) -> dict[str, str]:
    digest = hashlib.sha256(canonical(content)).hexdigest()
    return {"sha256": digest} | ({"hmac_sha256": _sign(digest, key)} if key else {})


def _sign(digest: str, key: str) -> str:
    return hmac.new(key.encode(), digest.encode(), hashlib.sha256).hexdigest()

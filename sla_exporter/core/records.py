"""Cases as plain JSON and back, exactly: what a credit was computed from must survive on its own.

Dataclasses are written by their fields and read back by their types, so a new fact in a case needs
no code here. Fractions are text; nothing becomes a float.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from sla_exporter.core import matchers, money, periods
from sla_exporter.core.ledger import canonical
from sla_exporter.core.policy import case as cases
from sla_exporter.core.policy import pay, terms
from sla_exporter.core.policy.case import Case
from sla_exporter.core.sli import counts, events

if TYPE_CHECKING:
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.settlement import Settlement

# What type hints in the core refer to; some modules import these for the type checker only.
_MODULES = (terms, matchers, money, periods, pay, cases, counts, events)
_NAMES = {"Mapping": Mapping, **{n: v for m in _MODULES for n, v in vars(m).items()}}

ERASED = "[erased]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case with its policy and its alerts, ready to be kept: JSON values only."""

    policy: str
    policy_hash: str
    policy_source: Mapping[str, Any]
    case: Mapping[str, Any]
    incidents: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, settlement: Settlement) -> CaseRecord:
        """Take what a settlement was computed from, without how the customer is reached."""
        case = settlement.outcome.measured.case
        customer = replace(case.contract.customer, email=(), billing={})
        case = replace(case, contract=replace(case.contract, customer=customer))
        return cls(
            policy=settlement.policy.name,
            policy_hash=policy_hash(settlement.policy),
            policy_source=settlement.policy.source,
            case=to_plain(case),
            incidents=tuple(
                {
                    "fingerprint": incident.fingerprint,
                    "starts_at_ms": incident.starts_at_ms,
                    "ends_at_ms": incident.ends_at_ms,
                    "labels": dict(incident.labels),
                }
                for incident in settlement.evidence.incidents
            ),
        )


def policy_hash(policy: Policy) -> str:
    """Name a version of a policy by what it says."""
    return source_hash(policy.name, policy.source)


def source_hash(name: str, source: Mapping[str, Any]) -> str:
    """Name a version of a policy by its source."""
    return hashlib.sha256(canonical({"name": name, "source": source})).hexdigest()


def read_case(data: Mapping[str, Any]) -> Case:
    """Read back a case."""
    found = from_plain(Case, data)
    if not isinstance(found, Case):
        raise TypeError(found)
    return found


def without_name(case: Mapping[str, Any]) -> dict[str, Any]:
    """Give a case as it is kept, without the customer's name; the credit stays the same."""
    contract = case["contract"]
    nameless = {**contract["customer"], "name": ERASED}
    return {**case, "contract": {**contract, "customer": nameless}}


def is_nameless(case: Mapping[str, Any]) -> bool:
    """Say whether the customer's name was erased from a case."""
    return bool(case["contract"]["customer"]["name"] == ERASED)


def to_plain(value: Any) -> Any:
    """Give a value of the core as JSON values."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case Fraction():
            return str(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
        case frozenset():
            return sorted(to_plain(item) for item in value)
        case tuple():
            return [to_plain(item) for item in value]
    if not is_dataclass(value):
        raise TypeError(f"cannot be written as JSON: {value!r}")
    return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}


def from_plain(kind: Any, data: Any) -> Any:
    """Read JSON values back as a value of the type."""
    if get_origin(kind) in {Union, types.UnionType}:
        return _read_union(get_args(kind), data)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: from_plain(hints[name], item) for name, item in data.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if kind is date:
        return date.fromisoformat(data)
    if kind is Fraction:
        return Fraction(data)
    return _read_collection(kind, data)


def _read_union(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None:
        return None
    if isinstance(data, int) and int in kinds:
        return data
    return from_plain(next(kind for kind in kinds if kind not in {int, type(None)}), data)


def _read_collection(kind: Any, data: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return kind(*map(from_plain, _hints(kind).values(), data))
    if origin is tuple:
        each = arguments[:1] * len(data) if arguments[-1] is Ellipsis else arguments
        return tuple(from_plain(k, item) for k, item in zip(each, data, strict=True))
    if origin is frozenset:
        return frozenset(from_plain(arguments[0], item) for item in data)
    if origin is Mapping:
        key, value = arguments
        return {from_plain(key, k): from_plain(value, v) for k, v in data.items()}
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, localns=_NAMES)

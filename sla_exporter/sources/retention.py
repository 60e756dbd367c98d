"""How far back an engine reaches: read from the engine, as each of them tells it.

Prometheus tells its retention in ``/api/v1/status/runtimeinfo``, VictoriaMetrics in its flags.
Thanos and Mimir tell nothing, and a limit by size promises nothing: there, only looking helps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

_UNITS_MS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_LENGTH = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_FLAG = re.compile(r'^-?-?retentionPeriod="(\d+)(?:\.\d+)?([hdwy]?)"', re.MULTILINE)
_VM_MONTH_MS = 31 * 86_400_000  # what VictoriaMetrics takes a retention without a unit for


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How old samples become; unless it ``is_certain``, they may be deleted before that."""

    length_ms: int | None
    is_certain: bool


UNTOLD = Retention(length_ms=None, is_certain=False)


class _Runtime(msgspec.Struct):
    storageRetention: str = ""  # noqa: N815 - Prometheus' name


class _RuntimeAnswer(msgspec.Struct):
    data: _Runtime = msgspec.field(default_factory=_Runtime)


def from_runtime_info(body: bytes) -> Retention | None:
    """Read Prometheus' answer, such as ``15d``, ``15d or 10GiB``, ``10GiB``; else ``None``."""
    try:
        told = msgspec.json.decode(body, type=_RuntimeAnswer).data.storageRetention
    except msgspec.MsgspecError:
        return None
    if not told:
        return None
    terms = told.split(" or ")
    lengths = [term for term in terms if _LENGTH.fullmatch(term)]
    length_ms = duration_ms(lengths[0]) if lengths else None
    return Retention(length_ms=length_ms, is_certain=len(lengths) == len(terms))


def from_flags(body: bytes) -> Retention | None:
    """Read the flags of VictoriaMetrics; ``None`` if there is no retention among them."""
    found = _FLAG.search(body.decode(errors="replace"))
    if not found:
        return None
    unit_ms = _UNITS_MS[found[2]] if found[2] else _VM_MONTH_MS
    return Retention(length_ms=int(found[1]) * unit_ms, is_certain=True)


def duration_ms(text: str) -> int:
    """Read a duration as Prometheus writes it: ``1w2d``."""
    return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(text))

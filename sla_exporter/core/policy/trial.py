"""Trials: a case made up by hand, what its author expects of a policy, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.money import Rounding, round_fraction
from sla_exporter.core.policy.engine import Outcome, evaluate
from sla_exporter.core.reasoning import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.money import Money
    from sla_exporter.core.policy.case import Case
    from sla_exporter.core.policy.claim import ClaimState
    from sla_exporter.core.policy.terms import Form, Policy
    from sla_exporter.core.problems import Place


@dataclass(frozen=True, slots=True)
class Written:
    """A percentage with so many decimals, as somebody wrote it down."""

    share: Fraction
    decimals: int

    def __str__(self) -> str:
        scaled = round_fraction(self.share * 100 * 10**self.decimals, Rounding.HALF_UP)
        digits = f"{scaled:0{self.decimals + 1}d}"
        whole, rest = digits[: len(digits) - self.decimals], digits[len(digits) - self.decimals :]
        return f"{whole}.{rest}%" if rest else f"{whole}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the author expects; ``None`` is what nothing was said about.

    Flags are always compared: who expects none must get none. An availability is compared at the
    decimals that were written.
    """

    breached: bool | None = None
    availability: Written | None = None
    downtime: Duration | None = None
    credit: Money | None = None
    form: Form | None = None
    extension_days: Fraction | None = None
    may_terminate: bool | None = None
    carried: Money | None = None
    claim: ClaimState | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One test of a policy."""

    name: str
    place: Place
    policy: Policy
    case: Case
    expected: Expected


@dataclass(frozen=True, slots=True)
class Difference:
    """What was expected, and what the engine says."""

    what: str
    expected: object
    got: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a trial went."""

    trial: Trial
    outcome: Outcome
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Say whether everything came out as expected."""
        return not self.differences


def run_trial(trial: Trial) -> Result:
    """Put the case to the engine, and compare."""
    outcome = evaluate(trial.policy, trial.case)
    found = tuple(_differences(trial, outcome))
    return Result(trial=trial, outcome=outcome, differences=found)


def _differences(trial: Trial, outcome: Outcome) -> Iterator[Difference]:
    expected, measured = trial.expected, outcome.measured
    if expected.availability is not None:
        got = _written_like(expected.availability, measured.ratio)
        if got != str(expected.availability):
            yield Difference("availability", str(expected.availability), got)
    pairs: dict[str, tuple[object, object]] = {
        "breached": (expected.breached, outcome.breached),
        "downtime": (expected.downtime, _length(measured.down_ms)),
        "credit": (expected.credit, outcome.credit),
        "form": (expected.form, trial.policy.form),
        "extension": (expected.extension_days, outcome.extension_days),
        "may_terminate": (expected.may_terminate, outcome.may_terminate),
        "carried": (expected.carried, outcome.carried),
        "claim": (expected.claim, outcome.claim),
    }
    for what, (wanted, got_value) in pairs.items():
        if wanted is not None and wanted != got_value:
            yield Difference(what, wanted, got_value)
    flags = frozenset(flag.code for flag in outcome.flags)
    if flags != expected.flags:
        yield Difference("flags", sorted(expected.flags), sorted(flags))


def _length(ms: int | Fraction) -> Duration:
    return Duration(int(ms))


def _written_like(written: Written, ratio: Fraction | None) -> str:
    return "nothing measured" if ratio is None else str(Written(ratio, written.decimals))

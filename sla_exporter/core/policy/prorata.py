"""Pro rata: the share of the fee that was paid for the downtime, once or many times over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from sla_exporter.core.money import Rounding, round_fraction
from sla_exporter.core.policy.formula import Award, Clause, Formula
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay, share_of
from sla_exporter.core.reasoning import Duration, Share, step


class Over(StrEnum):
    """What the downtime is a share of."""

    FEE = "fee period"  # all the time that the fee pays for
    PROMISED = "promised time"  # the period without what is excluded from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Prorata(Formula):
    """Downtime over the time that the fee pays for, times a factor.

    Some texts round that multiple to so many decimals before they multiply the fee with it.
    """

    times: int = 1
    multiple_decimals: int | None = None
    over: Over = Over.FEE

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError("times: must be at least 1")
        if self.multiple_decimals is not None and not 0 <= self.multiple_decimals <= 12:
            raise ValueError("multiple_decimals: must be 0 to 12")

    def award(self, measured: Measured) -> Award:
        """Give each outage its share."""
        promised = self.over is Over.PROMISED
        covers_ms = measured.promised_ms if promised else measured.fee_covers_ms
        shares = [Fraction(outage.ms) * self.times / covers_ms for outage in measured.outages]
        if self.multiple_decimals is not None:
            factor = 10**self.multiple_decimals
            total = round_fraction(sum(shares) * factor, Rounding.HALF_UP)
            shares = [Fraction(total, factor)]
        told = step(
            "prorata",
            down=Duration(int(measured.downtime_ms)),
            covers=Duration(covers_ms),
            times=self.times,
            share=Share(sum(shares, Fraction(0))),
        )
        return Award(
            pays=tuple(share_of(share) for share in shares if share),
            by_outage=self.multiple_decimals is None,
            steps=(told,) if measured.outages else (),
        )

    def clause(self) -> Clause:
        """Say how many times the lost time is paid back."""
        if self.over is Over.PROMISED:
            return Clause(said=(step("clause_prorata_promised", times=self.times),))
        if self.times == 1:
            return Clause(said=(step("clause_prorata"),))
        return Clause(said=(step("clause_prorata_times", times=self.times),))

    def amounts(self) -> Iterator[Pay]:
        """Give the share for a period that was down as a whole."""
        yield share_of(Fraction(self.times))

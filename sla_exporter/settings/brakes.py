"""The ``brakes`` section: when credits wait for a person."""

from __future__ import annotations

from sla_exporter.core.brakes import CAREFUL, Brakes, Budget
from sla_exporter.settings.fields import Count, Percent, Section, SumList


class BudgetModel(Section):
    """The most that may be given without a person."""

    credits: Count | None = None
    total: SumList = ()
    share_of_fees: Percent | None = None

    def budget(self) -> Budget:
        """Give the core's budget."""
        return Budget(count=self.credits, sums=self.total, share=self.share_of_fees)


class RunBudgetModel(BudgetModel):
    """The most that one run may give."""

    share_of_fees: Percent | None = CAREFUL.run.share


class PeriodBudgetModel(BudgetModel):
    """The most that may be given for one period."""

    share_of_fees: Percent | None = CAREFUL.period.share


class BrakesModel(Section):
    """When credits wait for a person."""

    outage: Percent = CAREFUL.outage
    at_least: Count = CAREFUL.at_least
    run: RunBudgetModel = RunBudgetModel()
    period: PeriodBudgetModel = PeriodBudgetModel()
    max_credit: SumList = ()
    max_share_of_fee: Percent | None = CAREFUL.most_of_fee

    def brakes(self) -> Brakes:
        """Give the core's brakes."""
        return Brakes(
            outage=self.outage,
            at_least=self.at_least,
            run=self.run.budget(),
            period=self.period.budget(),
            most=self.max_credit,
            most_of_fee=self.max_share_of_fee,
        )
